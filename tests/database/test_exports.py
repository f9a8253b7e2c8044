"""What may be taken out as a file, and that somebody always did it."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.acting import Request, refused
from tests.world import Person, World

SEED_TABLES = {
    "events", "payments", "post_call_forms", "leads",
    "form_configs", "call_outcomes", "opportunity_statuses", "packages",
    "custom_field_definitions", "custom_field_options", "custom_field_values", "portal_settings",
    "dashboard_layouts", "webhook_connections", "closer_access_tokens",
    "organization_integrations", "sources", "traffic_types", "call_types", "closers", "setters",
}  # fmt: skip
"""Events, payments, forms, leads and every table of configuration."""


NOT_EXPORTED = {
    # bodies of deliveries and messages, queues
    "webhook_events", "calendly_webhook_audit", "outbox", "sync_runs", "job_schedules",
    "report_runs",
    # sign-in and keys
    "api_keys", "invitations", "profiles", "user_roles", "roster_proposals",
    # no rows of an organization, or rows computed from others
    "organizations", "integrations", "metric_catalog", "platform_audit_logs", "connection_health",
    "duplicate_candidates",
}  # fmt: skip


def begin(request: Request, table: str = "events", **given: object) -> Mapping[str, Any]:
    """What rpc/begin_export answers."""
    arguments = {"table": table, "format": "csv", **given}
    named = ", ".join(f'"{name}" => %({name})s' for name in arguments)
    answer: Mapping[str, Any] = request.value(f"select api.begin_export({named})", **arguments)
    return answer


def wrong_fields(request: Request, table: str = "events", **given: object) -> dict[str, str]:
    """What a refused export names."""
    with refused("PT422") as caught:
        begin(request, table, **given)
    told: dict[str, str] = json.loads(caught.value.diag.message_detail or "")
    return told


def test_whatever_the_product_promises_can_be_exported(db: psycopg.Connection) -> None:
    known = {row[0] for row in db.execute("select table_name from app.export_tables()")}
    assert known >= SEED_TABLES


def test_of_every_view_it_is_decided_whether_it_is_exported(db: psycopg.Connection) -> None:
    views = {
        row[0]
        for row in db.execute(
            "select relname from pg_class"
            " where relnamespace = 'api'::regnamespace and relkind = 'v'"
        )
    }
    exported = {row[0] for row in db.execute("select table_name from app.export_tables()")}
    assert exported & NOT_EXPORTED == set()
    assert views == exported | NOT_EXPORTED


def test_every_table_is_a_view_with_an_id_and_a_day_in_every_row(db: psycopg.Connection) -> None:
    wrong = db.execute(
        """
        select t.table_name
          from app.export_tables() as t
          left join app.export_columns(t.table_name) as k on k.name = 'id' and k.type = 'uuid'
          left join app.export_columns(t.table_name) as d
            on d.name = t.date_column and d.type in ('date', 'timestamp with time zone')
          left join pg_attribute as a
            on a.attrelid = to_regclass('app.' || t.table_name) and a.attname = t.date_column
         where k.name is null or d.name is null or a.attnotnull is false
        """
    ).fetchall()
    assert wrong == []


def test_nothing_that_can_be_exported_has_bodies_or_secrets(db: psycopg.Connection) -> None:
    columns = {
        f"{table}.{column}"
        for table, column in db.execute(
            "select t.table_name, c.name"
            "  from app.export_tables() as t cross join app.export_columns(t.table_name) as c"
        )
    }
    forbidden = ("hash", "encrypted", "body", "payload", "webhook_secret", "api_key")
    told_of_them = ("_last4", "_key_id", "_validated_at", "_previous_until")
    assert not [
        name
        for name in columns
        if any(word in name for word in forbidden) and not name.endswith(told_of_them)
    ]


@pytest.mark.parametrize("day", ["infinity", "-infinity", "5874897-12-31", "0044-03-15 BC"])
def test_days_are_days_of_our_calendar(world: World, day: str) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        assert wrong_fields(db, start_date=day, end_date=day).keys() == {"start_date", "end_date"}
        begin(db, start_date="0001-01-01", end_date="9999-12-31")


def test_an_export_tells_the_columns_of_the_api_in_their_order(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        answer = begin(db)
        shown = db.rows("select * from api.events limit 0")
        assert shown == []
        names = [column["name"] for column in answer["columns"]]
    first = world.connection.execute("select * from api.events limit 0").description
    assert names == [column.name for column in first or ()]
    assert answer["timezone"] == "America/New_York"
    types = {column["name"]: column["type"] for column in answer["columns"]}
    assert types["scheduled_at"] == "timestamp with time zone"
    assert types["answers"] == "jsonb"


def test_days_are_inclusive_local_days_of_the_organization(world: World) -> None:
    acme = world.organization("acme", timezone="America/New_York")
    with world.acting_as(acme.admin()) as db:
        instants = begin(db, start_date="2026-03-08", end_date="2026-03-08")
        days = begin(db, "fx_rates", start_date="2026-03-08", end_date="2026-03-08")
        created = begin(db, date_column="created_at", end_date="2026-03-08")
    # On that day clocks go forward: it has 23 hours.
    same = "select %s::timestamptz = %s::timestamptz"
    assert world.value(same, instants["since"], "2026-03-08 05:00Z")
    assert world.value(same, instants["until"], "2026-03-09 04:00Z")
    assert (days["since"], days["until"]) == ("2026-03-08", "2026-03-09")
    assert (created["date_column"], created["since"]) == ("created_at", None)


def test_asked_columns_come_in_the_order_in_which_they_were_asked(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        answer = begin(db, columns=["scheduled_at", "id", "lead_name"])
    assert [column["name"] for column in answer["columns"]] == ["scheduled_at", "id", "lead_name"]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"table": "users"}, {"table"}),
        ({"table": "webhook_events"}, {"table"}),
        ({"table": None}, {"table"}),
        ({"format": "pdf"}, {"format"}),
        ({"format": None}, {"format"}),
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, {"end_date"}),
        ({"date_column": "lead_name"}, {"date_column"}),
        ({"date_column": "nothing"}, {"date_column"}),
        ({"columns": ["id", "lead_email_norm"]}, {"columns"}),
        ({"columns": ["id", "id"]}, {"columns"}),
        ({"columns": ["id", None]}, {"columns"}),
        ({"columns": []}, {"columns"}),
        ({"table": "users", "format": "pdf"}, {"table", "format"}),
    ],
)
def test_what_cannot_be_is_named_field_by_field(
    world: World, given: dict[str, Any], wrong: set[str]
) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        assert wrong_fields(db, **given).keys() == wrong
        assert db.value("select count(*) from api.exports") == 0


def test_an_export_is_on_record_before_it_begins_and_in_the_trail(world: World) -> None:
    acme = world.organization("acme")
    ada, dana = acme.admin(), acme.closer()
    with world.acting_as(dana) as db:
        begun = begin(db, "payments", start_date="2026-01-01")
        assert db.rows("select requested_by, state, row_count from api.exports") == [
            {"requested_by": dana.user_id, "state": "running", "row_count": None}
        ]
    assert finish(world, begun, "delivered", 7)
    with world.acting_as(ada) as db:
        (row,) = db.rows(
            "select table_name, start_date::text, end_date, format, state, row_count,"
            " finished_at is not null as is_over from api.exports"
        )
        trail = db.rows(
            "select action, actor_id, new_data ->> 'state' as state from api.audit_logs"
            " where table_name = 'exports' and row_id = %s order by id",
            UUID(begun["export_id"]),
        )
    assert row == {
        "table_name": "payments",
        "start_date": "2026-01-01",
        "end_date": None,
        "format": "csv",
        "state": "delivered",
        "row_count": 7,
        "is_over": True,
    }
    assert trail == [
        {"action": "INSERT", "actor_id": dana.user_id, "state": "running"},
        {"action": "UPDATE", "actor_id": None, "state": "delivered"},
    ]


def finish(world: World, begun: Mapping[str, Any], state: str, row_count: int) -> bool:
    """The gateway tells how it ended."""
    with world.acting_as_role("gateway") as gateway:
        ended: bool = gateway.value(
            "select session.finish_export(%s, %s, %s, %s)",
            UUID(begun["organization_id"]),
            UUID(begun["export_id"]),
            state,
            row_count,
        )
    return ended


def test_an_export_ends_once(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.closer()) as db:
        begun = begin(db)
    assert finish(world, begun, "aborted", 3)
    assert not finish(world, begun, "delivered", 9)
    assert world.rows("select state, row_count from app.exports") == [
        {"state": "aborted", "row_count": 3}
    ]


def test_nobody_takes_out_rows_in_anothers_name_or_tells_how_it_ended(world: World) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    dana, eli, stranger = acme.closer("dana"), acme.closer("eli"), beta.admin()
    with world.acting_as(dana) as db:
        begun = begin(db)
        with refused("42501"):
            db.changed("update api.exports set row_count = 0")
        with refused("42501"):
            db.changed("delete from api.exports")
        with refused("42501"):
            db.changed(
                "insert into api.exports (organization_id, requested_by, table_name, date_column,"
                " columns, format) values (%s, %s, 'events', 'id', '{id}', 'csv')",
                acme_id(begun),
                eli.user_id,
            )
        with refused("42501"):
            db.value("select session.finish_export(%s, %s, 'delivered', 0)", uuid4(), uuid4())
    for other in (eli, stranger):
        with world.acting_as(other) as db:
            assert db.rows("select id from api.exports") == []
    with world.acting_as(stranger) as db, refused("PT404"):
        begin(db, organization_id=acme_id(begun))


def acme_id(begun: Mapping[str, Any]) -> UUID:
    """The organization of an export."""
    return UUID(begun["organization_id"])


def test_who_belongs_to_several_organizations_says_which(world: World) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    dana: Person = acme.closer("dana")
    beta.join(dana, "member")
    with world.acting_as(dana) as db, refused("PT422"):
        begin(db)


def test_an_export_whose_gateway_died_ends_after_a_day(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        begin(db)
    world.execute("select jobs.housekeeping(now() + interval '23 hours')")
    assert world.value("select state from app.exports") == "running"
    world.execute("select jobs.housekeeping(now() + interval '25 hours')")
    assert world.rows("select state, row_count from app.exports") == [
        {"state": "failed", "row_count": None}
    ]
