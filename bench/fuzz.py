"""`python -m bench fuzz [cases] [first]`: mutated deliveries, and what became of them."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from salesdash import wiring
from tests.fixtures.cluster import deployed_template, running_cluster
from tests.fixtures.databases import clone
from tests.fixtures.processes import running, settings_for, wait_for
from tests.fuzz.driver import run_cases, tally, use_up
from tests.fuzz.mutations import make_case
from tests.world import World

CASES = 100_000
AT_ONCE = 1_000


def run(cases: int = CASES, begin: int = 0) -> int:
    """Deliver so many cases, from this number on; 0 when nothing was wrong with any."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    columns = (TextColumn("fuzz"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with contextlib.ExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="salesdash-fuzz-"))
        cluster = exits.enter_context(running_cluster(f"fuzz-{os.getpid()}"))
        database = exits.enter_context(clone(cluster, deployed_template(cluster)))
        settings, log = settings_for(database, log_level="error"), Path(folder, "gateway.log")
        process = exits.enter_context(running(wiring.gateway_child(settings), log))
        wait_for(f"http://127.0.0.1:{settings.gateway_port}/livez", process, log)
        owner = exits.enter_context(psycopg.connect(database.deployer_url, autocommit=True))
        owner.execute("set role salesdash")
        world = World(owner)
        progress = exits.enter_context(Progress(*columns, console=Console(stderr=True)))
        task = progress.add_task("fuzz", total=cases)
        for first in range(begin, begin + cases, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, begin + cases))
            results = run_cases(
                world, settings.gateway_port, [make_case(number) for number in numbers]
            )
            wrong += [f"{r.case.told()}: {each}" for r in results for each in r.wrong]
            wrong += use_up(world, results)
            outcomes += tally(results)
            progress.advance(task, len(numbers))
    show(outcomes, wrong)
    return 1 if wrong else 0


def show(outcomes: Counter[str], wrong: list[str]) -> None:
    """What became of the deliveries, the most frequent first."""
    console = Console()
    table = Table("answer", "deliveries", "share")
    for outcome, count in outcomes.most_common():
        table.add_row(outcome, f"{count:,}", f"{count / outcomes.total():.1%}")
    table.add_row("together", f"{outcomes.total():,}", "")
    console.print(table)
    for each in wrong[:50]:
        console.print(each, markup=False, highlight=False)
    console.print(f"{len(wrong)} wrong")


def main(arguments: list[str]) -> None:
    """Arguments: the number of cases and of the first one, if not CASES and 0."""
    sys.exit(run(*map(int, arguments)) if arguments else run())
