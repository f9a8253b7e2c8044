"""Calls and leads that an admin books, changes, cancels, moves and hands over."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.by_hand import ask, ask_one, identities, open_exceptions
from tests.world import NOON, Organization, Person, Row, World

WHY = "Agreed by telephone."
TO_COME = datetime(2199, 3, 10, 16, 0, tzinfo=UTC)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


class Desk:
    """Where ada does all this."""

    def __init__(self, acme: Organization, ada: Person) -> None:
        self.acme, self.ada = acme, ada

    def ask(self, function: str, **arguments: Any) -> dict[str, Any]:
        return ask_one(self.acme.world, self.ada, function, **arguments)

    def book(self, **arguments: Any) -> dict[str, Any]:
        return self.ask("create_event", **{"scheduled_at": NOON, **arguments})

    def change(self, event: Row | UUID, **changes: Any) -> dict[str, Any]:
        said = Jsonb(changes, dumps=lambda o: json.dumps(o, default=str))
        event_id = event.id if isinstance(event, Row) else event
        return self.ask("update_event", event_id=event_id, changes=said, reason=WHY)

    def row(self, table: str, row_id: UUID) -> dict[str, Any]:
        (row,) = self.acme.world.rows(
            f"select * from app.{table} where organization_id = %s and id = %s",
            self.acme.id,
            row_id,
        )
        return row


@pytest.fixture
def desk(acme: Organization, ada: Person) -> Desk:
    return Desk(acme, ada)


# -- booked


def test_a_call_by_hand_has_what_a_booked_one_has(desk: Desk) -> None:
    acme = desk.acme
    dana, sam, kind = acme.closer("dana"), acme.setter("sam"), acme.call_type(duration_minutes=30)
    made = desk.book(
        email="Lee@Lead.test ",
        full_name="Lee",
        closer_id=dana.id,
        setter_id=sam.id,
        call_type_id=kind.id,
        source_id=acme.source().id,
    )
    assert made["scheduled_end_at"] == NOON + timedelta(minutes=30)
    assert (made["call_status"], made["root_event_id"]) == ("scheduled", made["id"])
    assert (made["closer_name"], made["setter_name"]) == ("dana", "sam")
    assert (made["credited_closer_id"], made["credited_setter_id"]) == (dana.id, sam.id)
    assert (made["source_origin"], made["provider"]) == ("manual", "manual")
    assert (made["booked_at"], made["is_booked_at_estimated"]) == (NOON, True)
    lead = desk.row("leads", made["lead_id"])
    assert (lead["full_name"], lead["original_setter_id"]) == ("Lee", sam.id)
    assert identities(acme, Row(acme.id, made["lead_id"])) == {("email", "lee@lead.test")}


def test_a_call_to_come_is_booked_now(desk: Desk) -> None:
    made = desk.book(scheduled_at=TO_COME, phone="+1 (555) 010-2030")
    assert made["booked_at"] == desk.acme.world.value("select now()")
    assert not made["is_booked_at_estimated"]


def test_a_known_address_finds_its_lead_and_a_lead_is_named_by_id(desk: Desk) -> None:
    lee = desk.acme.lead("lee", email="lee@lead.test")
    assert desk.book(email="LEE@lead.test")["lead_id"] == lee.id
    again = desk.book(scheduled_at=NOON + timedelta(days=9), lead_id=lee.id)
    assert (again["lead_id"], again["lead_email"]) == (lee.id, "lee@lead.test")


def test_an_external_id_books_once(desk: Desk) -> None:
    first = desk.book(email="lee@lead.test", external_id="sheet-1")
    assert desk.book(email="lee@lead.test", external_id="sheet-1")["id"] == first["id"]
    with refused("PT409"):
        desk.book(email="lee@lead.test", external_id="sheet-1", scheduled_at=TO_COME)


def test_the_same_booking_by_hand_is_marked_as_a_duplicate(desk: Desk) -> None:
    dana, lee = desk.acme.closer("dana"), desk.acme.lead()
    first = desk.book(lead_id=lee.id, closer_id=dana.id)
    second = desk.book(lead_id=lee.id, closer_id=dana.id)
    assert (first["duplicate_of_id"], second["duplicate_of_id"]) == (None, first["id"])


def test_what_fits_several_leads_is_not_guessed(desk: Desk) -> None:
    one, two = desk.acme.lead("a", email="a@lead.test"), desk.acme.lead("b", phone="5550102030")
    with refused("PT409") as caught:
        desk.book(email="a@lead.test", phone="555-010-2030")
    assert str(one.id) in (caught.value.diag.message_detail or "")
    assert str(two.id) in (caught.value.diag.message_detail or "")
    assert desk.acme.world.value("select count(*) from app.events") == 0


BAD_BOOKINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "nobody": ("PT422", {}),
    "a lead named twice": ("PT422", {"lead_id": "lead", "email": "x@lead.test"}),
    "no address": ("PT422", {"email": "nobody"}),
    "no number": ("PT422", {"phone": "12"}),
    "no time": ("PT422", {"lead_id": "lead", "scheduled_at": None}),
    "the end of time": ("PT422", {"lead_id": "lead", "scheduled_at": "infinity"}),
    "booked tomorrow": ("PT422", {"lead_id": "lead", "booked_at": TO_COME}),
    "a lead of nowhere": ("PT404", {"lead_id": uuid4()}),
    "a closer of nowhere": ("PT404", {"lead_id": "lead", "closer_id": uuid4()}),
    "a source of nowhere": ("PT404", {"lead_id": "lead", "source_id": uuid4()}),
    "a type that was archived": ("PT422", {"lead_id": "lead", "call_type_id": "archived"}),
    "an end before the start": ("23514", {"lead_id": "lead", "scheduled_end_at": NOON}),
}


@pytest.mark.parametrize("what", BAD_BOOKINGS)
def test_a_booking_without_meaning_is_refused(desk: Desk, what: str) -> None:
    code, given = BAD_BOOKINGS[what]
    kind = desk.acme.call_type()
    desk.acme.world.execute("update app.call_types set archived_at = now() where id = %s", kind.id)
    known = {"lead": desk.acme.lead().id, "archived": kind.id}
    with refused(code):
        desk.book(**{n: known.get(v, v) if isinstance(v, str) else v for n, v in given.items()})
    assert desk.acme.world.value("select count(*) from app.events") == 0


# -- changed


def test_time_people_and_type_of_a_scheduled_call_change(desk: Desk) -> None:
    acme = desk.acme
    call, eli, sue = acme.event(closer=acme.closer("dana")), acme.closer("eli"), acme.setter("sue")
    later = NOON + timedelta(hours=3)
    made = desk.change(call, scheduled_at=later, closer_id=eli.id, setter_id=sue.id, notes="Late.")
    assert (made["scheduled_at"], made["scheduled_end_at"]) == (later, later + timedelta(hours=1))
    assert (made["credited_closer_id"], made["closer_name"]) == (eli.id, "eli")
    assert (made["credited_setter_id"], made["notes"]) == (sue.id, "Late.")
    assert desk.change(call, closer_id=None)["credited_closer_id"] is None
    (told,) = acme.world.rows(
        "select distinct reason from app.audit_logs where row_id = %s and action = 'UPDATE'",
        call.id,
    )
    assert told["reason"] == WHY


@pytest.mark.parametrize("outcome", ["canceled", "no_show", "closed"])
def test_only_people_and_type_of_a_call_that_is_over_change(desk: Desk, outcome: str) -> None:
    acme = desk.acme
    call, kind = acme.event(closer=acme.closer("dana"), outcome=outcome), acme.call_type()
    before = acme.state(call)
    with refused("PT409"):
        desk.change(call, scheduled_at=NOON + timedelta(days=1))
    made = desk.change(call, closer_id=acme.closer("eli").id, call_type_id=kind.id)
    assert (made["call_type_id"], acme.state(call)) == (kind.id, before)


def test_every_wrong_field_of_a_change_is_named(desk: Desk) -> None:
    call = desk.acme.event()
    with refused("PT422") as caught:
        desk.change(
            call, scheduled_at="soon", closer_id="dana", lead_id=None, call_status="canceled"
        )
    named = json.loads(caught.value.diag.message_detail or "{}").keys()
    assert named == {"scheduled_at", "closer_id", "lead_id", "call_status"}
    for wrong in ("[]", "null", "{}"):
        with refused("PT422"):
            desk.ask("update_event", event_id=call.id, changes=Jsonb(json.loads(wrong)), reason=WHY)


def test_the_lead_chosen_for_a_call_gets_its_chain_and_the_money_of_its_forms(desk: Desk) -> None:
    acme = desk.acme
    dana, lee, kim = acme.closer("dana"), acme.lead("lee"), acme.lead("kim")
    first = acme.event(closer=dana, lead=lee)
    last = acme.event(
        closer=dana,
        lead=lee,
        rescheduled_from=first,
        scheduled_at=NOON + timedelta(days=1),
        outcome="closed",
        form={"cash_collected": "500.00", "contract_value": "2000.00"},
    )
    assert desk.change(first, lead_id=kim.id)["lead_id"] == kim.id
    assert desk.row("events", last.id)["lead_id"] == kim.id
    (claim,) = acme.world.rows("select * from app.payments")
    (deal,) = acme.world.rows("select * from app.deals where status = 'won'")
    assert (claim["lead_id"], deal["lead_id"], claim["deal_id"]) == (kim.id, kim.id, deal["id"])
    assert (claim["closer_id"], claim["amount"]) == (dana.id, Decimal("500.00"))


def test_choosing_a_lead_settles_the_booking_that_fitted_several(desk: Desk) -> None:
    acme = desk.acme
    one = acme.lead("a", email="a@lead.test")
    acme.lead("b", phone="5550102030")
    event_id = acme.world.value(
        "select app.book_call(%s, %s, email => 'a@lead.test', phone => '5550102030')", acme.id, NOON
    )
    assert open_exceptions(acme, event_id) == {"ambiguous_lead"}
    assert desk.change(event_id, lead_id=one.id)["lead_id"] == one.id
    assert open_exceptions(acme, event_id) == set()


# -- canceled and moved


def test_a_call_is_canceled_by_whoever_it_was_and_when(desk: Desk) -> None:
    acme = desk.acme
    call, late, absent = acme.event(), acme.event(), acme.event()
    made = desk.ask(
        "cancel_event",
        event_id=call.id,
        canceled_by="invitee",
        reason="Wrote us.",
        canceled_at=NOON - timedelta(hours=1),
    )
    assert (made["call_status"], made["canceled_by"], made["cancel_reason"]) == (
        "canceled",
        "invitee",
        "Wrote us.",
    )
    desk.ask("cancel_event", event_id=late.id, canceled_by="invitee", reason=WHY)
    assert acme.state(late) == ("no_show", "no_show")
    kept = desk.ask("cancel_event", event_id=absent.id, canceled_by="host", reason=WHY)
    assert (kept["call_status"], kept["canceled_by"]) == ("scheduled", "host")
    for event, code in ((call, "PT409"), (late, "PT409"), (absent, "PT409")):
        with refused(code):
            desk.ask("cancel_event", event_id=event.id, canceled_by="host", reason=WHY)
    with refused("PT422"):
        desk.ask("cancel_event", event_id=acme.event().id, canceled_by="setter", reason=WHY)
    with refused("PT422"):
        desk.ask(
            "cancel_event",
            event_id=acme.event().id,
            canceled_by="host",
            reason=WHY,
            canceled_at=TO_COME,
        )


def test_a_moved_call_has_a_successor_that_knows_what_the_chain_knows(desk: Desk) -> None:
    acme = desk.acme
    dana, sam, kind = acme.closer("dana"), acme.setter("sam"), acme.call_type(duration_minutes=20)
    call = acme.event(closer=dana, setter=sam, call_type=kind, source=acme.source())
    made = desk.ask("reschedule_event", event_id=call.id, scheduled_at=TO_COME, reason=WHY)
    assert made["rescheduled_from_id"] == made["root_event_id"] == call.id
    assert (made["scheduled_at"], made["scheduled_end_at"]) == (
        TO_COME,
        TO_COME + timedelta(minutes=20),
    )
    before = desk.row("events", call.id)
    for column in ("lead_id", "closer_id", "setter_id", "call_type_id", "source_id", "lead_email"):
        assert made[column] == before[column], column
    assert acme.state(call) == ("rescheduled", None)
    with refused("PT409") as caught:
        desk.ask("reschedule_event", event_id=call.id, scheduled_at=TO_COME, reason=WHY)
    assert str(made["id"]) in (caught.value.diag.message_detail or "")


def test_a_booking_that_is_there_becomes_the_successor(desk: Desk) -> None:
    acme = desk.acme
    lee = acme.lead()
    wished = acme.event(lead=lee)
    acme.form(
        wished,
        at=NOON,
        call_occurred=False,
        lead_showed=False,
        non_occurrence_reason="reschedule_requested",
    )
    later = acme.event(lead=lee, scheduled_at=NOON + timedelta(days=2))
    made = desk.ask("reschedule_event", event_id=wished.id, successor_id=later.id, reason=WHY)
    assert (made["id"], made["root_event_id"]) == (later.id, wished.id)
    assert acme.state(wished) == ("rescheduled", None)
    third = acme.event(lead=lee, scheduled_at=NOON + timedelta(days=4))
    for event, successor, code in (
        (wished, third, "PT409"),  # it has one
        (third, later, "PT409"),  # that one follows another call
        (later, wished, "PT409"),  # a circle
        (third, third, "PT422"),
        (third, acme.event(), "PT422"),  # somebody else's
        (third, Row(acme.id, uuid4()), "PT404"),
    ):
        with refused(code):
            desk.ask("reschedule_event", event_id=event.id, successor_id=successor.id, reason=WHY)
    for given in ({}, {"scheduled_at": TO_COME, "successor_id": later.id}):
        with refused("PT422"):
            desk.ask("reschedule_event", event_id=third.id, reason=WHY, **given)


def test_a_call_with_its_outcome_is_not_moved_by_hand(desk: Desk) -> None:
    held = desk.acme.event(outcome="showed_offer")
    with refused("PT409"):
        desk.ask("reschedule_event", event_id=held.id, scheduled_at=TO_COME, reason=WHY)
    assert desk.acme.world.value("select count(*) from app.events") == 1


def test_a_duplicate_is_neither_canceled_nor_moved(desk: Desk) -> None:
    dana, lee = desk.acme.closer("dana"), desk.acme.lead()
    desk.acme.event(closer=dana, lead=lee)
    twice = desk.acme.event(closer=dana, lead=lee)
    with refused("PT409"):
        desk.ask("cancel_event", event_id=twice.id, canceled_by="host", reason=WHY)
    with refused("PT409"):
        desk.ask("reschedule_event", event_id=twice.id, scheduled_at=TO_COME, reason=WHY)


# -- handed over


def hand_over(desk: Desk, to: Person, **given: Any) -> dict[UUID, bool]:
    rows = ask(
        desk.acme.world, desk.ada, "reassign_events", to_closer_id=to.id, reason=WHY, **given
    )
    return {row["event_id"]: row["is_done"] for row in rows}


def test_the_calls_of_a_closer_who_fell_ill_are_handed_over(desk: Desk) -> None:
    acme = desk.acme
    dana, eli = acme.closer("dana"), acme.closer("eli")
    ill = [acme.event(closer=dana, scheduled_at=NOON + timedelta(days=day)) for day in range(4)]
    held = acme.event(closer=dana, scheduled_at=NOON + timedelta(days=1, hours=2), outcome="closed")
    done = hand_over(
        desk,
        eli,
        from_closer_id=dana.id,
        start_date=(NOON + timedelta(days=1)).date(),
        end_date=(NOON + timedelta(days=2)).date(),
    )
    assert done == {ill[1].id: True, ill[2].id: True}
    credited = {
        row["id"]: row["credited_closer_id"]
        for row in acme.world.rows("select id, credited_closer_id from app.events")
    }
    assert {credited[ill[1].id], credited[ill[2].id]} == {eli.id}
    assert {credited[ill[0].id], credited[ill[3].id], credited[held.id]} == {dana.id}
    assert hand_over(desk, eli, from_closer_id=acme.closer("kim").id) == {}


def test_named_calls_are_handed_over_and_the_rest_is_told(desk: Desk) -> None:
    acme = desk.acme
    dana, eli = acme.closer("dana"), acme.closer("eli")
    open_call, held = acme.event(closer=dana), acme.event(closer=dana, outcome="closed")
    his, unknown = acme.event(closer=eli), uuid4()
    strange = acme.world.organization("beta").event()
    done = hand_over(desk, eli, event_ids=[open_call.id, held.id, his.id, unknown, strange.id])
    assert done == {
        open_call.id: True,
        held.id: True,
        his.id: False,
        unknown: False,
        strange.id: False,
    }
    assert desk.row("events", held.id)["credited_closer_id"] == dana.id
    assert acme.world.value("select closer_id from app.events where id = %s", strange.id) is None


def test_calls_are_handed_over_only_to_somebody_who_takes_some(desk: Desk) -> None:
    acme = desk.acme
    dana, eli = acme.closer("dana"), acme.closer("eli")
    acme.world.execute("update app.closers set is_active = false where id = %s", eli.id)
    call = acme.event(closer=dana)
    strange = acme.world.organization("beta").closer("bo")
    with refused("PT409"):
        hand_over(desk, eli, event_ids=[call.id])
    with refused("PT404"):
        hand_over(desk, strange, event_ids=[call.id])
    for given in ({}, {"event_ids": [call.id], "from_closer_id": dana.id}, {"event_ids": []}):
        with refused("PT422"):
            hand_over(desk, dana, **given)


def test_money_follows_a_call_that_is_handed_over(desk: Desk) -> None:
    acme = desk.acme
    dana, eli, lee = acme.closer("dana"), acme.closer("eli"), acme.lead(email="lee@lead.test")
    call = acme.event(closer=dana, lead=lee)
    payment = acme.payment(customer_email="lee@lead.test", paid_at=NOON + timedelta(hours=1))
    acme.world.execute("select app.attribute_payment(%s, %s)", acme.id, payment.id)
    assert desk.row("payments", payment.id)["closer_id"] == dana.id
    hand_over(desk, eli, event_ids=[call.id])
    assert desk.row("payments", payment.id)["closer_id"] == eli.id


# -- leads


def test_a_lead_is_made_once_and_changed_afterwards(desk: Desk) -> None:
    sam, sue = desk.acme.setter("sam"), desk.acme.setter("sue")
    made = desk.ask(
        "upsert_lead", email=" Lee@Lead.test", full_name="Lee", current_setter_id=sam.id
    )
    again = desk.ask(
        "upsert_lead",
        email="lee@LEAD.test",
        phone="+1 555 010 2030",
        current_setter_id=sue.id,
        identities=Jsonb({"ghl_contact": " c1 "}),
    )
    assert (again["id"], again["full_name"], again["phone"]) == (
        made["id"],
        "Lee",
        "+1 555 010 2030",
    )
    assert (again["original_setter_id"], again["current_setter_id"]) == (sam.id, sue.id)
    assert identities(desk.acme, Row(desk.acme.id, made["id"])) == {
        ("email", "lee@lead.test"),
        ("phone", "15550102030"),
        ("ghl_contact", "c1"),
    }
    history = desk.acme.world.rows("select setter_id from app.lead_setter_changes order by id")
    assert [row["setter_id"] for row in history] == [sam.id, sue.id]
    assert desk.acme.world.value("select count(*) from app.leads") == 1


def test_a_lead_named_by_id_gets_another_address_and_keeps_the_old_one(desk: Desk) -> None:
    lee = desk.acme.lead("lee", email="old@lead.test")
    made = desk.ask("upsert_lead", lead_id=lee.id, email="new@lead.test", is_test=True)
    assert (made["email"], made["is_test"]) == ("new@lead.test", True)
    known = {("email", "old@lead.test"), ("email", "new@lead.test")}
    assert identities(desk.acme, lee) == known


def test_the_identity_of_another_lead_is_told_and_nothing_changes(desk: Desk) -> None:
    lee = desk.acme.lead("lee", email="lee@lead.test")
    kim = desk.acme.lead("kim", email="kim@lead.test", phone="5550102030")
    for given in (
        {"lead_id": lee.id, "email": "kim@lead.test"},
        {"email": "lee@lead.test", "phone": "5550102030"},
    ):
        with refused("PT409") as caught:
            desk.ask("upsert_lead", full_name="New", **given)
        assert str(kim.id) in (caught.value.diag.message_detail or "")
    assert desk.row("leads", lee.id)["full_name"] == "lee"
    for wrong in ({}, {"full_name": "Lee"}, {"email": "lee"}, {"identities": Jsonb({"fax": "1"})}):
        with refused("PT422"):
            desk.ask("upsert_lead", **wrong)
    with refused("PT404"):
        desk.ask("upsert_lead", email="lee@lead.test", current_setter_id=uuid4())


def test_a_new_address_finds_the_payments_that_carry_it(desk: Desk) -> None:
    acme = desk.acme
    lee = acme.lead(email="lee@lead.test")
    acme.event(closer=acme.closer("dana"), lead=lee)
    payment = acme.payment(customer_email="other@lead.test", attribution_method="none")
    desk.ask("upsert_lead", lead_id=lee.id, email="other@lead.test")
    assert desk.row("payments", payment.id)["lead_id"] == lee.id


# -- the CRM is asked


def test_the_crm_is_asked_once_who_booked_a_call_to_come(desk: Desk) -> None:
    acme = desk.acme
    asked = "select payload from app.outbox where organization_id = %s and kind = 'crm-lookup'"
    desk.book(scheduled_at=TO_COME, email="nobody.asks@lead.test")
    acme.world.execute(
        "update app.organization_integrations set primary_crm = 'ghl' where organization_id = %s",
        acme.id,
    )
    made = desk.book(scheduled_at=TO_COME, email="lee@lead.test", external_id="1")
    desk.book(scheduled_at=TO_COME, email="lee@lead.test", external_id="1")
    desk.book(email="over@lead.test")
    assert [row["payload"] for row in acme.world.rows(asked, acme.id)] == [
        {"event_id": str(made["id"]), "lead_id": str(made["lead_id"]), "crm": "ghl"}
    ]
