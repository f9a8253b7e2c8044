"""Payments and refunds that an admin records: what is refused, whose sale they are, their sums."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.acting import refused
from tests.database.by_hand import ask_one, credits_of, open_exceptions
from tests.world import NOON, Organization, Person, Row, World

WHY = "Paid by bank transfer."
PAID_AT = NOON + timedelta(hours=3)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


@pytest.fixture
def record(world: World, acme: Organization, ada: Person) -> Callable[..., dict[str, Any]]:
    """ada records a payment; the row that is answered."""

    def recorded(**given: Any) -> dict[str, Any]:
        arguments = {"amount": Decimal("500.00"), "paid_at": PAID_AT, "reason": WHY, **given}
        return ask_one(world, ada, "record_payment", **arguments)

    return recorded


@pytest.fixture
def refund(world: World, acme: Organization, ada: Person) -> Callable[..., dict[str, Any]]:
    """ada records a refund; the row that is answered."""

    def recorded(payment: Row | dict[str, Any], amount: Decimal, **given: Any) -> dict[str, Any]:
        paid = payment["id"] if isinstance(payment, dict) else payment.id
        arguments = {"amount": amount, "refunded_at": PAID_AT, "reason": WHY, **given}
        return ask_one(world, ada, "record_refund", payment_id=paid, **arguments)

    return recorded


# -- what is no payment


@pytest.mark.parametrize(
    "given",
    [
        {"amount": Decimal("10.001")},
        {"amount": Decimal("0")},
        {"amount": Decimal("-5")},
        {"amount": None},
        {"amount": "NaN"},
        {"amount": Decimal("10.5"), "currency": "JPY"},
        {"currency": "XXX"},
        {"paid_at": datetime.fromisoformat("2999-01-01T00:00:00Z")},
        {"paid_at": "-infinity"},
        {"paid_at": "infinity"},
        {"reason": " "},
        {"reason": None},
    ],
)
def test_what_means_nothing_is_refused(
    record: Callable[..., dict[str, Any]], given: dict[str, Any]
) -> None:
    with refused("PT422"):
        record(**given)


def test_the_type_of_a_payment_is_one_of_four(record: Callable[..., dict[str, Any]]) -> None:
    with refused("23514") as caught:
        record(payment_type="gift")
    assert caught.value.diag.constraint_name == "payments_payment_type_is_known"


@pytest.mark.parametrize("what", ["lead_id", "event_id", "deal_id"])
def test_what_does_not_exist_here_is_not_found(
    world: World, record: Callable[..., dict[str, Any]], what: str
) -> None:
    beta = world.organization("beta")
    theirs = {"lead_id": beta.lead, "event_id": beta.event, "deal_id": lambda: deal(beta)}[what]()
    with refused("PT404"):
        record(**{what: theirs.id})


def deal(acme: Organization, lead: Row | None = None, **columns: object) -> Row:
    """A deal of a lead, made behind everybody's back."""
    return Row(
        acme.id,
        acme.world.insert(
            "deals",
            organization_id=acme.id,
            lead_id=(lead or acme.lead()).id,
            contract_value=Decimal("3000.00"),
            currency="USD",
            closed_at=NOON,
            **columns,
        ),
    )


def test_a_lead_a_call_and_a_deal_are_of_one_person(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    lee, kim = acme.lead("lee"), acme.lead("kim")
    call = acme.event(lead=lee)
    for given in (
        {"lead_id": kim.id, "event_id": call.id},
        {"event_id": call.id, "deal_id": deal(acme, kim).id},
        {"lead_id": kim.id, "deal_id": deal(acme, lee).id},
    ):
        with refused("PT422") as caught:
            record(**given)
        assert str(kim.id) in str(caught.value.diag.message_detail)
    assert record(lead_id=lee.id, event_id=call.id)["lead_id"] == lee.id


def test_a_void_deal_takes_no_money(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    void = deal(acme, status="void", voided_at=NOON, void_reason="Never signed.")
    with refused("PT409"):
        record(deal_id=void.id)


# -- whose sale it is


def test_a_payment_of_a_call_is_credited_to_the_people_of_the_call(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    dana, sam = acme.closer("dana"), acme.setter("sam")
    source = acme.source()
    call = acme.event(closer=dana, setter=sam, source=source, outcome="closed")
    made = record(event_id=call.id)
    assert (made["closer_id"], made["setter_id"]) == (dana.closer_id, sam.setter_id)
    assert (made["source_id"], made["attribution_method"]) == (source.id, "manual")
    assert credits_of(acme, made["id"]) == {
        dana.closer_id: Decimal("500.00"),
        sam.setter_id: Decimal("500.00"),
    }
    assert open_exceptions(acme, made["id"]) == set()


def test_a_lead_brings_the_call_that_it_was_sold_on(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    lee, dana = acme.lead("lee"), acme.closer("dana")
    sold = acme.event(
        lead=lee, closer=dana, scheduled_at=NOON - timedelta(days=3), outcome="closed"
    )
    acme.event(lead=lee, closer=acme.closer("eli"), scheduled_at=NOON, outcome="showed_offer")
    made = record(lead_id=lee.id)
    assert (made["event_id"], made["closer_id"]) == (sold.id, dana.closer_id)


def test_a_lead_without_calls_is_kept_and_somebody_must_look(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    lee = acme.lead("lee")
    made = record(lead_id=lee.id)
    assert (made["lead_id"], made["event_id"], made["closer_id"]) == (lee.id, None, None)
    assert open_exceptions(acme, made["id"]) == {"unattributed_payment"}


def test_a_deal_brings_its_lead_its_call_and_its_people(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    lee, dana, eli = acme.lead("lee"), acme.closer("dana"), acme.closer("eli")
    call = acme.event(lead=lee, closer=dana, setter=acme.setter("sam"), outcome="showed_offer")
    sold = deal(acme, lee, origin_event_id=call.id, closer_id=eli.closer_id)
    made = record(deal_id=sold.id)
    assert (made["deal_id"], made["lead_id"], made["event_id"]) == (sold.id, lee.id, call.id)
    assert made["closer_id"] == eli.closer_id
    assert made["setter_id"] is not None


def test_without_a_choice_the_ladder_decides(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    lee, dana = acme.lead("lee", email="lee@lead.test"), acme.closer("dana")
    call = acme.event(lead=lee, closer=dana, outcome="closed")
    made = record(customer_email=" LEE@lead.test")
    assert (made["event_id"], made["closer_id"]) == (call.id, dana.closer_id)
    assert made["attribution_method"] == "identity_event"


def test_a_payment_of_nobody_is_an_exception(
    acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    made = record()
    assert made["attribution_method"] == "none"
    assert open_exceptions(acme, made["id"]) == {"unattributed_payment"}


def test_money_in_another_currency_waits_for_its_rate(
    world: World, acme: Organization, record: Callable[..., dict[str, Any]]
) -> None:
    made = record(currency="eur", amount=Decimal("100.00"), event_id=acme.event().id)
    assert (made["currency"], made["amount_base"]) == ("EUR", None)
    assert "missing_rate" in open_exceptions(acme, made["id"])
    world.insert(
        "fx_rates",
        organization_id=acme.id,
        day=PAID_AT.date(),
        from_currency="EUR",
        to_currency="USD",
        rate=Decimal("1.25"),
    )
    assert world.value(
        "select amount_base from app.payments where organization_id = %s and id = %s",
        acme.id,
        made["id"],
    ) == Decimal("125.00")


def test_a_recorded_payment_is_cash_like_any_other(
    world: World, acme: Organization, ada: Person, record: Callable[..., dict[str, Any]]
) -> None:
    record(amount=Decimal("1234.56"))
    with world.acting_as(ada) as db:
        cash = db.value(
            "select value from api.core_metrics(start_date => '2026-03-10',"
            " end_date => '2026-03-10') where metric = 'cash_collected'"
        )
    assert cash == Decimal("1234.56")


# -- refunds


def test_refunds_disputes_and_won_disputes_add_up(
    world: World, acme: Organization, refund: Callable[..., dict[str, Any]]
) -> None:
    paid = acme.payment(amount=Decimal("1000.00"))
    refund(paid, Decimal("300.00"))
    refund(paid, Decimal("700.00"), kind="dispute", refunded_at=PAID_AT + timedelta(days=2))
    with refused("PT409"):
        refund(paid, Decimal("0.01"))
    with refused("PT409"):
        refund(paid, Decimal("700.01"), kind="dispute_won")
    refund(paid, Decimal("700.00"), kind="dispute_won", refunded_at=PAID_AT + timedelta(days=9))
    with refused("PT409"):
        refund(paid, Decimal("0.01"), kind="dispute_won")
    refund(paid, Decimal("700.00"))
    by_hand = world.value(
        "select sum(case kind when 'dispute_won' then -amount else amount end)"
        " from app.payment_refunds where organization_id = %s and payment_id = %s",
        acme.id,
        paid.id,
    )
    kept = world.value(
        "select refund_amount from app.payments where organization_id = %s and id = %s",
        acme.id,
        paid.id,
    )
    assert (by_hand, kept) == (Decimal("1000.00"), Decimal("1000.00"))


@pytest.mark.parametrize(
    "given",
    [
        {"refunded_at": NOON - timedelta(days=400)},
        {"refunded_at": datetime.fromisoformat("2999-01-01T00:00:00Z")},
        {"kind": "gift"},
        {"kind": None},
        {"amount": Decimal("1.001")},
        {"amount": Decimal("0")},
        {"reason": ""},
    ],
)
def test_a_refund_without_meaning_is_refused(
    acme: Organization, refund: Callable[..., dict[str, Any]], given: dict[str, Any]
) -> None:
    amount = given.pop("amount", Decimal("1.00"))
    with refused("PT422"):
        refund(acme.payment(), amount, **given)


def test_a_refund_is_in_the_currency_of_its_payment_at_its_rate(
    acme: Organization, refund: Callable[..., dict[str, Any]]
) -> None:
    paid = acme.payment(amount=Decimal("3000"), currency="JPY", amount_base=Decimal("20.00"))
    with refused("PT422"):
        refund(paid, Decimal("10.50"))
    made = refund(paid, Decimal("1500"))
    assert (made["currency"], made["amount_base"]) == ("JPY", Decimal("10.00"))


@pytest.mark.parametrize("columns", [{"status": "failed"}, {"status": "pending"}])
def test_what_never_came_cannot_go_back(
    acme: Organization, refund: Callable[..., dict[str, Any]], columns: dict[str, Any]
) -> None:
    with refused("PT409"):
        refund(acme.payment(**columns), Decimal("1.00"))


def test_an_external_id_of_a_refund_names_one_refund(
    acme: Organization, refund: Callable[..., dict[str, Any]]
) -> None:
    paid = acme.payment()
    first = refund(paid, Decimal("10.00"), external_id="r-1")
    assert refund(paid, Decimal("10.00"), external_id="r-1")["id"] == first["id"]
    with refused("PT409"):
        refund(paid, Decimal("11.00"), external_id="r-1")
    with refused("PT409"):
        refund(acme.payment(), Decimal("10.00"), external_id="r-1")


def test_what_a_payment_is_short_of_is_shown_to_whoever_may_see_it(
    world: World, acme: Organization, refund: Callable[..., dict[str, Any]]
) -> None:
    dana = acme.closer("dana")
    paid = acme.payment(closer=dana)
    made = refund(paid, Decimal("10.00"))
    with world.acting_as(dana) as db:
        assert db.ids("select id from api.payment_refunds") == {made["id"]}
