"""`python -m bench chaos [minutes] [seed]`: processes are killed under load; what was lost then."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.ordeal import Ordeal, Report
from tests.chaos.stack import VICTIMS, Stack

MINUTES = 5.0
MOST_KILLS = 500


def run(minutes: float = MINUTES, seed: int = 1) -> int:
    """Kill for so long; 0 when nothing was lost, and nothing counted twice."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="salesdash-chaos-") as folder,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("starting", total=minutes * 60)
        with Stack(Path(folder)).running() as stack:
            ordeal = Ordeal(stack, seed)
            began = time.monotonic()

            def told() -> None:
                progress.update(
                    task,
                    completed=time.monotonic() - began,
                    description=f"{len(ordeal.acknowledged)} acknowledged",
                )

            report = ordeal.run(victims(Random(seed), began + minutes * 60), on_kill=told)
    show(report, seed)
    return 1 if report.lost or report.duplicates or report.wrong else 0


def victims(rng: Random, ends_at: float) -> Iterator[str]:
    """Whom to kill next, until the time is over."""
    for _ in range(MOST_KILLS):
        if time.monotonic() > ends_at:
            return
        yield rng.choice(VICTIMS)


def show(report: Report, seed: int) -> None:
    """What was found."""
    table = Table("", f"seed {seed}")
    for victim, count in sorted(report.kills.items()):
        table.add_row(f"kills of {victim}", str(count))
    for name in ("acknowledged", "unanswered", "stored", "payments", "duplicates", "lost"):
        table.add_row(name, f"{getattr(report, name):,}")
    Console().print(table)
    for each in report.wrong:
        Console().print(each, markup=False)


def main(arguments: list[str]) -> None:
    """Arguments: minutes and seed, if not MINUTES and 1."""
    minutes = float(arguments[0]) if arguments else MINUTES
    sys.exit(run(minutes, int(arguments[1]) if len(arguments) > 1 else 1))
