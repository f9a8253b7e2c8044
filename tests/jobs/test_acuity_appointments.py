"""What an appointment of Acuity is like becomes what its call is like, in any order."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.vendors.fake_acuity import CALENDARS, FakeAcuity
from tests.world import ANSWERS, Organization, Row, World

AT = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
BEFORE, AFTER = AT - timedelta(days=1), AT + timedelta(hours=2)
INES, BRUNO = 7310044, 7310045


@pytest.fixture
def fake() -> FakeAcuity:
    return FakeAcuity(lambda: 0.0)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def connection_id(acme: Organization) -> UUID:
    return connected(acme)


def connected(organization: Organization) -> UUID:
    return organization.world.insert(
        "webhook_connections",
        organization_id=organization.id,
        name="Acuity",
        connection_type="acuity",
    )


def host(organization: Organization, calendar: int) -> object:
    """A closer whom a calendar names by its address."""
    closer = organization.closer(f"closer-{calendar}")
    organization.world.execute(
        "update app.closers set email = %s where organization_id = %s and id = %s",
        CALENDARS[calendar]["email"].upper(),
        organization.id,
        closer.closer_id,
    )
    return closer.closer_id


def record(
    organization: Organization,
    connection_id: UUID,
    fake: FakeAcuity,
    made: int,
    action: str = "changed",
    told_at: datetime = BEFORE,
) -> str | None:
    """Fetch an appointment as the worker does; what it came to."""
    run_id = organization.world.insert(
        "sync_runs",
        organization_id=organization.id,
        kind="fetch-acuity-appointment",
        state="running",
        claimed_by="w",
        heartbeat_at=told_at,
        attempts=1,
        parameters=json.dumps(
            {
                "connection_id": str(connection_id),
                "appointment_id": str(made),
                "action": action,
                "told_at": told_at.isoformat(),
            }
        ),
    )
    shown = fake._shown(fake.appointments[made]) if made in fake.appointments else None
    calendar = shown and CALENDARS.get(shown["calendarID"])
    with organization.world.acting_as_role("worker") as worker:
        what: str | None = worker.value(
            "select jobs.record_acuity_appointment(%s, %s, 'w', 1, %s::jsonb, %s::jsonb)",
            organization.id,
            run_id,
            json.dumps(shown) if shown else None,
            json.dumps(calendar) if calendar else None,
        )
    organization.world.execute(
        "update app.sync_runs set state = 'succeeded', claimed_by = null, heartbeat_at = null,"
        " finished_at = now() where organization_id = %s and id = %s",
        organization.id,
        run_id,
    )
    return what


def calls(organization: Organization) -> list[dict[str, Any]]:
    return organization.world.rows(
        "select * from app.events where organization_id = %s order by id", organization.id
    )


def call(organization: Organization) -> dict[str, Any]:
    (found,) = calls(organization)
    return found


def open_exceptions(organization: Organization) -> set[str]:
    return {
        row["check_name"]
        for row in organization.world.rows(
            "select check_name from app.exceptions where organization_id = %s and state = 'open'",
            organization.id,
        )
    }


# -- booking


def test_a_booking_is_a_call_of_its_closer_type_and_lead(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    closer_id = host(acme, INES)
    discovery = acme.world.insert(
        "call_types", organization_id=acme.id, name="Discovery", external_id="20911835"
    )
    lead = acme.lead(email="ada.k@client.test")
    forms = [
        {
            "id": 601,
            "name": "Before the call",
            "values": [
                {"id": 9001, "fieldID": 771, "name": "Instagram", "value": "@ada.k"},
                {"id": 9002, "fieldID": 772, "name": "Empty", "value": ""},
            ],
        }
    ]
    made, _ = fake.book(at=AT, forms=forms)
    assert record(acme, connection_id, fake, made, "scheduled") == "booked"
    found = call(acme)
    assert (found["provider"], found["provider_booking_id"]) == ("acuity", str(made))
    assert (found["closer_id"], found["call_type_id"], found["lead_id"]) == (
        closer_id,
        discovery,
        lead.id,
    )
    assert (found["scheduled_at"], found["scheduled_end_at"]) == (AT, AT + timedelta(minutes=30))
    created = datetime.fromisoformat(fake.appointments[made]["datetimeCreated"])
    assert (found["booked_at"], found["is_booked_at_estimated"]) == (created, False)
    assert (found["lead_name"], found["lead_phone"]) == ("Ada Kowalski", "+34600000001")
    assert found["answers"] == [{"question": "Instagram", "answer": "@ada.k"}]
    assert open_exceptions(acme) == set()
    before = calls(acme)
    assert record(acme, connection_id, fake, made) == "unchanged"
    assert calls(acme) == before


def test_an_answer_names_the_setter_and_the_source(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    setter = acme.setter("Marta")
    podcast = acme.source("Podcast")
    acme.world.insert(
        "source_rules",
        organization_id=acme.id,
        position=1,
        field="answer",
        operator="contains",
        value="podcast",
        source_id=podcast.id,
    )

    def booked(named: str, email: str) -> dict[str, Any]:
        values = [
            {"id": 1, "fieldID": 1, "name": "Who booked you?", "value": named},
            {"id": 2, "fieldID": 2, "name": "Where from?", "value": "your Podcast"},
        ]
        made, _ = fake.book(at=AT, email=email, phone="", forms=[{"id": 1, "values": values}])
        record(acme, connection_id, fake, made)
        return next(row for row in calls(acme) if row["provider_booking_id"] == str(made))

    known = booked(" marta", "one@client.test")
    assert (known["setter_id"], known["source_id"]) == (setter.setter_id, podcast.id)
    unknown = booked("Zed", "two@client.test")
    assert (unknown["setter_id"], unknown["setter_name"]) == (None, "Zed")
    assert "unknown_setter" in open_exceptions(acme)
    assert (
        acme.world.value("select count(*) from app.setters where organization_id = %s", acme.id)
        == 1
    )


def test_without_a_creation_time_the_first_message_dates_the_booking(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    told, untold = (fake.book(at=AT, email=f"{n}@client.test", phone="")[0] for n in range(2))
    for made in (told, untold):
        del fake.appointments[made]["datetimeCreated"]
    record(acme, connection_id, fake, told, "scheduled")
    record(acme, connection_id, fake, untold, "changed")
    assert [(row["booked_at"], row["is_booked_at_estimated"]) for row in calls(acme)] == [
        (BEFORE, False),
        (AT, True),
    ]


@pytest.mark.parametrize("known_as", ["name", "alias", "id"])
def test_a_calendar_names_its_closer_in_other_words(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, known_as: str
) -> None:
    closer = acme.closer("ines")
    alias = {"name": [], "alias": ["ines ortega"], "id": [str(INES)]}[known_as]
    acme.world.execute(
        "update app.closers set name = %s, aliases = %s where organization_id = %s and id = %s",
        "Ines Ortega" if known_as == "name" else "Ms O.",
        alias,
        acme.id,
        closer.closer_id,
    )
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    assert call(acme)["closer_id"] == closer.closer_id


def test_an_unknown_calendar_is_an_exception_until_somebody_is_known(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    made, _ = fake.book(at=AT)
    assert record(acme, connection_id, fake, made) == "booked"
    assert call(acme)["closer_id"] is None
    assert "unknown_host" in open_exceptions(acme)
    closer_id = host(acme, INES)
    assert record(acme, connection_id, fake, made) == "unchanged"
    assert call(acme)["closer_id"] == closer_id
    assert "unknown_host" not in open_exceptions(acme)


def test_a_booking_by_staff_gets_its_lead_when_it_gets_an_address(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    made, _ = fake.book(at=AT, email="", phone="")
    record(acme, connection_id, fake, made)
    assert (call(acme)["lead_id"], call(acme)["lead_name"]) == (None, "Ada Kowalski")
    fake.change(made, email="ada.k@client.test")
    record(acme, connection_id, fake, made)
    lead = acme.world.value("select id from app.leads where organization_id = %s", acme.id)
    assert call(acme)["lead_id"] == lead


def test_a_booking_of_two_leads_waits_for_a_person(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    acme.lead(email="ada.k@client.test")
    acme.lead("Bob", phone="+34600000001")
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    assert call(acme)["lead_id"] is None
    assert "ambiguous_lead" in open_exceptions(acme)
    record(acme, connection_id, fake, made)
    assert len(calls(acme)) == 1


# -- moving


def test_a_moved_appointment_is_the_same_call(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    host(acme, INES)
    other = host(acme, BRUNO)
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    before = call(acme)
    later = AT + timedelta(days=3)
    fake.reschedule(made, at=later, calendar=BRUNO)
    assert record(acme, connection_id, fake, made, "rescheduled") == "moved"
    moved = call(acme)
    assert (moved["id"], moved["call_status"]) == (before["id"], "scheduled")
    assert (moved["scheduled_at"], moved["scheduled_end_at"]) == (
        later,
        later + timedelta(minutes=30),
    )
    assert (moved["closer_id"], moved["booked_at"]) == (other, before["booked_at"])
    assert record(acme, connection_id, fake, made) == "unchanged"


def test_whom_an_admin_chose_stays_until_the_calendar_changes(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    host(acme, INES)
    bruno, chosen = host(acme, BRUNO), acme.closer("chosen")
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    acme.world.execute(
        "update app.events set closer_id = %s where organization_id = %s",
        chosen.closer_id,
        acme.id,
    )
    fake.reschedule(made, at=AT + timedelta(hours=1))
    record(acme, connection_id, fake, made)
    assert call(acme)["closer_id"] == chosen.closer_id
    fake.reschedule(made, at=AT + timedelta(hours=1), calendar=BRUNO)
    record(acme, connection_id, fake, made)
    assert call(acme)["closer_id"] == bruno
    fake.reschedule(made, at=AT + timedelta(hours=1), calendar=99)
    record(acme, connection_id, fake, made)
    assert call(acme)["closer_id"] is None
    assert "unknown_host" in open_exceptions(acme)


def test_a_call_with_its_outcome_does_not_move(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    host(acme, INES)
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    row = Row(acme.id, call(acme)["id"])
    acme.form(row, **ANSWERS["showed_offer"])
    fake.reschedule(made, at=AT + timedelta(days=7))
    assert record(acme, connection_id, fake, made, "rescheduled", AFTER) == "unchanged"
    assert (call(acme)["scheduled_at"], acme.state(row)) == (AT, ("completed", "showed_offer"))
    assert "rescheduled_after_outcome" in open_exceptions(acme)


# -- ending


@pytest.mark.parametrize("says_canceled", [True, False])
def test_a_canceled_appointment_is_a_canceled_call(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, says_canceled: bool
) -> None:
    fake.says_canceled = says_canceled
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    fake.cancel(made)
    assert record(acme, connection_id, fake, made, "canceled") == "canceled"
    found = call(acme)
    assert (found["call_status"], found["canceled_by"], found["canceled_at"]) == (
        "canceled",
        "invitee",
        BEFORE,
    )
    for action in ("scheduled", "changed", "canceled"):
        assert record(acme, connection_id, fake, made, action) == "unchanged"
    assert call(acme) == found


def test_staff_who_cancel_after_the_start_leave_the_outcome_to_a_person(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    fake.cancel(made)
    record(acme, connection_id, fake, made, "canceled", AFTER)
    found = call(acme)
    assert (found["call_status"], found["canceled_by"], found["canceled_at"]) == (
        "scheduled",
        "host",
        AFTER,
    )


def test_a_no_show_is_one_and_can_be_taken_back(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    row = Row(acme.id, call(acme)["id"])
    fake.cancel(made, no_show=True)
    assert record(acme, connection_id, fake, made, "canceled", AFTER) == "no_show"
    assert acme.state(row) == ("no_show", "no_show")
    assert record(acme, connection_id, fake, made, "changed", AFTER) == "unchanged"
    later = AT + timedelta(days=2)
    fake.reschedule(made, at=later)
    fake.change(made, canceled=False, noShow=False)
    assert record(acme, connection_id, fake, made, "rescheduled", AFTER) == "moved"
    assert (acme.state(row), call(acme)["scheduled_at"]) == (("scheduled", None), later)
    assert "rescheduled_after_outcome" not in open_exceptions(acme)


def test_a_persons_form_stays(acme: Organization, connection_id: UUID, fake: FakeAcuity) -> None:
    host(acme, INES)
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    row = Row(acme.id, call(acme)["id"])
    acme.form(row, **ANSWERS["closed"])
    fake.cancel(made, no_show=True)
    assert record(acme, connection_id, fake, made, "canceled", AFTER) == "unchanged"
    assert acme.state(row) == ("completed", "closed")


def test_a_message_about_what_was_canceled_meanwhile_is_a_canceled_call(
    acme: Organization, connection_id: UUID, fake: FakeAcuity
) -> None:
    made, _ = fake.book(at=AT)
    fake.cancel(made)
    assert record(acme, connection_id, fake, made, "scheduled") == "canceled"
    assert call(acme)["call_status"] == "canceled"


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["scheduled", "rescheduled", "canceled", "changed"]))
)
def test_messages_that_are_fetched_late_come_to_the_same(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, order: tuple[str, ...]
) -> None:
    closer_id = host(acme, BRUNO)
    fake.says_canceled = False
    made, _ = fake.book(at=AT)
    fake.reschedule(made, at=AT + timedelta(days=1), calendar=BRUNO)
    fake.cancel(made)
    for action in (*order, order[0]):
        record(acme, connection_id, fake, made, action)
    found = call(acme)
    assert (found["call_status"], found["scheduled_at"], found["closer_id"]) == (
        "canceled",
        AT + timedelta(days=1),
        closer_id,
    )


@pytest.mark.parametrize(("action", "status"), [("canceled", "canceled"), ("changed", "scheduled")])
def test_what_acuity_does_not_know_any_more(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, action: str, status: str
) -> None:
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    del fake.appointments[made]
    what = record(acme, connection_id, fake, made, action)
    assert (what, call(acme)["call_status"]) == (
        "canceled" if action == "canceled" else "missing",
        status,
    )
    assert ("missing_appointment" in open_exceptions(acme)) == (action == "changed")


# -- whose, and what


def test_two_organizations_keep_their_calls_apart(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, world: World
) -> None:
    other = world.organization("other")
    theirs = connected(other)
    ours_closer = host(acme, INES)
    made, _ = fake.book(at=AT)
    record(acme, connection_id, fake, made)
    record(other, theirs, fake, made)
    fake.cancel(made)
    record(other, theirs, fake, made)
    assert (call(acme)["call_status"], call(acme)["closer_id"]) == ("scheduled", ours_closer)
    assert (call(other)["call_status"], call(other)["closer_id"]) == ("canceled", None)
    assert call(acme)["lead_id"] != call(other)["lead_id"]


def test_only_the_worker_that_has_the_run_writes(
    acme: Organization, fake: FakeAcuity, connection_id: UUID
) -> None:
    made, _ = fake.book(at=AT)
    with acme.world.acting_as_role("worker") as worker:
        found = worker.rows(
            "select * from jobs.acuity_appointment(%s, %s, 'w', 1)", acme.id, uuid4()
        )
        assert found == []
        assert (
            worker.value(
                "select jobs.record_acuity_appointment(%s, %s, 'w', 1, %s::jsonb)",
                acme.id,
                uuid4(),
                json.dumps(fake.appointments[made]),
            )
            is None
        )
    assert calls(acme) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 1},
        {"id": None},
        {"datetime": "March 5, 2026 4:00pm"},
        {"datetime": "2026-03-05T16:00:00"},
        {"datetime": None},
    ],
)
def test_an_answer_that_is_not_the_appointment_changes_nothing(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, fields: dict[str, object]
) -> None:
    made, _ = fake.book(at=AT)
    fake.change(made, **fields)
    with (
        pytest.raises(psycopg.Error) as refused,
        acme.world.connection.transaction(),
    ):
        record(acme, connection_id, fake, made)
    assert refused.value.sqlstate == "PT422"
    assert calls(acme) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"firstName": None, "lastName": {"a": 1}, "phone": 7, "email": ["x"]},
        {"email": "not an address", "phone": "12"},
        {"duration": None, "calendar": None, "calendarID": None, "appointmentTypeID": None},
        {"duration": "99999999999", "calendarID": "x" * 5000, "email": "y" * 5000 + "@z.test"},
        {"duration": "0", "noShow": None, "canceled": None},
        {"duration": 30, "canceled": "false", "noShow": "no"},
        {"forms": {"a": 1}, "canceled": [], "noShow": {}},
        {"forms": [None, 1, {"values": [None, {"name": 1, "value": "x"}, {"name": "y"}]}]},
        {"datetimeCreated": "yesterday", "labels": None},
    ],
)
def test_odd_records_are_calls_all_the_same(
    acme: Organization, connection_id: UUID, fake: FakeAcuity, fields: dict[str, object]
) -> None:
    made, _ = fake.book(at=AT)
    fake.change(made, **fields)
    assert record(acme, connection_id, fake, made) == "booked"
    found = call(acme)
    assert (found["scheduled_at"], found["call_status"]) == (AT, "scheduled")
