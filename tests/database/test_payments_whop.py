"""What Whop's deliveries make of payments, refunds and disputes, in any generation and order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.database.inbox import Inbox, open_inbox
from tests.whop_events import example, fresh
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
