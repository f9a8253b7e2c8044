"""Bookings: the lead they are of, the chain they join, and what they teach."""

from datetime import timedelta
from typing import Any

import pytest

from tests.acting import refused
from tests.world import NOON, Organization, Row, World

DAY = timedelta(days=1)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def read(acme: Organization, call: Row) -> dict[str, Any]:
    (row,) = acme.world.rows("select * from app.events where id = %s", call.id)
    return row


def book(acme: Organization, **arguments: object) -> Row:
    given = {"organization_id": acme.id, "scheduled_at": NOON, **arguments}
    called = ", ".join(f"{name} => %({name})s" for name in given)
    return Row(acme.id, acme.world.value(f"select app.book_call({called})", **given))


def link(acme: Organization, old: Row, new: Row, *, actor: str = "person") -> dict[str, Any]:
    (answer,) = acme.world.rows(
        "select * from app.reschedule_call(%s, %s, %s, %s, actor => %s)",
        acme.id, old.id, new.id, NOON, actor,
    )  # fmt: skip
    return answer


def leads(acme: Organization) -> list[dict[str, Any]]:
    return acme.world.rows("select * from app.leads where organization_id = %s", acme.id)


# -- defaults


def test_a_call_ends_when_its_type_says_or_after_an_hour(acme: Organization) -> None:
    quick = acme.call_type("Triage", duration_minutes=15)
    assert read(acme, acme.event())["scheduled_end_at"] == NOON + timedelta(hours=1)
    assert read(acme, acme.event(call_type=quick))["scheduled_end_at"] == NOON + timedelta(
        minutes=15
    )
    end = NOON + timedelta(minutes=90)
    assert read(acme, book(acme, scheduled_end_at=end))["scheduled_end_at"] == end


def test_a_call_keeps_the_names_of_its_people_as_they_were(acme: Organization) -> None:
    dana, sam = acme.closer("dana"), acme.setter("sam")
    call = acme.event(closer=dana, setter=sam, lead=acme.lead("Lee", email="lee@lead.test"))
    acme.world.execute("update app.closers set name = 'D.' where id = %s", dana.closer_id)
    row = read(acme, call)
    assert (row["closer_name"], row["setter_name"]) == ("dana", "sam")
    assert (row["lead_name"], row["lead_email"]) == ("Lee", "lee@lead.test")


def test_an_unknown_booking_time_is_flagged(acme: Organization) -> None:
    row = read(acme, book(acme))
    assert (row["booked_at"], row["is_booked_at_estimated"]) == (NOON, True)
    assert not read(acme, acme.event())["is_booked_at_estimated"]


# -- leads


def test_a_lead_is_known_by_e_mail_or_phone_however_they_are_written(acme: Organization) -> None:
    first = book(acme, email="Lee@Lead.test ", phone="+1 (555) 010-2030", full_name="Lee")
    again = [
        book(acme, email="lee@lead.test", scheduled_at=NOON + DAY),
        book(acme, phone="1-555-010-2030", scheduled_at=NOON + 2 * DAY),
    ]
    assert {read(acme, call)["lead_id"] for call in again} == {read(acme, first)["lead_id"]}
    assert len(leads(acme)) == 1


def test_what_is_new_about_a_lead_is_learned_but_nothing_is_overwritten(acme: Organization) -> None:
    book(acme, email="lee@lead.test")
    book(acme, email="lee@lead.test", phone="5550102030", full_name="Lee", scheduled_at=NOON + DAY)
    book(acme, phone="5550102030", email="work@lead.test", scheduled_at=NOON + 2 * DAY)
    (lead,) = leads(acme)
    assert (lead["full_name"], lead["email"]) == ("Lee", "lee@lead.test")
    known = acme.world.rows("select value from app.lead_identities where lead_id = %s", lead["id"])
    assert {row["value"] for row in known} == {"lee@lead.test", "work@lead.test", "5550102030"}


def test_more_than_one_lead_is_never_guessed(acme: Organization) -> None:
    by_mail = read(acme, book(acme, email="lee@lead.test"))["lead_id"]
    by_phone = read(acme, book(acme, phone="5550102030"))["lead_id"]
    call = book(acme, email="lee@lead.test", phone="5550102030", scheduled_at=NOON + DAY)
    assert read(acme, call)["lead_id"] is None
    (exception,) = acme.world.rows(
        "select * from app.exceptions where organization_id = %s", acme.id
    )
    assert exception["check_name"] == "ambiguous_lead"
    assert set(exception["row_ids"]) == {call.id, by_mail, by_phone}


def test_a_booking_without_any_identity_is_kept(acme: Organization) -> None:
    assert read(acme, book(acme, full_name="Anonymous"))["lead_id"] is None
    assert (
        read(acme, book(acme, phone="911", email=" ", scheduled_at=NOON + DAY))["lead_id"] is None
    )
    assert leads(acme) == []


def test_identities_of_one_organization_are_unknown_to_another(acme: Organization) -> None:
    umbrella = acme.world.organization("umbrella")
    book(acme, email="lee@lead.test")
    book(umbrella, email="lee@lead.test")
    assert len(leads(acme)) == len(leads(umbrella)) == 1


def test_a_deleted_lead_is_not_found_again(acme: Organization) -> None:
    old = read(acme, book(acme, email="lee@lead.test"))["lead_id"]
    acme.world.execute(
        "update app.leads set deleted_at = now(), deleted_reason = 'asked' where id = %s", old
    )
    assert read(acme, book(acme, email="lee@lead.test", scheduled_at=NOON + DAY))["lead_id"] != old


def test_a_merged_lead_is_found_as_what_it_became(acme: Organization) -> None:
    old = read(acme, book(acme, email="old@lead.test"))["lead_id"]
    new = read(acme, book(acme, email="new@lead.test", scheduled_at=NOON + DAY))["lead_id"]
    acme.world.execute("update app.leads set merged_into_id = %s where id = %s", new, old)
    call = book(acme, email="old@lead.test", phone="5550102030", scheduled_at=NOON + 2 * DAY)
    assert read(acme, call)["lead_id"] == new


def test_a_lead_written_by_an_admin_is_known_by_what_is_written(acme: Organization) -> None:
    ada = acme.admin()
    with acme.world.acting_as(ada) as db:
        (lead,) = db.ids(
            "insert into api.leads (organization_id, full_name, email, phone)"
            " values (%s, 'Lee', ' Lee@Lead.test', '555 010 2030') returning id",
            acme.id,
        )
        with refused("23505"):
            db.rows(
                "insert into api.leads (organization_id, email) values (%s, 'LEE@lead.test')",
                acme.id,
            )
        assert db.changed("update api.leads set email = 'second@lead.test' where id = %s", lead)
    for identity in ({"email": "lee@lead.test"}, {"email": "second@lead.test"}):
        days = NOON + len(identity["email"]) * DAY
        assert read(acme, book(acme, scheduled_at=days, **identity))["lead_id"] == lead


def test_a_lead_keeps_its_first_setter_and_has_a_history_of_the_current_one(
    acme: Organization,
) -> None:
    sam, sue, youtube = acme.setter("sam"), acme.setter("sue"), acme.source("YouTube")
    lead = acme.lead()
    acme.event(lead=lead, setter=sam, source=youtube)
    acme.event(lead=lead, scheduled_at=NOON + DAY)
    acme.event(lead=lead, setter=sue, source=acme.source("Ads"), scheduled_at=NOON + 2 * DAY)
    (row,) = leads(acme)
    assert (row["original_setter_id"], row["original_setter_name"]) == (sam.setter_id, "sam")
    assert (row["current_setter_id"], row["current_setter_name"]) == (sue.setter_id, "sue")
    assert row["source_id"] == youtube.id
    history = acme.world.rows(
        "select setter_name from app.lead_setter_changes where lead_id = %s order by id", lead.id
    )
    assert [change["setter_name"] for change in history] == ["sam", "sue"]
    with refused("PT409"):
        acme.world.execute("update app.leads set original_setter_id = null where id = %s", lead.id)


# -- the same booking again


def test_a_booking_that_is_told_again_is_one_call_at_its_newest_time(acme: Organization) -> None:
    given = {"provider": "calendly", "provider_booking_id": "b1", "email": "lee@lead.test"}
    call = book(acme, **given)
    assert book(acme, **given) == call
    assert book(acme, **{**given, "scheduled_at": NOON + DAY}) == call
    row = read(acme, call)
    assert row["scheduled_at"] == NOON + DAY
    assert row["scheduled_end_at"] == NOON + DAY + timedelta(hours=1)


def test_a_late_booking_message_never_revives_a_canceled_call(acme: Organization) -> None:
    call = book(acme, provider="calendly", provider_booking_id="b1")
    acme.cancel(call, at=NOON - DAY)
    before = read(acme, call)
    assert (
        book(acme, provider="calendly", provider_booking_id="b1", scheduled_at=NOON + DAY) == call
    )
    assert read(acme, call) == before


def test_an_invitee_is_one_call_whatever_the_booking_is_called(acme: Organization) -> None:
    call = book(acme, calendly_invitee_uuid="i1", provider="calendly", provider_booking_id="b1")
    assert book(acme, calendly_invitee_uuid="i1", provider="calendly") == call


# -- chains


def test_a_successor_takes_over_what_it_does_not_bring(acme: Organization) -> None:
    sam, sue = acme.setter("sam"), acme.setter("sue")
    source, traffic = acme.source(), acme.traffic_type()
    root = acme.event(setter=sam, source=source, traffic_type=traffic)
    acme.world.execute("update app.events set utm_campaign = 'spring' where id = %s", root.id)
    second = acme.event(rescheduled_from=root, scheduled_at=NOON + DAY)
    third = acme.event(rescheduled_from=second, setter=sue, scheduled_at=NOON + 2 * DAY)
    row = read(acme, second)
    assert (row["setter_id"], row["setter_name"]) == (sam.setter_id, "sam")
    assert (row["source_id"], row["traffic_type_id"]) == (source.id, traffic.id)
    assert row["utm_campaign"] == "spring"
    row = read(acme, third)
    assert (row["root_event_id"], row["setter_id"]) == (root.id, sue.setter_id)
    assert row["credited_setter_id"] == sam.setter_id
    assert acme.state(root) == acme.state(second) == ("rescheduled", None)


@pytest.mark.parametrize("created_first", [True, False])
def test_the_two_messages_of_a_reschedule_may_come_in_either_order(
    acme: Organization, created_first: bool
) -> None:
    sam = acme.setter("sam")
    old = acme.event(setter=sam)
    if created_first:
        new = acme.event(scheduled_at=NOON + DAY, rescheduled_from=old)
        answer = acme.world.rows(
            "select * from app.reschedule_call(%s, %s, null, %s, actor => 'vendor')",
            acme.id, old.id, NOON,
        )  # fmt: skip
        assert not answer[0]["changed"]
    else:
        acme.world.execute(
            "select app.reschedule_call(%s, %s, null, %s, actor => 'vendor')", acme.id, old.id, NOON
        )
        assert acme.state(old) == ("rescheduled", None)
        new = acme.event(scheduled_at=NOON + DAY, rescheduled_from=old)
    row = read(acme, new)
    assert (row["rescheduled_from_id"], row["credited_setter_id"]) == (old.id, sam.setter_id)
    assert acme.state(old) == ("rescheduled", None)


def test_a_chain_that_joins_another_takes_its_root(acme: Organization) -> None:
    sam, sue = acme.setter("sam"), acme.setter("sue")
    first = acme.event(setter=sam)
    a = acme.event(setter=sue, scheduled_at=NOON + DAY)
    b = acme.event(rescheduled_from=a, scheduled_at=NOON + 2 * DAY)
    c = acme.event(rescheduled_from=b, scheduled_at=NOON + 3 * DAY)
    assert link(acme, first, a)["changed"]
    for call in (a, b, c):
        row = read(acme, call)
        assert (row["root_event_id"], row["credited_setter_id"]) == (first.id, sam.setter_id)


def test_the_roots_setter_is_the_setter_of_the_whole_chain(acme: Organization) -> None:
    sam, sue = acme.setter("sam"), acme.setter("sue")
    root = acme.event(setter=sam)
    last = acme.event(rescheduled_from=root, scheduled_at=NOON + DAY)
    change = "update app.events set setter_id = %s where id = %s"
    acme.world.execute(change, sue.setter_id, last.id)
    assert read(acme, last)["credited_setter_id"] == sam.setter_id
    acme.world.execute(change, sue.setter_id, root.id)
    assert read(acme, last)["credited_setter_id"] == sue.setter_id
    acme.world.execute(change, None, root.id)
    assert read(acme, last)["credited_setter_id"] is None


def test_a_chain_makes_no_circle_and_no_branch(acme: Organization) -> None:
    root = acme.event()
    last = acme.event(rescheduled_from=root, scheduled_at=NOON + DAY)
    with refused("PT409"):
        link(acme, last, root)
    with refused("PT409"):
        link(acme, acme.event(scheduled_at=NOON + 3 * DAY), last)
    assert not link(acme, last, root, actor="vendor")["changed"]
    with refused("PT422"):
        acme.world.execute("select app.reschedule_call(%s, %s, null, %s)", acme.id, last.id, NOON)


def test_a_call_cannot_follow_another_organizations_call(acme: Organization) -> None:
    foreign = acme.world.organization("umbrella").event()
    with refused("PT404"):
        link(acme, acme.event(), foreign)
    with refused("23503"):
        acme.world.insert(
            "events", organization_id=acme.id, scheduled_at=NOON, rescheduled_from_id=foreign.id
        )


# -- duplicates


def test_the_same_lead_closer_and_time_is_a_duplicate(acme: Organization) -> None:
    dana, eli, lead = acme.closer("dana"), acme.closer("eli"), acme.lead()
    first = acme.event(closer=dana, lead=lead)
    again = acme.event(closer=dana, lead=lead)
    assert read(acme, again)["duplicate_of_id"] == first.id
    for other in (
        acme.event(closer=eli, lead=lead),
        acme.event(closer=dana, lead=lead, scheduled_at=NOON + timedelta(minutes=30)),
        acme.event(closer=dana),
        acme.event(lead=lead),
        acme.event(lead=lead),
    ):
        assert read(acme, other)["duplicate_of_id"] is None


def test_booking_again_after_a_cancellation_is_no_duplicate(acme: Organization) -> None:
    dana, lead = acme.closer(), acme.lead()
    acme.event(closer=dana, lead=lead, outcome="canceled")
    assert read(acme, acme.event(closer=dana, lead=lead))["duplicate_of_id"] is None


def test_rescheduling_to_the_same_time_is_no_duplicate(acme: Organization) -> None:
    dana, lead = acme.closer(), acme.lead()
    call = acme.event(closer=dana, lead=lead)
    row = read(acme, acme.event(closer=dana, lead=lead, rescheduled_from=call))
    assert (row["duplicate_of_id"], row["root_event_id"]) == (None, call.id)


def test_candidates_are_near_in_time_and_of_one_category(acme: Organization) -> None:
    dana, lead = acme.closer("dana"), acme.lead()
    call = acme.event(closer=dana, lead=lead)
    hour = timedelta(hours=1)
    near = acme.event(closer=dana, lead=lead, scheduled_at=NOON + hour)
    same_day = acme.event(closer=dana, lead=lead, scheduled_at=NOON + 11 * hour)
    acme.event(closer=dana, lead=lead, scheduled_at=NOON + 13 * hour)
    onboarding = acme.call_type("Onboarding", category="fulfillment")
    acme.event(closer=dana, lead=lead, scheduled_at=NOON + hour, call_type=onboarding)
    found = acme.world.rows("select * from app.duplicate_candidates(%s, %s)", acme.id, call.id)
    assert {row["candidate_id"] for row in found} == {near.id, same_day.id}
    assert not any(row["is_certain"] for row in found)


def test_thousands_of_calls_are_booked_in_one_statement(acme: Organization) -> None:
    dana, sam, lead = acme.closer(), acme.setter(), acme.lead()
    acme.world.execute(
        """
        insert into app.events (organization_id, lead_id, closer_id, setter_id, scheduled_at)
        select %s, %s, %s, %s, timestamptz '2026-01-01Z' + n * interval '1 hour'
          from generate_series(1, 3000) as n
        """,
        acme.id, lead.id, dana.closer_id, sam.setter_id,
    )  # fmt: skip
    assert acme.world.rows(
        """
        select count(*), count(distinct root_event_id) as roots, min(closer_name) as closer,
               bool_and(credited_closer_id = closer_id) as taken,
               bool_and(credited_setter_id = setter_id) as set
          from app.events where organization_id = %s
        """,
        acme.id,
    ) == [{"count": 3000, "roots": 3000, "closer": "dana", "taken": True, "set": True}]
