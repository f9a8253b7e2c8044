"""Rows a second through rpc/import_rows, beside a bare COPY of as many rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from bench.measure import Row
from bench.stack import Stack, running_stack
from salesdash.imports import database

ROWS, ROWS_PER_CALL = 10_000, 1_000
HOLD = 1_000
"""At most so many times a COPY that checks nothing; a guard, since no number was promised."""

Cells = dict[str, object]
STATES = [
    ("completed", "closed"),
    ("completed", "showed_offer"),
    ("no_show", "no_show"),
    ("canceled", ""),
    ("scheduled", ""),
]


def lead(number: int) -> Cells:
    """A lead with an address and a phone number."""
    return {
        "external_id": f"lead-{number}",
        "full_name": f"Lead {number}",
        "email": f"lead{number}@bench.test",
        "phone": f"+1555{number:07d}",
        "created_at": "2025-12-01 09:00",
    }


def call(number: int) -> Cells:
    """A call of each lead; of five, one was closed, one held, one missed, one canceled."""
    status, outcome = STATES[number % len(STATES)]
    return {
        "external_id": f"call-{number}",
        "lead_email": f"lead{number}@bench.test",
        "closer": "Dana",
        "setter": "Sam",
        "scheduled_at": f"2026-01-{number % 28 + 1:02d} 10:00",
        "booked_at": "2025-12-20 10:00",
        "call_status": status,
        "event_outcome": outcome,
    }


def payment(number: int) -> Cells:
    """Money of each call, credited to whom the file names."""
    return {
        "external_id": f"payment-{number}",
        "amount": "1000.00",
        "payment_date": f"2026-02-{number % 28 + 1:02d} 12:00",
        "customer_email": f"lead{number}@bench.test",
        "event": f"call-{number}",
        "closer": "Dana",
    }


def measure(stack: Stack) -> list[Row]:
    """One line for leads, calls and payments each, and one for the same file again."""
    with database.operator(stack.deployer_url) as connection:
        organization_id = _organization(connection)
        lines = [
            _line(connection, organization_id, "leads", lead),
            _line(connection, organization_id, "events", call),
            _line(connection, organization_id, "payments", payment),
        ]
        again = _import(connection, organization_id, "events", call)
        bare = _copy(connection, call)
    return [*lines, _row("calls imported again", again, bare)]


def _organization(connection: psycopg.Connection) -> UUID:
    found = connection.execute(
        "select app.create_organization('Bench', 'bench-imports', 'America/New_York')"
    ).fetchone()
    organization_id: UUID = found[0] if found else UUID(int=0)
    for roster, name in (("closers", "Dana"), ("setters", "Sam")):
        rows: list[Cells] = [{"name": name}]
        database.try_import(connection, organization_id, roster, rows, is_dry_run=False)
    return organization_id


def _line(
    connection: psycopg.Connection, organization_id: UUID, entity: str, made: Callable[[int], Cells]
) -> Row:
    taken = _import(connection, organization_id, entity, made)
    return _row(f"{entity} imported", taken, _copy(connection, made))


def _import(
    connection: psycopg.Connection, organization_id: UUID, entity: str, made: Callable[[int], Cells]
) -> float:
    began = time.perf_counter()
    for first in range(0, ROWS, ROWS_PER_CALL):
        rows = [made(number) for number in range(first, first + ROWS_PER_CALL)]
        report = database.try_import(connection, organization_id, entity, rows, is_dry_run=False)
        assert not report.refused, report.errors[:3]
    return time.perf_counter() - began


def _copy(connection: psycopg.Connection, made: Callable[[int], Cells]) -> float:
    """The same cells into a table of texts with a key, committed."""
    columns = list(made(0))
    connection.execute("drop table if exists app.bench_imports")
    connection.execute(
        f"create table app.bench_imports ({' text, '.join(columns)} text,"
        " primary key (external_id))"
    )
    began = time.perf_counter()
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy("copy app.bench_imports from stdin") as copy,
    ):
        for number in range(ROWS):
            copy.write_row(list(made(number).values()))
    taken = time.perf_counter() - began
    connection.execute("drop table app.bench_imports")
    return taken


def _row(what: str, taken: float, bare: float) -> Row:
    return Row(
        what,
        f"{ROWS / taken:,.0f} rows/s",
        f"COPY {ROWS / bare:,.0f} rows/s",
        taken / bare,
        f"≤ {HOLD:,}x",
        taken <= bare * HOLD,
    )


def main(_arguments: list[str]) -> None:
    """Measure on a system of its own, and print."""
    with running_stack() as stack:
        for row in measure(stack):
            print(f"{row.what}: {row.value}, {row.baseline}, {row.ratio:.1f}x")
