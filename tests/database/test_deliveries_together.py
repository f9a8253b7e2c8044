"""Deliveries of one call: all or none are taken in, and each is what it would be alone."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.calendly_events import Invitee
from tests.database.inbox import Inbox, open_inbox, take_together
from tests.fixtures.databases import Database
from tests.plans.plans import Plans, whole_scans
from tests.stripe_events import Event, payment, refund
from tests.world import NOON, Organization, World

MINUTE_OF = "select coalesce(sum(hits), 0) from app.rate_limits where connection_id = %s"


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


def unknown_money() -> Event:
    """A charge in a currency that nobody knows yet."""
    charge = copy.deepcopy(payment()[0])
    charge["data"]["object"]["currency"] = "xqz"
    return charge


def refused_with(db: psycopg.Connection, deliveries: Sequence[tuple[Inbox, Event]]) -> str:
    """The SQLSTATE with which a call is refused."""
    with pytest.raises(psycopg.Error) as caught, db.transaction():
        take_together(deliveries)
    return caught.value.sqlstate or ""


def test_two_deliveries_about_one_payment_make_one(inbox: Inbox) -> None:
    charge, intent = payment(amount=120000, email="lee@lead.test")
    assert take_together([(inbox, charge), (inbox, intent)]) == ["processed", "processed"]
    paid = inbox.row("payments")
    first, second = inbox.rows("webhook_events")
    assert {first["payment_id"], second["payment_id"]} == {paid["id"]}
    assert [step["decided"] for step in (first["steps"][-1], second["steps"][-1])] == [
        "created",
        "unchanged",
    ]


def test_one_event_twice_is_a_duplicate(inbox: Inbox) -> None:
    charge, _ = payment()
    assert take_together([(inbox, charge), (inbox, charge)]) == ["processed", "duplicate"]
    assert take_together([(inbox, charge), (inbox, payment()[0])]) == ["duplicate", "processed"]
    assert len(inbox.rows("payments")) == 2
    stats = inbox.organization.world.rows(
        "select accepted, duplicates from app.connection_stats where connection_id = %s"
        " order by accepted, duplicates",
        inbox.connection_id,
    )
    assert [tuple(row.values()) for row in stats] == [(1, 1), (1, 1)]


def test_one_that_fails_is_queued_and_the_others_are_processed(inbox: Inbox) -> None:
    events = [
        payment()[0],
        unknown_money(),
        payment()[0],
        {**payment()[1], "type": "payment_intent.processing"},
    ]
    assert take_together([(inbox, event) for event in events]) == [
        "processed",
        "queued",
        "processed",
        "ignored",
    ]
    assert len(inbox.rows("payments")) == 2
    assert "failed_delivery" in inbox.open_exceptions()


def test_a_refund_finds_the_payment_beside_it(inbox: Inbox) -> None:
    charge, _ = payment(amount=100000)
    back = refund(charge, 30000)
    assert take_together([(inbox, back), (inbox, charge)]) == ["processed", "processed"]
    assert inbox.row("payments")["refund_amount"] == 300


def test_payments_of_one_lead_take_its_instalments_in_turn(
    acme: Organization, inbox: Inbox
) -> None:
    call = acme.event(email="lee@lead.test", closer=acme.closer("dana"), scheduled_at=NOON)
    acme.form(
        call, call_occurred=True, lead_showed=True, offer_made=True, deal_closed=True,
        contract_value="3000.00",
    )  # fmt: skip
    at = int(NOON.timestamp()) + 3600
    events = [
        payment(amount=100000, email="lee@lead.test", created=at + number)[0] for number in range(3)
    ]
    assert take_together([(inbox, event) for event in reversed(events)]) == ["processed"] * 3
    paid = inbox.rows("payments", "payment_date")
    assert len({row["deal_id"] for row in paid}) == 1
    assert paid[0]["deal_id"] is not None
    assert [row["attribution_method"] for row in paid] == ["identity_event"] * 3
    owed = acme.world.value(
        "select contract_value - (select sum(p.amount) from app.payments as p"
        " where p.deal_id = d.id) from app.deals as d where d.id = %s",
        paid[0]["deal_id"],
    )
    assert owed == 0


def test_organizations_in_one_call_stay_apart(world: World, inbox: Inbox) -> None:
    other = open_inbox(world.organization("bolt"))
    charge, _ = payment(email="lee@lead.test", amount=500)
    assert take_together([(inbox, charge), (other, charge)]) == ["processed", "processed"]
    assert inbox.row("payments")["id"] != other.row("payments")["id"]
    assert inbox.row("webhook_events")["payment_id"] == inbox.row("payments")["id"]


def test_up_to_the_limit_all_are_taken_and_beyond_it_none(
    db: psycopg.Connection, acme: Organization
) -> None:
    tight = open_inbox(acme, rate_limit_per_minute=3)
    some: list[Any] = [(tight, payment()[0]) for _ in range(4)]
    assert refused_with(db, some) == "PT429"
    assert (tight.rows("payments"), tight.rows("webhook_events")) == ([], [])
    assert acme.world.value(MINUTE_OF, tight.connection_id) == 0
    assert take_together(some[:3]) == ["processed"] * 3
    assert acme.world.value(MINUTE_OF, tight.connection_id) == 3
    assert refused_with(db, some[3:]) == "PT429"


@pytest.mark.parametrize(
    ("spoil", "state"),
    [({"is_active": False}, "PT404"), ({"connection_type": "whop"}, "PT400")],
    ids=["a connection that is paused", "a body that is no event of the provider"],
)
def test_one_that_is_refused_refuses_the_call(
    db: psycopg.Connection, inbox: Inbox, spoil: dict[str, object], state: str
) -> None:
    bad = open_inbox(inbox.organization)
    for column, value in spoil.items():
        inbox.organization.world.execute(
            f"update app.webhook_connections set {column} = %s where id = %s",
            value,
            bad.connection_id,
        )
    body: Event = {"id": None, "object": "event"} if state == "PT400" else payment()[0]
    assert refused_with(db, [(inbox, payment()[0]), (bad, body)]) == state
    assert inbox.rows("webhook_events") == []


@pytest.mark.parametrize("told", ["a payment", "a booking"])
def test_several_do_not_wait_for_a_lead_that_somebody_else_has(
    database: Database, committed_world: World, told: str
) -> None:
    acme = committed_world.organization("slow")
    inbox = open_inbox(acme)
    call = acme.event(email="lee@lead.test", closer=acme.closer("dana"), scheduled_at=NOON)
    acme.form(call, call_occurred=True, offer_made=True, deal_closed=True, contract_value="900.00")
    at = int(NOON.timestamp()) + 3600
    others = payment(email="kim@x.test", created=at)[0]
    mine, through = payment(email="lee@lead.test", created=at)[0], inbox
    if told == "a booking":
        eli = acme.closer(person=acme.join(committed_world.person("eli"), "member"))
        mine = Invitee(hosts=[eli.email], email="lee@lead.test").created()
        through = open_inbox(acme, provider="calendly")
    with psycopg.connect(database.deployer_url) as holder:
        holder.execute("set role salesdash")
        holder.execute("select from app.leads where organization_id = %s for update", (acme.id,))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            take_together([(inbox, others), (through, mine)])
        assert inbox.rows("webhook_events") == []
        assert inbox.take(others) == "processed"
    assert through.take(mine) == "processed"


def test_deliveries_are_looked_up_by_key_however_small_the_tables_are(
    database: Database, committed_world: World
) -> None:
    """A session keeps the plans that it made first. For several deliveries at once the planner
    would read all of a small table, of everybody's rows, and go on when it has grown."""
    acme = committed_world.organization("acme")
    call = acme.event(email="lee@lead.test", closer=acme.closer("dana"), scheduled_at=NOON)
    acme.form(call, call_occurred=True, offer_made=True, deal_closed=True, contract_value="900.00")
    at = int(NOON.timestamp()) + 3600
    charges = [payment(email="lee@lead.test", created=at + number)[0] for number in range(3)]
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("analyze")
        plans = Plans(connection)
        inbox = open_inbox(replace(acme, world=World(connection, committed_world.sessions)))
        with plans.heard() as told:
            assert take_together([(inbox, charge) for charge in charges]) == ["processed"] * 3
            assert inbox.take(refund(charges[0], 100)) == "processed"
    tables = {"webhook_connections", "rate_limits", "payments", "payment_carriers"}
    tables |= {"payment_refunds", "payment_credits", "webhook_event_keys", "closers", "setters"}
    own = [plan for plan in told if "OPERATOR(pg_catalog.=)" not in plan["Query Text"]]
    assert own != []
    assert {scan for plan in own for scan in whole_scans(plan, tables, set())} == set()
