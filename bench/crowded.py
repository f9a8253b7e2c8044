"""A hundred organizations read through PostgREST while webhooks arrive: how long answers take.

`python -m bench crowded [seconds]`: eight readers go from one organization to the next, and a
sender delivers twenty payments a second meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from bench import ingest
from bench.histories import crowd, identity, load
from bench.measure import Row
from bench.stack import Stack
from salesdash.secretbox import generate_key

CALLS, ORGANIZATIONS = 300_000, 100
SECONDS = 30
READERS = 8
DELIVERIES_PER_SECOND = 20
FIRST = 100
"""The number of the first organization that reads."""

FAILED = "failed"

Say = Callable[[str], None]
Seen = dict[str, list[float]]


def measure(stack: Stack, seconds: int = SECONDS, *, say: Say = print) -> list[Row]:
    """Read alone, then read while deliveries come."""
    key = generate_key()
    url, endpoints = ingest.load_scene(stack, key)
    load(stack.superuser_url, crowd(CALLS, ORGANIZATIONS, first=FIRST), say=say)
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute("alter role org_admin set statement_timeout = '60s'")
    with ingest.gateway(stack, url, key) as port:
        side = ingest.Side("product", port, "/hooks/stripe/")
        say("reading alone")
        alone, _ = asyncio.run(_all(stack, None, endpoints, seconds))
        say("reading while deliveries come")
        amid, delivered = asyncio.run(_all(stack, side, endpoints, seconds))
    failed = len(amid.pop(FAILED, []))
    alone.pop(FAILED, [])
    answers = sum(len(times) for times in amid.values())
    rows = [
        Row("failed requests of readers", str(failed), "none", float(failed), "0", failed == 0),
        Row(
            f"{READERS} readers in {ORGANIZATIONS} organizations amid deliveries",
            f"{answers / seconds:.0f}/s",
            f"without deliveries: {sum(map(len, alone.values())) / seconds:.0f}/s",
            answers / max(1, sum(map(len, alone.values()))),
            "for information",
            True,
        ),
    ]
    rows += [
        _within(what, percent, amid[what], alone[what])
        for what in sorted(amid)
        if min(len(amid[what]), len(alone.get(what, []))) > 1
        for percent in (50, 99)
    ]
    rows.append(
        Row(
            f"deliveries meanwhile ({DELIVERIES_PER_SECOND}/s), answered within, 99 %",
            f"{_percentile(delivered, 99):.0f} ms",
            f"50 %: {_percentile(delivered, 50):.0f} ms",
            _percentile(delivered, 99) / _percentile(delivered, 50),
            "for information",
            True,
        )
    )
    return rows


def _percentile(milliseconds: list[float], percent: int) -> float:
    return statistics.quantiles(milliseconds, n=100, method="inclusive")[percent - 1]


def _within(what: str, percent: int, amid: list[float], alone: list[float]) -> Row:
    now, before = _percentile(amid, percent), _percentile(alone, percent)
    return Row(
        f"{what} amid deliveries, {percent} % of the answers within",
        f"{now:.0f} ms",
        f"without deliveries: {before:.0f} ms",
        now / before,
        "for information",
        True,
    )


async def _all(
    stack: Stack, side: ingest.Side | None, endpoints: list[ingest.Endpoint], seconds: int
) -> tuple[Seen, list[float]]:
    """Readers, and a sender where there is a side. Answers milliseconds by what was asked."""
    seen: Seen = {}
    delivered: list[float] = []
    ends_at = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=stack.rest_url, timeout=120) as client:
        await asyncio.gather(
            *(_read(stack, client, n, ends_at, seen) for n in range(READERS)),
            *([_deliver(side, endpoints, ends_at, delivered)] if side else []),
        )
    return seen, delivered


async def _read(
    stack: Stack, client: httpx.AsyncClient, number: int, ends_at: float, seen: Seen
) -> None:
    """One reader: lists, numbers of a month, a dashboard; each time somewhere else."""
    luck = random.Random(number)
    today = datetime.now(UTC).date()
    month = {"start_date": str(today - timedelta(days=29)), "end_date": str(today)}
    while time.monotonic() < ends_at:
        tenant = FIRST + luck.randrange(ORGANIZATIONS)
        organization = str(identity("organization", tenant))
        token = stack.token(
            str(identity("user", tenant)), str(identity("session", tenant)), "org_admin"
        )
        newest = {"organization_id": f"eq.{organization}", "limit": "50"}
        what, path, query = luck.choice(
            [
                ("newest 50 events", "events", {**newest, "order": "scheduled_at.desc,id.desc"}),
                (
                    "newest 50 payments",
                    "payments",
                    {**newest, "order": "payment_date.desc,id.desc"},
                ),
                ("core_metrics", "rpc/core_metrics", {"organization_id": organization, **month}),
                ("admin_home", "rpc/admin_home", {"organization_id": organization, **month}),
            ]
        )
        began = time.perf_counter()
        answer = await client.get(
            f"/{path}", params=query, headers={"Authorization": f"Bearer {token}"}
        )
        if not answer.is_success:
            what = FAILED
        seen.setdefault(what, []).append((time.perf_counter() - began) * 1000)


async def _deliver(
    side: ingest.Side, endpoints: list[ingest.Endpoint], ends_at: float, delivered: list[float]
) -> None:
    """Payments at a steady pace, each on its own connection; a late answer delays no other one."""
    pace = 1 / DELIVERIES_PER_SECOND
    sending = set()
    began = time.monotonic()
    for number in itertools.count():
        due = began + number * pace
        if due > ends_at:
            break
        await asyncio.sleep(max(0, due - time.monotonic()))
        task = asyncio.create_task(_one(side, endpoints))
        sending.add(task)
    delivered += [seconds * 1000 for seconds in await asyncio.gather(*sending)]


async def _one(side: ingest.Side, endpoints: list[ingest.Endpoint]) -> float:
    (seconds,) = await ingest.send(side, ingest.requests(side, endpoints, 1), senders=1)
    return seconds
