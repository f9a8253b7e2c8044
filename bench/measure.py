"""Timing: interleaved rounds, so that what slows one side down slows the other too."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import psycopg

Name = TypeVar("Name", bound=Hashable)


class Row(NamedTuple):
    """One line of the results. ratio: value over baseline; hold: the target in words."""

    what: str
    value: str
    baseline: str
    ratio: float
    hold: str
    holds: bool


def medians(
    work: Mapping[Name, Callable[[], object]], *, rounds: int, within_s: float = 3600
) -> dict[Name, float]:
    """Milliseconds per call, the median over rounds in which every piece of work runs once.

    within_s: after three rounds, none is begun later than this.
    """
    times: dict[Name, list[float]] = {name: [] for name in work}
    for name, call in work.items():
        call()  # warm caches and plans
        times[name].clear()
    ends_at = time.monotonic() + within_s
    for number in range(rounds):
        if number >= 3 and time.monotonic() > ends_at:
            break
        for name, call in work.items():
            began = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(measured) for name, measured in times.items()}


def processor_ms(connection: psycopg.Connection) -> float:
    """Milliseconds that the session of a server on this machine has computed, since it began.

    Other work on the machine slows an answer down, and leaves this nearly as it is.
    """
    pid = connection.info.backend_pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
