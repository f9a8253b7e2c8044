"""Money that a form claims, and the processor's payment that confirms it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.database.inbox import Inbox, open_inbox
from tests.stripe_events import payment
from tests.world import ANSWERS, Organization, Person, Row, World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
EMAIL = "lee@lead.test"
CASH = Decimal("1499.00")


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


@pytest.fixture
def dana(acme: Organization) -> Person:
    return acme.closer("dana")


@pytest.fixture
def call(acme: Organization, dana: Person) -> Row:
    """A call with EMAIL, an hour before PAID_AT."""
    return acme.event(
        closer=dana,
        setter=acme.setter("sam"),
        email=EMAIL,
        scheduled_at=PAID_AT - timedelta(hours=1),
    )


def report(acme: Organization, call: Row, cash: Decimal | None, *, at: datetime = PAID_AT) -> None:
    """The form of a closed call. cash: what was collected."""
    acme.form(call, at=at, **ANSWERS["closed"], cash_collected=cash)


def claim(inbox: Inbox) -> dict[str, Any]:
    """The organization's only claim."""
    (found,) = [row for row in inbox.rows("payments") if row["claim_state"]]
    return found


def pay(inbox: Inbox, *, created: datetime = PAID_AT, amount: int = 149900, **given: Any) -> None:
    """A processor's payment of the lead."""
    charge, _ = payment(email=EMAIL, created=int(created.timestamp()), amount=amount, **given)
    assert inbox.take(charge) == "processed"


def test_a_form_with_cash_is_a_claim_credited_to_the_people_of_the_call(
    acme: Organization, inbox: Inbox, dana: Person, call: Row
) -> None:
    report(acme, call, CASH)
    made = claim(inbox)
    assert (made["source"], made["claim_state"], made["amount"], made["amount_base"]) == (
        "manual",
        "pending",
        CASH,
        CASH,
    )
    assert (made["event_id"], made["closer_id"], made["payment_date"]) == (
        call.id,
        dana.closer_id,
        PAID_AT,
    )
    assert {row["role"] for row in inbox.rows("payment_credits")} == {"closer", "setter"}


@pytest.mark.parametrize("cash", [None, Decimal("0.00")])
def test_a_form_without_cash_claims_nothing(
    acme: Organization, inbox: Inbox, call: Row, cash: Decimal | None
) -> None:
    report(acme, call, cash)
    assert inbox.rows("payments") == []


def test_a_new_version_changes_the_claim(acme: Organization, inbox: Inbox, call: Row) -> None:
    report(acme, call, CASH)
    report(acme, call, Decimal("500.00"), at=PAID_AT + timedelta(hours=1))
    changed = claim(inbox)
    assert (changed["amount"], changed["payment_date"]) == (Decimal("500.00"), PAID_AT)
    assert {row["amount_base"] for row in inbox.rows("payment_credits")} == {Decimal("500.00")}


def test_a_claim_is_withdrawn_and_may_come_back(
    acme: Organization, inbox: Inbox, call: Row
) -> None:
    report(acme, call, CASH)
    report(acme, call, None, at=PAID_AT + timedelta(hours=1))
    assert claim(inbox)["deleted_at"] is not None
    report(acme, call, CASH, at=PAID_AT + timedelta(hours=2))
    assert claim(inbox)["deleted_at"] is None


@pytest.mark.parametrize("claim_first", [True, False])
def test_the_processors_payment_supersedes_the_claim_in_either_order(
    acme: Organization, inbox: Inbox, call: Row, claim_first: bool
) -> None:
    if claim_first:
        report(acme, call, CASH)
        pay(inbox)
    else:
        pay(inbox)
        report(acme, call, CASH)
    (paid,) = [row for row in inbox.rows("payments") if row["claim_state"] is None]
    assert (claim(inbox)["claim_state"], claim(inbox)["superseded_by_id"]) == (
        "superseded",
        paid["id"],
    )
    assert inbox.open_exceptions() == set()


@pytest.mark.parametrize(
    "given",
    [
        {"amount": 149901},
        {"currency": "eur"},
        {"created": PAID_AT + timedelta(hours=73)},
        {"livemode": False},
    ],
)
def test_other_money_leaves_the_claim_alone(
    acme: Organization, inbox: Inbox, call: Row, given: dict[str, Any]
) -> None:
    report(acme, call, CASH)
    pay(inbox, **given)
    assert claim(inbox)["claim_state"] == "pending"
    assert "ambiguous_claim" not in inbox.open_exceptions()


def test_seventy_two_hours_are_near_enough(acme: Organization, inbox: Inbox, call: Row) -> None:
    report(acme, call, CASH)
    pay(inbox, created=PAID_AT + timedelta(hours=72))
    assert claim(inbox)["claim_state"] == "superseded"


def test_between_two_payments_a_person_decides(acme: Organization, inbox: Inbox, call: Row) -> None:
    pay(inbox)
    pay(inbox)
    report(acme, call, CASH)
    assert claim(inbox)["claim_state"] == "pending"
    assert inbox.open_exceptions() == {"ambiguous_claim"}


def test_a_second_payment_after_the_match_counts_as_its_own(
    acme: Organization, inbox: Inbox, call: Row
) -> None:
    report(acme, call, CASH)
    pay(inbox)
    pay(inbox)
    assert claim(inbox)["claim_state"] == "superseded"
    assert inbox.open_exceptions() == set()


def test_a_changed_claim_parts_from_its_payment(
    acme: Organization, inbox: Inbox, call: Row
) -> None:
    report(acme, call, CASH)
    pay(inbox)
    report(acme, call, Decimal("10.00"), at=PAID_AT + timedelta(hours=1))
    parted = claim(inbox)
    assert (parted["claim_state"], parted["superseded_by_id"]) == ("pending", None)
