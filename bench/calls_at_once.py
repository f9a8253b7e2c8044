"""`python -m bench calls-at-once`: ten thousand calls deleted and restored, a thousand forms.

In how many statements, and in what time beside a bare update of as many rows. Counted is what reads
or writes a table. Not counted are the foreign keys that Postgres checks for each row and key.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg.errors import Diagnostic
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from bench.stack import running_stack
from tests.world import Organization, Person, World

CALLS, PAYING, FORMS = 10_000, 100, 1_000
CHECKS_KEY = "SELECT 1 FROM ONLY"
OF_A_TABLE = re.compile(
    r"Seq Scan on|Index (Only )?Scan|Bitmap Heap Scan|(Insert|Update|Delete) on"
)

FILL = """
with leads as (
    insert into app.leads (organization_id, full_name, email)
    select %(organization_id)s, 'Lead ' || n, 'lead' || n || '@bench.example'
      from generate_series(1, %(calls)s) as n
    returning id, email
)
insert into app.events (organization_id, lead_id, lead_email, closer_id, scheduled_at, booked_at)
select %(organization_id)s, l.id, l.email, %(closer_id)s,
       now() - interval '1 day', now() - interval '3 days'
  from leads as l
"""
PAY = """
insert into app.payments (
    organization_id, source, provider, provider_payment_id, status, amount, currency,
    amount_base, base_currency, payment_date, customer_email)
select %(organization_id)s, 'stripe', 'stripe', 'pi_' || n, 'succeeded', 100.00, 'USD',
       100.00, 'USD', now(), 'lead' || n || '@bench.example'
  from generate_series(1, %(payments)s) as n
"""


class Measured(NamedTuple):
    """What one request cost. statements: those of functions and triggers within it included."""

    seconds: float
    statements: int
    most: list[tuple[str, int]]


@contextmanager
def counted(connection: psycopg.Connection) -> Iterator[Counter[str]]:
    """Every statement that runs meanwhile, nested ones too, by the beginning of its text."""
    found: Counter[str] = Counter()

    def heard(notice: Diagnostic) -> None:
        text = notice.message_primary or ""
        if "Query Text:" in text and CHECKS_KEY not in text and OF_A_TABLE.search(text):
            found[" ".join(text.split("Query Text:")[1].split())[:90]] += 1

    connection.add_notice_handler(heard)
    connection.execute("set auto_explain.log_min_duration = 0")
    try:
        yield found
    finally:
        connection.execute("set auto_explain.log_min_duration = -1")
        connection.remove_notice_handler(heard)


def request(world: World, who: Person, function: str, ids: Sequence[UUID]) -> float:
    """Ask for all of them at once, and see that all were done; the seconds that it took."""
    with world.acting_as(who) as db:
        began = time.perf_counter()
        rows = db.rows(
            f"select * from api.{function}(%s, 'A benchmark.') as r where r.is_done", list(ids)
        )
        took = time.perf_counter() - began
    if len(rows) != len(ids):
        raise RuntimeError(f"{function}: {len(rows)} of {len(ids)} were done")
    return took


def scene(
    world: World, name: str, calls: int, paying: int
) -> tuple[Organization, Person, list[UUID]]:
    """An organization with so many calls, each of a lead of its own, some of whom have paid."""
    acme = world.organization(name)
    ada, dana = acme.admin(), acme.closer()
    world.session(ada)
    world.execute(FILL, organization_id=acme.id, calls=calls, closer_id=dana.id)
    if paying:
        world.execute(PAY, organization_id=acme.id, payments=paying)
        world.execute(
            "select app.attribute_payment(p.organization_id, p.id) from app.payments as p"
            " where p.organization_id = %s",
            acme.id,
        )
    world.execute("analyze app.events, app.leads, app.payments")
    ids = world.rows("select id from app.events where organization_id = %s", acme.id)
    return acme, ada, [row["id"] for row in ids]


def import_forms(world: World, who: Person, ids: Sequence[UUID], *, sold: int) -> float:
    """A form of each call, as a file has them, of which the first so many sold; the seconds."""
    forms = [
        {
            "event": str(event_id),
            "call_occurred": True,
            "lead_showed": True,
            "offer_made": True,
            "deal_closed": number < sold,
            **({"cash_collected": "100.00"} if number < sold else {}),
        }
        for number, event_id in enumerate(ids)
    ]
    with world.acting_as(who) as db:
        began = time.perf_counter()
        said = db.value("select api.import_rows('post_call_forms', %s)", Jsonb(forms))
        took = time.perf_counter() - began
    if said["inserted"] != len(forms):
        raise RuntimeError(f"forms: {said['inserted']} of {len(forms)} were taken")
    return took


def measure_forms(world: World, name: str, count: int, *, sold: int) -> Measured:
    """Forms of new calls; counting is on meanwhile, so that its time is no time to compare."""
    _acme, ada, ids = scene(world, name, count, 0)
    with counted(world.connection) as found:
        seconds = import_forms(world, ada, ids, sold=sold)
    return Measured(seconds, found.total(), found.most_common(3))


def measure(world: World, ada: Person, ids: Sequence[UUID], function: str) -> Measured:
    """Once for the time, undone, and once for the statements."""
    undo = {"delete_events": "restore_events", "restore_events": "delete_events"}[function]
    seconds = request(world, ada, function, ids)
    request(world, ada, undo, ids)
    with counted(world.connection) as found:
        request(world, ada, function, ids)
    return Measured(seconds, found.total(), found.most_common(3))


def bare_update(world: World, acme: Organization) -> float:
    """The same rows in the same table with the same indexes, without triggers and audit."""
    world.execute("create table app.bare (like app.events including all excluding generated)")
    world.execute(
        "insert into app.bare select * from app.events where organization_id = %s", acme.id
    )
    began = time.perf_counter()
    world.execute("update app.bare set deleted_at = now(), deleted_reason = 'A benchmark.'")
    took = time.perf_counter() - began
    world.execute("drop table app.bare")
    return took


def main(arguments: Sequence[str]) -> None:
    """Measure and show; with an argument, so many calls."""
    calls = int(arguments[0]) if arguments else CALLS
    table = Table("calls", "paid", "", "seconds", "statements", "bare update", "ratio")
    with running_stack() as stack, psycopg.connect(stack.superuser_url, autocommit=True) as own:
        own.execute("load 'auto_explain'")
        own.execute("set auto_explain.log_level = 'notice'")
        own.execute("set auto_explain.log_nested_statements = on")
        own.execute("grant set on parameter auto_explain.log_min_duration to salesdash")
        own.execute("set role salesdash")
        world = World(own)
        for count, paying in ((calls // 10, 0), (calls, 0), (calls, PAYING)):
            acme, ada, ids = scene(world, f"calls{count}x{paying}", count, paying)
            bare = bare_update(world, acme)
            for function in ("delete_events", "restore_events"):
                seen = measure(world, ada, ids, function)
                table.add_row(
                    f"{count:,}",
                    str(paying),
                    function,
                    f"{seen.seconds:.2f}",
                    str(seen.statements),
                    f"{bare:.2f} s",
                    f"{seen.seconds / bare:.1f}",
                )
                Console(stderr=True).print(*seen.most, sep="\n")
        for count, sold in ((100, 0), (FORMS, 0), (FORMS, PAYING)):
            seen = measure_forms(world, f"forms{count}x{sold}", count, sold=sold)
            what = "forms imported (counted)"
            table.add_row(
                f"{count:,}", str(sold), what, f"{seen.seconds:.2f}", str(seen.statements), "", ""
            )
            Console(stderr=True).print(*seen.most, sep="\n")
    Console(file=sys.stdout).print(table)
