"""Why a call or a payment is as it is: every delivery, form and decision, in order."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.inbox import Inbox, open_inbox
from tests.stripe_events import invoice, invoice_payment, payment, refund
from tests.world import NOON, Organization, Person, World

Line = tuple[str, str, str]


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


def explain(person: Person, acme: Organization, what: str, id_: UUID) -> list[Line]:
    with acme.world.acting_as(person) as db:
        rows = db.rows(f"select * from explain_{what}(%s, %s)", id_, acme.id)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    return [(row["what"], row["decided"], row["because"]) for row in rows]


def decisions(lines: list[Line]) -> list[tuple[str, str]]:
    return [(what, decided) for what, decided, _ in lines]


def test_a_payment_is_explained_by_its_deliveries_its_ladder_and_its_credits(
    acme: Organization, inbox: Inbox
) -> None:
    dana = acme.closer("dana")
    call = acme.event(closer=dana, email="lee@lead.test", outcome="closed")
    charge, intent = payment(
        email="lee@lead.test", created=int((NOON + timedelta(hours=2)).timestamp())
    )
    for event in (charge, intent, refund(charge, 100)):
        assert inbox.take(event) == "processed"
    lines = explain(acme.admin(), acme, "payment", inbox.row("payments")["id"])
    told = [because for what, _, because in lines if what == "delivery"]
    assert [line.split(" as ")[0] for line in told] == [
        "stripe sent charge.succeeded",
        "stripe sent payment_intent.succeeded",
        "stripe sent refund.created",
    ]
    decided = decisions(lines)
    assert ("payment", "created") in decided
    assert ("refund", "created") in decided
    rungs = [what for what, _ in decided if what.startswith("rung ")]
    assert [rung.split(":")[0] for rung in rungs] == [f"rung {n + 1}" for n in range(len(rungs))]
    assert rungs
    assert f"call {call.id}" in next(because for what, _, because in lines if what == "attribution")
    assert ("credit", "100 % to dana") in decided


def test_a_delivery_that_failed_or_came_too_early_is_found_by_the_ids_it_names(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    charge, intent = payment()
    early, strange = refund(charge, 100), payment()[0]
    inbox.take(early)
    inbox.take(strange)
    inbox.take(charge)
    intent["data"]["object"]["currency"] = "xqz"
    assert inbox.take(intent) == "queued"
    paid = next(
        row
        for row in inbox.rows("payments")
        if row["provider_payment_id"] == charge["data"]["object"]["payment_intent"]
    )
    lines = explain(acme.admin(), acme, "payment", paid["id"])
    told = [(decided, because) for what, decided, because in lines if what == "delivery"]
    assert [decided for decided, _ in told] == ["processed", "processed", "queued"]
    assert [
        event["id"] in because
        for event, (_, because) in zip((early, charge, intent), told, strict=True)
    ]
    assert strange["id"] not in json.dumps(lines)
    assert "linked to nothing" in told[0][1]
    assert "linked to nothing" in told[2][1]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_carried_the_payer_is_told_before_and_after_the_payment(
    acme: Organization, inbox: Inbox, is_first: bool
) -> None:
    charge, _ = payment(email="lee@lead.test")
    bill, paid_by = invoice(charge), invoice_payment(charge)
    told = [bill, paid_by, charge] if is_first else [charge, paid_by, bill]
    for event in told:
        inbox.take(event)
    lines = explain(acme.admin(), acme, "payment", inbox.row("payments")["id"])
    said = {decided: because for what, decided, because in lines if what == "carrier"}
    assert set(said) == {"invoice", "invoice payment"}
    assert said["invoice"].startswith(bill["data"]["object"]["id"])
    assert "the customer" in said["invoice"]
    delivered = " ".join(because for what, _, because in lines if what == "delivery")
    assert all(event["id"] in delivered for event in told)


@pytest.mark.parametrize(
    ("ids", "named"), [(["123"], True), (["12"], False), (["re_1", "x-y"], True), ([], None)]
)
def test_an_id_is_a_whole_word(world: World, ids: list[str], named: bool | None) -> None:
    body = '{"id": 123, "uri": "https://a.test/x-y", "of": "re_12"}'
    assert world.value("select app.mentions(%s, %s::text[])", body, ids) is named


def test_a_call_is_explained_by_its_booking_forms_moves_and_what_people_changed(
    world: World, acme: Organization
) -> None:
    dana, eli, ada = acme.closer("dana"), acme.closer("eli"), acme.admin("ada")
    call = acme.event(closer=dana, outcome="showed_offer")
    with world.acting_as(ada) as db:
        db.changed("update events set closer_id = %s where id = %s", eli.closer_id, call.id)
    acme.payment(event=call, amount=Decimal("25.00"))
    lines = explain(ada, acme, "event", call.id)
    decided = decisions(lines)
    assert ("booking", "call at 2026-03-10 12:00") in decided
    assert ("form 1", "showed, an offer was made") in decided
    assert any(line[1] == "call_status from scheduled to completed" for line in lines)
    assert ("change by hand", "closer_id from dana to eli", "By ada.") in lines
    assert ("payment", "25.00 USD, succeeded") in decided


def test_a_reschedule_is_told_on_both_calls(acme: Organization) -> None:
    first = acme.event(closer=acme.closer())
    second = acme.event(rescheduled_from=first, scheduled_at=NOON + timedelta(days=3))
    admin = acme.admin()
    assert any(
        what == "reschedule" and str(second.id) in because
        for what, _, because in explain(admin, acme, "event", first.id)
    )
    assert any(
        what == "booking" and str(first.id) in because
        for what, _, because in explain(admin, acme, "event", second.id)
    )


@pytest.mark.parametrize("what", ["event", "payment"])
def test_explanations_are_for_admins_of_the_organization(
    world: World, acme: Organization, what: str
) -> None:
    dana = acme.closer("dana")
    row = acme.event(closer=dana) if what == "event" else acme.payment(closer=dana)
    bolt = world.organization("bolt")
    assert explain(world.super_admin(), acme, what, row.id)
    with refused("42501"):
        explain(dana, acme, what, row.id)
    with refused("PT404"):
        explain(bolt.admin(), acme, what, row.id)
    with refused("PT404"):
        explain(bolt.admin(), bolt, what, row.id)
    with refused("PT404"):
        explain(acme.admin(), acme, what, uuid4())


def test_an_explanation_holds_nothing_of_a_payload(acme: Organization, inbox: Inbox) -> None:
    charge, _ = payment(email="very.secret@lead.test")
    charge["data"]["object"]["description"] = "very secret"
    inbox.take(charge)
    lines = explain(acme.admin(), acme, "payment", inbox.row("payments")["id"])
    assert "secret" not in json.dumps(lines)


def test_every_step_of_a_delivery_is_there_whatever_it_holds(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    inbox.take(payment()[0])
    steps: list[dict[str, Any]] = [{"what": "a", "decided": "b", "because": "c"}, {"what": "d"}]
    world.execute("update app.webhook_events set steps = %s", Jsonb(steps))
    lines = explain(acme.admin(), acme, "payment", inbox.row("payments")["id"])
    assert ("a", "b", "c") in lines
    assert ("d", None, None) in lines
