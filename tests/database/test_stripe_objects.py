"""What Stripe's sessions, invoices, fees and odd cases make of payments."""

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
from tests.stripe_events import (
    Event,
    dispute,
    fresh,
    invoice,
    invoice_payment,
    payment,
    refund,
    refunded,
    session,
    settled,
)
from tests.world import World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
DAY = PAID_AT.date()


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"))


def guest(**told: Any) -> tuple[Event, Event]:
    """A payment that says nothing of who paid: charge.succeeded and payment_intent.succeeded."""
    charge, intent = payment(**told)
    for event in (charge, intent):
        event["data"]["object"].update(customer=None, metadata={}, description=None)
    charge["data"]["object"]["billing_details"].update(name=None, phone=None)
    return charge, intent


def as_type(event: Event, name: str) -> Event:
    """The same object under another event, with an id of its own."""
    return {**copy.deepcopy(event), "id": f"evt_{uuid4().hex}", "type": name}


def reasons(inbox: Inbox) -> list[str]:
    """Why the latest delivery was decided as it was."""
    return [step["because"] for step in inbox.rows("webhook_events")[-1]["steps"]]


# -- sessions


def test_a_session_that_is_paid_later_says_who_pays_now(inbox: Inbox) -> None:
    charge, _ = guest()
    unpaid = session(charge, payment_status="unpaid")
    assert inbox.take(unpaid) == "processed"
    assert inbox.rows("payments") == []
    assert inbox.row("webhook_events")["steps"][0]["decided"] == "unpaid"
    assert inbox.take(charge) == "processed"
    later = as_type(unpaid, "checkout.session.async_payment_succeeded")
    later["data"]["object"]["payment_status"] = "paid"
    assert inbox.take(later) == "processed"
    paid = inbox.row("payments")
    assert (paid["customer_email"], paid["amount"]) == (
        "jordan.reyes@example.com",
        Decimal("1499.00"),
    )
    assert len(inbox.rows("payment_carriers")) == 1


def test_the_prefilled_address_serves_when_none_was_typed(inbox: Inbox) -> None:
    charge, _ = guest()
    inbox.take(charge)
    inbox.take(session(charge, customer_details=None, customer_email="prefilled@lead.test"))
    assert inbox.row("payments")["customer_email"] == "prefilled@lead.test"


def test_the_session_of_a_subscription_names_its_renewals(inbox: Inbox) -> None:
    first, _ = guest()
    renewal, _ = guest(created=1795168800 + 30 * 86400)
    subscription = {"type": "subscription_details", "subscription_details": {"subscription": "s_1"}}
    for event in (
        session(
            first,
            mode="subscription",
            payment_intent=None,
            subscription="s_1",
            invoice=f"in_{first['data']['object']['id']}",
        ),
        first,
        invoice(first, parent=subscription, customer_email=None, customer_name=None),
        invoice_payment(first),
        renewal,
        invoice_payment(renewal),
        invoice(renewal, parent=subscription, customer_email=None, customer_name=None),
    ):
        assert inbox.take(event) == "processed"
    payments = inbox.rows("payments")
    assert len(payments) == 2
    for paid in payments:
        assert paid["customer_email"] == "jordan.reyes@example.com"
        assert paid["provider_subscription_id"] == "s_1"
        assert paid["metadata"]["client_reference_id"] == "D-20418"


def test_a_trial_is_no_money_and_says_who_will_pay(inbox: Inbox) -> None:
    renewal, _ = guest()
    renewal["data"]["object"]["customer"] = "cus_trial"
    trial = invoice(
        renewal, id="in_trial", amount_paid=0, total=0, customer_email="trial@lead.test"
    )
    assert inbox.take(trial) == "processed"
    assert "nothing was due" in reasons(inbox)
    assert inbox.rows("payments") == []
    inbox.take(renewal)
    assert inbox.row("payments")["customer_email"] == "trial@lead.test"


def test_a_session_about_nobody_is_ignored(inbox: Inbox) -> None:
    charge, _ = guest()
    nobody = session(charge, payment_intent=None, customer=None)
    assert inbox.take(nobody) == "ignored"
    assert inbox.rows("payment_carriers") == []


def test_a_test_session_completes_no_live_payment(inbox: Inbox) -> None:
    charge, _ = guest()
    inbox.take(charge)
    inbox.take({**session(charge), "livemode": False})
    assert inbox.row("payments")["customer_email"] is None


# -- invoices


def test_an_invoice_of_the_old_shape_names_its_payment(inbox: Inbox) -> None:
    charge, _ = guest()
    intent = charge["data"]["object"]["payment_intent"]
    old = invoice(
        charge,
        payment_intent=intent,
        charge=charge["data"]["object"]["id"],
        subscription="sub_old",
        parent=None,
        subscription_details={"metadata": {"deal_id": "D-7"}},
        paid=True,
        paid_out_of_band=False,
    )
    assert inbox.take(as_type(old, "invoice.payment_succeeded")) == "processed"
    assert inbox.take(charge) == "processed"
    paid = inbox.row("payments")
    assert (paid["customer_email"], paid["provider_subscription_id"], paid["metadata"]) == (
        "sam.okafor@example.com",
        "sub_old",
        {"deal_id": "D-7"},
    )


def test_a_payment_of_the_old_shape_names_its_invoice(inbox: Inbox) -> None:
    charge, _ = guest()
    charge["data"]["object"]["invoice"] = "in_old"
    inbox.take(invoice(charge, id="in_old", parent=None))
    inbox.take(charge)
    assert inbox.row("payments")["customer_email"] == "sam.okafor@example.com"


def test_an_invoice_with_its_payments_names_them(inbox: Inbox) -> None:
    charge, _ = guest()
    inbox.take(charge)
    expanded = invoice(
        charge,
        payments={
            "object": "list",
            "data": [
                invoice_payment(charge)["data"]["object"],
                {"id": "inpay_outside", "payment": {"type": "payment_record"}},
                "hostile",
            ],
        },
    )
    assert inbox.take(expanded) == "processed"
    paid = inbox.row("payments")
    assert paid["customer_email"] == "sam.okafor@example.com"
    assert inbox.rows("webhook_events")[-1]["payment_id"] == paid["id"]


def test_an_invoice_paid_outside_is_no_money_of_the_processor(inbox: Inbox) -> None:
    charge, _ = guest()
    outside = invoice(charge, paid=True, paid_out_of_band=True, charge=None, payment_intent=None)
    assert inbox.take(outside) == "processed"
    assert any("outside the processor" in reason for reason in reasons(inbox))
    record = invoice_payment(charge, payment={"type": "payment_record", "payment_record": "prec_1"})
    assert inbox.take(record) == "ignored"
    assert inbox.rows("payments") == []


# -- fees and tax


def test_the_fee_is_known_once_the_balance_transaction_is_there(inbox: Inbox) -> None:
    charge, intent = payment()
    for event in (settled(charge, fee=4377, currency="usd"), charge, intent):
        inbox.take(event)
    assert inbox.row("payments")["fee_amount"] == Decimal("43.77")


def test_a_fee_in_another_currency_stays_unknown_and_says_why(inbox: Inbox) -> None:
    charge, _ = payment()
    inbox.take(settled(charge, fee=4377, currency="eur"))
    assert inbox.row("payments")["fee_amount"] is None
    assert "it was settled in EUR, not in USD" in reasons(inbox)


@pytest.mark.parametrize(
    ("said", "tax"),
    [
        ({"total_taxes": [{"amount": 20000}, {"amount": 4900}]}, "249.00"),
        ({"tax": 24900}, "249.00"),
        ({"total_taxes": []}, None),
        ({"tax": 24900, "total": 200000}, None),
        ({"tax": 24900, "currency": "eur"}, None),
    ],
    ids=["new shape", "old shape", "none stated", "another amount", "another currency"],
)
def test_tax_is_what_the_invoice_of_exactly_this_amount_states(
    inbox: Inbox, said: dict[str, object], tax: str | None
) -> None:
    charge, _ = payment()
    for event in (charge, invoice(charge, **said), invoice_payment(charge)):
        assert inbox.take(event) == "processed"
    assert inbox.row("payments")["tax_amount"] == (tax and Decimal(tax))


def test_tax_of_a_session_is_inside_the_amount(inbox: Inbox) -> None:
    charge, _ = payment(amount=12000)
    inbox.take(session(charge, total_details={"amount_tax": 2000, "amount_discount": 0}))
    inbox.take(charge)
    paid = inbox.row("payments")
    assert (paid["amount"], paid["tax_amount"]) == (Decimal("120.00"), Decimal("20.00"))


def test_tax_of_a_foreign_payment_is_not_converted(inbox: Inbox) -> None:
    charge, _ = payment(amount=12000, currency="eur")
    inbox.take(session(charge, total_details={"amount_tax": 2000}))
    inbox.take(charge)
    assert inbox.row("payments")["tax_amount"] is None


# -- accounts, currencies, modes


@pytest.mark.parametrize(
    ("currency", "minor", "major"),
    [
        ("usd", 1050, "10.50"),
        ("jpy", 1050, "1050"),
        ("kwd", 10500, "10.500"),
        ("ugx", 500, "5"),
        ("isk", 500, "5"),
        ("huf", 105050, "1050.50"),
        ("twd", 10500, "105.00"),
        ("mga", 105, "105.00"),
    ],
)
def test_each_currency_has_its_own_minor_unit(
    inbox: Inbox, currency: str, minor: int, major: str
) -> None:
    charge, _ = payment(amount=minor, currency=currency)
    inbox.take(charge)
    inbox.take(refund(charge, minor))
    inbox.take(dispute(charge))
    assert str(inbox.row("payments")["amount"]) == major
    assert {str(row["amount"]) for row in inbox.rows("payment_refunds")} == {major}


@pytest.mark.parametrize("currency", ["ugx", "isk"])
def test_a_fraction_of_a_currency_without_fractions_is_for_a_person(
    inbox: Inbox, currency: str
) -> None:
    charge, _ = payment(amount=550, currency=currency)
    assert inbox.take(charge) == "queued"
    assert inbox.rows("payments") == []


def test_several_accounts_on_one_connection_keep_their_money_apart(inbox: Inbox) -> None:
    charge, _ = guest()
    told = [charge, refund(charge, 50000), session(charge)]
    for account, events in (("acct_a", told), ("acct_b", told[:1])):
        for event in events:
            inbox.take({**event, "id": f"evt_{uuid4().hex}", "account": account})
    kept = {
        row["provider_account"]: (row["refund_amount"], row["customer_email"])
        for row in inbox.rows("payments")
    }
    assert kept == {
        "acct_a": (Decimal("500.00"), "jordan.reyes@example.com"),
        "acct_b": (Decimal(0), None),
    }


def test_test_mode_money_is_in_no_metric_and_no_exception(inbox: Inbox) -> None:
    acme = inbox.organization
    acme.closer("dana")
    test, _ = payment(livemode=False, email="nobody@lead.test", currency="eur")
    real, _ = payment(amount=10000, email="somebody@lead.test")
    for event in (
        test,
        session(test),
        {**refund(test, 50000), "livemode": False},
        {**dispute(test), "livemode": False},
    ):
        assert inbox.take(event) == "processed"
    assert inbox.open_exceptions() == set()
    assert inbox.take(real) == "processed"
    acme.world.execute(
        "select app.run_data_quality_check(%s, 'unattributed_payment', %s)",
        acme.id,
        PAID_AT + timedelta(days=9),
    )
    (real_one,) = (row for row in inbox.rows("payments") if row["livemode"])
    assert [row["row_ids"] for row in inbox.rows("exceptions")] == [[real_one["id"]]]
    with acme.world.acting_as(acme.admin()) as db:
        shown = {
            row["metric"]: row["value"]
            for row in db.rows(
                "select metric, value from api.core_metrics(%s, %s, organization_id => %s)",
                DAY - timedelta(days=9),
                DAY + timedelta(days=60),
                acme.id,
            )
        }
    assert (shown["cash_collected"], shown["refunds"], shown["net_cash"]) == (100, 0, 100)


# -- money that never was, and money that came back


@pytest.mark.parametrize(
    "name",
    [
        "charge.failed",
        "charge.expired",
        "charge.pending",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "checkout.session.expired",
        "checkout.session.async_payment_failed",
        "customer.created",
        "v2.something",
    ],
)
def test_what_moves_no_money_is_ignored_with_a_reason(inbox: Inbox, name: str) -> None:
    assert inbox.take(as_type(payment()[0], name)) == "ignored"
    (reason,) = reasons(inbox)
    assert reason
    assert inbox.rows("payments") == []
    assert inbox.rows("payment_refunds") == []


def test_what_was_released_of_a_partly_captured_charge_is_no_refund(inbox: Inbox) -> None:
    captured = fresh(
        "charge.succeeded.authorized-not-captured",
        captured=True,
        amount_captured=60000,
        amount_refunded=20000,
    )
    captured["type"] = "charge.captured"
    inbox.take(captured)
    assert inbox.take(as_type(captured, "charge.refunded")) == "ignored"
    more = as_type(captured, "charge.refunded")
    more["data"]["object"]["amount_refunded"] = 35000
    assert inbox.take(more) == "processed"
    paid = inbox.row("payments")
    assert (paid["amount"], paid["refund_amount"]) == (Decimal("600.00"), Decimal("150.00"))


def test_a_lapsed_authorisation_leaves_nothing(inbox: Inbox) -> None:
    held = fresh("charge.succeeded.authorized-not-captured")
    lapsed = refund(held, 80000)
    lapsed["data"]["object"]["reason"] = "expired_uncaptured_charge"
    for event in (held, lapsed, as_type(held, "charge.refunded")):
        assert inbox.take(event) == "ignored"
    assert inbox.rows("payments") == []
    assert inbox.rows("payment_refunds") == []


@pytest.mark.parametrize("won_first", [False, True])
def test_a_dispute_that_is_won_leaves_the_money_in_either_order(
    inbox: Inbox, won_first: bool
) -> None:
    charge, _ = payment()
    taken, given = dispute(charge), dispute(charge, "charge.dispute.funds_reinstated")
    for event in (given, taken, charge) if won_first else (charge, taken, given):
        inbox.take(event)
    assert inbox.row("payments")["refund_amount"] == 0
    assert sorted(row["kind"] for row in inbox.rows("payment_refunds")) == [
        "dispute",
        "dispute_won",
    ]


def test_a_refund_goes_forward_only(inbox: Inbox) -> None:
    charge, _ = payment()
    inbox.take(charge)
    made = refund(charge, 50000, status="pending")
    seen = []
    for status, name in (
        ("pending", "refund.created"),
        ("succeeded", "refund.updated"),
        ("pending", "refund.updated"),
        ("failed", "refund.failed"),
        ("succeeded", "charge.refund.updated"),
    ):
        event = as_type(made, name)
        event["data"]["object"]["status"] = status
        assert inbox.take(event) == "processed"
        seen.append(str(inbox.row("payments")["refund_amount"]))
    assert seen == ["0", "500.00", "500.00", "0", "0"]


def test_objects_where_ids_are_expected_are_read_alike(inbox: Inbox) -> None:
    charge, intent = guest()
    inbox.take(intent)
    expanded = copy.deepcopy(charge)
    expanded["data"]["object"]["payment_intent"] = intent["data"]["object"]
    expanded["data"]["object"]["customer"] = {"id": "cus_whole", "email": "whole@lead.test"}
    inbox.take(expanded)
    inbox.take(session(charge, payment_intent=intent["data"]["object"], customer={"id": "cus_2"}))
    paid = inbox.row("payments")
    assert paid["provider_customer_id"] == "cus_whole"
    assert paid["customer_email"] == "jordan.reyes@example.com"


@pytest.mark.parametrize("name", ["checkout.session.completed", "invoice.paid"])
@pytest.mark.parametrize("odd", [None, 7, "text", [], {}, [[]], True], ids=repr)
def test_fields_of_another_type_are_never_half_written(
    inbox: Inbox, name: str, odd: object
) -> None:
    whole = fresh(name)["data"]["object"]
    for field in whole:
        event = fresh(name, **{field: odd})
        status = inbox.take(event)
        assert status in {"processed", "ignored"} or field == "id", field
    assert {row["status"] for row in inbox.rows("webhook_events")} <= {
        "processed",
        "ignored",
        "queued",
    }


# -- any order


def story() -> list[Event]:
    """A subscription's first payment, refunded in parts, disputed and won, in its order."""
    charge, intent = guest()
    edited = settled(charge, fee=4377, currency="usd")
    edited["data"]["object"].update(
        description="edited later", metadata={"deal_id": "edited"}, receipt_email="office@lead.test"
    )
    subscription = {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": {"deal_id": "D-1", "x": "1"}},
    }
    first, second = refund(charge, 30000), refund(charge, 20000)
    failed = as_type(second, "refund.failed")
    failed["data"]["object"]["status"] = "failed"
    billed = invoice(charge, parent=subscription, total_taxes=[{"amount": 24900}], customer="cus_1")
    return [
        session(
            charge,
            mode="subscription",
            payment_intent=None,
            subscription="sub_1",
            customer="cus_1",
            invoice=billed["data"]["object"]["id"],
        ),
        billed,
        as_type(billed, "invoice.payment_succeeded"),
        invoice_payment(charge),
        intent,
        charge,
        edited,
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
    "fee_amount",
    "tax_amount",
    "refund_amount",
    "payment_date",
    "customer_email",
    "customer_name",
    "provider_charge_id",
    "provider_customer_id",
    "provider_subscription_id",
    "description",
    "metadata",
    "carried",
    "attribution_method",
    "attribution_confidence",
)
CARRIER = (
    "kind",
    "carrier_id",
    "invoice_id",
    "payment_key",
    "subscription_id",
    "customer_id",
    "email",
    "full_name",
    "reference",
    "metadata",
    "amount",
    "tax_amount",
    "carried_at",
)


def told(world: World, events: Sequence[Event]) -> dict[str, object]:
    """What is left when these events came in this order, in an organization of its own."""
    acme = world.organization("acme")
    dana, sam = acme.closer("dana"), acme.setter("sam")
    acme.event(
        closer=dana,
        setter=sam,
        email="office@lead.test",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    inbox = open_inbox(acme)
    for event in events:
        assert inbox.take(event) in {"processed", "duplicate"}
    paid = inbox.row("payments")
    assert (paid["closer_id"], paid["setter_id"]) == (dana.closer_id, sam.setter_id)
    return {
        **ending(inbox, PAYMENT),
        "carriers": sorted(
            [str(row[name]) for name in CARRIER] for row in inbox.rows("payment_carriers")
        ),
    }


@pytest.fixture
def in_order(db: psycopg.Connection, world: World) -> tuple[list[Event], dict[str, object]]:
    """A whole story, and what it leaves when it is told in order."""
    orderly = story()
    with db.transaction(force_rollback=True):
        expected = told(world, orderly)
    assert expected["payment"]["fee_amount"] == Decimal("43.77")  # type: ignore[index]
    return orderly, expected


@settings(max_examples=30)
@given(data=st.data())
def test_the_order_of_a_whole_story_and_repetitions_change_nothing(
    db: psycopg.Connection,
    world: World,
    in_order: tuple[list[Event], dict[str, object]],
    data: st.DataObject,
) -> None:
    orderly, expected = in_order
    again = data.draw(st.lists(st.sampled_from(range(len(orderly))), max_size=5), label="again")
    # Once under the same id, which is a duplicate, and once under another: the same change twice.
    repeated = [orderly[i] for i in again] + [
        as_type(orderly[i], str(orderly[i]["type"])) for i in again
    ]
    shuffled = data.draw(st.permutations([*orderly, *repeated]), label="order")
    with db.transaction(force_rollback=True):
        assert told(world, shuffled) == expected
