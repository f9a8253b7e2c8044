"""Generated histories: organizations with leads, calls, forms, deals and money, in minutes.

The rows follow from the tenants and the day alone (bench/sql/histories/), so that two runs on one
day measure the same. Slices of all histories are written by two connections at a time, in the order
of time, without triggers and without the indexes that are not primary keys; those come back at the
end.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

SQL = Path(__file__).parent / "sql" / "histories"
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "UTC")
CURRENCIES = (("USD", 1, 2), ("EUR", 1, 2), ("JPY", 100, 0), ("USD", 1, 2))
"""Code, units of a dollar-sized price, decimal places; by the tenant's number like ZONES."""
TABLES = (
    "events",
    "leads",
    "lead_identities",
    "post_call_forms",
    "payments",
    "payment_credits",
    "payment_refunds",
    "deals",
    "deal_installments",
    "setter_calls",
    "setter_activities",
    "capacity_snapshots",
)
"""What is loaded in bulk, the longest to index first."""
INBOX = (
    "webhook_events",
    "webhook_event_keys",
    "audit_logs",
    "exceptions",
    "outbox",
    "sync_runs",
)
SLICE = 100_000
"""Calls that one statement writes."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Tenant:
    """One organization: its number, its calls, and the days over which they were booked.

    The last call is booked on the day before today; calls lie up to two weeks ahead.
    beside: an organization that is there already, and gets this history.
    """

    number: int
    events: int
    days: int
    beside: uuid.UUID | None = None

    @property
    def zone(self) -> str:
        """Its time zone."""
        return ZONES[self.number % 4]

    @property
    def closers(self) -> int:
        """A closer for six calls a day."""
        return max(3, min(300, round(self.events / self.days / 6)))

    @property
    def setters(self) -> int:
        """A setter for three closers."""
        return max(2, min(100, self.closers // 3))

    @property
    def leads(self) -> int:
        """Leads, some of whom are never called."""
        return self.events * 3 // 5 + 200

    @property
    def organization_id(self) -> uuid.UUID:
        """Its id."""
        return self.beside or identity("organization", self.number)


KINDS = {
    "organization": 1,
    "user": 2,
    "session": 3,
    "closer": 4,
    "setter": 5,
    "source": 6,
    "traffic_type": 7,
    "call_type": 8,
    "package": 9,
    "lead": 10,
    "event": 12,
    "deal": 14,
    "payment": 16,
}


def identity(kind: str, tenant: int, number: int = 0) -> uuid.UUID:
    """The id of a generated thing, as bench.id gives it."""
    return uuid.UUID(f"0190{KINDS[kind]:04x}{tenant:04x}70008000{number:012x}")


def crowd(events: int, organizations: int, *, days: int = 1095, first: int = 1) -> list[Tenant]:
    """Few large and many small ones: organization n has a share in proportion to 1 / n."""
    total = sum(1 / n for n in range(1, organizations + 1))
    return [
        Tenant(first + n - 1, max(50, round(events / n / total)), days)
        for n in range(1, organizations + 1)
    ]


def load(
    url: str,
    tenants: Sequence[Tenant],
    *,
    today: date | None = None,
    indexed: bool = False,
    inbox: bool = False,
    rolled_up: bool = True,
    connections: int = 2,
    say: Say | None = None,
) -> None:
    """Write the histories of these tenants beside whatever is there.

    url: a superuser's. today: the day on which the histories end. indexed: leave indexes in place,
    which is quicker for few rows. inbox: deliveries, exceptions and audit rows, too.
    rolled_up: sums of metrics are built at the end. say: told of every step.
    """
    began = time.perf_counter()
    total = sum(tenant.events for tenant in tenants)

    def step(words: str) -> None:
        if say is not None:
            say(f"{time.perf_counter() - began:6.1f} s  {words}")

    with _session(url) as connection:
        _describe(connection, tenants, today or datetime.now(UTC).date())
        _run(connection, "tenants")
        if not indexed:
            connection.execute(
                (SQL / "indexes.sql").read_text().replace(":tables", f"'{{{','.join(TABLES)}}}'")
            )
    slices = max(1, total // SLICE)
    with ThreadPoolExecutor(connections) as pool:
        written = [pool.submit(_write_slice, url, n, slices) for n in range(slices)]
        for number, one in enumerate(written, 1):
            one.result()
            if number % 10 == 0 or number == slices:
                step(f"{total * number // slices:,} of {total:,} calls")
    with _session(url) as connection:
        _run(connection, "days")
        if inbox:
            _run(connection, "inbox")
        connection.execute("update bench.tenants set is_loaded = true")
    if not indexed:
        _index(url, connections, step)
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(lambda table: _settle(url, table), TABLES + (INBOX if inbox else ())))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
    step("analyzed")
    if rolled_up:
        roll_up(url, tenants, connections)
        step("rolled up")


def _session(url: str) -> psycopg.Connection:
    return psycopg.connect(
        url,
        options="-c session_replication_role=replica -c maintenance_work_mem=1GB"
        " -c max_parallel_maintenance_workers=0 -c synchronous_commit=off -c search_path="
        " -c plan_cache_mode=force_custom_plan -c jit=off",
    )


def _describe(connection: psycopg.Connection, tenants: Sequence[Tenant], today: date) -> None:
    """Write bench.tenants, from which everything else follows."""
    _run(connection, "words")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into bench.tenants (n, organization_id, timezone, currency, unit, scale,"
            " first_day, days, events, leads, closers, setters, lag, as_of)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    one.number,
                    one.organization_id,
                    one.zone,
                    *CURRENCIES[one.number % 4],
                    today - timedelta(days=one.days),
                    one.days,
                    one.events,
                    one.leads,
                    one.closers,
                    one.setters,
                    max(1, round(3 * one.events / one.days)),
                    datetime(today.year, today.month, today.day, tzinfo=UTC),
                )
                for one in tenants
            ],
        )


def _run(connection: psycopg.Connection, name: str, **values: int) -> None:
    script = (SQL / f"{name}.sql").read_text()
    for key, value in sorted(values.items(), reverse=True):
        script = script.replace(f":{key}", str(value))
    connection.execute(script.encode())


def _write_slice(url: str, number: int, slices: int) -> None:
    with _session(url) as connection:
        _run(connection, "slice", slice=number, slices=slices)


def _index(url: str, connections: int, step: Say) -> None:
    """Build the indexes again, and make them constraints where they were."""
    with _session(url) as connection:
        indexes = connection.execute(
            "select i.name, i.table_name, i.definition, i.constraint_name from bench.indexes as i"
            " order by array_position(%s, split_part(i.table_name, '.', 2)), i.name",
            (list(TABLES),),
        ).fetchall()

    def build(index: tuple[str, str, str, str | None]) -> None:
        with _session(url) as connection:
            connection.execute(index[2].encode())

    with ThreadPoolExecutor(connections) as pool:
        built = [pool.submit(build, index) for index in indexes]
        for number, one in enumerate(built, 1):
            one.result()
            if number % 10 == 0 or number == len(built):
                step(f"{number} of {len(built)} indexes")
    with _session(url) as connection:
        for name, table, _, constraint in indexes:
            if constraint is not None:
                connection.execute(
                    sql.SQL("alter table {} add constraint {} unique using index {}").format(
                        sql.Identifier(*table.split(".")),
                        sql.Identifier(constraint),
                        sql.Identifier(name.split(".")[1]),
                    )
                )
        connection.execute("drop table bench.indexes")


def roll_up(url: str, tenants: Sequence[Tenant], connections: int = 2) -> None:
    """Build the sums that metrics are read from, as the rebuild command does."""

    def build(tenant: Tenant) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("set role salesdash")
            connection.execute("select app.build_rollup(%s)", (tenant.organization_id,))

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(build, tenants))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum (freeze, analyze)")


def _settle(url: str, table: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("vacuum (freeze, analyze) {}").format(sql.Identifier("app", table))
        )
