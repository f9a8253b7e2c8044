"""What Calendly's deliveries make of calls, one by one."""

from datetime import timedelta
from typing import Any

import pytest

from tests.calendly_events import BOOKED_AT, Event, Invitee, event_type, example
from tests.database.inbox import Inbox, open_inbox
from tests.world import NOON, Organization, World

HOUR = timedelta(hours=1)
BEFORE = NOON - timedelta(hours=20)
AFTER = NOON + timedelta(minutes=20)


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"), provider="calendly")


def invited(acme: Organization, **given: Any) -> Invitee:
    """An invitee of a closer of the organization."""
    return Invitee(hosts=[acme.closer().email], **given)


def call_of(inbox: Inbox, invitee: Invitee) -> dict[str, Any]:
    (row,) = [row for row in inbox.rows("events") if row["calendly_invitee_uuid"] == invitee.id]
    return row


def active_form(inbox: Inbox, call: dict[str, Any]) -> dict[str, Any] | None:
    forms = [row for row in inbox.rows("post_call_forms") if row["event_id"] == call["id"]]
    return next((form for form in forms if form["is_active"]), None)


# -- bookings


def test_the_delivery_on_file_is_a_call(inbox: Inbox) -> None:
    acme = inbox.organization
    dana = acme.closer()
    acme.world.execute(
        "update app.closers set email = 'dana.host@EXAMPLE.test' where id = %s", dana.closer_id
    )
    assert inbox.take(example("invitee.created")) == "processed"
    call, lead = inbox.row("events"), inbox.row("leads")
    assert (call["scheduled_at"], call["scheduled_end_at"] - call["scheduled_at"]) == (
        NOON,
        timedelta(minutes=45),
    )
    assert call["booked_at"].isoformat() == "2026-03-08T14:30:10.618204+00:00"
    assert (call["call_status"], call["provider"]) == ("scheduled", "calendly")
    assert call["calendly_invitee_uuid"] == "c2f7a1d4-7d52-4a2f-9a4d-5e0c8b3f9a01"
    assert call["calendly_event_uuid"] == "6b1e0d52-4a0b-4c86-8a57-2f1b7f6f0a01"
    assert (call["closer_id"], call["setter_id"]) == (dana.closer_id, None)
    assert (call["utm_source"], call["utm_medium"], call["utm_content"]) == (
        "instagram",
        "dm",
        None,
    )
    assert [answer["answer"] for answer in call["answers"]] == ["Time", "+47 400 00 017"]
    assert (lead["full_name"], lead["email"], lead["phone"]) == (
        "Mira Solberg",
        "Mira.Solberg@lead.test",
        "+47 400 00 017",
    )
    assert call["lead_id"] == lead["id"]
    (delivery,) = inbox.rows("webhook_events")
    assert (delivery["event_id"], delivery["lead_id"]) == (call["id"], lead["id"])
    assert inbox.open_exceptions() == set()


def test_the_same_delivery_twice_is_a_duplicate(inbox: Inbox) -> None:
    booked = invited(inbox.organization).created()
    assert [inbox.take(booked), inbox.take(booked)] == ["processed", "duplicate"]
    assert len(inbox.rows("events")) == 1


def test_two_connections_that_tell_of_one_invitee_book_one_call(inbox: Inbox) -> None:
    booked = invited(inbox.organization).created()
    other = open_inbox(inbox.organization, provider="calendly")
    assert [inbox.take(booked), other.take(booked)] == ["processed", "ignored"]
    assert len(inbox.rows("events")) == 1


def test_the_invitees_of_a_group_event_are_calls_of_their_own(inbox: Inbox) -> None:
    one = invited(inbox.organization)
    two = Invitee(hosts=one.hosts, event=one.event)
    for invitee in (one, two):
        assert inbox.take(invitee.created()) == "processed"
    inbox.take(one.canceled(BEFORE))
    assert call_of(inbox, one)["call_status"] == "canceled"
    assert call_of(inbox, two)["call_status"] == "scheduled"
    assert {row["calendly_event_uuid"] for row in inbox.rows("events")} == {one.event}
    assert not any(row["duplicate_of_id"] for row in inbox.rows("events"))


def test_the_same_invitee_in_two_organizations_is_two_calls(world: World) -> None:
    invitee = Invitee()
    inboxes = [open_inbox(world.organization(name), provider="calendly") for name in ("a", "b")]
    for inbox in inboxes:
        assert inbox.take(invitee.created()) == "processed"
        assert inbox.row("events")["calendly_invitee_uuid"] == invitee.id


@pytest.mark.parametrize(
    ("fields", "phone"),
    [
        ({"text_reminder_number": "+1 202 555 0147"}, "+1 202 555 0147"),
        ({"questions_and_answers": None}, None),
        (
            {"questions_and_answers": [{"question": "WhatsApp?", "answer": "12025550147"}]},
            "12025550147",
        ),
        ({"questions_and_answers": [{"question": "Your age", "answer": "12025550147"}]}, None),
        ({"questions_and_answers": [{"question": "Phone", "answer": "later"}]}, None),
    ],
)
def test_phone_numbers_are_where_people_gave_them(
    inbox: Inbox, fields: dict[str, object], phone: str | None
) -> None:
    inbox.take(invited(inbox.organization, fields=fields).created())
    assert inbox.row("leads")["phone"] == phone


def test_the_number_of_an_outbound_call_is_a_phone_number(inbox: Inbox) -> None:
    booked = invited(inbox.organization).created()
    booked["payload"]["scheduled_event"]["location"] = {
        "type": "outbound_call",
        "location": "+1 202-555-0199",
    }
    inbox.take(booked)
    assert inbox.row("leads")["phone"] == "+1 202-555-0199"


def test_a_second_booking_is_of_the_same_lead(inbox: Inbox) -> None:
    first = invited(inbox.organization)
    inbox.take(first.created())
    inbox.take(Invitee(email=first.email.upper(), start=NOON + timedelta(days=7)).created())
    assert {row["lead_id"] for row in inbox.rows("events")} == {inbox.row("leads")["id"]}


def test_a_vendor_that_moves_the_time_moves_the_same_call(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    other = open_inbox(inbox.organization, provider="calendly")
    moved = invitee.created(told_at=BOOKED_AT + HOUR, start=NOON + HOUR)
    assert inbox.take(invitee.created()) == "processed"
    assert other.take(moved) == "processed"
    assert call_of(inbox, invitee)["scheduled_at"] == NOON + HOUR


def test_news_that_is_older_than_what_is_known_moves_nothing(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    other = open_inbox(inbox.organization, provider="calendly")
    inbox.take(invitee.created(told_at=BOOKED_AT + HOUR, start=NOON + HOUR))
    assert other.take(invitee.created()) == "ignored"
    assert call_of(inbox, invitee)["scheduled_at"] == NOON + HOUR


# -- call types


def test_an_unknown_event_type_becomes_a_call_type(inbox: Inbox) -> None:
    inbox.take(invited(inbox.organization).created())
    made = inbox.row("call_types")
    assert (made["name"], made["external_id"], made["duration_minutes"]) == (
        "Strategy session",
        event_type(),
        45,
    )
    assert inbox.row("events")["call_type_id"] == made["id"]


def test_a_type_of_the_same_name_is_taken_over_once(inbox: Inbox) -> None:
    known = inbox.organization.call_type("Strategy session", duration_minutes=20)
    one = invited(inbox.organization)
    two = invited(inbox.organization, type_uri=event_type("another-one-00000002"))
    for invitee in (one, two):
        inbox.take(invitee.created())
    assert call_of(inbox, one)["call_type_id"] == known.id
    names = {row["id"]: row["name"] for row in inbox.rows("call_types")}
    assert names[call_of(inbox, two)["call_type_id"]] == "Strategy session (00000002)"


@pytest.mark.parametrize(("uri", "name"), [(None, "Gone"), (event_type(), None)])
def test_a_booking_without_a_type_or_a_name_is_a_call(
    inbox: Inbox, uri: str | None, name: str | None
) -> None:
    inbox.take(invited(inbox.organization, type_uri=uri, type_name=name).created())
    assert (inbox.row("events")["call_type_id"] is None) is (uri is None)
    assert [row["name"] for row in inbox.rows("call_types")] == (["Calls"] if uri else [])


# -- cancellations


@pytest.mark.parametrize(
    ("by", "at", "state", "canceled_by"),
    [
        ("invitee", BEFORE, ("canceled", None), "invitee"),
        ("host", BEFORE, ("canceled", None), "host"),
        ("invitee", NOON, ("no_show", "no_show"), "invitee"),
        ("invitee", AFTER, ("no_show", "no_show"), "invitee"),
        ("host", AFTER, ("scheduled", None), "host"),
    ],
)
@pytest.mark.parametrize("order", ["created first", "canceled first"])
def test_who_cancels_and_when_decides(
    inbox: Inbox, order: str, by: str, at: Any, state: tuple[str, str | None], canceled_by: str
) -> None:
    invitee = invited(inbox.organization)
    story = [invitee.created(), invitee.canceled(at, by=by)]
    for event in story if order == "created first" else reversed(story):
        inbox.take(event)
    call = inbox.row("events")
    assert (call["call_status"], call["event_outcome"]) == state
    assert (call["canceled_at"], call["canceled_by"]) == (at, canceled_by)
    assert call["cancel_reason"] == "Something came up"
    form = active_form(inbox, call)
    assert (form and form["submitted_via"]) == ("calendly" if state[0] == "no_show" else None)


def test_a_late_booking_never_revives_a_canceled_call(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    assert inbox.take(invitee.canceled(BEFORE)) == "processed"
    assert inbox.take(invitee.created()) == "ignored"
    assert inbox.row("events")["call_status"] == "canceled"


def test_a_late_booking_completes_what_the_cancellation_did_not_say(inbox: Inbox) -> None:
    sam = inbox.organization.setter()
    invitee = invited(
        inbox.organization,
        utm={"utm_source": "tiktok", "utm_content": sam.name},
        answers=[("a", "b")],
    )
    canceled = invitee.canceled(BEFORE)
    canceled["payload"]["tracking"] = None
    canceled["payload"]["questions_and_answers"] = []
    inbox.take(canceled)
    assert inbox.row("events")["setter_id"] is None
    assert inbox.take(invitee.created()) == "processed"
    call = inbox.row("events")
    assert (call["call_status"], call["utm_source"]) == ("canceled", "tiktok")
    assert (call["setter_id"], call["setter_name"]) == (sam.setter_id, sam.name)
    assert call["answers"] == [{"question": "a", "answer": "b"}]


def test_a_cancellation_needs_no_slot_when_the_booking_is_known(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    canceled = invitee.canceled(BEFORE)
    del canceled["payload"]["scheduled_event"]
    assert inbox.take(canceled) == "processed"
    call = inbox.row("events")
    assert (call["call_status"], call["scheduled_at"]) == ("canceled", NOON)
    assert call["closer_id"] is not None


def test_a_cancellation_after_the_outcome_changes_nothing(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    call = inbox.row("events")
    inbox.organization.world.value(
        "select app.record_form(organization_id => %s, event_id => %s, form => %s, at => %s)",
        inbox.organization.id, call["id"], '{"call_occurred": true, "lead_showed": true}', AFTER,
    )  # fmt: skip
    assert inbox.take(invitee.canceled(AFTER)) == "ignored"
    assert inbox.row("events")["call_status"] == "completed"


def test_what_happened_to_a_deleted_call_changes_nothing(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    call = inbox.row("events")
    inbox.organization.world.execute(
        "select app.delete_event(%s, %s, 'a test booking', %s)",
        inbox.organization.id, call["id"], BEFORE,
    )  # fmt: skip
    assert inbox.take(invitee.canceled(BEFORE)) == "ignored"
    assert inbox.row("events")["call_status"] == "scheduled"


# -- no-shows


def test_a_no_show_is_a_form_that_a_withdrawal_voids(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    marked = invitee.no_show(AFTER)
    assert inbox.take(marked) == "processed"
    call = inbox.row("events")
    assert (call["call_status"], call["event_outcome"]) == ("no_show", "no_show")
    assert inbox.take(invitee.no_show_withdrawn(AFTER + HOUR, no_show=marked)) == "processed"
    call = inbox.row("events")
    assert (call["call_status"], call["pcf_submitted"]) == ("scheduled", False)
    (form,) = inbox.rows("post_call_forms")
    assert form["voided_at"] is not None


@pytest.mark.parametrize("is_named", [True, False])
def test_a_withdrawal_that_comes_first_holds(inbox: Inbox, is_named: bool) -> None:
    invitee = invited(inbox.organization)
    marked = invitee.no_show(AFTER)
    inbox.take(invitee.no_show_withdrawn(AFTER + HOUR, no_show=marked if is_named else None))
    assert inbox.take(marked) == "ignored"
    assert inbox.row("events")["call_status"] == "scheduled"


def test_a_new_mark_counts_after_a_withdrawal(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    for event in (
        invitee.no_show(AFTER),
        invitee.no_show_withdrawn(AFTER + HOUR),
        invitee.no_show(AFTER + 2 * HOUR),
    ):
        assert inbox.take(event) == "processed"
    assert inbox.row("events")["call_status"] == "no_show"


def test_a_no_show_does_not_replace_what_a_person_said(inbox: Inbox) -> None:
    invitee = invited(inbox.organization)
    inbox.take(invitee.created())
    inbox.organization.world.value(
        "select app.record_form(organization_id => %s, event_id => %s, form => %s, at => %s)",
        inbox.organization.id, inbox.row("events")["id"],
        '{"call_occurred": true, "lead_showed": true}', AFTER,
    )  # fmt: skip
    assert inbox.take(invitee.no_show(AFTER)) == "ignored"
    assert inbox.row("events")["call_status"] == "completed"


# -- reschedules


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
@pytest.mark.parametrize("told_by", ["both", "the old one", "the new one"])
def test_a_reschedule_is_one_chain_in_any_order(
    inbox: Inbox, order: tuple[int, ...], told_by: str
) -> None:
    sam = inbox.organization.setter()
    first = invited(inbox.organization, utm={"utm_source": "ig", "utm_content": sam.email})
    second = first.rescheduled_to(NOON + timedelta(days=3), BEFORE, utm={})
    story: list[Event] = [
        first.created(),
        first.canceled(BEFORE, new=second),
        second.created(),
    ]
    if told_by == "the old one":
        story[2]["payload"]["old_invitee"] = None
    elif told_by == "the new one":
        story[1]["payload"]["new_invitee"] = None
    for index in order:
        inbox.take(story[index])
    old, new = call_of(inbox, first), call_of(inbox, second)
    assert (old["call_status"], old["canceled_at"]) == ("rescheduled", None)
    assert (new["call_status"], new["rescheduled_from_id"]) == ("scheduled", old["id"])
    assert (new["root_event_id"], new["credited_setter_id"]) == (old["id"], sam.setter_id)
    assert (new["setter_id"], new["setter_name"]) == (sam.setter_id, sam.name)
    assert (new["utm_source"], new["utm_content"]) == ("ig", sam.email)
    assert (new["scheduled_at"], new["booked_at"]) == (NOON + timedelta(days=3), BEFORE)
    assert inbox.open_exceptions() == set()


def test_a_booking_that_replaces_one_we_never_saw_stands_for_itself(inbox: Inbox) -> None:
    first = invited(inbox.organization)
    second = first.rescheduled_to(NOON + timedelta(days=3), BEFORE)
    assert inbox.take(second.created()) == "processed"
    assert inbox.row("events")["rescheduled_from_id"] is None


def test_only_the_invitee_who_moves_leaves_a_group_event(inbox: Inbox) -> None:
    one = invited(inbox.organization)
    two = Invitee(hosts=one.hosts, event=one.event)
    later = one.rescheduled_to(NOON + timedelta(days=3), BEFORE)
    for event in (one.created(), two.created(), later.created(), one.canceled(BEFORE, new=later)):
        inbox.take(event)
    assert call_of(inbox, one)["call_status"] == "rescheduled"
    assert call_of(inbox, two)["call_status"] == "scheduled"


def test_a_booking_moved_there_and_back_is_no_duplicate(inbox: Inbox) -> None:
    first = invited(inbox.organization)
    second = first.rescheduled_to(NOON + HOUR, BEFORE)
    third = second.rescheduled_to(NOON, BEFORE + HOUR)
    for event in (third.created(), first.created(), second.created()):
        inbox.take(event)
    assert [row["duplicate_of_id"] for row in inbox.rows("events")] == [None] * 3
    assert {row["root_event_id"] for row in inbox.rows("events")} == {call_of(inbox, first)["id"]}


# -- what is not understood, and what is not used


def without(*path: str) -> Event:
    event = Invitee().created()
    part = event
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return event


@pytest.mark.parametrize(
    "path",
    [
        ("payload", "scheduled_event"),
        ("payload", "scheduled_event", "start_time"),
        ("created_at",),
    ],
)
def test_a_booking_without_what_it_needs_waits_and_is_an_exception(
    inbox: Inbox, path: tuple[str, ...]
) -> None:
    assert inbox.take(without(*path)) == "queued"
    assert inbox.rows("events") == inbox.rows("leads") == []
    assert inbox.open_exceptions() == {"failed_delivery"}


def test_a_cancellation_that_does_not_say_by_whom_waits(inbox: Inbox) -> None:
    canceled = invited(inbox.organization).canceled(BEFORE)
    canceled["payload"]["cancellation"]["canceler_type"] = None
    assert inbox.take(canceled) == "queued"


@pytest.mark.parametrize(
    "path",
    [
        ("event_memberships",), ("location",), ("uri",), ("name",), ("event_type",), ("status",),
        ("invitees_counter",), ("updated_at",),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [None, 1, "x"], {"a": 1}])
def test_a_slot_field_of_any_kind_does_not_lose_the_booking(
    inbox: Inbox, path: tuple[str, ...], value: object
) -> None:
    booked = invited(inbox.organization).created()
    booked["payload"]["scheduled_event"][path[0]] = value
    assert inbox.take(booked) == "processed"


@pytest.mark.parametrize(
    "name",
    [
        "email", "name", "questions_and_answers", "tracking", "old_invitee", "text_reminder_number",
        "event", "created_at", "no_show", "cancellation", "rescheduled", "payment", "timezone",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [None, 1, "x"], {"a": 1}, "x" * 5000])
def test_an_invitee_field_of_any_kind_does_not_lose_the_booking(
    inbox: Inbox, name: str, value: object
) -> None:
    booked = invited(inbox.organization).created()
    booked["payload"][name] = value
    assert inbox.take(booked) == "processed"


@pytest.mark.parametrize("name", ["event_type.updated", "contact.created", "meeting_recap.created"])
def test_events_that_are_not_used_are_kept_and_ignored(inbox: Inbox, name: str) -> None:
    assert inbox.take({**example("event_type.updated"), "event": name}) == "ignored"
    assert len(inbox.rows("webhook_events")) == 1
