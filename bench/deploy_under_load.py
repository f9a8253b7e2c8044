"""Ten deploys of a changed view and policy, while clients hammer PostgREST."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx

from bench import policies
from bench.measure import Row
from bench.stack import running_stack
from salesdash import deploy
from salesdash.home import ROOT

VIEW = "views/calls.sql"
POLICY = "policies/events.sql"
DEPLOYS = 10
EVENTS = 100_000
CALM_S = 5.0
WORST_MS = 500.0
Result = TypeVar("Result")


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


def hammer(
    rest_url: str, calls: Sequence[Call], work: Callable[[], Result], *, clients: int = 8
) -> tuple[Outcome, Result]:
    """Let clients send calls, each in turn and as fast as they are answered, while work runs."""
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

    async def run() -> Result:
        limits = httpx.Limits(max_connections=clients)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as http:
            hammering = [asyncio.create_task(client(http, number)) for number in range(clients)]
            try:
                return await asyncio.to_thread(work)
            finally:
                stop.set()
                await asyncio.gather(*hammering)

    result = asyncio.run(run())
    ordered = sorted(times)
    return Outcome(len(times), tuple(failed), ordered[len(ordered) // 2], ordered[-1]), result


def ten_deploys(database_url: str) -> tuple[deploy.DeployReport, ...]:
    """Deploy DEPLOYS times, each time with VIEW and POLICY changed."""
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


def reads_and_writes(token: str, organization_id: str, *, may_write: bool) -> list[Call]:
    """What a dashboard asks all day long: newest calls, calls with their people, a note."""
    named = f"organization_id=eq.{organization_id}"
    newest = f"/events?{named}&order=scheduled_at.desc&limit=50"
    calls = [
        Call(token, "GET", newest),
        Call(token, "GET", f"{newest}&select=id,scheduled_at,leads(full_name)"),
        Call(token, "GET", f"/leads?{named}&limit=50"),
    ]
    if may_write:
        far_away = "scheduled_at=lt.1990-01-01"
        calls.append(Call(token, "PATCH", f"/events?{named}&{far_away}", {"notes": "seen"}))
    return calls


def measure() -> list[Row]:
    """Ten deploys under load on a fresh system: what failed, and the worst request."""
    with running_stack() as stack:
        policies.load(stack, events=EVENTS)
        calls = []
        for number in (0, 3):
            asker = policies.Asker(stack, policies.LARGE, number)
            token = asker.client.headers["authorization"].removeprefix("Bearer ")
            calls += reads_and_writes(token, asker.organization_id, may_write=number == 0)
        calm, _ = hammer(stack.rest_url, calls, lambda: time.sleep(CALM_S))
        busy, reports = hammer(stack.rest_url, calls, lambda: ten_deploys(stack.deployer_url))
    slowest = max(report.seconds for report in reports)
    return [
        Row(
            f"failed of {busy.requests} requests during {DEPLOYS} deploys of a view and a policy",
            str(len(busy.failed)),
            f"without deploys: {len(calm.failed)} of {calm.requests}",
            len(busy.failed) / busy.requests,
            "none",
            not busy.failed,
        ),
        Row(
            f"worst request meanwhile (slowest deploy {slowest:.1f} s)",
            f"{busy.worst_ms:.0f} ms",
            f"without deploys: {calm.worst_ms:.0f} ms",
            busy.worst_ms / calm.worst_ms,
            f"≤ {WORST_MS:.0f} ms",
            busy.worst_ms <= WORST_MS,
        ),
    ]
