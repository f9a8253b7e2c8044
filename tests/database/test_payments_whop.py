"""What Whop's deliveries make of payments, refunds and disputes, in any generation and order."""

import copy
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
from tests.whop_events import DATA, Event, example, fresh
from tests.world import World

PAID_AT = datetime.fromtimestamp(1795168799, UTC)
GENERATIONS = ["v2", "v5", "v1-unpinned", "v1-dated"]


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"), provider="whop")


# -- amounts


@pytest.mark.parametrize(
    ("given", "currency", "amount"),
    [
        (297, "usd", "297.00"),
        (10.43, "usd", "10.43"),
        ("297.5", "usd", "297.50"),
        ("1000", "jpy", "1000"),
        (1000.0, "jpy", "1000"),
        ({"amount": "45.990", "currency": "kwd", "decimals": 3}, "kwd", "45.990"),
        ({"amount": "250000.00", "currency": "cop", "display_decimals": 0}, "cop", "250000.00"),
        ({"amount": 12.5, "currency": "EUR"}, "eur", "12.50"),
    ],
)
@pytest.mark.parametrize(("name", "field"), [("v5", "final_amount"), ("v1-unpinned", "total")])
def test_amounts_are_in_major_units(
    inbox: Inbox, name: str, field: str, given: object, currency: str, amount: str
) -> None:
    event = fresh(f"{name}.payment.succeeded", currency=currency, **{field: given})
    assert inbox.take(event) == "processed"
    paid = inbox.row("payments")
    assert (str(paid["amount"]), paid["currency"]) == (amount, currency.upper())


@pytest.mark.parametrize(
    ("given", "currency"),
    [
        (10.435, "usd"),
        ("0.5", "jpy"),
        (5, "btc"),
        (5, "whop_usd"),
        (5, None),
        (-5, "usd"),
        ("$297.00", "usd"),
        ("1e3", "usd"),
        ("NaN", "usd"),
        (True, "usd"),
        ([297], "usd"),
        ({}, "usd"),
        ({"amount": None, "currency": "usd"}, "usd"),
        ({"amount": {"amount": "5"}}, "usd"),
        ({"amount": "5.00", "currency": "usdt"}, "usd"),
        (None, "usd"),
        ("9" * 40, "usd"),
    ],
)
def test_what_is_no_amount_of_a_known_currency_waits_for_a_person(
    inbox: Inbox, given: object, currency: str | None
) -> None:
    event = fresh("v1-unpinned.payment.succeeded", total=given, currency=currency)
    assert inbox.take(event) == "queued"
    assert inbox.rows("payments") == []
    assert "failed_delivery" in inbox.open_exceptions()
    (error,) = [row["error"] for row in inbox.rows("webhook_events")]
    assert "Failed with" not in error


# -- payments


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_tells_of_the_same_payment(inbox: Inbox, generation: str) -> None:
    for name in [generation, *GENERATIONS]:
        inbox.take(fresh(f"{name}.payment.succeeded"))
    paid = inbox.row("payments")
    assert (paid["provider"], paid["provider_account"], paid["provider_payment_id"]) == (
        "whop",
        "",
        "pay_J0rdan1stPay01",
    )
    assert (paid["amount"], paid["currency"]) == (Decimal("297.00"), "USD")
    assert paid["payment_date"] == PAID_AT
    assert paid["customer_email"] == "jordan.reyes@example.com"
    assert paid["customer_name"] == "Jordan Reyes"
    assert paid["provider_customer_id"] == "user_J0rdanReyes001"
    assert paid["provider_subscription_id"] == "mem_J0rdan1nner001"
    assert paid["metadata"] == {"deal_id": "D-20418"}
    assert paid["fee_amount"] == Decimal("17.38")


@pytest.mark.parametrize(
    ("fields", "fee", "tax"),
    [
        ({}, "17.37", None),
        ({"tax_amount": 47.4}, "17.37", "47.40"),
        ({"tax_amount": {"amount": "47.40", "currency": "usd"}}, "17.37", "47.40"),
        ({"tax_amount": {"amount": "40.00", "currency": "eur"}}, "17.37", None),
        ({"amount_after_fees": 240.1, "settlement_currency": "eur"}, None, None),
        ({"amount_after_fees": None, "tax_amount": 300}, None, None),
        ({"amount_after_fees": 279.625, "tax_amount": "much"}, None, None),
        ({"currency": "eur", "settlement_currency": "eur", "tax_amount": 4}, None, None),
    ],
)
def test_fee_and_tax_are_kept_where_they_are_told_in_the_currency_of_the_books(
    inbox: Inbox, fields: dict[str, object], fee: str | None, tax: str | None
) -> None:
    assert inbox.take(fresh("v1-unpinned.payment.succeeded", **fields)) == "processed"
    paid = inbox.row("payments")
    told = [paid["fee_amount"], paid["tax_amount"]]
    assert [amount if amount is None else str(amount) for amount in told] == [fee, tax]


@pytest.mark.parametrize(
    "status",
    ["draft", "open", "authorized", "pending", "uncollectible", "unresolved", "void", "new", None],
)
def test_only_the_status_paid_is_money(inbox: Inbox, status: str | None) -> None:
    event = {**fresh("v1-dated.payment.succeeded", status=status), "type": "payment.pending"}
    assert inbox.take(event) == "ignored"
    assert inbox.rows("payments") == []


def test_a_payment_that_was_pending_is_there_once_it_is_paid(inbox: Inbox) -> None:
    pending = fresh("v5.payment.pending")
    paid = fresh("v5.payment.succeeded", id=pending["data"]["id"])
    assert [inbox.take(event) for event in (pending, paid, pending)] == [
        "ignored",
        "processed",
        "duplicate",
    ]
    assert inbox.row("payments")["provider_payment_id"] == "pay_J0rdanPend0001"


def test_what_costs_nothing_is_no_payment(inbox: Inbox) -> None:
    assert inbox.take(fresh("v1-unpinned.payment.succeeded", total=0.0)) == "ignored"
    assert inbox.rows("payments") == []


def test_what_does_not_say_when_it_was_paid_was_paid_when_it_was_told(inbox: Inbox) -> None:
    dated = fresh("v1-dated.payment.succeeded", paid_at=None)
    inbox.take(dated)
    assert inbox.row("payments")["payment_date"] == datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)


def test_an_older_delivery_without_any_time_holds_from_when_it_first_came(inbox: Inbox) -> None:
    event = fresh("v5.payment.succeeded", paid_at=None)
    inbox.take(event)
    (came,) = [row["received_at"] for row in inbox.rows("webhook_events")]
    assert inbox.row("payments")["payment_date"] == came
    inbox.organization.world.execute(
        "update app.webhook_event_keys set received_at = %s where connection_id = %s",
        came - timedelta(days=3),
        inbox.connection_id,
    )
    inbox.organization.world.execute(
        "select ingest.process_whop(%s, %s, '', true, body) from app.webhook_events"
        " where connection_id = %s",
        inbox.organization.id,
        inbox.connection_id,
        inbox.connection_id,
    )
    assert inbox.row("payments")["payment_date"] == came - timedelta(days=3)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("v1-dated", {"customer_email": "lee@lead.test"}),
        ("v1-unpinned", {"user": {"id": "user_1", "email": "lee@lead.test"}}),
        ("v2", {"email": "lee@lead.test"}),
        ("v1-unpinned", {"user": None, "buyer": {"email": "lee@lead.test"}}),
        ("v1-unpinned", {"user": 7, "customer_email_address": "lee@lead.test"}),
    ],
)
def test_the_address_is_found_wherever_it_is(
    inbox: Inbox, name: str, fields: dict[str, object]
) -> None:
    inbox.take(fresh(f"{name}.payment.succeeded", **fields))
    assert inbox.row("payments")["customer_email_norm"] == "lee@lead.test"


@pytest.mark.parametrize(
    "name",
    [
        "v5.payment.succeeded",
        "v1-dated.payment.succeeded.no-email",
        "v1-unpinned.payment.succeeded.no-email-permission",
    ],
)
def test_a_payment_without_an_address_is_kept_and_shown_to_a_person(
    inbox: Inbox, name: str
) -> None:
    assert inbox.take(fresh(name)) == "processed"
    assert inbox.row("payments")["customer_email"] is None
    assert "unattributed_payment" in inbox.open_exceptions()


@pytest.mark.parametrize(
    "said",
    [
        {"livemode": False},
        {"test": True},
        {"sandbox": True},
        {"mode": "test"},
        {"environment": "sandbox"},
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_what_says_that_it_is_a_test_counts_nowhere(
    inbox: Inbox, said: dict[str, object], inside: bool
) -> None:
    event = fresh("v1-dated.payment.succeeded")
    (event["data"] if inside else event).update(said)
    assert inbox.take(event) == "processed"
    assert inbox.row("payments")["livemode"] is False
    assert inbox.open_exceptions() == set()


# -- what is the same event


def test_a_retry_is_a_duplicate_and_a_change_is_none(inbox: Inbox) -> None:
    for name in ("v2.payment.succeeded", "v5.payment.succeeded"):
        event = fresh(name)
        assert [inbox.take(event), inbox.take(event)] == ["processed", "duplicate"]
        assert inbox.take(fresh(name, refunded_amount=1)) == "processed"
    event = fresh("v1-dated.payment.succeeded")
    assert [inbox.take(event), inbox.take({**event, "timestamp": None})] == [
        "processed",
        "duplicate",
    ]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("payment.succeeded", "payment.succeeded"),
        ("payment_succeeded", "payment.succeeded"),
        ("app_payment.succeeded", "payment.succeeded"),
        ("app.payment_succeeded", "payment.succeeded"),
        ("app_payment_succeeded", "payment.succeeded"),
        ("Payment.Succeeded", "payment.succeeded"),
        ("membership_went_valid", "membership.went_valid"),
        ("membership_cancel_at_period_end_changed", "membership.cancel_at_period_end_changed"),
        ("dispute_alert.created", "dispute_alert.created"),
        ("dispute_alert_created", "dispute_alert.created"),
    ],
)
def test_event_names_have_one_spelling(inbox: Inbox, spelling: str, name: str) -> None:
    inbox.take({**example("v5.payment.succeeded"), "action": spelling})
    assert [row["event_type"] for row in inbox.rows("webhook_events")] == [name]
    assert len(inbox.rows("payments")) == (name == "payment.succeeded")


@pytest.mark.parametrize(
    "event_type", ["dispute_alert.created", "invoice.paid", "payment.affiliate_reward_created"]
)
def test_what_moves_no_money_is_kept_and_ignored(inbox: Inbox, event_type: str) -> None:
    event = {**fresh("v1-dated.payment.succeeded"), "type": event_type}
    assert inbox.take(event) == "ignored"
    assert inbox.rows("payments") == inbox.rows("payment_refunds") == []


# -- refunds


def refund_rows(inbox: Inbox) -> list[tuple[str, str, str]]:
    """(kind, status, amount) of what counts or may count."""
    return sorted(
        (row["kind"], row["status"], str(row["amount"]))
        for row in inbox.rows("payment_refunds")
        if "@" not in row["provider_refund_id"] or row["status"] == "succeeded"
    )


def left(inbox: Inbox) -> Decimal:
    """What is left of the only payment."""
    net: Decimal = inbox.row("payments")["net_revenue"]
    return net


def disputed(status: str, *, told_at: str | None = None, **fields: object) -> Event:
    """A dispute of the payment on file, with this status; dispute.updated if told at a time."""
    event = fresh("v1-unpinned.dispute.created", status=status, **fields)
    if told_at is not None:
        event.update(type="dispute.updated", timestamp=told_at)
    return event


@pytest.mark.parametrize("generation", ["v5", "v1-unpinned"])
def test_a_refund_counts_once_it_has_succeeded(inbox: Inbox, generation: str) -> None:
    inbox.take(fresh(f"{generation}.payment.succeeded"))
    inbox.take(fresh(f"{generation}.refund.created"))
    assert refund_rows(inbox) == [("refund", "pending", "100.00")]
    assert left(inbox) == Decimal("297.00")
    inbox.take(fresh(f"{generation}.refund.updated"))
    assert refund_rows(inbox) == [("refund", "succeeded", "100.00")]
    assert left(inbox) == Decimal("197.00")
    (row,) = inbox.rows("payment_refunds")
    assert row["refunded_at"] == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_dated_refund_counts_in_either_shape(inbox: Inbox) -> None:
    inbox.take(fresh("v1-dated.refund.updated.native-data"))
    assert inbox.row("payment_refunds")["payment_id"] is None
    inbox.take(fresh("v1-dated.payment.succeeded"))
    inbox.take(fresh("v1-dated.refund.created.legacy-data"))
    assert refund_rows(inbox) == [("refund", "succeeded", "100.00")]
    assert left(inbox) == Decimal("197.00")


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_did_not_come_about_never_was(inbox: Inbox, status: str) -> None:
    inbox.take(fresh("v5.payment.succeeded"))
    for name, stage in (("created", "succeeded"), ("updated", status), ("updated", "pending")):
        inbox.take(fresh(f"v5.refund.{name}", status=stage))
    assert refund_rows(inbox) == [("refund", status, "100.00")]
    assert left(inbox) == Decimal("297.00")


def test_v2_tells_of_refunds_by_the_total_alone(inbox: Inbox) -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (22, 25)]
    totals = [
        fresh("v2.payment.succeeded", refunded_amount=total, refunded_at=int(day.timestamp()))
        for total, day in zip((100, 297), days, strict=True)
    ]
    for event in (totals[1], fresh("v2.payment.succeeded"), totals[0]):
        assert inbox.take(event) == "processed"
    assert refund_rows(inbox) == [
        ("refund", "succeeded", "100.00"),
        ("refund", "succeeded", "197.00"),
    ]
    assert [row["refunded_at"] for row in inbox.rows("payment_refunds", "refunded_at")] == days
    assert left(inbox) == 0
    # A second webhook, of a generation that tells of each refund, adds nothing.
    inbox.take(fresh("v5.refund.updated"))
    assert left(inbox) == 0


def test_a_total_in_another_currency_than_the_payment_is_not_counted(inbox: Inbox) -> None:
    money = {"amount": "100.00", "currency": "eur", "decimals": 2, "display_decimals": 2}
    inbox.take(fresh("v1-dated.payment.succeeded", refunded_amount=money))
    assert refund_rows(inbox) == []
    inbox.take(fresh("v1-dated.payment.succeeded", refunded_amount={**money, "currency": "usd"}))
    assert left(inbox) == Decimal("197.00")


def test_of_two_currencies_a_refund_counts_in_that_of_its_payment(inbox: Inbox) -> None:
    money = {"amount": "86.20", "currency": "eur", "decimals": 2, "display_decimals": 2}
    told = fresh("v1-dated.refund.updated.native-data", amount=money)
    assert inbox.take(told) == "queued"
    inbox.take(fresh("v1-dated.payment.succeeded"))
    assert inbox.take({**told, "id": "msg_again"}) == "processed"
    assert refund_rows(inbox) == [("refund", "succeeded", "100.00")]


@pytest.mark.parametrize(
    ("fields", "net"),
    [
        ({"refunded_amount": 100.0}, "197.00"),
        ({"refunded_amount": None, "status": "refunded"}, "0.00"),
        ({"refunded_amount": 0, "substatus": "refunded"}, "0.00"),
    ],
)
def test_the_refunded_payment_of_older_integrations_is_a_total(
    inbox: Inbox, fields: dict[str, object], net: str
) -> None:
    inbox.take(fresh("v5.payment.succeeded"))
    event = {**fresh("v5.payment.succeeded", **fields), "action": "payment.refunded"}
    assert inbox.take(event) == "processed"
    assert str(left(inbox)) == net


def test_a_refund_under_the_name_of_older_integrations_is_a_refund(inbox: Inbox) -> None:
    inbox.take(fresh("v5.payment.succeeded"))
    assert inbox.take({**fresh("v5.refund.updated"), "action": "payment.refunded"}) == "processed"
    assert refund_rows(inbox) == [("refund", "succeeded", "100.00")]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("v5.refund.created", {"status": None}),
        ("v5.refund.created", {"status": "settled"}),
        ("v5.refund.created", {"status": ["succeeded"]}),
        ("v5.refund.created", {"amount": None}),
        ("v5.refund.created", {"amount": -1}),
        ("v5.refund.created", {"payment_id": None, "payment": None}),
        ("v5.refund.created", {"payment_id": "pay 1@100", "payment": {}}),
        ("v5.refund.created", {"id": "rf_1@100.00"}),
        ("v5.refund.created", {"id": None}),
        ("v5.payment.succeeded", {"id": "pay_1@100.00"}),
        ("v5.payment.succeeded", {"id": {"id": {}}}),
        ("v5.payment.succeeded", {"id": "p" * 300}),
        ("v5.dispute.created", {"status": None}),
        ("v5.dispute.created", {"status": "decided"}),
        ("v5.dispute.created", {"amount": "lots"}),
        ("v5.dispute.created", {"amount": None}),
        ("v5.dispute.created", {"payment_id": 7.5, "payment": []}),
    ],
)
def test_what_cannot_be_understood_waits_for_a_person(
    inbox: Inbox, name: str, fields: dict[str, object]
) -> None:
    assert inbox.take(fresh(name, **fields)) == "queued"
    assert inbox.rows("payments") == inbox.rows("payment_refunds") == []
    assert inbox.open_exceptions() == {"failed_delivery"}
    (error,) = [row["error"] for row in inbox.rows("webhook_events")]
    assert not error.startswith(("Failed", "Refused"))


@pytest.mark.parametrize("name", ["v5.refund.created", "v5.dispute.created"])
def test_what_is_about_nothing_is_ignored(inbox: Inbox, name: str) -> None:
    assert inbox.take(fresh(name, amount=0)) == "ignored"
    assert inbox.rows("payment_refunds") == []


# -- disputes


@pytest.mark.parametrize(
    ("status", "kinds", "net"),
    [
        ("warning_needs_response", [], "297.00"),
        ("warning_under_review", [], "297.00"),
        ("warning_closed", [], "297.00"),
        ("prevented", [], "297.00"),
        ("closed", [], "297.00"),
        ("other", [], "297.00"),
        ("needs_response", ["dispute"], "0.00"),
        ("under_review", ["dispute"], "0.00"),
        ("lost", ["dispute"], "0.00"),
        ("won", ["dispute", "dispute_won"], "297.00"),
    ],
)
def test_the_status_of_a_dispute_says_where_the_money_is(
    inbox: Inbox, status: str, kinds: list[str], net: str
) -> None:
    inbox.take(fresh("v1-unpinned.payment.succeeded"))
    assert inbox.take(disputed(status)) == ("processed" if kinds else "ignored")
    assert [kind for kind, _, _ in refund_rows(inbox)] == kinds
    assert str(left(inbox)) == net


def test_an_inquiry_moves_no_money(inbox: Inbox) -> None:
    inbox.take(fresh("v1-dated.payment.succeeded"))
    assert inbox.take(fresh("v1-dated.dispute.created", inquiry=True)) == "ignored"
    assert inbox.take(fresh("v1-dated.dispute.created")) == "processed"
    assert refund_rows(inbox) == [("dispute", "succeeded", "297.00")]


def test_a_dispute_is_withdrawn_and_won_each_on_its_own_day(inbox: Inbox) -> None:
    inbox.take(fresh("v1-unpinned.payment.succeeded"))
    for event in (
        disputed("won", told_at="2027-01-14T10:00:00Z"),
        disputed("under_review", told_at="2026-12-20T10:00:00Z"),
        disputed("needs_response"),
    ):
        inbox.take(event)
    assert {row["kind"]: row["refunded_at"] for row in inbox.rows("payment_refunds")} == {
        "dispute": datetime(2026, 12, 10, 10, tzinfo=UTC),
        "dispute_won": datetime(2027, 1, 14, 10, tzinfo=UTC),
    }


def test_an_inquiry_that_becomes_a_dispute_is_withdrawn_then(inbox: Inbox) -> None:
    inbox.take(disputed("warning_needs_response"))
    inbox.take(disputed("needs_response", told_at="2026-12-15T10:00:00Z"))
    assert inbox.row("payment_refunds")["refunded_at"] == datetime(2026, 12, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize("refund_first", [True, False])
def test_what_visa_resolved_by_a_refund_is_refunded_once(inbox: Inbox, refund_first: bool) -> None:
    inbox.take(fresh("v1-unpinned.payment.succeeded"))
    resolved = disputed("lost", visa_rdr=True)
    given_back = fresh("v1-unpinned.refund.updated", id="rf_rdr", amount=297.0)
    told = [given_back, resolved] if refund_first else [resolved, given_back]
    for event in told:
        assert inbox.take(event) == "processed"
        assert left(inbox) == 0
    assert refund_rows(inbox) == [("refund", "succeeded", "297.00")]


# -- memberships


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("v2.membership.went_valid", "went_valid"),
        ("v5.app_membership.went_valid", "went_valid"),
        ("v1-unpinned.membership.activated", "went_valid"),
        ("v1-dated.membership.updated.activated", "went_valid"),
        ("v2.membership.went_invalid", "cancelled"),
        ("v1-unpinned.membership.deactivated", "cancelled"),
        ("v1-dated.membership.updated.deactivated", "cancelled"),
        ("v5.membership.cancel_at_period_end_changed", "cancellation scheduled"),
        ("v1-dated.membership.updated.cancel-scheduled", "cancellation scheduled"),
        ("v2.membership.metadata_updated", "updated"),
    ],
)
def test_membership_moves_no_money_and_says_what_happened(
    inbox: Inbox, name: str, change: str
) -> None:
    assert inbox.take(fresh(name)) == "processed"
    assert inbox.rows("payments") == []
    (event,) = inbox.rows("webhook_events")
    assert (event["steps"][0]["what"], event["steps"][0]["decided"]) == ("membership", change)


@pytest.mark.parametrize(
    ("spelling", "change"),
    [("membership.renewed", "renewed"), ("membership_cancelled", "cancelled")],
)
def test_names_that_only_older_integrations_know_are_understood(
    inbox: Inbox, spelling: str, change: str
) -> None:
    assert inbox.take({**fresh("v2.membership.went_valid"), "action": spelling}) == "processed"
    (event,) = inbox.rows("webhook_events")
    assert event["steps"][0]["decided"] == change


@pytest.mark.parametrize("generation", ["v1-unpinned", "v1-dated"])
def test_a_renewal_is_told_by_its_payment(inbox: Inbox, generation: str) -> None:
    inbox.take(fresh(f"{generation}.payment.succeeded"))
    inbox.take(fresh(f"{generation}.payment.succeeded.renewal"))
    assert [paid["provider_payment_id"] for paid in inbox.rows("payments", "payment_date")] == [
        "pay_J0rdan1stPay01",
        "pay_J0rdanRenew001",
    ]
    first, second = inbox.rows("webhook_events")
    assert [step["decided"] for step in first["steps"]] == ["created"]
    assert [step["decided"] for step in second["steps"]] == ["renewed", "created"]


def test_two_deliveries_of_one_activation_are_one_membership(inbox: Inbox) -> None:
    for name in ("activated", "updated.activated", "activated"):
        assert inbox.take(fresh(f"v1-dated.membership.{name}")) == "processed"
    carrier = inbox.row("payment_carriers")
    assert (carrier["kind"], carrier["carrier_id"], carrier["customer_id"]) == (
        "membership",
        "mem_J0rdan1nner001",
        "user_J0rdanReyes001",
    )


@pytest.mark.parametrize("membership_first", [True, False])
def test_a_payment_without_an_address_takes_that_of_its_membership(
    inbox: Inbox, membership_first: bool
) -> None:
    acme = inbox.organization
    dana = acme.closer("dana")
    acme.event(
        closer=dana,
        email="jordan.reyes@example.com",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    paid, renewed = fresh("v5.payment.succeeded"), fresh("v5.payment.succeeded.renewal")
    membership = fresh("v2.membership.went_valid")
    for event in [membership, paid, renewed] if membership_first else [paid, renewed, membership]:
        assert inbox.take(event) == "processed"
    first, second = inbox.rows("payments", "payment_date")
    assert first["customer_email"] == second["customer_email"] == "jordan.reyes@example.com"
    assert first["closer_id"] == dana.closer_id
    assert (inbox.rows("webhook_events")[0]["payment_id"] is None) is membership_first


def test_a_membership_without_an_id_waits_for_a_person(inbox: Inbox) -> None:
    assert inbox.take(fresh("v5.membership.went_valid", id=None)) == "queued"
    assert inbox.open_exceptions() == {"failed_delivery"}


@pytest.mark.parametrize("junk", [None, 7, True, "", [], {}, {"id": {}}, "x" * 5000])
@pytest.mark.parametrize(
    "name", ["v2.membership.went_valid", "v1-dated.membership.updated.activated"]
)
def test_a_membership_whose_fields_are_junk_is_kept(inbox: Inbox, name: str, junk: object) -> None:
    event = fresh(name)
    for field in set(event["data"]) - {"id"}:
        event["data"][field] = junk
    assert inbox.take({**event, "previous_attributes": junk}) == "processed"
    assert inbox.row("payment_carriers")["customer_id"] in (None, "7")


# -- any order


def story() -> list[Event]:
    """A payment told by every generation, refunded in two parts, disputed and won."""
    paid = [fresh(f"{name}.payment.succeeded") for name in GENERATIONS]
    totals = [
        fresh("v2.payment.succeeded", refunded_amount=total, refunded_at=1795341600 + total)
        for total in (100, 150)
    ]
    second = fresh(
        "v1-dated.refund.updated.native-data",
        id="rf_second",
        amount={"amount": "50.00", "currency": "usd"},
        created_at="2026-11-23T10:00:00.000Z",
    )
    failed = copy.deepcopy(second)
    failed["id"] = f"msg_{uuid4().hex}"
    failed["data"].update(id="rf_failed", status="failed")
    return [
        *paid,
        fresh("v5.refund.created"),
        fresh("v5.refund.updated"),
        fresh("v1-unpinned.refund.updated"),
        *totals,
        second,
        failed,
        fresh("v5.dispute.created"),
        disputed("needs_response"),
        disputed("under_review", told_at="2026-12-20T10:00:00Z"),
        disputed("won", told_at="2027-01-14T10:00:00Z"),
        fresh("v1-dated.payment.failed"),
        fresh("v2.membership.went_valid"),
        fresh("v5.membership.went_invalid"),
        fresh("v1-dated.membership.activated"),
        fresh("v1-dated.membership.updated.activated"),
        fresh("v1-unpinned.membership.deactivated"),
    ]


def story_without_addresses() -> list[Event]:
    """A payment and its renewal told by v5 alone, and a membership that says whose they are."""
    return [
        fresh("v5.payment.pending", id="pay_J0rdan1stPay01"),
        fresh("v5.payment.succeeded"),
        fresh("v5.refund.created"),
        fresh("v5.refund.updated"),
        fresh("v5.membership.went_valid"),
        fresh("v2.membership.went_valid"),
        fresh("v2.membership.cancel_at_period_end_changed"),
        fresh("v5.membership.went_invalid"),
    ]


PAYMENT = (
    "amount",
    "amount_base",
    "fee_amount",
    "refund_amount",
    "payment_date",
    "customer_email",
    "customer_name",
    "provider_customer_id",
    "provider_subscription_id",
    "metadata",
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
        email="jordan.reyes@example.com",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    inbox = open_inbox(acme, provider="whop")
    for event in events:
        assert inbox.take(event) in {"processed", "duplicate", "ignored"}
    paid = inbox.row("payments")
    assert (paid["closer_id"], paid["setter_id"]) == (dana.closer_id, sam.setter_id)
    return ending(inbox, PAYMENT)


@pytest.fixture(
    params=[(story, "150.00"), (story_without_addresses, "100.00")],
    ids=["story", "story_without_addresses"],
)
def in_order(
    db: psycopg.Connection, world: World, request: pytest.FixtureRequest
) -> tuple[list[Event], dict[str, Any]]:
    """A story, and what it leaves when it is told in order."""
    tell, refunded = request.param
    orderly = tell()
    with db.transaction(force_rollback=True):
        expected = told(world, orderly)
    assert str(expected["payment"]["refund_amount"]) == refunded
    return orderly, expected


@settings(max_examples=20)
@given(data=st.data())
def test_the_order_of_deliveries_and_repetitions_change_nothing(
    db: psycopg.Connection,
    world: World,
    in_order: tuple[list[Event], dict[str, Any]],
    data: st.DataObject,
) -> None:
    orderly, expected = in_order
    shuffled = data.draw(st.permutations([*orderly, *orderly[:4]]), label="order")
    with db.transaction(force_rollback=True):
        assert told(world, shuffled) == expected


# -- any body

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", " ", "1e9", "btc", "usd", "paid", "lost", "succeeded", "pay_1@5", "x" * 999]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.sampled_from([[], [1], {}, {"id": 1}, {"amount": "5"}, {"amount": {}, "currency": 7}]),
)


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where something stands in a body, its objects included."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, part in value.items():
            found += places(part, (*path, key))
    return found


@settings(max_examples=100)
@given(data=st.data())
def test_no_body_fails_in_a_way_that_nobody_thought_of(
    db: psycopg.Connection, inbox: Inbox, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(path.stem for path in DATA.glob("v*.json"))))
    event = example(name)
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        said = {key: part for key, part in event.items() if key != "id"}
        *way, last = data.draw(st.sampled_from(places(said)))
        part: Any = event
        for key in way:
            part = part[key]
        part[last] = copy.deepcopy(data.draw(JUNK))
    refused, errors = None, []
    with db.transaction(force_rollback=True):
        try:
            inbox.take(event)
            errors = [row["error"] or "" for row in inbox.rows("webhook_events")]
        except psycopg.Error as error:
            refused = error.sqlstate
    assert refused in {None, "PT400"}
    assert [text for text in errors if text.startswith(("Failed", "Refused"))] == []
