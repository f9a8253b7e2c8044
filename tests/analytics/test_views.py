"""What the views of analysts show, beyond the numbers that tests/database recounts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.catalog.test_seed_contract import TABLES, columns_of
from tests.world import Organization, Person, World

NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)
MEMBERS_SEE_THE_ROSTER = {"profile_id", "close_user_id"}
"""Columns of rosters that only admins may see, while the view is every member's."""


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def as_key(world: World, organization: Organization, query: str) -> list[dict[str, Any]]:
    with world.acting_as(organization.reader_key()) as request:
        return request.rows(query)


@pytest.mark.parametrize(
    "table",
    [
        *("events", "post_call_forms", "payments", "closers", "setters", "leads", "sources"),
        *("traffic_types", "call_types", "call_outcomes", "opportunity_statuses", "packages"),
        *("setter_activities", "custom_field_values", "metric_definitions", "organizations"),
    ],
)
def test_tables_of_the_original_have_their_columns(world: World, table: str) -> None:
    missing = set(TABLES[table].split()) - columns_of(world.connection, "analytics", table, "v")
    assert missing <= MEMBERS_SEE_THE_ROSTER


def test_who_was_renamed_stays_one_group(world: World, acme: Organization) -> None:
    dana = acme.closer("Dana")
    acme.event(closer=dana, scheduled_at=NOON)
    world.execute(
        "update app.closers set name = 'Dana Scully' where organization_id = %s and id = %s",
        acme.id,
        dana.closer_id,
    )
    acme.event(closer=dana, scheduled_at=NOON + timedelta(days=1))
    groups = as_key(
        world,
        acme,
        "select closer_name, credited_closer_name, count(*) as calls,"
        " array_agg(distinct booked_closer_name order by booked_closer_name) as booked"
        " from analytics.events group by 1, 2",
    )
    assert [(g["closer_name"], g["credited_closer_name"], g["calls"]) for g in groups] == [
        ("Dana Scully", "Dana Scully", 2)
    ]
    assert groups[0]["booked"] == ["Dana", "Dana Scully"]


def test_a_call_of_nobody_on_the_roster_has_no_name_to_group_by(
    world: World, acme: Organization
) -> None:
    world.execute(
        "select app.book_call(organization_id => %s, scheduled_at => %s, booked_at => %s,"
        " email => 'lee@lead.test', setter_name => 'Samm')",
        acme.id,
        NOON,
        NOON - timedelta(days=1),
    )
    (row,) = as_key(
        world, acme, "select setter_id, setter_name, booked_setter_name from analytics.events"
    )
    assert row == {"setter_id": None, "setter_name": None, "booked_setter_name": "Samm"}


def shared_payment(acme: Organization) -> tuple[Person, Person]:
    """100.00 in thirds, of which 0.01 came back: two closers and their parts."""
    ann, bob = acme.closer("Ann"), acme.closer("Bob")
    payment = acme.payment(amount=Decimal("100.00"), closer=ann, paid_at=NOON)
    acme.world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], '{}', %s::numeric[])",
        acme.id,
        payment.id,
        [ann.closer_id, bob.closer_id],
        [Decimal("0.75"), Decimal("0.25")],
    )
    acme.refund(payment, amount=Decimal("0.01"), refunded_at=NOON + timedelta(days=1))
    return ann, bob


PARTS = """
select person_name, kind, amount from analytics.cash_credits
 where role = 'closer' order by moved_at, person_name
"""


def test_parts_of_a_shared_payment_and_its_refund_add_up(world: World, acme: Organization) -> None:
    shared_payment(acme)
    assert [
        (r["person_name"], r["kind"], str(r["amount"])) for r in as_key(world, acme, PARTS)
    ] == [
        ("Ann", "payment", "75.00"),
        ("Bob", "payment", "25.00"),
        ("Ann", "refund", "-0.01"),
        ("Bob", "refund", "0.00"),
    ]
    (row,) = as_key(world, acme, "select is_split, closer_name from analytics.payments")
    assert row == {"is_split": True, "closer_name": "Ann"}


def test_who_may_not_see_all_credits_is_told_no_wrong_part(
    world: World, acme: Organization
) -> None:
    ann, _ = shared_payment(acme)
    with world.acting_as(ann) as db:
        rows = db.rows(PARTS)
    assert [(row["person_name"], row["kind"], row["amount"]) for row in rows] == [
        ("Ann", "payment", Decimal("75.00")),
        ("Ann", "refund", None),
    ]


def test_a_day_has_a_row_for_what_is_nobodys(world: World, acme: Organization) -> None:
    acme.event(scheduled_at=NOON, outcome=None)
    acme.payment(amount=Decimal("40.00"), paid_at=NOON)
    rows = as_key(
        world,
        acme,
        "select closer_id, closer_name, scheduled_calls, cash_collected"
        " from analytics.daily_closer_activity where day = '2026-03-10'",
    )
    assert rows == [
        {
            "closer_id": None,
            "closer_name": None,
            "scheduled_calls": 1,
            "cash_collected": Decimal("40.00"),
        }
    ]


def test_the_last_minutes_before_midnight_are_of_the_local_day(
    world: World, acme: Organization
) -> None:
    """23:30 in New York is the next day in UTC."""
    late = datetime(2026, 3, 11, 3, 30, tzinfo=UTC)
    acme.event(scheduled_at=late, booked_at=late)
    acme.payment(paid_at=late)
    for query in (
        "select scheduled_day::text as day from analytics.events",
        "select booked_day::text as day from analytics.bookings",
        "select payment_day::text as day from analytics.payments",
        "select moved_day::text as day from analytics.cash_movements",
        "select distinct day::text from analytics.daily_setter_activity",
    ):
        assert as_key(world, acme, query) == [{"day": "2026-03-10"}], query


DAYS = """
select organization_id as who, sum(shows) as shows from analytics.daily_closer_activity group by 1
"""


def test_who_sees_every_row_reads_days_from_sums_and_others_count_theirs(
    world: World, acme: Organization
) -> None:
    """A sum that is made wrong here tells who read it. Each reads the organizations they may."""
    beta = world.organization("beta")
    dana, eli = acme.closer("dana"), acme.closer("eli")
    mixed = acme.closer("kim")
    beta.join(mixed, "admin")
    for closer in (dana, eli, mixed):
        acme.event(closer=closer, scheduled_at=NOON, outcome="showed_offer")
    beta.event(scheduled_at=NOON, outcome="showed_offer")
    for organization in (acme, beta):
        world.execute("select app.fold_metrics(%s, 1000)", organization.id)
        world.execute(
            "update app.metric_sums set shows = shows + 100"
            " where organization_id = %s and dimension = 'closer' and span = 'day'"
            " and starts_on = '2026-03-10' and member_id is not distinct from %s",
            organization.id,
            dana.closer_id if organization is acme else None,
        )
    summed, everywhere = {acme.id: 103}, {acme.id: 103, beta.id: 101}
    for person, shows in (
        (acme.reader_key(), summed),
        (acme.admin(), summed),
        (world.super_admin(), everywhere),
        (dana, {acme.id: 1}),
        (mixed, {acme.id: 1, beta.id: 101}),
    ):
        with world.acting_as(person) as db:
            assert {row["who"]: row["shows"] for row in db.rows(DAYS)} == shows
    world.execute("update app.metric_rollups set built_at = null")
    assert as_key(world, acme, DAYS) == [{"who": acme.id, "shows": 3}]


def test_calls_of_today_are_pending_when_they_are_over(world: World, acme: Organization) -> None:
    """The day does not tell which of them are, nor that a call of yesterday goes on."""
    now = datetime.now(UTC)
    for hours, until in ((-50, -49), (-2, -1), (-0.5, 0.5), (3, 4), (-20, 2), (-20, -2)):
        call = acme.event(scheduled_at=now + timedelta(hours=hours))
        world.execute(
            "update app.events set scheduled_end_at = %s where organization_id = %s and id = %s",
            now + timedelta(hours=until),
            acme.id,
            call.id,
        )
    pending = "select sum(pending) as pending from analytics.daily_closer_activity"
    for changes in ("not counted yet", "counted"):
        if changes == "counted":
            assert world.value("select app.fold_metrics(%s, 1000)", acme.id) > 0
        assert as_key(world, acme, pending) == [{"pending": 3}], changes


def test_single_calls_of_setters_give_dials_connects_and_speed_to_lead(
    world: World, acme: Organization
) -> None:
    sam = acme.setter("Sam")
    quick, slow, known, never = (acme.lead(name, created_at=NOON) for name in ("Q", "S", "K", "N"))
    for number, (lead, minutes, kind, direction, disposition, talk) in enumerate(
        (
            (quick, 2, "sms", "outbound", None, 0),
            (quick, 9, "call", "outbound", "answered", 5),
            (slow, 1, "call", "inbound", None, 60),
            (slow, 30, "call", "outbound", None, 30),
            (known, -5, "call", "outbound", "no answer", 40),
        )
    ):
        world.insert(
            "setter_calls",
            organization_id=acme.id,
            setter_id=sam.setter_id,
            provider="close",
            provider_call_id=str(number),
            activity_date=NOON.date(),
            lead_id=lead.id,
            started_at=NOON + timedelta(minutes=minutes),
            kind=kind,
            direction=direction,
            disposition=disposition,
            talk_seconds=talk,
        )
    (counts,) = as_key(
        world,
        acme,
        "select setter_name, count(*) filter (where is_dial) as dials,"
        " count(*) filter (where is_connect) as connects from analytics.setter_calls group by 1",
    )
    assert counts == {"setter_name": "Sam", "dials": 3, "connects": 2}
    waits = as_key(world, acme, "select id, contacted_after_seconds as s from analytics.leads")
    assert {row["id"]: row["s"] for row in waits} == {
        quick.id: 120,
        slow.id: 1800,
        known.id: 0,
        never.id: None,
    }
    (median,) = as_key(
        world,
        acme,
        "select percentile_cont(0.5) within group (order by contacted_after_seconds::float8) as s"
        " from analytics.leads where not is_test and created_day = '2026-03-10'",
    )
    metric = world.value(
        "select numerator from app.setter_values(%s, array[%s, %s]::timestamptz[], now())"
        " where metric = 'speed_to_lead' and member_id is null",
        acme.id,
        NOON - timedelta(hours=12),
        NOON + timedelta(hours=12),
    )
    assert median["s"] == metric == 120


def test_own_fields_are_read_with_their_names(world: World, acme: Organization) -> None:
    definition = world.insert(
        "custom_field_definitions",
        organization_id=acme.id,
        entity="lead",
        name="budget",
        label="Budget",
        field_type="money",
    )
    lead = acme.lead()
    world.insert(
        "custom_field_values",
        organization_id=acme.id,
        definition_id=definition,
        lead_id=lead.id,
        number_value=Decimal("5000.00"),
    )
    (row,) = as_key(
        world,
        acme,
        "select entity, name, label, record_id, number_value from analytics.custom_field_values",
    )
    assert row == {
        "entity": "lead",
        "name": "budget",
        "label": "Budget",
        "record_id": lead.id,
        "number_value": Decimal("5000.00"),
    }


def test_how_fresh_the_data_is_stands_beside_it(world: World, acme: Organization) -> None:
    for name, deleted_at in (("Stripe", None), ("Old Stripe", NOON)):
        world.insert(
            "webhook_connections",
            organization_id=acme.id,
            name=name,
            connection_type="stripe",
            last_webhook_at=NOON,
            webhook_count=7,
            deleted_at=deleted_at,
        )
    world.insert(
        "sync_cursors",
        organization_id=acme.id,
        source="acuity",
        cursor="page 3",
        synced_through=NOON,
    )
    rows = as_key(
        world,
        acme,
        "select kind, source, name, is_active, last_success_at = '2026-03-10 16:00Z' as is_then,"
        " event_count from analytics.data_freshness order by kind, name",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("sync", "acuity", None, True, True, None),
        ("webhook", "stripe", "Old Stripe", False, True, 7),
        ("webhook", "stripe", "Stripe", True, True, 7),
    ]


def nodes(world: World, organization: Organization, query: str) -> list[dict[str, Any]]:
    """The nodes of the plan that a key's query gets where reading a whole table is no choice."""
    with world.acting_as(organization.reader_key()) as request:
        request.rows("set local enable_seqscan = off")
        ((explained,),) = (row.values() for row in request.rows(f"explain (format json) {query}"))

    def below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for part in node.get("Plans", []):
            yield from below(part)

    return list(below(explained[0]["Plan"]))


def test_names_and_flags_that_a_query_does_not_use_cost_nothing(
    world: World, acme: Organization
) -> None:
    def tables(query: str) -> set[str]:
        return {n["Relation Name"] for n in nodes(world, acme, query) if "Relation Name" in n}

    count = tables("select count(*), max(scheduled_at) from analytics.events")
    assert count == {"events", "organizations"}
    by_source = tables("select source_name, count(*) from analytics.events group by 1")
    assert by_source == {"events", "organizations", "sources"}


def a_year_of_money(acme: Organization) -> None:
    """A payment, its refund and a deal every day of a year, and what the planner knows of them."""
    lead = acme.lead()
    acme.world.execute(
        """
        insert into app.deals (organization_id, lead_id, contract_value, currency, closed_at)
        select %(org)s, %(lead)s, 10.00, 'USD', t.at
          from generate_series(timestamptz '2025-06-01', '2026-06-01', '1 day') as t (at)
        """,
        org=acme.id,
        lead=lead.id,
    )
    acme.world.execute(
        """
        with paid as (
            insert into app.payments (organization_id, source, provider, status, amount, currency,
                                      amount_base, base_currency, payment_date)
            select %(org)s, 'manual', 'manual', 'succeeded', 10.00, 'USD', 10.00, 'USD', t.at
              from generate_series(timestamptz '2025-06-01', '2026-06-01', '1 day') as t (at)
            returning organization_id, id, payment_date
        )
        insert into app.payment_refunds (organization_id, payment_id, kind, amount, currency,
                                         amount_base, base_currency, refunded_at, provider)
        select p.organization_id, p.id, 'refund', 1.00, 'USD', 1.00, 'USD', p.payment_date, 'manual'
          from paid as p
        """,
        org=acme.id,
    )
    for table in ("deals", "payments", "payment_refunds"):
        acme.world.execute(f"analyze app.{table}")


def test_the_instant_beside_the_day_is_found_by_an_index(world: World, acme: Organization) -> None:
    a_year_of_money(acme)

    def looked_up(query: str, column: str) -> bool:
        conditions = (node.get("Index Cond", "") for node in nodes(world, acme, query))
        return any(f"({column} >= '2026-03-09" in condition for condition in conditions)

    for view, day, instant, column in (
        ("events", "scheduled_day", "scheduled_at", "scheduled_at"),
        ("payments", "payment_day", "payment_date", "payment_date"),
        ("cash_movements", "moved_day", "moved_at", "payment_date"),
        ("cash_movements", "moved_day", "moved_at", "refunded_at"),
        ("deals", "closed_day", "closed_at", "closed_at"),
    ):
        by_day = f"select count(*) from analytics.{view} where {day} = '2026-03-10'"
        by_both = f"{by_day} and {instant} >= '2026-03-09' and {instant} < '2026-03-12'"
        assert not looked_up(by_day, column), view
        assert looked_up(by_both, column), (view, column)
