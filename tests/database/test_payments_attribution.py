"""Whose sale a payment is: the ladder, what it writes, and what a person must decide."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.database.inbox import Inbox, open_inbox
from tests.stripe_events import payment
from tests.world import Organization, Row, World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
EMAIL = "lee@lead.test"


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


@pytest.fixture
def call(acme: Organization) -> Callable[..., Row]:
    """A call with EMAIL, days before PAID_AT, with a closer of its own."""

    def booked(days: float, outcome: str | None = None, **given: Any) -> Row:
        return acme.event(
            **{
                "closer": acme.closer(f"closer{days}{outcome}"),
                "email": EMAIL,
                "scheduled_at": PAID_AT - timedelta(days=days),
                "outcome": outcome,
                **given,
            }
        )

    return booked


def pay(inbox: Inbox, email: str | None = EMAIL, **given: Any) -> dict[str, Any]:
    """A payment of this address, as it is afterwards."""
    charge, _ = payment(email=email, **given)
    assert inbox.take(charge) == "processed"
    return inbox.rows("payments")[-1]


def reasons(paid: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["what"], step["decided"]) for step in paid["attribution_steps"]]


# -- which call


def test_the_latest_closed_call_before_the_payment_wins(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    call(30, "closed")
    sold = call(10, "closed")
    call(5, "showed_offer")
    call(2)
    call(-1, "closed")
    paid = pay(inbox)
    assert paid["event_id"] == sold.id
    assert (paid["attribution_method"], paid["attribution_confidence"]) == (
        "identity_event",
        Decimal("0.95"),
    )


def test_without_a_closed_one_the_latest_completed_call_wins(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    call(20, "showed_offer")
    held = call(10, "showed_no_offer")
    call(5, "no_show")
    call(2)
    assert pay(inbox)["event_id"] == held.id


def test_without_a_completed_one_the_latest_that_is_not_off_wins(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    booked = call(5)
    call(3, "canceled")
    paid = pay(inbox)
    assert (paid["event_id"], paid["attribution_confidence"]) == (booked.id, Decimal("0.6"))


@pytest.mark.parametrize(
    ("days", "found"), [(89.9, True), (90.1, False), (-0.01, False), (0, True)]
)
def test_only_calls_of_the_ninety_days_before_count(
    inbox: Inbox, call: Callable[..., Row], days: float, found: bool
) -> None:
    event = call(days, "closed")
    assert pay(inbox)["event_id"] == (event.id if found else None)


def test_the_organization_sets_the_window(
    world: World, acme: Organization, inbox: Inbox, call: Callable[..., Row]
) -> None:
    call(20, "closed")
    world.execute(
        "update app.organizations set attribution_window_days = 10 where id = %s", acme.id
    )
    assert pay(inbox)["event_id"] is None


def test_the_address_is_compared_without_case_and_space(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    event = call(1, "closed")
    assert pay(inbox, f"  {EMAIL.upper()} ")["event_id"] == event.id


def test_another_organizations_call_is_never_found(world: World, inbox: Inbox) -> None:
    other = world.organization("other")
    other.event(
        closer=other.closer(), email=EMAIL, scheduled_at=PAID_AT - timedelta(1), outcome="closed"
    )
    paid = pay(inbox)
    assert (paid["lead_id"], paid["event_id"]) == (None, None)


# -- what is written


def test_source_and_lead_come_with_the_call(acme: Organization, inbox: Inbox) -> None:
    youtube, organic = acme.source(), acme.traffic_type("Organic")
    lead = acme.lead(email=EMAIL)
    acme.event(
        lead=lead,
        source=youtube,
        traffic_type=organic,
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
        closer=acme.closer(),
    )
    paid = pay(inbox)
    assert (paid["lead_id"], paid["source_id"], paid["traffic_type_id"]) == (
        lead.id,
        youtube.id,
        organic.id,
    )


def test_a_cover_shift_credits_who_took_the_call(acme: Organization, inbox: Inbox) -> None:
    booked, took = acme.closer("dana"), acme.closer("eli")
    call = acme.event(closer=booked, email=EMAIL, scheduled_at=PAID_AT - timedelta(hours=2))
    assert pay(inbox)["closer_id"] == booked.closer_id
    acme.form(
        call,
        at=PAID_AT,
        call_occurred=True,
        lead_showed=True,
        offer_made=True,
        deal_closed=True,
        closer_id=took.closer_id,
    )
    paid = inbox.row("payments")
    assert (paid["closer_id"], paid["attribution_confidence"]) == (took.closer_id, Decimal("0.95"))
    assert [row["closer_id"] for row in inbox.rows("payment_credits")] == [took.closer_id]


def test_the_setter_is_who_set_the_first_booking(acme: Organization, inbox: Inbox) -> None:
    first_setter = acme.setter("sam")
    lead = acme.lead(email=EMAIL)
    first = acme.event(lead=lead, setter=first_setter, scheduled_at=PAID_AT - timedelta(days=3))
    acme.event(
        lead=lead,
        closer=acme.closer(),
        rescheduled_from=first,
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    assert pay(inbox)["setter_id"] == first_setter.setter_id


@pytest.mark.parametrize(
    ("rule", "whose"), [("event", "sam"), ("original", "ola"), ("current", "cy")]
)
def test_the_organization_says_which_setter_counts(
    world: World, acme: Organization, inbox: Inbox, rule: str, whose: str
) -> None:
    setters = {name: acme.setter(name) for name in ("sam", "ola", "cy")}
    lead = acme.lead(email=EMAIL, original_setter_id=setters["ola"].setter_id)
    acme.event(
        lead=lead,
        closer=acme.closer(),
        setter=setters["sam"],
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    world.execute(
        "update app.leads set current_setter_id = %s where id = %s",
        setters["cy"].setter_id,
        lead.id,
    )
    world.execute(
        "update app.organizations set setter_attribution = %s where id = %s", rule, acme.id
    )
    assert pay(inbox)["setter_id"] == setters[whose].setter_id


# -- what nobody knows


def test_a_payment_of_nobody_is_an_exception(inbox: Inbox) -> None:
    paid = pay(inbox, "nobody@lead.test")
    assert paid["attribution_method"] == "none"
    assert reasons(paid) == [
        ("reference", "skipped"),
        ("provider_customer", "nobody"),
        ("email", "nobody"),
        ("phone", "skipped"),
        ("other_payments", "nobody"),
        ("claim", "skipped"),
    ]
    (exception,) = inbox.rows("exceptions")
    assert (exception["check_name"], exception["row_ids"]) == ("unattributed_payment", [paid["id"]])


def test_an_address_that_comes_with_the_second_event_attributes_the_payment(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    event = call(1, "closed")
    charge, intent = payment(email=EMAIL)
    inbox.take(intent)
    assert inbox.open_exceptions() == {"unattributed_payment"}
    inbox.take(charge)
    assert inbox.row("payments")["event_id"] == event.id
    assert inbox.open_exceptions() == set()


def test_a_booking_that_comes_after_its_payment_is_found(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    pay(inbox)
    event = call(1)
    assert inbox.row("payments")["event_id"] == event.id
    assert "unattributed_payment" not in inbox.open_exceptions()


def test_a_deleted_call_loses_its_payment(
    world: World, acme: Organization, inbox: Inbox, call: Callable[..., Row]
) -> None:
    event = call(1, "closed")
    pay(inbox)
    world.execute("select app.delete_event(%s, %s, 'a test booking', now())", acme.id, event.id)
    paid = inbox.row("payments")
    assert (paid["event_id"], paid["closer_id"]) == (None, None)
    assert inbox.rows("payment_credits") == []
    assert "unattributed_payment" in inbox.open_exceptions()


def test_between_two_leads_nothing_is_guessed(
    world: World, acme: Organization, inbox: Inbox, call: Callable[..., Row]
) -> None:
    call(1, "closed")
    call(2, "closed", email="other@lead.test")
    world.execute(
        "update app.events set lead_email = %s where organization_id = %s", EMAIL, acme.id
    )
    paid = pay(inbox)
    assert (paid["event_id"], paid["lead_id"]) == (None, None)
    assert reasons(paid)[-1] == ("email", "ambiguous")
    assert len(paid["attribution_steps"][-1]["lead_ids"]) == 2
    assert inbox.open_exceptions() == {"unattributed_payment"}


def test_a_merged_lead_is_the_one_it_became(world: World, acme: Organization, inbox: Inbox) -> None:
    kept, gone = acme.lead("kept"), acme.lead("gone", email=EMAIL)
    event = acme.event(
        lead=kept, closer=acme.closer(), scheduled_at=PAID_AT - timedelta(1), outcome="closed"
    )
    world.execute("update app.leads set merged_into_id = %s where id = %s", kept.id, gone.id)
    assert pay(inbox)["event_id"] == event.id


def test_a_call_without_a_closer_leaves_the_payment_unattributed(
    inbox: Inbox, call: Callable[..., Row]
) -> None:
    event = call(1, closer=None)
    assert pay(inbox)["event_id"] == event.id
    assert "unattributed_payment" in inbox.open_exceptions()


def test_what_a_person_decided_stays(
    world: World, acme: Organization, inbox: Inbox, call: Callable[..., Row]
) -> None:
    mine = acme.closer("mine")
    paid = pay(inbox)
    world.execute(
        "update app.payments set attribution_method = 'manual', credited_by_hand = true"
        " where id = %s",
        paid["id"],
    )
    world.execute(
        "select app.replace_credits(%s, %s, %s, '{}')", acme.id, paid["id"], [mine.closer_id]
    )
    call(1, "closed")
    world.execute("select app.attribute_payment(%s, %s)", acme.id, paid["id"])
    paid = inbox.row("payments")
    assert (paid["closer_id"], paid["event_id"]) == (mine.closer_id, None)
    assert inbox.open_exceptions() == set()


# -- credits


def test_split_credits_add_up_to_the_payment(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    people = [acme.closer(name) for name in ("a", "b", "c")]
    paid = pay(inbox, amount=10000)
    world.execute(
        "select app.set_credits(%s, %s, %s, '{}', array[1, 1, 4]::numeric[])",
        acme.id,
        paid["id"],
        [person.closer_id for person in people],
    )

    def split() -> list[tuple[Decimal, Decimal, Any]]:
        return [
            (row["share"], row["amount_base"], row["payee_id"])
            for row in inbox.rows("payment_credits", "share, closer_id")
        ]

    assert [amount for _, amount, _ in split()] == [
        Decimal("16.67"),
        Decimal("16.67"),
        Decimal("66.66"),
    ]
    assert sum(share for share, _, _ in split()) == 1
    assert {payee for _, _, payee in split()} == {person.payee_id for person in people}
    assert inbox.row("payments")["closer_id"] == people[2].closer_id
    before = split()
    world.execute("select app.spread_credits(%s, %s)", acme.id, paid["id"])
    assert split() == before


def test_shares_that_do_not_add_up_are_refused_at_commit(
    world: World, acme: Organization, inbox: Inbox, call: Callable[..., Row]
) -> None:
    call(1, "closed")
    pay(inbox)
    with pytest.raises(psycopg.errors.CheckViolation) as raised:
        world.execute(
            "set constraints all immediate;"
            " update app.payment_credits set share = 0.5 where organization_id = "
            f"'{acme.id}'"
        )
    assert raised.value.diag.constraint_name == "payment_credits_shares_add_up_to_one"
