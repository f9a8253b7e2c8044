"""What refunds, claims, schedules and calendars do to the numbers."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.world import NOON, Organization, Person, Row, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
APRIL = NOON + timedelta(days=30)


@dataclass(frozen=True)
class Scene:
    """Dana's two shows in March, one of them closed and paid with 300."""

    acme: Organization
    ada: Person
    dana: Person
    call: Row
    payment: Row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    ada, dana = acme.admin(), acme.closer()
    call = acme.event(closer=dana, outcome="closed")
    acme.event(closer=dana, outcome="showed_offer", scheduled_at=NOON + timedelta(days=1))
    payment = acme.payment(closer=dana, event=call, amount=Decimal("300.00"))
    return Scene(acme, ada, dana, call, payment)


def ask(scene: Scene, **given: object) -> dict[str, dict[str, Any]]:
    arguments = {**MARCH, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with scene.acme.world.acting_as(scene.ada) as db:
        rows = db.rows(f"select * from core_metrics({names})", **arguments)
    return {row["metric"]: row for row in rows}


def test_a_close_is_net_until_its_last_cent_went_back(scene: Scene) -> None:
    for amount, net_closes in (("100.00", 1), ("199.99", 1), ("0.01", 0)):
        scene.acme.refund(scene.payment, amount=Decimal(amount), refunded_at=APRIL)
        answer = ask(scene)
        assert answer["net_close_rate"]["numerator"] == net_closes, amount
        assert answer["close_rate"]["numerator"] == 1
    scene.acme.refund(scene.payment, amount=Decimal("0.01"), refunded_at=APRIL, kind="dispute_won")
    assert ask(scene)["net_close_rate"]["numerator"] == 1


def test_a_deal_is_as_good_as_all_its_payments(scene: Scene) -> None:
    deal = scene.acme.world.value(
        "update app.deals set contract_value = 600.00, contract_value_base = 600.00,"
        " contract_value_source = 'given', is_automatic = false"
        " where organization_id = %s and origin_event_id = %s returning id",
        scene.acme.id,
        scene.call.id,
    )
    for number, due_on in ((1, date(2026, 3, 10)), (2, date(2026, 4, 10))):
        scene.acme.world.insert(
            "deal_installments",
            organization_id=scene.acme.id,
            deal_id=deal,
            installment_no=number,
            due_on=due_on,
            amount=Decimal("300.00"),
            currency="USD",
        )
    first = scene.acme.payment(amount=Decimal("200.00"), deal_id=deal, event=scene.call)
    answer = ask(scene, as_of=NOON + timedelta(days=2))
    assert (answer["deals_won"]["value"], answer["aov"]["value"]) == (1, 600)
    assert answer["outstanding"]["value"] == Decimal("400.00")
    assert answer["overdue"]["value"] == Decimal("100.00")
    assert answer["collected_share"]["numerator"] == Decimal("200.00")

    # Both the deal's money and what was paid for the call without a deal must be gone.
    scene.acme.refund(first, amount=Decimal("200.00"), refunded_at=APRIL)
    assert ask(scene)["net_close_rate"]["numerator"] == 1
    scene.acme.refund(scene.payment, amount=Decimal("300.00"), refunded_at=APRIL)
    answer = ask(scene, as_of=NOON + timedelta(days=60))
    assert answer["net_close_rate"]["numerator"] == 0
    assert answer["outstanding"]["value"] == answer["overdue"]["value"] == Decimal("600.00")


def test_refunds_of_the_same_moment_are_borne_one_after_the_other(scene: Scene) -> None:
    eli = scene.acme.closer("eli")
    split = scene.acme.payment(amount=Decimal("0.03"), paid_at=NOON)
    scene.acme.world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], '{}')",
        scene.acme.id,
        split.id,
        [scene.dana.closer_id, eli.closer_id],
    )
    for _ in range(3):
        scene.acme.refund(split, amount=Decimal("0.01"), refunded_at=APRIL)
    april = {"start_date": "2026-04-01", "end_date": "2026-04-30"}
    borne = [
        ask(scene, **april, closer_id=person.closer_id)["refunds"]["value"]
        for person in (scene.dana, eli)
    ]
    assert borne == [Decimal("0.02"), Decimal("0.01")]
    assert ask(scene, closer_id=eli.closer_id)["net_revenue"]["value"] == 0


def test_what_counts_nowhere_moves_no_number(scene: Scene) -> None:
    before = ask(scene)
    scene.acme.payment(amount=Decimal("9.00"), livemode=False)
    scene.acme.payment(amount=Decimal("9.00"), status="pending")
    scene.acme.payment(amount=Decimal("9.00"), superseded_by_id=scene.payment.id)
    scene.acme.payment(amount=Decimal("9.00"), currency="EUR")
    scene.acme.payment(amount=Decimal("9.00"), lead=scene.acme.lead("test", is_test=True))
    scene.acme.refund(scene.payment, amount=Decimal("9.00"), refunded_at=NOON, status="pending")
    scene.acme.event(
        closer=scene.dana, outcome="closed", lead=scene.acme.lead("test", is_test=True)
    )
    after = ask(scene)
    for row in (*before.values(), *after.values()):
        del row["as_of"]
    assert after == before


def test_utilization_is_of_the_slots_seen_before_the_day(scene: Scene) -> None:
    def capture(at: str, free: int, booked: int) -> None:
        scene.acme.world.insert(
            "capacity_snapshots",
            organization_id=scene.acme.id,
            closer_id=scene.dana.closer_id,
            day=date(2026, 3, 10),
            captured_at=at,
            free_slots=free,
            booked_slots=booked,
        )

    assert ask(scene)["utilization"]["value"] is None
    capture("2026-03-10 05:00Z", 1, 0)  # on the day, an hour into it
    assert ask(scene)["utilization"]["denominator"] == 1
    capture("2026-03-08 05:00Z", 9, 0)
    capture("2026-03-10 03:59Z", 3, 1)  # one minute before midnight
    answer = ask(scene)
    assert (answer["utilization"]["numerator"], answer["utilization"]["denominator"]) == (1, 4)
    assert answer["held_utilization"]["numerator"] == 1
    assert ask(scene, source_id=scene.acme.source().id)["utilization"]["value"] is None
