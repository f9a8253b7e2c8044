"""`make bench`: measure every part, print a table, and keep it in bench/RESULTS.md.

`python -m bench <part>` measures one part and replaces its section there; with further arguments
(sizes) it prints and keeps nothing. `python -m bench fuzz` and its like prove something instead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console

from bench import (
    calls_at_once,
    chaos,
    crowded,
    deploy_under_load,
    exports,
    fuzz,
    imports,
    ingest,
    ingest_at_scale,
    metrics,
    policies,
    replay,
    writes,
)
from bench.measure import Row
from bench.results import keep, show
from bench.stack import Stack, running_stack


class Part(NamedTuple):
    """One section of the results. minutes: what it takes on two quiet cores."""

    minutes: int
    measure: Callable[..., Sequence[Row]]


def _policies(stack: Stack) -> list[Row]:
    policies.load(stack)
    return policies.measure(stack)


def _deploys(_: Stack) -> list[Row]:
    return deploy_under_load.measure()


def _at_scale(stack: Stack, *sizes: int) -> list[Row]:
    calls, leads = sizes or ingest_at_scale.MANY
    return [ingest_at_scale.measure(stack, (calls, leads))]


PARTS = {
    "policies": Part(4, _policies),
    "metrics": Part(60, metrics.measure),
    "crowded": Part(3, crowded.measure),
    "writes": Part(5, writes.measure),
    "ingest": Part(2, ingest.measure),
    "ingest-at-scale": Part(12, _at_scale),
    "replay": Part(9, replay.measure),
    "imports": Part(1, imports.measure),
    "exports": Part(5, exports.measure),
    "deploys": Part(1, _deploys),
}
"""In the order of the results. Arguments of the command are numbers for `measure`."""
PROOFS = {
    "calls-at-once": calls_at_once.main,
    "chaos": chaos.main,
    "fuzz": fuzz.main,
}


def main() -> None:
    """Run the part or proof that is named, or every part, each on a fresh system."""
    name, *arguments = sys.argv[1:] or [""]
    if name in PROOFS:
        PROOFS[name](arguments)
        return
    if name and name not in PARTS:
        sys.exit(f"error: there is no {name}; there are: {', '.join([*PARTS, *PROOFS])}")
    console = Console(stderr=True)
    # The shortest first: whoever stops it has seen most of it.
    for part in [name] if name else sorted(PARTS, key=lambda part: PARTS[part].minutes):
        began = time.perf_counter()
        usual = ", at its usual size" if arguments else ""
        console.print(f"{part}: about {PARTS[part].minutes} min{usual}")
        with running_stack() as stack:
            rows = PARTS[part].measure(stack, *map(int, arguments))
        if not arguments:
            keep(part, rows, list(PARTS))
        console.print(f"{part}: {(time.perf_counter() - began) / 60:.1f} min")
        show(rows)


if __name__ == "__main__":
    main()
