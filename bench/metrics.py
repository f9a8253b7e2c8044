"""Numbers at one and at ten million calls: core metrics, leaderboards, dashboards, lists.

`python -m bench metrics [calls]`: one organization has that many calls in one year (a million, if
nothing is said), another one ten times as many, beside a hundred small ones. What the first is told
is measured before and after the tenfold one came, and beside what the tenfold one is told.

Nearly all of the hour that this takes is loading: ten million calls take about ten minutes, their
indexes as long, and their sums twenty. It needs some 60 GB of disk. With 100,000 calls it is done
in ten minutes.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.histories import Tenant, crowd, identity, load
from bench.measure import Row, medians
from bench.stack import Stack

SQL = Path(__file__).parent / "sql"
CALLS = 1_000_000
TIMES = 10
ONE, TENFOLD = 1, 5
"""In one time zone: it is the time of the day that tells how many calls are open."""
SMALL = 10
"""The number of the first of a hundred small organizations."""

Say = Callable[[str], None]


class Year:
    """The year up to today, as local dates and as the plain queries want it."""

    def __init__(self) -> None:
        self.end = datetime.now(UTC).date()
        self.start = self.end - timedelta(days=364)

    @property
    def dates(self) -> dict[str, str]:
        """Arguments of the product's functions."""
        return {"start_date": str(self.start), "end_date": str(self.end)}

    @property
    def bounds(self) -> dict[str, str]:
        """Parameters of the plain queries."""
        return {"start": str(self.start), "end": str(self.end + timedelta(days=1))}


def admin(stack: Stack, tenant: int) -> psycopg.Connection:
    """The database as PostgREST's session for an organization's owner has it."""
    connection = psycopg.connect(stack.superuser_url, autocommit=True)
    connection.execute("set role org_admin")
    connection.execute(
        "select set_config('request.jwt.claims', json_build_object("
        "'role', 'org_admin', 'sub', %s::text, 'session_id', %s::text)::text, false)",
        (identity("user", tenant), identity("session", tenant)),
    )
    return connection


def call(connection: psycopg.Connection, function: str, **arguments: Any) -> Callable[[], object]:
    """A call of a function, with named arguments, that fetches every row."""
    names = ", ".join(f"{name} => %({name})s" for name in arguments)

    def ask() -> object:
        return connection.execute(f"select * from api.{function}({names})", arguments).fetchall()

    return ask


def plainly(
    connection: psycopg.Connection, file: str, tenant: int, bounds: dict[str, str], *, only: int = 0
) -> Callable[[], object]:
    """The statements of a file as they stand, past every policy. only: which; 0 for all of them."""
    text = "\n".join(
        line for line in (SQL / file).read_text().splitlines() if not line.startswith("--")
    )
    statements = [one.strip() for one in text.split(";") if one.strip()]
    wanted = [statements[only - 1]] if only else statements
    values = {"organization": identity("organization", tenant), **bounds}
    for name in values:
        wanted = [one.replace(f":{name}", f"%({name})s") for one in wanted]

    def ask() -> object:
        return [connection.execute(one.encode(), values).fetchall() for one in wanted]

    return ask


def measure(stack: Stack, calls: int = CALLS, *, say: Say = print) -> list[Row]:
    """Load, ask, load ten times as much, ask both."""
    year = Year()
    say(f"loading {calls:,} calls, and {calls // 10:,} of others")
    load(
        stack.superuser_url,
        [Tenant(ONE, calls, 364), *crowd(calls // 10, 100, days=364, first=SMALL)],
        say=say,
    )
    _allow_time(stack)
    say("asking, for about five minutes")
    rows = [*_core(stack, year, calls), *_leaderboards(stack, year, calls)]
    alone = _asked(stack, year, (ONE,))
    say(f"loading {calls * TIMES:,} calls, which takes about ten times as long")
    load(stack.superuser_url, [Tenant(TENFOLD, calls * TIMES, 364)], say=say)
    say("asking again, for about two minutes")
    beside = _asked(stack, year, (ONE, TENFOLD))
    return [
        *rows,
        *(
            _slower(f"{what}, ten times the rows", beside[TENFOLD, what], beside[ONE, what], 1.3)
            for _, what in alone
        ),
        *(
            _slower(f"{what}, ten times the rows beside", beside[ONE, what], ms, 1.3)
            for (_, what), ms in alone.items()
        ),
    ]


def _allow_time(stack: Stack) -> None:
    """What is slow is measured, not ended."""
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        for role in ("org_admin", "authenticated"):
            connection.execute(f"alter role {role} set statement_timeout = 0")


def _slower(what: str, ms: float, baseline: float, most: float) -> Row:
    ratio = ms / baseline
    return Row(
        what,
        f"{ms:.1f} ms",
        f"with one time the rows: {baseline:.1f} ms",
        ratio,
        f"≤ {most} x the time",
        ratio <= most,
    )


def _faster(what: str, ms: float, label: str, baseline: float, least: int | None) -> Row:
    ratio = baseline / ms
    return Row(
        what,
        f"{ms:.1f} ms",
        f"{label}: {baseline:.0f} ms",
        ratio,
        "for information" if least is None else f"≥ {least} x faster",
        least is None or ratio >= least,
    )


FILTERS = {
    "": {},
    "closer": {"closer_id": ("closer", 3)},
    "source": {"source_id": ("source", 2)},
    "closer and source": {"closer_id": ("closer", 3), "source_id": ("source", 2)},
    "closer and setter": {"closer_id": ("closer", 3), "setter_id": ("setter", 2)},
}
"""By name: arguments, each as kind and number of a thing of the organization."""


def _asked(stack: Stack, year: Year, tenants: Sequence[int]) -> dict[tuple[int, str], float]:
    """Milliseconds of what is asked of each organization, all of it in the same rounds."""
    with contextlib.ExitStack() as exits:
        work: dict[tuple[int, str], Callable[[], object]] = {}
        for tenant in tenants:
            connection = exits.enter_context(admin(stack, tenant))
            for name in ("", "closer"):
                work[tenant, f"all core metrics of a year, {_by(name)}"] = _core_call(
                    connection, year, tenant, name
                )
            for what, ask in Lists(stack, tenant, year).work().items():
                work[tenant, f"{what}, through PostgREST"] = ask
        return medians(work, rounds=51, within_s=60)


def _by(name: str) -> str:
    return f"by {name}" if name else "no filter"


def _core_call(
    connection: psycopg.Connection, year: Year, tenant: int, name: str
) -> Callable[[], object]:
    filters: dict[str, uuid.UUID] = {
        argument: identity(kind, tenant, number)
        for argument, (kind, number) in FILTERS[name].items()
    }
    return call(
        connection,
        "core_metrics",
        organization_id=identity("organization", tenant),
        **year.dates,
        **filters,
    )


def _core(stack: Stack, year: Year, calls: int) -> list[Row]:
    """Core metrics of a year beside Appendix A over the same rows."""
    with admin(stack, ONE) as asked, psycopg.connect(stack.superuser_url) as plain:
        plain.execute("set search_path = app")
        times = medians(
            {
                **{name: _core_call(asked, year, ONE, name) for name in FILTERS},
                "appendix": plainly(plain, "appendix_a.sql", ONE, year.bounds),
            },
            rounds=15,
            within_s=60,
        )
    seed = times.pop("appendix")
    return [
        _faster(
            f"all core metrics of a year, {calls:,} calls, {_by(name)}",
            ms,
            "the seed's Appendix A, no RLS",
            seed,
            None if " and " in name else 50,
        )
        for name, ms in times.items()
    ]


def _leaderboards(stack: Stack, year: Year, calls: int) -> list[Row]:
    """Leaderboards of a year beside one plain GROUP BY."""
    organization = identity("organization", ONE)
    rows = []
    with admin(stack, ONE) as asked, psycopg.connect(stack.superuser_url) as plain:
        plain.execute("set search_path = app")
        for number, who in enumerate(("closer", "setter"), 1):
            times = medians(
                {
                    "asked": call(
                        asked, f"{who}_leaderboard", organization_id=organization, **year.dates
                    ),
                    "plain": plainly(plain, "group_by.sql", ONE, year.bounds, only=number),
                },
                rounds=15,
                within_s=30,
            )
            rows.append(
                _faster(
                    f"{who} leaderboard of a year, {calls:,} calls",
                    times["asked"],
                    "plain GROUP BY, no RLS",
                    times["plain"],
                    20,
                )
            )
    return rows


class Lists:
    """What the owner of an organization opens, through PostgREST."""

    LISTS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("newest 50 events", "events", "scheduled_at.desc,id.desc", {}),
        ("newest 50 payments", "payments", "payment_date.desc,id.desc", {}),
        ("newest 50 leads", "leads", "created_at.desc", {}),
        ("50 open events", "events", "scheduled_end_at.asc", {"call_status": "eq.scheduled"}),
    )

    def __init__(self, stack: Stack, tenant: int, year: Year) -> None:
        token = stack.token(
            str(identity("user", tenant)), str(identity("session", tenant)), "org_admin"
        )
        self.client = httpx.Client(
            base_url=stack.rest_url, headers={"Authorization": f"Bearer {token}"}, timeout=600
        )
        self.organization = str(identity("organization", tenant))
        self.closer = str(identity("closer", tenant, 1))
        self.month = {
            "start_date": str(year.end - timedelta(days=29)),
            "end_date": str(year.end),
        }

    def work(self) -> dict[str, Callable[[], object]]:
        """By what it is, a request each."""
        self._await_schema()
        return {
            **{
                what: self._get(
                    view,
                    order=order,
                    limit="50",
                    organization_id=f"eq.{self.organization}",
                    **filters,
                )
                for what, view, order, filters in self.LISTS
            },
            "admin_home of a month": self._get(
                "rpc/admin_home", organization_id=self.organization, **self.month
            ),
            "rep_home of a month": self._get(
                "rpc/rep_home",
                organization_id=self.organization,
                closer_id=self.closer,
                **self.month,
            ),
            "core_metrics of a month": self._get(
                "rpc/core_metrics", organization_id=self.organization, **self.month
            ),
        }

    def _get(self, path: str, **query: str) -> Callable[[], object]:
        def get() -> object:
            answer = self.client.get(f"/{path}", params=query)
            answer.raise_for_status()
            return answer.content

        return get

    def _await_schema(self) -> None:
        ends_at = time.monotonic() + 60
        while self.client.get("/events", params={"limit": "0"}).status_code == 503:
            if time.monotonic() > ends_at:
                raise TimeoutError("PostgREST did not load its schema")
            time.sleep(0.1)
