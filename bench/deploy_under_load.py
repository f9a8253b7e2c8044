"""Ten deploys of a changed view and policy, while clients hammer PostgREST.

    python -m bench.deploy_under_load      on a fresh system; exit code 1 when a limit is missed
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx

from salesdash import deploy
from salesdash.home import ROOT

VIEW = "views/calls.sql"
POLICY = "policies/events.sql"
DEPLOYS = 10
WORST_MS = 500.0


class Call(NamedTuple):
    """One kind of request: token of the caller, method, path with query, JSON body or None."""

    token: str
    method: str
    path: str
    body: dict[str, object] | None = None


@dataclass(frozen=True)
class Outcome:
    """What the clients saw. failed: status and body of answers other than 2xx; times in ms."""

    requests: int
    failed: tuple[str, ...]
    median_ms: float
    worst_ms: float
    deploys: tuple[deploy.DeployReport, ...]


def measure(
    rest_url: str, database_url: str, calls: Sequence[Call], *, clients: int = 8
) -> Outcome:
    """Deploy DEPLOYS times, each time with VIEW and POLICY changed, under the load of calls.

    calls: requests that each client makes in turn, as fast as they are answered.
    """
    stop = asyncio.Event()
    times: list[float] = []
    failed: list[str] = []

    async def client(http: httpx.AsyncClient, first: int) -> None:
        number = first
        while not stop.is_set():
            call = calls[number % len(calls)]
            number += 1
            began = time.perf_counter()
            answer = await http.request(
                call.method,
                f"{rest_url}{call.path}",
                headers={"authorization": f"Bearer {call.token}"},
                json=call.body,
            )
            times.append((time.perf_counter() - began) * 1000)
            if not answer.is_success:
                failed.append(f"{call.method} {call.path}: {answer.status_code} {answer.text}")

    async def run() -> tuple[deploy.DeployReport, ...]:
        limits = httpx.Limits(max_connections=clients)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as http:
            hammering = [asyncio.create_task(client(http, number)) for number in range(clients)]
            with ThreadPoolExecutor(1) as pool:
                loop = asyncio.get_running_loop()
                try:
                    reports = await loop.run_in_executor(pool, _deploys, database_url)
                finally:
                    stop.set()
                    await asyncio.gather(*hammering)
        return reports

    reports = asyncio.run(run())
    ordered = sorted(times)
    return Outcome(
        len(times), tuple(failed), ordered[len(ordered) // 2], ordered[-1], reports
    )


def _deploys(database_url: str) -> tuple[deploy.DeployReport, ...]:
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder, "db")
        shutil.copytree(ROOT / "db", db, symlinks=True)
        reports = []
        for number in range(DEPLOYS):
            for path in (VIEW, POLICY):
                with (db / path).open("a") as file:
                    file.write(f"-- change {number}\n")
            reports.append(deploy.deploy(database_url, db))
        return tuple(reports)


def main() -> int:
    """Measure on a fresh system and say whether the limits hold."""
    from bench import policies
    from bench.stack import running_stack

    with running_stack() as stack:
        policies.load(stack)
        outcome = measure(stack.rest_url, stack.deployer_url, policies.calls(stack))
    attempts = [report.attempts for report in outcome.deploys]
    slowest = max(report.seconds for report in outcome.deploys)
    print(
        f"{outcome.requests} requests, {len(outcome.failed)} failed, median"
        f" {outcome.median_ms:.0f} ms, worst {outcome.worst_ms:.0f} ms;"
        f" {DEPLOYS} deploys, attempts {attempts}, slowest {slowest:.1f} s"
    )
    return 0 if not outcome.failed and outcome.worst_ms <= WORST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
