"""Calls and payments that are deleted, marked and restored: nothing counts, and nothing is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.acting import refused
from tests.database.by_hand import ask, ask_one, credits_of, open_exceptions
from tests.world import ANSWERS, NOON, Organization, Person, Row, World

WHY = "Entered by mistake."
EMAIL = "lee@lead.test"
CASH = Decimal("500.00")
PAID_AT = NOON + timedelta(hours=2)

MONEY = """
select (select count(*) from app.call_facts(%(id)s)) as calls,
       (select coalesce(sum(c.amount), 0) from app.cash_facts(%(id)s) as c) as cash,
       (select coalesce(sum(d.contract_value), 0) from app.deal_facts(%(id)s) as d) as sold
"""
FACTS = {
    "events": "id, call_status, event_outcome, deleted_at, duplicate_of_id, credited_closer_id",
    "payments": "id, lead_id, event_id, deal_id, deleted_at, claim_state, superseded_by_id, amount,"
    " closer_id, setter_id, installment_no, deal_type, attribution_method, attribution_steps",
    "payment_credits": "payment_id, role, closer_id, setter_id, share, amount_base",
    "deals": "id, lead_id, origin_event_id, status, contract_value, deal_type, closer_id",
    "deal_installments": "deal_id, installment_no, due_on, amount",
    "post_call_forms": "id, event_id, version, is_active, voided_at",
    "exceptions": "check_name, dedupe_key, state",
}


@dataclass(frozen=True)
class Scene:
    """A call of lee's that dana closed, with a claim, a deal, and whatever a test adds."""

    acme: Organization
    ada: Person
    dana: Person
    lee: Row
    call: Row

    def money(self) -> tuple[int, Decimal, Decimal]:
        """(calls, cash, contracts) that count."""
        (row,) = self.acme.world.rows(MONEY, id=self.acme.id)
        return row["calls"], row["cash"], row["sold"]

    def facts(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that deleting and restoring may touch, but for the times of writing."""
        return {
            table: self.acme.world.rows(
                f"select {columns} from app.{table} where organization_id = %s order by {columns}",
                self.acme.id,
            )
            for table, columns in FACTS.items()
        }

    def ask(self, function: str, **given: Any) -> dict[UUID, bool]:
        rows = ask(self.acme.world, self.ada, function, reason=WHY, **given)
        return {row.get("event_id") or row["payment_id"]: row["is_done"] for row in rows}

    def pay(self, amount: Decimal = CASH, **columns: Any) -> Row:
        """A processor's payment with lee's address, attributed."""
        row = self.acme.payment(
            amount=amount, paid_at=PAID_AT, **{"customer_email": EMAIL, **columns}
        )
        self.acme.world.execute("select app.attribute_payment(%s, %s)", self.acme.id, row.id)
        return row

    def claim(self) -> dict[str, Any]:
        (row,) = self.acme.world.rows("select * from app.payments where claim_state is not null")
        return row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    dana, lee = acme.closer("dana"), acme.lead("lee", email=EMAIL)
    call = acme.event(
        closer=dana,
        setter=acme.setter("sam"),
        lead=lee,
        outcome="closed",
        form={"cash_collected": str(CASH), "contract_value": "3000.00"},
    )
    return Scene(acme, acme.admin(), dana, lee, call)


def deleted(scene: Scene) -> None:
    assert scene.ask("delete_events", event_ids=[scene.call.id]) == {scene.call.id: True}


def restored(scene: Scene) -> None:
    assert scene.ask("restore_events", event_ids=[scene.call.id]) == {scene.call.id: True}


def marked(scene: Scene) -> None:
    other = scene.acme.event(lead=scene.acme.lead("kim"), scheduled_at=NOON + timedelta(days=3))
    ask_one(
        scene.acme.world,
        scene.ada,
        "mark_duplicate",
        event_id=scene.call.id,
        duplicate_of_id=other.id,
        reason=WHY,
    )
    scene.acme.world.execute(
        "select app.delete_event(%s, %s, 'A test.', %s)", scene.acme.id, other.id, NOON
    )


def unmarked(scene: Scene) -> None:
    ask_one(scene.acme.world, scene.ada, "unmark_duplicate", event_id=scene.call.id, reason=WHY)
    scene.acme.world.execute("delete from app.events where id <> %s", scene.call.id)


WAYS: dict[str, tuple[Callable[[Scene], None], Callable[[Scene], None]]] = {
    "deleted": (deleted, restored),
    "marked": (marked, unmarked),
}
ways = pytest.mark.parametrize("way", WAYS)


@ways
def test_a_call_that_does_not_count_takes_its_claim_and_deal_with_it_and_back(
    scene: Scene, way: str
) -> None:
    away, back = WAYS[way]
    before = scene.facts()
    assert scene.money() == (1, CASH, Decimal("3000.00"))
    away(scene)
    assert scene.money() == (0, 0, 0)
    assert scene.claim()["deleted_reason"] == "Its call counts nowhere."
    back(scene)
    assert scene.facts() == before


@ways
def test_a_payment_that_came_for_the_call_is_money_still_and_finds_it_again(
    scene: Scene, way: str
) -> None:
    away, back = WAYS[way]
    payment = scene.pay(Decimal("1000.00"))
    before = scene.facts()
    assert credits_of(scene.acme, payment.id).keys() >= {scene.dana.closer_id}
    away(scene)
    assert scene.money()[1] == Decimal("1000.00")
    # A sale that no call explains, of a lead who is known.
    (row,) = scene.acme.world.rows("select * from app.payments where id = %s", payment.id)
    assert (row["lead_id"], row["event_id"], row["closer_id"]) == (scene.lee.id, None, None)
    assert open_exceptions(scene.acme, payment.id) == {"unattributed_payment"}
    back(scene)
    after = scene.facts()
    opened = {row["id"] for row in before["deals"]}
    after["deals"] = [row for row in after["deals"] if row["id"] in opened]
    for facts in (before, after):
        facts["exceptions"] = [r for r in facts["exceptions"] if r["state"] == "open"]
        facts["deal_installments"] = [
            r for r in facts["deal_installments"] if r["deal_id"] in opened
        ]
    assert after == before


@ways
def test_a_payment_that_took_the_place_of_the_claim_does_so_again(scene: Scene, way: str) -> None:
    away, back = WAYS[way]
    payment = scene.pay(CASH)
    assert scene.claim()["superseded_by_id"] == payment.id
    away(scene)
    assert (scene.claim()["superseded_by_id"], scene.money()[1]) == (None, CASH)
    back(scene)
    assert (scene.claim()["superseded_by_id"], scene.money()[1]) == (payment.id, CASH)


@ways
def test_what_an_admin_said_of_a_claim_is_not_lost(scene: Scene, way: str) -> None:
    away, back = WAYS[way]
    claim_id = scene.claim()["id"]
    ask_one(scene.acme.world, scene.ada, "confirm_claim", payment_id=claim_id, reason=WHY)
    away(scene)
    back(scene)
    claim = scene.claim()
    assert (claim["claim_state"], claim["deleted_at"]) == ("confirmed", None)


def test_the_form_of_a_duplicate_claims_money_when_the_call_counts_again(scene: Scene) -> None:
    marked(scene)
    scene.acme.form(
        scene.call, at=PAID_AT, **ANSWERS["closed"], cash_collected="700.00", contract_value="3000"
    )
    assert scene.money() == (0, 0, 0)
    unmarked(scene)
    assert scene.money() == (1, Decimal("700.00"), Decimal("3000.00"))


def test_calls_are_deleted_one_by_one_and_the_rest_is_told(scene: Scene) -> None:
    strange, unknown = scene.acme.world.organization("beta").event(), uuid4()
    ids = [scene.call.id, strange.id, unknown]
    assert scene.ask("delete_events", event_ids=ids) == {
        scene.call.id: True,
        strange.id: False,
        unknown: False,
    }
    assert scene.ask("delete_events", event_ids=[scene.call.id]) == {scene.call.id: False}
    assert scene.ask("restore_events", event_ids=ids) == {
        scene.call.id: True,
        strange.id: False,
        unknown: False,
    }
    assert scene.ask("restore_events", event_ids=[scene.call.id]) == {scene.call.id: False}
    told = scene.acme.world.rows(
        "select reason from app.audit_logs"
        " where row_id = %s and table_name = 'events' and reason is not null",
        scene.call.id,
    )
    assert [row["reason"] for row in told] == [WHY, WHY]
    for wrong in ([], [None], [uuid4()] * 10_001):
        with refused("PT422"):
            scene.ask("delete_events", event_ids=wrong)


@pytest.mark.parametrize("rests_on", ["event_id", "deal_id", "payment_id"])
def test_what_a_locked_payout_rests_on_stays(scene: Scene, rests_on: str) -> None:
    deal = scene.acme.world.value("select id from app.deals")
    ids = {"event_id": scene.call.id, "deal_id": deal, "payment_id": scene.claim()["id"]}
    scene.acme.lock(scene.dana.payee_id, **{rests_on: ids[rests_on]})
    free = scene.acme.event(lead=scene.acme.lead("kim"))
    before = scene.facts()["payments"]
    done = scene.ask("delete_events", event_ids=[scene.call.id, free.id])
    assert done == {scene.call.id: False, free.id: True}
    other = scene.acme.event(lead=scene.acme.lead("kim"))
    with refused("PT409"):
        ask_one(
            scene.acme.world,
            scene.ada,
            "mark_duplicate",
            event_id=scene.call.id,
            duplicate_of_id=other.id,
            reason=WHY,
        )
    assert scene.facts()["payments"] == before
    assert scene.acme.state(scene.call) == ("completed", "closed")


# -- payments


def test_a_deleted_payment_counts_nowhere_and_comes_back_as_it_was(scene: Scene) -> None:
    payment = scene.pay(Decimal("1000.00"))
    scene.acme.refund(payment, amount=Decimal("100.00"), refunded_at=PAID_AT)
    before, sum_before = scene.facts(), scene.money()
    assert scene.ask("delete_payments", payment_ids=[payment.id]) == {payment.id: True}
    assert scene.money()[1] == sum_before[1] - Decimal("900.00")
    scene.acme.world.execute("select app.attribute_payment(%s, %s)", scene.acme.id, payment.id)
    assert scene.money()[1] == sum_before[1] - Decimal("900.00")
    assert scene.ask("batch_restore_payments", payment_ids=[payment.id]) == {payment.id: True}
    assert (scene.facts(), scene.money()) == (before, sum_before)


def test_a_claim_counts_while_the_payment_that_took_its_place_is_deleted(scene: Scene) -> None:
    payment = scene.pay(CASH)
    scene.ask("delete_payments", payment_ids=[payment.id])
    assert (scene.claim()["claim_state"], scene.money()[1]) == ("pending", CASH)
    scene.ask("batch_restore_payments", payment_ids=[payment.id])
    assert (scene.claim()["superseded_by_id"], scene.money()[1]) == (payment.id, CASH)


def test_a_deal_without_a_call_goes_with_its_payment_and_comes_back(scene: Scene) -> None:
    scene.acme.lead("kim", email="kim@lead.test")
    payment = scene.pay(Decimal("90.00"), customer_email="kim@lead.test")
    (deal,) = scene.acme.world.rows(
        "select * from app.deals where origin_payment_id = %s", payment.id
    )
    scene.ask("delete_payments", payment_ids=[payment.id])
    query = "select status from app.deals where id = %s"
    assert scene.acme.world.value(query, deal["id"]) == "void"
    assert open_exceptions(scene.acme, payment.id) == set()
    scene.ask("batch_restore_payments", payment_ids=[payment.id])
    assert scene.acme.world.value(query, deal["id"]) == "won"
    assert open_exceptions(scene.acme, payment.id) == {"unattributed_payment"}


def test_a_payment_that_knew_its_customer_by_a_deleted_one_forgets_it(scene: Scene) -> None:
    named = scene.pay(Decimal("10.00"), provider_customer_id="cus_1")
    bare = scene.pay(Decimal("20.00"), customer_email=None, provider_customer_id="cus_1")
    query = "select lead_id from app.payments where id = %s"
    assert scene.acme.world.value(query, bare.id) == scene.lee.id
    scene.ask("delete_payments", payment_ids=[named.id])
    assert scene.acme.world.value(query, bare.id) is None
    scene.ask("batch_restore_payments", payment_ids=[named.id])
    assert scene.acme.world.value(query, bare.id) == scene.lee.id


def test_what_a_person_decided_about_a_payment_comes_back_with_it(scene: Scene) -> None:
    payment = scene.pay(Decimal("70.00"), customer_email="else@lead.test")
    ask_one(
        scene.acme.world,
        scene.ada,
        "attribute_payment",
        payment_id=payment.id,
        event_id=scene.call.id,
        reason=WHY,
        learn=False,
    )
    before = scene.facts()
    scene.ask("delete_payments", payment_ids=[payment.id])
    scene.ask("batch_restore_payments", payment_ids=[payment.id])
    assert scene.facts() == before


def test_claims_are_not_deleted_and_locked_money_stays(scene: Scene) -> None:
    payment, unknown = scene.pay(Decimal("1000.00")), uuid4()
    strange = scene.acme.world.organization("beta").payment()
    scene.acme.lock(scene.dana.payee_id, payment_id=payment.id)
    claim_id = scene.claim()["id"]
    before = scene.facts()
    ids = [payment.id, claim_id, strange.id, unknown]
    assert scene.ask("delete_payments", payment_ids=ids) == dict.fromkeys(ids, False)
    assert scene.ask("batch_restore_payments", payment_ids=ids) == dict.fromkeys(ids, False)
    assert scene.facts() == before


def test_a_claim_is_not_restored_without_its_call(scene: Scene) -> None:
    deleted(scene)
    claim_id = scene.claim()["id"]
    assert scene.ask("batch_restore_payments", payment_ids=[claim_id]) == {claim_id: False}
    assert scene.money() == (0, 0, 0)
