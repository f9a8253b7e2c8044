"""Deals: made by closed calls and payments, joined by later payments, decided by hand."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.world import ANSWERS, NOON, Organization, Person, Row, World

EMAIL = "lee@lead.test"
CLOSED = ANSWERS["closed"]


@dataclass(frozen=True)
class Scene:
    """dana takes calls of lee; somebody pays."""

    acme: Organization
    ada: Person
    dana: Person

    def call(self, days: float = 0, outcome: str | None = None, **form: Any) -> Row:
        return self.acme.event(
            email=EMAIL,
            closer=self.dana,
            scheduled_at=NOON + timedelta(days=days),
            outcome=outcome,
            form=form or None,
        )

    def restate(self, call: Row, outcome: str = "closed", **form: Any) -> None:
        self.acme.form(call, at=NOON + timedelta(days=9), **ANSWERS[outcome], **form)

    def pay(self, amount: str = "1000.00", days: float = 0.1, **given: Any) -> UUID:
        facts = {
            "organization_id": self.acme.id,
            "provider": "stripe",
            "provider_account": "",
            "provider_payment_id": f"pi_{uuid4().hex}",
            "connection_id": None,
            "livemode": True,
            "amount": Decimal(amount),
            "currency": "USD",
            "paid_at": NOON + timedelta(days=days),
            "customer_email": EMAIL,
            **given,
        }
        if "metadata" in facts:
            facts["metadata"] = Jsonb(facts["metadata"])
        names = ", ".join(f"{name} => %({name})s" for name in facts)
        made: UUID = self.acme.world.value(
            "select payment_id from app.record_processor_payments("
            f"array[app.told_payment({names})])",
            **facts,
        )
        return made

    def payment(self, payment_id: UUID) -> dict[str, Any]:
        (row,) = self.rows("payments", id=payment_id)
        return row

    def rows(self, table: str, **where: object) -> list[dict[str, Any]]:
        tests = "".join(f" and {name} = %({name})s" for name in where)
        return self.acme.world.rows(
            f"select * from app.{table} where organization_id = %(organization_id)s{tests}"
            " order by id",
            organization_id=self.acme.id,
            **where,
        )

    def deals(self, status: str = "won") -> list[dict[str, Any]]:
        return self.rows("deals", status=status)

    def deal(self) -> dict[str, Any]:
        (row,) = self.deals()
        return row

    def schedule(self) -> list[tuple[int, date, Decimal]]:
        return [
            (row["installment_no"], row["due_on"], row["amount"])
            for row in self.rows("deal_installments", deal_id=self.deal()["id"])
        ]

    def metrics(self, **given: object) -> dict[str, Any]:
        arguments = {"start_date": "2026-03-01", "end_date": "2026-12-31", **given}
        names = ", ".join(f"{name} => %({name})s" for name in arguments)
        with self.acme.world.acting_as(self.ada) as db:
            found = db.rows(f"select metric, value from core_metrics({names})", **arguments)
        return {row["metric"]: row["value"] for row in found}

    def package(self, parts: int = 3, price: str = "3000.00") -> UUID:
        return self.acme.world.insert(
            "packages",
            organization_id=self.acme.id,
            name=f"Mentoring {uuid4().hex}",
            price=Decimal(price),
            currency="USD",
            installment_count=parts,
            installment_interval_days=30,
        )

    def by_ada(self, function: str, **arguments: Any) -> dict[str, Any]:
        given = {"organization_id": self.acme.id, **arguments}
        given = {k: Jsonb(v) if isinstance(v, list | dict) else v for k, v in given.items()}
        names = ", ".join(f"{name} => %({name})s" for name in given)
        with self.acme.world.acting_as(self.ada) as db:
            (row,) = db.rows(f"select * from {function}({names})", **given)
        return row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    return Scene(acme, acme.admin(), acme.closer("dana"))


# -- deals of calls


def test_a_call_that_ended_closed_is_a_deal(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00", payment_type="pif")
    deal = scene.deal()
    assert (deal["origin_event_id"], deal["closer_id"]) == (call.id, scene.dana.closer_id)
    assert (deal["contract_value"], deal["contract_value_source"]) == (Decimal("3000.00"), "form")
    assert (deal["contract_value_base"], deal["closed_at"]) == (Decimal("3000.00"), NOON)
    assert (deal["deal_type"], deal["payment_type"], deal["is_automatic"]) == (
        "new_deal",
        "pif",
        True,
    )
    assert scene.schedule() == [(1, date(2026, 3, 10), Decimal("3000.00"))]


def test_without_a_value_in_the_form_the_package_has_it_and_the_schedule(scene: Scene) -> None:
    package = scene.package(price="1000.00")
    scene.call(outcome="closed", package_id=str(package), payment_type="payment_plan")
    assert scene.deal()["contract_value_source"] == "package"
    assert scene.schedule() == [
        (1, date(2026, 3, 10), Decimal("333.34")),
        (2, date(2026, 4, 9), Decimal("333.33")),
        (3, date(2026, 5, 9), Decimal("333.33")),
    ]


def test_a_new_price_is_for_new_deals(scene: Scene) -> None:
    package = scene.package()
    call = scene.call(outcome="closed", package_id=str(package))
    scene.acme.world.execute("update app.packages set price = 5000.00 where id = %s", package)
    scene.restate(call, package_id=str(package), notes="once more")
    assert scene.deal()["contract_value"] == Decimal("3000.00")


def test_a_plan_of_no_package_has_no_schedule_that_anybody_knows(scene: Scene) -> None:
    scene.call(outcome="closed", contract_value="3000.00", payment_type="payment_plan")
    assert scene.schedule() == []
    with scene.acme.world.acting_as(scene.ada) as db:
        (shown,) = db.rows("select outstanding, overdue, collected from deals")
    assert shown == {"outstanding": None, "overdue": None, "collected": Decimal("0.00")}


def test_without_any_value_the_deal_is_worth_what_was_paid(scene: Scene) -> None:
    scene.call(outcome="closed")
    assert scene.deal()["contract_value"] == 0
    scene.pay("700.00")
    scene.pay("800.00", days=2)
    deal = scene.deal()
    assert (deal["contract_value"], deal["contract_value_base"]) == (Decimal("1500.00"),) * 2
    assert scene.schedule() == []


@pytest.mark.parametrize("outcome", ["showed_offer", "no_show"])
def test_a_call_that_did_not_close_after_all_is_no_deal(scene: Scene, outcome: str) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    paid = scene.pay()
    assert scene.payment(paid)["deal_id"] == scene.deal()["id"]
    scene.restate(call, outcome)
    (void,) = scene.deals("void")
    assert void["void_reason"]
    assert void["voided_at"] is not None
    assert scene.payment(paid)["deal_id"] != void["id"]
    scene.restate(call, contract_value="2000.00")
    assert (scene.deal()["id"], scene.deal()["contract_value"]) == (void["id"], Decimal("2000.00"))
    assert scene.payment(paid)["deal_id"] == void["id"]


def test_a_deleted_call_takes_its_deal_along(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    scene.acme.world.execute(
        "select app.delete_event(%s, %s, 'test', now())", scene.acme.id, call.id
    )
    assert scene.deals() == []


def test_whoever_took_the_call_has_the_deal(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    eli = scene.acme.closer("eli")
    paid = scene.pay()
    scene.restate(call, contract_value="3000.00", closer_id=str(eli.closer_id))
    assert scene.deal()["closer_id"] == eli.closer_id
    assert scene.payment(paid)["closer_id"] == eli.closer_id


def test_a_deposit_is_not_a_close(scene: Scene) -> None:
    scene.call(outcome="showed_offer", payment_type="deposit", cash_collected="500.00")
    deposit = scene.pay("500.00")
    assert scene.deals() == []
    assert scene.payment(deposit)["deal_id"] is None
    scene.pay(
        "250.00", customer_email="new@lead.test", metadata={"salesdash_payment_type": "deposit"}
    )
    assert scene.deals() == []
    # It belongs to the closing that follows it, whoever of the two is told of first.
    scene.call(days=7, outcome="closed", contract_value="3000.00")
    assert scene.payment(deposit)["deal_id"] == scene.deal()["id"]
    assert scene.payment(deposit)["closer_id"] == scene.dana.closer_id


# -- which deal a payment is of


def test_later_payments_join_the_open_deal_and_take_their_instalment(scene: Scene) -> None:
    package = scene.package()
    scene.call(outcome="closed", package_id=str(package), payment_type="payment_plan")
    paid = [scene.pay(days=days) for days in (0.1, 31, 120)]
    found = [scene.payment(p) for p in paid]
    assert {p["deal_id"] for p in found} == {scene.deal()["id"]}
    assert [p["installment_no"] for p in found] == [1, 2, 3]
    assert [p["attribution_method"] for p in found] == [
        "identity_event",
        "identity_event",
        "identity_deal",
    ]
    assert {p["closer_id"] for p in found} == {scene.dana.closer_id}
    assert {p["deal_type"] for p in found} == {"new_deal"}


def test_an_instalment_is_told_from_an_upsell(scene: Scene) -> None:
    package = scene.package()
    scene.call(outcome="closed", package_id=str(package), payment_type="payment_plan")
    scene.call(days=40, outcome="closed", contract_value="5000.00", payment_type="pif")
    plan, upsell = scene.deals()
    payments = {
        days: scene.payment(scene.pay(amount, days=days))["deal_id"]
        for days, amount in ((0.1, "1000.00"), (30, "1000.00"), (40.1, "5000.00"), (60, "1000.00"))
    }
    assert payments == {0.1: plan["id"], 30: plan["id"], 40.1: upsell["id"], 60: plan["id"]}
    assert [deal["deal_type"] for deal in scene.deals()] == ["new_deal", "upsell"]


def test_payments_of_a_subscription_stay_with_its_deal(scene: Scene) -> None:
    scene.call(outcome="closed", contract_value="1000.00")
    scene.call(days=1, outcome="closed", contract_value="9000.00")
    first = scene.payment(scene.pay(days=0.1, provider_subscription_id="sub_1"))
    later = scene.payment(
        scene.pay(days=200, provider_subscription_id="sub_1", customer_email=None)
    )
    assert later["deal_id"] == first["deal_id"]
    subscriptions = {d["id"]: d["provider_subscription_id"] for d in scene.deals()}
    assert subscriptions[first["deal_id"]] == "sub_1"
    assert list(subscriptions.values()).count(None) == 1


def test_a_sale_without_a_call_is_a_deal_without_one(scene: Scene) -> None:
    scene.acme.lead("lee", email=EMAIL)
    paid = scene.pay("900.00", provider_subscription_id="sub_1")
    again = scene.pay("900.00", days=30, provider_subscription_id="sub_1")
    deal = scene.deal()
    assert (deal["origin_event_id"], deal["origin_payment_id"]) == (None, paid)
    assert (deal["contract_value"], deal["closed_at"]) == (
        Decimal("1800.00"),
        NOON + timedelta(days=0.1),
    )
    assert scene.payment(again)["deal_id"] == deal["id"]
    assert scene.metrics()["deals_won"] == 1
    assert scene.metrics()["unattributed_cash"] == Decimal("1800.00")


def test_a_call_that_explains_the_payment_takes_it_from_its_own_deal(scene: Scene) -> None:
    scene.acme.lead("lee", email=EMAIL)
    paid = scene.pay()
    own = scene.deal()
    scene.call(outcome="closed", contract_value="1000.00")
    assert scene.payment(paid)["deal_id"] == scene.deal()["id"] != own["id"]
    assert [deal["id"] for deal in scene.deals("void")] == [own["id"]]


@pytest.mark.parametrize("given", [{"livemode": False}, {"customer_email": "nobody@lead.test"}])
def test_test_money_and_money_of_nobody_open_no_deal(scene: Scene, given: dict[str, Any]) -> None:
    scene.acme.lead("lee", email=EMAIL)
    scene.pay(**given)
    assert scene.deals() == []


def test_a_claim_and_the_payment_that_supersedes_it_count_once(scene: Scene) -> None:
    scene.call(outcome="closed", cash_collected="1000.00")
    assert scene.deal()["contract_value"] == Decimal("1000.00")
    scene.pay("1000.00", days=0.2)
    assert scene.deal()["contract_value"] == Decimal("1000.00")
    metrics = scene.metrics()
    assert metrics["cash_collected"] == metrics["contracted_revenue"] == Decimal("1000.00")
    assert metrics["collected_share"] == 1


# -- numbers


def test_metrics_follow_automatic_deals(scene: Scene) -> None:
    package = scene.package()
    scene.call(outcome="closed", package_id=str(package), payment_type="payment_plan")
    scene.call(days=50, outcome="closed", contract_value="400.00", payment_type="pif")
    scene.pay("1000.00")
    scene.pay("400.00", days=50.1)
    metrics = scene.metrics(as_of=datetime(2026, 4, 20, tzinfo=UTC))
    assert metrics["deals_won"] == 2
    assert metrics["contracted_revenue"] == Decimal("3400.00")
    assert round(metrics["collected_share"], 6) == Decimal("0.411765")
    assert (metrics["new_cash"], metrics["upsell_cash"]) == (Decimal("1000.00"), Decimal("400.00"))
    assert (metrics["outstanding"], metrics["overdue"]) == (Decimal("2000.00"), Decimal("1000.00"))


def test_what_a_deal_has_and_owes_is_shown_to_its_closer_whole(scene: Scene, world: World) -> None:
    scene.call(outcome="closed", contract_value="3000.00", payment_type="pif")
    paid = scene.pay("1000.00")
    eli = scene.acme.closer("eli")
    second = scene.pay("500.00", days=1)
    world.execute(
        "select app.replace_credits(%s, %s, %s, '{}')", scene.acme.id, second, [eli.closer_id]
    )
    scene.acme.refund(Row(scene.acme.id, paid), amount=Decimal("200.00"), refunded_at=NOON)
    expected = {
        "collected": Decimal("1300.00"),
        "outstanding": Decimal("1700.00"),
        "overdue": Decimal("1700.00"),
    }
    stranger = world.organization("other").admin("stan")
    for who, sees in ((scene.ada, True), (scene.dana, True), (eli, True), (stranger, False)):
        with world.acting_as(who) as db:
            found = db.rows("select collected, outstanding, overdue from deals")
        assert found == ([expected] if sees else []), who.name


def test_a_value_in_another_currency_waits_for_the_rate_of_the_closing_day(
    scene: Scene, world: World
) -> None:
    scene.call(outcome="closed", contract_value="3000.00", currency="EUR")
    deal = scene.deal()
    assert (deal["contract_value_base"], deal["currency"]) == (None, "EUR")
    (waiting,) = scene.rows("exceptions", check_name="missing_rate", state="open")
    assert waiting["row_ids"] == [deal["id"]]
    world.insert(
        "fx_rates",
        organization_id=scene.acme.id,
        day=date(2026, 3, 9),
        from_currency="EUR",
        to_currency="USD",
        rate=Decimal("1.1"),
    )
    assert scene.deal()["contract_value_base"] == Decimal("3300.00")
    assert scene.rows("exceptions", check_name="missing_rate", state="open") == []
    world.execute("update app.fx_rates set rate = 2 where organization_id = %s", scene.acme.id)
    assert scene.deal()["contract_value_base"] == Decimal("3300.00")


# -- by hand


def test_a_deal_by_hand_takes_the_place_of_the_calls_and_its_payments(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    paid = scene.pay()
    eli = scene.acme.closer("eli")
    made = scene.by_ada(
        "create_deal",
        origin_event_id=call.id,
        contract_value=Decimal("2500.00"),
        closer_id=eli.closer_id,
        installments=[
            {"due_on": "2026-04-10", "amount": "1500.00"},
            {"due_on": "2026-03-10", "amount": 1000},
        ],
        reason="Sold together.",
    )
    assert (made["contract_value"], made["is_automatic"]) == (Decimal("2500.00"), False)
    assert (made["closed_at"], made["deal_type"]) == (NOON, "new_deal")
    assert (made["collected"], made["outstanding"]) == (Decimal("1000.00"), Decimal("1500.00"))
    assert [amount for _, _, amount in scene.schedule()] == [Decimal("1000.00"), Decimal("1500.00")]
    now = scene.payment(paid)
    assert (now["deal_id"], now["closer_id"], now["installment_no"]) == (
        made["id"],
        eli.closer_id,
        1,
    )
    scene.restate(call, contract_value="9999.00")
    assert scene.deal()["contract_value"] == Decimal("2500.00")


def test_what_a_person_voided_no_rule_brings_back(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    paid = scene.pay()
    made = scene.by_ada("void_deal", deal_id=scene.deal()["id"], reason="Never signed.")
    assert (made["status"], made["voided_by"]) == ("void", scene.ada.user_id)
    assert scene.payment(paid)["deal_id"] is None
    assert scene.payment(paid)["event_id"] == call.id
    scene.restate(call, contract_value="3500.00")
    scene.pay(days=3)
    assert scene.deals() == []


def test_a_voided_sale_without_a_call_stays_void(scene: Scene) -> None:
    scene.acme.lead("lee", email=EMAIL)
    scene.pay(provider_subscription_id="sub_1")
    scene.by_ada("void_deal", deal_id=scene.deal()["id"], reason="A gift.")
    scene.pay(days=30, provider_subscription_id="sub_1")
    assert scene.deals() == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"reason": " "}, "PT422"),
        ({"lead_id": None}, "PT422"),
        ({"lead_id": uuid4()}, "PT404"),
        ({"contract_value": None}, "PT422"),
        ({"contract_value": Decimal("0.001")}, "PT422"),
        ({"currency": "XXQ"}, "PT422"),
        ({"closed_at": datetime(2199, 1, 1, tzinfo=UTC)}, "PT422"),
        ({"payment_type": "deposit"}, "PT422"),
        ({"deal_type": "other"}, "PT422"),
        ({"package_id": uuid4()}, "PT404"),
        ({"closer_id": uuid4()}, "PT404"),
        ({"setter_id": uuid4()}, "PT404"),
        ({"origin_event_id": uuid4()}, "PT404"),
        ({"installments": [{"due_on": "2026-03-10", "amount": "99.99"}]}, "PT422"),
        ({"installments": [{"due_on": "soon", "amount": "100.00"}]}, "PT422"),
        ({"installments": []}, "PT422"),
        ({"installments": {"due_on": "2026-03-10"}}, "PT422"),
    ],
)
def test_a_deal_without_meaning_is_refused(scene: Scene, given: dict[str, Any], code: str) -> None:
    lee = scene.acme.lead("lee")
    arguments = {"lead_id": lee.id, "contract_value": Decimal("100.00"), "reason": "Sold.", **given}
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada("create_deal", **arguments)
    assert raised.value.sqlstate == code


def test_a_call_has_one_deal_and_a_deal_is_voided_once(scene: Scene) -> None:
    call = scene.call(outcome="closed")
    given = {"origin_event_id": call.id, "contract_value": Decimal("10.00"), "reason": "Sold."}
    made = scene.by_ada("create_deal", **given)
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada("create_deal", **given)
    assert raised.value.sqlstate == "PT409"
    scene.by_ada("void_deal", deal_id=made["id"], reason="No.")
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada("void_deal", deal_id=made["id"], reason="No.")
    assert raised.value.sqlstate == "PT409"


def test_a_deal_of_somebody_elses_call_is_refused(scene: Scene) -> None:
    call = scene.call(outcome="closed")
    kim = scene.acme.lead("kim")
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada(
            "create_deal",
            lead_id=kim.id,
            origin_event_id=call.id,
            contract_value=Decimal("10.00"),
            reason="Sold.",
        )
    assert raised.value.sqlstate == "PT422"


def test_a_deal_under_a_locked_payout_stays(scene: Scene) -> None:
    call = scene.call(outcome="closed", contract_value="3000.00")
    paid = scene.pay()
    scene.acme.lock(scene.dana.payee_id, payment_id=paid)
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada("void_deal", deal_id=scene.deal()["id"], reason="No.")
    assert raised.value.sqlstate == "PT409"
    instead = {"contract_value": Decimal("10.00"), "reason": "Instead."}
    with pytest.raises(psycopg.Error) as raised:
        scene.by_ada("create_deal", origin_event_id=call.id, **instead)
    assert raised.value.sqlstate == "PT409"
    assert scene.deal()["is_automatic"]
