"""`make bench`: measure, print a table, and keep it in bench/RESULTS.md.

`python -m bench fuzz` and its like prove something instead, and keep nothing.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    calls_at_once,
    chaos,
    deploy_under_load,
    exports,
    fuzz,
    imports,
    ingest,
    ingest_at_scale,
    policies,
    replay,
)
from bench.measure import Row
from bench.stack import running_stack

RESULTS = Path(__file__).parent / "RESULTS.md"
PROOFS = {
    "calls-at-once": calls_at_once.main,
    "chaos": chaos.main,
    "exports": exports.main,
    "fuzz": fuzz.main,
    "imports": imports.main,
    "ingest-at-scale": ingest_at_scale.main,
    "replay": replay.main,
}
"""What `python -m bench <name> [arguments]` runs; with no name everything is measured."""


def machine() -> str:
    """What the numbers were seen on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def write(rows: list[Row]) -> None:
    """Replace the results of the last run."""
    lines = [
        "# Results",
        "",
        "Medians of interleaved rounds; every ratio is to a baseline of the same run.",
        "`make bench` measures again.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.",
        "",
        "| what | measured | baseline in the same run | ratio | to hold | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.what} | {r.value} | {r.baseline} | {r.ratio:.2f} | {r.hold} | {verdict(r)} |"
        for r in rows
    ]
    RESULTS.write_text("\n".join(lines) + "\n")


def verdict(row: Row) -> str:
    """In one word."""
    return "holds" if row.holds else "missed"


def show(rows: list[Row]) -> None:
    """The same table on the terminal."""
    table = Table("what", "measured", "baseline", "ratio", "to hold", "")
    for r in rows:
        table.add_row(r.what, r.value, r.baseline, f"{r.ratio:.2f}", r.hold, verdict(r))
    Console().print(table)


def main() -> None:
    """Run the proof that is named, or every benchmark on one fresh system."""
    if sys.argv[1:]:
        if sys.argv[1] not in PROOFS:
            sys.exit(f"error: there is no {sys.argv[1]}; there are: {', '.join(PROOFS)}")
        PROOFS[sys.argv[1]](sys.argv[2:])
        return
    console = Console(stderr=True)
    with running_stack() as stack:
        with console.status("loading a million calls …"):
            policies.load(stack)
        with console.status("measuring policies …"):
            rows = policies.measure(stack)
    with running_stack() as stack, console.status("measuring deliveries …"):
        rows += ingest.measure(stack)
    with running_stack() as stack, console.status("loading ten million calls, then deliveries …"):
        rows.append(ingest_at_scale.measure(stack))
    with running_stack() as stack, console.status("measuring replays …"):
        rows += replay.measure(stack)
    with running_stack() as stack, console.status("measuring imports …"):
        rows += imports.measure(stack)
    with running_stack() as stack, console.status("measuring exports …"):
        rows += exports.measure(stack)
    with console.status("measuring deploys under load …"):
        rows += deploy_under_load.measure()
    write(rows)
    show(rows)


main()
