"""bench/RESULTS.md: a section for each part, replaced when that part is measured again."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Row

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = "| what | measured | baseline in the same run | ratio | to hold | |"


def keep(part: str, rows: Sequence[Row], order: Sequence[str], *, file: Path = RESULTS) -> None:
    """Replace the section of this part, or put it where `order` wants it; others stay as they are.

    What stands before the table of a section is somebody's remark, and stays with it.
    """
    head, *sections = file.read_text().split("\n## ")
    kept = {section.split("\n", 1)[0]: section for section in sections}
    remark = "".join(
        f"{line}\n"
        for line in kept.get(part, "").split(HEAD)[0].splitlines()[1:]
        if not line.startswith("Measured on ")
    ).strip()
    kept[part] = "\n".join(
        [
            part,
            "",
            f"Measured on {datetime.now(UTC):%Y-%m-%d}, {machine()}, load {load_before():.1f}.",
            *([remark] if remark else []),
            "",
            HEAD,
            "|---|---|---|---|---|---|",
            *(
                f"| {r.what} | {r.value} | {r.baseline} | {r.ratio:.2f} | {r.hold} | {verdict(r)} |"
                for r in rows
            ),
            "",
        ]
    )
    placed = sorted(kept, key=lambda name: order.index(name) if name in order else len(order))
    file.write_text("\n## ".join([head, *(kept[name].rstrip() + "\n" for name in placed)]))


def machine() -> str:
    """What the numbers were seen on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


_BEGAN_WITH = os.getloadavg()[0]


def load_before() -> float:
    """How busy the machine was with other things when this process began."""
    return _BEGAN_WITH


def verdict(row: Row) -> str:
    """In one word."""
    return "holds" if row.holds else "missed"


def show(rows: Sequence[Row]) -> None:
    """The same table on the terminal."""
    table = Table("what", "measured", "baseline", "ratio", "to hold", "")
    for r in rows:
        table.add_row(r.what, r.value, r.baseline, f"{r.ratio:.2f}", r.hold, verdict(r))
    Console().print(table)
