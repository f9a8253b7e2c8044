"""Nothing that the API answers reads a tenant table from end to end, at a million rows."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from psycopg import sql

from tests.matrix.conftest import Stage
from tests.matrix.expectations import reaches, read_relations, read_routines
from tests.matrix.people import ACME, PEOPLE, being
from tests.matrix.test_calling import CALLED_ABOUT, answer, call
from tests.plans.plans import Plans, Scan, whole_scans

pytestmark = pytest.mark.timeout(900)
"""Loading the rows and asking everything is minutes where other work has most of the machine."""
ASKING = ("admin", "closer", "setter", "super admin", "reader")
EXCEPTED = yaml.safe_load(Path(__file__).with_name("excepted.yaml").read_text()) or []
"""Scans that are as they should be: table, a part of the statement, and the reason."""
ORDERS = {
    "events": ("scheduled_at desc, id desc", "booked_at desc"),
    "payments": ("payment_date desc, id desc",),
    "leads": ("created_at desc",),
    "deals": ("closed_at desc",),
    "post_call_forms": ("id desc",),
    "webhook_events": ("id desc",),
    "calendly_webhook_audit": ("id desc",),
    "audit_logs": ("id desc",),
    "setter_activities": ("activity_date desc",),
    "capacity_snapshots": ("day desc",),
}
"""How clients order long lists; others are ordered by id."""
FILTERS = {
    "events": (
        "call_status = 'scheduled'",
        "scheduled_at >= '2026-03-01' and scheduled_at < '2026-03-08'",
        "lead_email = 'lead1000-5@bench.example'",
        "lead_id = '0190000a-03e8-7000-8000-000000000005'",
    ),
    "payments": (
        "lead_id = '0190000a-03e8-7000-8000-000000000005'",
        "payment_date >= '2026-03-01' and payment_date < '2026-03-08'",
    ),
    "leads": ("email = 'lead1000-5@bench.example'",),
    "post_call_forms": ("event_id = '0190000c-03e8-7000-8000-000000000005'",),
    "deals": ("lead_id = '0190000a-03e8-7000-8000-000000000005'",),
    "exceptions": ("state = 'open'",),
    "webhook_events": ("status = 'dead'",),
    "audit_logs": ("table_name = 'events' and row_id = '0190000c-03e8-7000-8000-000000000005'",),
}
"""What clients ask of long lists besides their organization."""
ANALYSED = {
    "cash_movements": "moved_at >= '2026-03-01' and moved_at < '2026-03-08'",
    "cash_credits": "moved_at >= '2026-03-01' and moved_at < '2026-03-08'",
}
"""Likewise of views for analysts; of others the first rows by id."""

Found = dict[Scan, set[str]]
"""What was asked, by whom, for each scan of a whole table."""


class Room:
    """Asks as anybody, and notes what was scanned from end to end."""

    def __init__(self, stage: Stage) -> None:
        self.connection = stage.connection
        self.tables = self._names(
            """
            select c.relname from pg_class as c
             where c.relnamespace = 'app'::regnamespace and c.relkind = 'r' and c.relpages > 1
               and exists (select from pg_attribute as a
                            where a.attrelid = c.oid and a.attname = 'organization_id')
            """
        )
        self.partial = self._names(
            "select c.relname from pg_class as c join pg_index as i on i.indexrelid = c.oid"
            " where i.indpred is not null"
        )
        self.plans = Plans(stage.connection)

    def _names(self, query: str) -> set[str]:
        return {name for (name,) in self.connection.execute(query.encode())}

    def ask(
        self, name: str, queries: dict[str, tuple[sql.Composed, dict[str, object]]], found: Found
    ) -> int:
        """Ask all this as one person; answers the number of plans that were seen."""
        seen = 0
        for what, (query, given) in queries.items():
            with self.plans.heard() as plans, being(self.connection, PEOPLE[name]) as connection:
                answer(connection, query, given)
            for plan in plans:
                seen += 1
                for scan in whole_scans(plan, self.tables, self.partial):
                    if not is_excepted(scan):
                        found[scan].add(f"{what} as {name}")
        return seen


def is_excepted(scan: Scan) -> bool:
    """Does the file say why?"""
    return any(
        one["table"] == scan.table and one["statement"] in scan.statement for one in EXCEPTED
    )


def told(found: Found) -> str:
    """For whoever has to find the missing index."""
    return "\n".join(
        f"{scan.how} on {scan.table} for {', '.join(sorted(who))}\n    {scan.statement}"
        for scan, who in sorted(found.items(), key=lambda item: item[0].table)
    )


@pytest.fixture(scope="module")
def room(stage: Stage) -> Iterator[Room]:
    """The stage's connection, listened to."""
    for one in EXCEPTED:
        print(f"excepted: {one['table']}: {one['reason']}")
    return Room(stage)


def test_there_are_a_million_rows(stage: Stage) -> None:
    counted = stage.connection.execute(
        "select sum(c.reltuples) from pg_class as c"
        " where c.relnamespace = 'app'::regnamespace and c.relkind = 'r'"
    ).fetchone()
    assert counted is not None
    assert counted[0] > 1_000_000


@pytest.mark.parametrize("name", [name for name in ASKING if name != "reader"])
def test_no_function_reads_a_whole_tenant_table(room: Room, name: str) -> None:
    found: Found = defaultdict(set)
    calls = {
        routine.name: call(room, routine)
        for routine in read_routines().values()
        if reaches(PEOPLE[name], routine.letters, CALLED_ABOUT)
    }
    seen = room.ask(name, calls, found)
    assert seen > len(calls)
    assert not found, told(found)


def test_counting_what_changed_reads_no_whole_table_of_calls_or_money(room: Room) -> None:
    """Tables of rollups apart: statements that also count all at once have a branch for it."""
    with room.connection.transaction(force_rollback=True):
        room.connection.execute(
            """
            insert into app.metric_changes (organization_id, unit, unit_id)
            select e.organization_id, 'chain', e.root_event_id from app.events as e
             where e.organization_id = %s limit 50
            """,
            (ACME,),
        )
        with room.plans.heard() as plans:
            counted = room.connection.execute("select app.fold_metrics(%s, 50)", (ACME,)).fetchone()
    scans = [scan for plan in plans for scan in whole_scans(plan, room.tables, room.partial)]
    assert counted == (50,)
    assert [scan for scan in scans if not scan.table.startswith("metric_")] == []


@pytest.mark.parametrize("name", ASKING)
def test_no_list_reads_a_whole_tenant_table(room: Room, name: str) -> None:
    found: Found = defaultdict(set)
    lists = dict(_lists(room, name))
    seen = room.ask(name, lists, found)
    assert seen >= len(lists)
    assert not found, told(found)


def _lists(room: Room, name: str) -> Iterator[tuple[str, tuple[sql.Composed, dict[str, object]]]]:
    """The first fifty rows of every view that this person reads, as PostgREST asks for them."""
    schema = "analytics" if name == "reader" else "api"
    tenants = room._names(
        "select a.attrelid::regclass::text from pg_attribute as a"
        " join pg_class as c on c.oid = a.attrelid and c.relkind = 'v'"
        " where a.attname = 'organization_id'"
        " and c.relnamespace::regnamespace::text in ('api', 'analytics')"
    )
    known = room._names(
        "select a.attrelid::regclass::text from pg_attribute as a"
        " join pg_class as c on c.oid = a.attrelid and c.relkind = 'v'"
        " where a.attname = 'id' and c.relnamespace = 'analytics'::regnamespace"
    )
    for relation in read_relations().values():
        view = relation.name.split(".")[1]
        if not relation.name.startswith(f"{schema}.") or relation.name not in tenants:
            continue
        if not reaches(PEOPLE[name], relation.letters["select"], CALLED_ABOUT):
            continue
        orders, filters = ORDERS.get(view, ("id",)), ("true", *FILTERS.get(view, ()))
        if schema == "analytics":
            orders = ("id",) if relation.name in known and view not in ANALYSED else ("true",)
            filters = (ANALYSED.get(view, "true"),)
        for order in orders:
            for condition in filters:
                yield (
                    f"{relation.name}?{condition}&order={order}",
                    (
                        sql.SQL(
                            "select * from {} where organization_id = %(of)s and ({})"
                            " order by {} limit 50"
                        ).format(
                            sql.Identifier(schema, view),
                            sql.SQL(condition),  # type: ignore[arg-type]
                            sql.SQL(order),  # type: ignore[arg-type]
                        ),
                        {"of": ACME},
                    ),
                )
