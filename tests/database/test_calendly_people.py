"""Whom Calendly's bookings name: hosts as closers, texts as setters, and leads by routing forms."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.calendly_events import BOOKED_AT, Event, Invitee, example
from tests.database.inbox import Inbox, open_inbox
from tests.world import NOON, Organization, Person, World

HOUR = timedelta(hours=1)


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"), provider="calendly")


def call_of(inbox: Inbox, invitee: Invitee) -> dict[str, Any]:
    (row,) = [row for row in inbox.rows("events") if row["calendly_invitee_uuid"] == invitee.id]
    return row


def known_as(acme: Organization, table: str, person: Person, *aliases: str) -> None:
    acme.world.execute(
        f"update app.{table} set aliases = %s where organization_id = %s and id = %s",
        list(aliases), acme.id, person.id,
    )  # fmt: skip


def replay(inbox: Inbox, event: Event) -> None:
    """Process a stored delivery again."""
    (done,) = inbox.organization.world.rows(
        "select p.error from app.webhook_events as w"
        " cross join lateral ingest.process(w, '') as p"
        " where w.organization_id = %s and w.body = %s",
        inbox.organization.id, Jsonb(event),
    )  # fmt: skip
    assert done["error"] is None


# -- closers


def test_a_host_is_found_by_alias_or_by_user_when_the_address_is_another(inbox: Inbox) -> None:
    acme = inbox.organization
    dana, eli = acme.closer("dana"), acme.closer("eli")
    known_as(acme, "closers", dana, "Dana@Private.test")
    acme.world.execute(
        "update app.closers set calendly_user_uri = %s where id = %s",
        "https://api.calendly.com/users/eli@old.test", eli.closer_id,
    )  # fmt: skip
    by_alias, by_user = Invitee(hosts=["dana@private.test"]), Invitee(hosts=["eli@old.test"])
    for invitee in (by_alias, by_user):
        inbox.take(invitee.created())
    assert call_of(inbox, by_alias)["closer_id"] == dana.closer_id
    assert call_of(inbox, by_user)["closer_id"] == eli.closer_id


def test_of_several_hosts_the_first_who_is_an_active_closer_takes_the_call(inbox: Inbox) -> None:
    acme = inbox.organization
    gone, dana, eli = acme.closer("gone"), acme.closer("dana"), acme.closer("eli")
    acme.world.execute("update app.closers set is_active = false where id = %s", gone.closer_id)
    invitee = Invitee(hosts=["coach@example.test", gone.email, eli.email, dana.email])
    inbox.take(invitee.created())
    assert call_of(inbox, invitee)["closer_id"] == eli.closer_id
    assert inbox.open_exceptions() == set()


def test_an_unknown_host_is_an_exception_until_the_closer_exists(inbox: Inbox) -> None:
    acme = inbox.organization
    invitee = Invitee(hosts=["new@example.test"])
    inbox.take(invitee.created())
    assert call_of(inbox, invitee)["closer_id"] is None
    assert inbox.open_exceptions() == {"unknown_host"}
    dana = acme.closer()
    known_as(acme, "closers", dana, "new@example.test")
    replay(inbox, invitee.created())
    assert call_of(inbox, invitee)["closer_id"] == dana.closer_id
    assert inbox.open_exceptions() == set()


def test_an_unknown_host_is_no_exception_once_somebody_is_assigned(inbox: Inbox) -> None:
    acme = inbox.organization
    dana = acme.closer()
    inbox.take(Invitee(hosts=["new@example.test"]).created())
    with acme.world.acting_as(acme.admin()) as db:
        db.changed("update api.events set closer_id = %s", dana.closer_id)
    assert inbox.open_exceptions() == set()


def test_a_host_that_calendly_changes_later_takes_the_call(inbox: Inbox) -> None:
    acme = inbox.organization
    dana, eli = acme.closer("dana"), acme.closer("eli")
    invitee = Invitee(hosts=[dana.email])
    inbox.take(invitee.created())
    moved = Invitee(hosts=[eli.email], id=invitee.id, event=invitee.event, email=invitee.email)
    assert inbox.take(moved.canceled(NOON - HOUR)) == "processed"
    assert call_of(inbox, invitee)["closer_id"] == eli.closer_id


def test_a_closer_whom_an_admin_chose_stays_while_the_host_does(inbox: Inbox) -> None:
    acme = inbox.organization
    dana, eli = acme.closer("dana"), acme.closer("eli")
    invitee = Invitee(hosts=[dana.email])
    inbox.take(invitee.created())
    with acme.world.acting_as(acme.admin()) as db:
        db.changed("update api.events set closer_id = %s", eli.closer_id)
    inbox.take(invitee.no_show(NOON + HOUR))
    replay(inbox, invitee.created())
    assert call_of(inbox, invitee)["closer_id"] == eli.closer_id


# -- setters


@pytest.mark.parametrize(
    ("utm", "answers"),
    [
        ({"utm_content": "SAM.S"}, []),
        ({"utm_content": "video 7", "utm_term": "sam.s"}, []),
        ({"utm_campaign": " Sam.S "}, []),
        ({"utm_content": "setter-sam.s"}, []),
        ({"utm_source": "ig"}, [("Who is your setter?", "sam.s")]),
        ({}, [("Were you referred by anybody?", "Sam.S")]),
        ({}, [("Booked by", "Sam.S")]),
    ],
)
def test_a_setter_is_known_by_any_spelling(
    inbox: Inbox, utm: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> None:
    sam = inbox.organization.setter("sam")
    known_as(inbox.organization, "setters", sam, "sam.s")
    invitee = Invitee(utm=utm, answers=answers, hosts=[inbox.organization.closer().email])
    inbox.take(invitee.created())
    call = call_of(inbox, invitee)
    assert (call["setter_id"], call["setter_name"]) == (sam.setter_id, sam.name)
    assert inbox.row("leads")["original_setter_id"] == sam.setter_id
    assert inbox.open_exceptions() == set()


@pytest.mark.parametrize(
    ("utm", "answers", "kept"),
    [
        ({"utm_content": "setter-17"}, [], "setter-17"),
        ({}, [("Who booked you in?", "Zed")], "Zed"),
        ({}, [("Name of your setter", "none")], None),
        ({}, [("Were you referred?", "yes")], None),
        ({"utm_content": "video 7", "utm_source": "setter-17"}, [], None),
        ({}, [("What is your goal?", "Zed")], None),
    ],
)
def test_a_text_that_was_meant_for_a_setter_nobody_knows_is_kept(
    inbox: Inbox, utm: Mapping[str, str], answers: Sequence[tuple[str, str]], kept: str | None
) -> None:
    inbox.organization.setter("sam")
    closer = inbox.organization.closer()
    invitee = Invitee(utm=utm, answers=answers, hosts=[closer.email])
    inbox.take(invitee.created())
    call = call_of(inbox, invitee)
    assert (call["setter_id"], call["setter_name"]) == (None, kept)
    assert inbox.open_exceptions() == ({"unknown_setter"} if kept else set())
    assert len(inbox.rows("setters")) == 1


def test_a_spelling_that_fits_two_setters_is_nobodys(inbox: Inbox) -> None:
    acme = inbox.organization
    for name in ("sam", "tia"):
        known_as(acme, "setters", acme.setter(name), "17")
    invitee = Invitee(utm={"utm_content": "setter-17"}, hosts=[acme.closer().email])
    inbox.take(invitee.created())
    assert call_of(inbox, invitee)["setter_id"] is None
    assert inbox.open_exceptions() == {"unknown_setter"}


def test_a_spelling_that_somebody_takes_on_is_found_by_a_replay(inbox: Inbox) -> None:
    acme = inbox.organization
    sam = acme.setter("sam")
    invitee = Invitee(utm={"utm_content": "setter-17"}, hosts=[acme.closer().email])
    inbox.take(invitee.created())
    known_as(acme, "setters", sam, "setter-17")
    replay(inbox, invitee.created())
    call = call_of(inbox, invitee)
    assert (call["setter_id"], call["setter_name"]) == (sam.setter_id, sam.name)
    assert inbox.open_exceptions() == set()


def test_a_lead_keeps_the_setter_of_its_first_booking_and_has_that_of_its_last(
    inbox: Inbox,
) -> None:
    sam, tia = inbox.organization.setter("sam"), inbox.organization.setter("tia")
    first = Invitee(email="m@lead.test", utm={"utm_content": sam.name})
    last = Invitee(
        email="m@lead.test",
        utm={"utm_content": tia.name},
        booked_at=BOOKED_AT + HOUR,
        start=NOON + 24 * HOUR,
    )
    for invitee in (last, first):
        inbox.take(invitee.created())
    lead = inbox.row("leads")
    assert (lead["original_setter_id"], lead["current_setter_id"]) == (sam.setter_id, tia.setter_id)


# -- routing forms


def routing_form(*answers: tuple[str, str]) -> Event:
    submitted = example("routing_form_submission.created")
    submitted["payload"]["questions_and_answers"] = [
        {"question_uuid": "x", "question": question, "answer": answer}
        for question, answer in answers
    ]
    return submitted


def test_a_routing_form_is_a_touch_of_its_lead(inbox: Inbox) -> None:
    assert inbox.take(example("routing_form_submission.created")) == "processed"
    lead, touch = inbox.row("leads"), inbox.row("lead_touches")
    assert (lead["email"], lead["phone"]) == ("Mira.Solberg@lead.test", "+47 400 00 017")
    assert (touch["lead_id"], touch["channel"]) == (lead["id"], "calendly_routing_form")
    assert (touch["utm_source"], touch["utm_medium"]) == ("instagram", "dm")
    assert touch["occurred_at"].isoformat() == "2026-03-08T14:28:00.412000+00:00"
    inbox.take(example("invitee.created"))
    assert inbox.row("events")["lead_id"] == lead["id"]


def test_a_routing_form_is_one_touch_however_often_it_is_told(inbox: Inbox) -> None:
    inbox.take(example("routing_form_submission.created"))
    other = open_inbox(inbox.organization, provider="calendly")
    assert other.take(example("routing_form_submission.created")) == "ignored"
    assert len(inbox.rows("lead_touches")) == 1


def test_nobody_is_known_by_a_routing_form_without_an_address_or_number(inbox: Inbox) -> None:
    assert inbox.take(routing_form(("Monthly revenue?", "10-50k"))) == "processed"
    assert inbox.rows("leads") == inbox.rows("lead_touches") == []
    (step,) = inbox.row("webhook_events")["steps"]
    assert (step["what"], step["decided"]) == ("lead", "nobody")


def test_the_question_for_an_address_is_believed_before_others(inbox: Inbox) -> None:
    inbox.take(
        routing_form(
            ("Who told you?", "friend@else.test"), ("E-mail", "me@lead.test"), ("Your name", "Mira")
        )
    )
    lead = inbox.row("leads")
    assert (lead["email"], lead["full_name"]) == ("me@lead.test", "Mira")


def test_a_routing_form_of_two_leads_waits_until_they_are_one(inbox: Inbox) -> None:
    acme, form = (
        inbox.organization,
        routing_form(("E-mail", "ada@lead.test"), ("Phone", "600000009")),
    )
    ada, bob = acme.lead("Ada", email="ada@lead.test"), acme.lead("Bob", phone="600000009")
    assert inbox.take(form) == "queued"
    assert inbox.open_exceptions() == {"failed_delivery"}
    delivery = inbox.row("webhook_events")["id"]
    with acme.world.acting_as(acme.admin()) as admin:
        admin.rows(
            "select id from api.merge_leads("
            "into_lead_id => %s, from_lead_ids => %s, reason => 'They are one.')",
            ada.id,
            [bob.id],
        )
        admin.rows("select id from api.replay_webhooks(ids => %s)", [delivery])
    assert inbox.row("webhook_events")["status"] == "processed"
    assert inbox.row("lead_touches")["lead_id"] == ada.id
    assert inbox.open_exceptions() == set()
