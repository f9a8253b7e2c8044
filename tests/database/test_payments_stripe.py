"""What Stripe's events make of payments and refunds, in any order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.database.inbox import Inbox, ending, open_inbox
from tests.stripe_events import Event, dispute, fresh, payment, refund, refunded
from tests.world import World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"))


@pytest.mark.parametrize(
    ("name", "amount", "currency"),
    [
        ("charge.succeeded", "1499.00", "USD"),
        ("charge.succeeded.jpy-guest-no-email", "30000", "JPY"),
        ("charge.succeeded.kwd-three-decimal", "45.990", "KWD"),
        ("charge.succeeded.legacy-without-payment-intent", "25.00", "USD"),
        ("payment_intent.succeeded", "1499.00", "USD"),
        ("charge.updated", "1499.00", "USD"),
    ],
)
def test_amounts_are_in_major_units(inbox: Inbox, name: str, amount: str, currency: str) -> None:
    assert inbox.take(fresh(name)) == "processed"
    paid = inbox.row("payments")
    assert (str(paid["amount"]), paid["currency"]) == (amount, currency)


@pytest.mark.parametrize(("currency", "amount"), [("ugx", "5000"), ("isk", "5000")])
def test_the_special_currencies_are_hundredths(inbox: Inbox, currency: str, amount: str) -> None:
    charge, _ = payment(amount=500000, currency=currency)
    inbox.take(charge)
    assert str(inbox.row("payments")["amount"]) == amount


def test_a_payment_without_an_intent_is_keyed_by_its_charge(inbox: Inbox) -> None:
    inbox.take(fresh("charge.succeeded.legacy-without-payment-intent"))
    paid = inbox.row("payments")
    assert (
        paid["provider_payment_id"] == paid["provider_charge_id"] == "ch_1SVk9HFx7aQd0Lm4Legacy01"
    )
    assert paid["customer_email"] == "legacy.buyer@example.com"


def test_a_foreign_payment_without_a_rate_waits_for_one(inbox: Inbox) -> None:
    acme = inbox.organization
    charge, _ = payment(amount=10000, currency="eur")
    inbox.take(charge)
    inbox.take(refund(charge, 2500))
    paid = inbox.row("payments")
    assert paid["amount_base"] is None
    assert "missing_rate" in inbox.open_exceptions()
    acme.world.insert(
        "fx_rates",
        organization_id=acme.id,
        day=PAID_AT.date() - timedelta(days=7),
        from_currency="EUR",
        to_currency="USD",
        rate=Decimal("1.10"),
    )
    assert inbox.row("payments")["amount_base"] == Decimal("110.00")
    assert inbox.row("payment_refunds")["amount_base"] == Decimal("27.50")
    assert "missing_rate" not in inbox.open_exceptions()


def test_a_rate_that_comes_later_does_not_move_a_frozen_amount(inbox: Inbox) -> None:
    acme = inbox.organization

    def rate(day: int, value: str) -> None:
        acme.world.insert(
            "fx_rates",
            organization_id=acme.id,
            day=PAID_AT.date() - timedelta(days=day),
            from_currency="EUR",
            to_currency="USD",
            rate=Decimal(value),
        )

    rate(3, "1.10")
    charge, intent = payment(amount=10000, currency="eur")
    inbox.take(charge)
    rate(0, "1.50")
    inbox.take(intent)
    assert inbox.row("payments")["amount_base"] == Decimal("110.00")


def test_an_immediate_payment_is_dated_by_its_charge(inbox: Inbox) -> None:
    for event in reversed(payment()):
        inbox.take(event)
    assert inbox.row("payments")["payment_date"] == PAID_AT


def test_a_delayed_payment_is_dated_by_its_confirmation(inbox: Inbox) -> None:
    charge, _ = payment()
    charge["created"] += 4 * 86400
    charge["data"]["object"]["payment_method_details"] = {"type": "sepa_debit", "sepa_debit": {}}
    inbox.take(charge)
    assert inbox.row("payments")["payment_date"] == PAID_AT + timedelta(days=4, seconds=1)


def test_an_authorisation_is_no_money_until_it_is_captured(inbox: Inbox) -> None:
    charge = fresh("charge.succeeded.authorized-not-captured")
    assert inbox.take(charge) == "ignored"
    assert inbox.rows("payments") == []
    captured = fresh(
        "charge.succeeded.authorized-not-captured", captured=True, amount_captured=60000
    )
    captured["type"] = "charge.captured"
    assert inbox.take(captured) == "processed"
    assert inbox.row("payments")["amount"] == Decimal("600.00")


def test_what_the_payer_typed_outranks_the_receipts_address(inbox: Inbox) -> None:
    charge, intent = payment(email="Payer@Lead.Test ")
    intent["data"]["object"]["receipt_email"] = "office@lead.test"
    for event in (intent, charge, intent):
        inbox.take({**event, "id": f"evt_{uuid4().hex}"})
    assert inbox.row("payments")["customer_email_norm"] == "payer@lead.test"


def test_a_connected_accounts_payment_is_its_own(inbox: Inbox) -> None:
    mine = fresh("payment_intent.succeeded.connected-account")
    theirs = {**mine, "id": "evt_other", "account": "acct_other"}
    inbox.take(mine)
    inbox.take(theirs)
    accounts = {row["provider_account"] for row in inbox.rows("payments")}
    assert accounts == {mine["account"], "acct_other"}


def test_a_connection_made_again_tells_of_the_same_money(world: World) -> None:
    acme = world.organization("acme")
    old = open_inbox(acme, provider_account="acct_1")
    charge, intent = payment()
    old.take(charge)
    world.execute(
        "update app.webhook_connections set deleted_at = now() where id = %s", old.connection_id
    )
    new = open_inbox(acme, provider_account="acct_1")
    assert [new.take(charge), new.take(intent)] == ["processed", "processed"]
    assert new.row("payments")["whop_connection_id"] == old.connection_id


def test_a_deleted_connection_takes_nothing(world: World, inbox: Inbox) -> None:
    world.execute(
        "update app.webhook_connections set deleted_at = now() where id = %s", inbox.connection_id
    )
    with pytest.raises(psycopg.Error) as raised:
        inbox.take(payment()[0])
    assert raised.value.sqlstate == "PT404"


# -- refunds and disputes


def refund_rows(inbox: Inbox) -> list[tuple[str, str, str]]:
    """(kind, status, amount) of what counts or may count."""
    return sorted(
        (row["kind"], row["status"], str(row["amount"]))
        for row in inbox.rows("payment_refunds")
        if "@" not in row["provider_refund_id"] or row["status"] == "succeeded"
    )


def test_partial_refunds_are_rows_of_their_own_day(inbox: Inbox) -> None:
    charge, _ = payment()
    for event in (charge, refund(charge, 50000), refund(charge, 99900)):
        inbox.take(event)
    assert refund_rows(inbox) == [
        ("refund", "succeeded", "500.00"),
        ("refund", "succeeded", "999.00"),
    ]
    assert {row["refunded_at"] for row in inbox.rows("payment_refunds")} == {
        PAID_AT + timedelta(hours=1)
    }
    paid = inbox.row("payments")
    assert (paid["amount"], paid["refund_amount"], paid["net_revenue"]) == (
        Decimal("1499.00"),
        Decimal("1499.00"),
        0,
    )


def test_a_refund_waits_for_its_payment(inbox: Inbox) -> None:
    charge, _ = payment()
    inbox.take(refund(charge, 50000))
    assert inbox.row("payment_refunds")["payment_id"] is None
    inbox.take(charge)
    paid = inbox.row("payments")
    assert inbox.row("payment_refunds")["payment_id"] == paid["id"]
    assert paid["refund_amount"] == Decimal("500.00")


def test_a_refund_that_fails_never_was(inbox: Inbox) -> None:
    charge, _ = payment()
    made = refund(charge, 50000)
    failed = {**made, "id": "evt_failed", "type": "refund.failed"}
    failed["data"] = {"object": {**made["data"]["object"], "status": "failed"}}
    for event in (charge, failed, made):
        inbox.take(event)
    assert refund_rows(inbox) == [("refund", "failed", "500.00")]
    assert inbox.row("payments")["refund_amount"] == 0


def test_a_pending_refund_does_not_count_yet(inbox: Inbox) -> None:
    charge, _ = payment()
    pending = refund(charge, 50000, status="pending")
    inbox.take(charge)
    inbox.take(pending)
    assert inbox.row("payments")["refund_amount"] == 0
    done = {**pending, "id": "evt_done", "type": "refund.updated"}
    done["data"] = {"object": {**pending["data"]["object"], "status": "succeeded"}}
    inbox.take(done)
    assert inbox.row("payments")["refund_amount"] == Decimal("500.00")


def test_totals_of_the_charge_stand_in_for_refunds_nobody_told_of(inbox: Inbox) -> None:
    charge, _ = payment()
    for event in (charge, refunded(charge, 149900), refunded(charge, 50000)):
        inbox.take(event)
    assert refund_rows(inbox) == [
        ("refund", "succeeded", "500.00"),
        ("refund", "succeeded", "999.00"),
    ]
    inbox.take(refund(charge, 50000))
    assert inbox.row("payments")["refund_amount"] == Decimal("1499.00")
    inbox.take(refund(charge, 99900))
    assert inbox.row("payments")["refund_amount"] == Decimal("1499.00")
    assert refund_rows(inbox) == [
        ("refund", "succeeded", "500.00"),
        ("refund", "succeeded", "999.00"),
    ]


def test_a_dispute_takes_the_money_and_a_won_one_brings_it_back(inbox: Inbox) -> None:
    charge, _ = payment(amount=99000)
    inbox.take(charge)
    inbox.take(dispute(charge))
    assert inbox.row("payments")["refund_amount"] == Decimal("990.00")
    inbox.take(dispute(charge, "charge.dispute.funds_reinstated"))
    assert refund_rows(inbox) == [
        ("dispute", "succeeded", "990.00"),
        ("dispute_won", "succeeded", "990.00"),
    ]
    assert inbox.row("payments")["refund_amount"] == 0
    days = {row["kind"]: row["refunded_at"] for row in inbox.rows("payment_refunds")}
    assert days == {
        "dispute": datetime.fromtimestamp(1795428000, UTC),
        "dispute_won": datetime.fromtimestamp(1798624800, UTC),
    }


def test_a_refund_in_another_currency_is_for_a_person(inbox: Inbox) -> None:
    charge, _ = payment()
    inbox.take(charge)
    odd = refund(charge, 100)
    odd["data"]["object"]["currency"] = "eur"
    assert inbox.take(odd) == "queued"
    assert inbox.rows("payment_refunds") == []
    assert "failed_delivery" in inbox.open_exceptions()


# -- any order


def story() -> list[Event]:
    """A payment told three times, refunded in parts, disputed and won: in the order it happened."""
    charge, intent = payment(email="lee@lead.test")
    intent["data"]["object"]["receipt_email"] = "office@lead.test"
    first, second = refund(charge, 30000), refund(charge, 20000)
    failed = {**second, "id": f"evt_{uuid4().hex}", "type": "refund.failed"}
    failed["data"] = {"object": {**second["data"]["object"], "status": "failed"}}
    return [
        charge,
        intent,
        first,
        refunded(charge, 30000),
        second,
        refunded(charge, 50000),
        failed,
        dispute(charge),
        dispute(charge, "charge.dispute.funds_reinstated"),
    ]


PAYMENT = (
    "amount",
    "amount_base",
    "refund_amount",
    "payment_date",
    "customer_email",
    "customer_name",
    "provider_charge_id",
    "attribution_method",
    "attribution_confidence",
)


def told(world: World, events: Sequence[Event]) -> dict[str, Any]:
    """What is left when these events came in this order, in an organization of its own."""
    acme = world.organization("acme")
    dana, sam = acme.closer("dana"), acme.setter("sam")
    acme.event(
        closer=dana,
        setter=sam,
        email="lee@lead.test",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    inbox = open_inbox(acme)
    for event in events:
        assert inbox.take(event) in {"processed", "duplicate"}
    paid = inbox.row("payments")
    assert paid["closer_id"] == dana.closer_id
    assert paid["setter_id"] == sam.setter_id
    return ending(inbox, PAYMENT)


@pytest.fixture
def in_order(db: psycopg.Connection, world: World) -> tuple[list[Event], dict[str, Any]]:
    """A story, and what it leaves when it is told in order."""
    orderly = story()
    with db.transaction(force_rollback=True):
        return orderly, told(world, orderly)


@settings(max_examples=20)
@given(data=st.data())
def test_the_order_of_deliveries_and_repetitions_change_nothing(
    db: psycopg.Connection,
    world: World,
    in_order: tuple[list[Event], dict[str, Any]],
    data: st.DataObject,
) -> None:
    orderly, expected = in_order
    shuffled = data.draw(st.permutations([*orderly, *orderly[:3]]), label="order")
    with db.transaction(force_rollback=True):
        assert told(world, shuffled) == expected
