"""Files of leads, calls, forms and lists become rows; the same file again changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from tests.database.importing import importer
from tests.world import Organization, World

CALL = {
    "external_id": "call-1",
    "lead_email": "lee@lead.test",
    "lead_name": "Lee Park",
    "scheduled_at": "2026-01-09 14:00",
    "booked_at": "2026-01-05 09:30",
}


def count(acme: Organization, table: str) -> int:
    """How many rows the organization has."""
    made: int = acme.world.value(
        f"select count(*) from app.{table} where organization_id = %s", acme.id
    )
    return made


def test_the_same_file_again_changes_nothing_and_a_changed_row_updates_its_row(
    world: World,
) -> None:
    imports = importer(world.organization("acme"))
    rows = [
        {"external_id": "1", "email": "lee@lead.test", "Full Name": "Lee"},
        {"external_id": "2", "email": "kim@lead.test", "Full Name": "Kim"},
    ]
    assert imports("leads", rows).counts == (2, 0, 0, 0)
    assert imports("leads", rows).counts == (0, 0, 2, 0)
    rows[0]["Full Name"] = "Lee Park"
    assert imports("leads", rows).counts == (0, 1, 1, 0)
    assert (
        world.value(
            "select full_name from app.leads where organization_id = %s and id = %s",
            imports.organization.id,
            imports.known("leads", "1"),
        )
        == "Lee Park"
    )


def test_a_dry_run_says_what_would_happen_and_keeps_nothing(world: World) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    rows = [CALL, {"external_id": "call-2", "scheduled_at": "soon"}]
    tried = imports("events", rows, dry_run=True)
    assert tried.counts == (1, 0, 0, 1)
    assert [count(acme, t) for t in ("events", "leads", "import_keys", "post_call_forms")] == [
        0
    ] * 4
    done = imports("events", rows)
    assert {k: v for k, v in done.said.items() if k != "dry_run"} == {
        k: v for k, v in tried.said.items() if k != "dry_run"
    }


def test_times_without_a_zone_are_the_organizations_and_with_one_are_what_they_say(
    world: World,
) -> None:
    acme = world.organization("acme", timezone="America/New_York")
    imports = importer(acme)
    imports("events", [CALL, CALL | {"external_id": "b", "scheduled_at": "2026-01-09T14:00:00Z"}])
    assert [
        r["scheduled_at"]
        for r in world.rows(
            "select scheduled_at from app.events where organization_id = %s order by 1", acme.id
        )
    ] == [datetime(2026, 1, 9, 14, tzinfo=UTC), datetime(2026, 1, 9, 19, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"call_status": "completed", "event_outcome": "closed"}, ("completed", "closed")),
        ({"event_outcome": "showed"}, ("completed", "showed_no_offer")),
        ({"call_status": "no_show"}, ("no_show", "no_show")),
        ({"call_status": "cancelled", "canceled_by": "host"}, ("canceled", None)),
        ({"call_status": "rescheduled"}, ("rescheduled", None)),
        ({}, ("scheduled", None)),
    ],
)
def test_history_is_imported_in_any_state(
    world: World, told: dict[str, str], state: tuple[str, str | None]
) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    imports = importer(acme)
    assert imports("events", [CALL | {"closer": dana.email} | told]).counts == (1, 0, 0, 0)
    (event,) = world.rows(
        "select e.call_status, e.event_outcome, e.credited_closer_id, f.submitted_via"
        "  from app.events as e left join app.post_call_forms as f"
        "    on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active"
        " where e.organization_id = %s",
        acme.id,
    )
    assert (event["call_status"], event["event_outcome"]) == state
    assert event["credited_closer_id"] == dana.closer_id
    assert event["submitted_via"] == ("import" if state[1] else None)


@pytest.mark.parametrize(
    "told",
    [
        {"call_status": "completed"},
        {"call_status": "canceled", "event_outcome": "closed"},
        {"call_status": "no_show", "event_outcome": "closed"},
        {"call_status": "scheduled", "event_outcome": "showed_offer"},
    ],
)
def test_a_state_that_no_call_can_have_is_refused(world: World, told: dict[str, str]) -> None:
    imports = importer(world.organization("acme"))
    assert imports("events", [CALL | told]).errors == {(1, "event_outcome")}


def test_a_booking_time_that_nobody_knows_is_estimated_and_says_so(world: World) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    call = {k: v for k, v in CALL.items() if k != "booked_at"}
    imports("events", [call | {"created_at": "2026-01-04T00:00:00Z"}, call | {"external_id": "b"}])
    rows = world.rows(
        "select booked_at, scheduled_at, is_booked_at_estimated as guessed from app.events"
        " where organization_id = %s order by booked_at",
        acme.id,
    )
    assert rows[0]["booked_at"] == datetime(2026, 1, 4, tzinfo=UTC)
    assert rows[1]["booked_at"] == rows[1]["scheduled_at"]
    assert [r["guessed"] for r in rows] == [True, True]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("at_once", [True, False])
def test_chains_of_rescheduled_calls_hold_in_any_order_of_rows(
    world: World, order: tuple[int, ...], at_once: bool
) -> None:
    acme = world.organization("acme")
    sam = acme.setter("sam")
    imports = importer(acme)
    rows = [
        CALL | {"external_id": "a", "call_status": "rescheduled", "setter": sam.email},
        CALL | {"external_id": "b", "call_status": "rescheduled", "rescheduled_from": "a"},
        CALL | {"external_id": "c", "event_outcome": "closed", "rescheduled_from": "b"},
    ]
    for part in [[rows[n] for n in order]] if at_once else [[rows[n]] for n in order]:
        assert imports("events", part).counts[3] == 0
    ids = {name: imports.known("events", name) for name in "abc"}
    found = {
        r["id"]: r
        for r in world.rows(
            "select id, rescheduled_from_id, root_event_id, credited_setter_id, call_status"
            "  from app.events where organization_id = %s",
            acme.id,
        )
    }
    assert found[ids["c"]]["rescheduled_from_id"] == ids["b"]
    assert found[ids["b"]]["rescheduled_from_id"] == ids["a"]
    assert {r["root_event_id"] for r in found.values()} == {ids["a"]}
    assert {r["credited_setter_id"] for r in found.values()} == {sam.setter_id}
    assert found[ids["c"]]["call_status"] == "completed"


def test_a_second_successor_and_a_successor_of_a_held_call_stand_for_themselves(
    world: World,
) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    report = imports(
        "events",
        [
            CALL | {"external_id": "a", "call_status": "rescheduled"},
            CALL | {"external_id": "b", "rescheduled_from": "a"},
            CALL | {"external_id": "c", "rescheduled_from": "a"},
            CALL | {"external_id": "held", "call_status": "no_show"},
            CALL | {"external_id": "d", "rescheduled_from": "held"},
            CALL | {"external_id": "e", "rescheduled_from": "f"},
            CALL | {"external_id": "f", "rescheduled_from": "e"},
        ],
    )
    assert report.counts == (7, 0, 0, 0)
    assert {row for row, field in report.notes if field == "rescheduled_from"} == {3, 5, 6, 7}


def test_people_whom_nobody_is_known_as_are_exceptions_until_they_are_known(world: World) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    imports = importer(acme)
    rows = [CALL | {"closer_name": "D. Diaz", "setter_name": "Sam?"}]
    report = imports("events", rows)
    assert report.counts == (1, 0, 0, 0)
    assert report.notes == {(1, "closer"), (1, "setter")}
    said = "select check_name from app.exceptions where organization_id = %s and state = 'open'"
    assert {r["check_name"] for r in world.rows(said, acme.id)} == {
        "unknown_closer",
        "unknown_setter",
    }
    world.execute("update app.closers set aliases = '{d. diaz}' where id = %s", dana.closer_id)
    assert imports("events", rows).counts == (0, 1, 0, 0)
    assert {r["check_name"] for r in world.rows(said, acme.id)} == {"unknown_setter"}
    assert (
        world.value("select credited_closer_id from app.events where organization_id = %s", acme.id)
        == dana.closer_id
    )


def test_a_row_names_others_by_id_external_id_address_or_name(world: World) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    imports = importer(acme)
    imports("sources", [{"external_id": "src-9", "name": "YouTube"}])
    source = imports.known("sources", "src-9")
    for n, (header, value) in enumerate(
        [("source", "youtube"), ("source_id", str(source)), ("Source External Id", "src-9")]
    ):
        imports(
            "events",
            [CALL | {"external_id": str(n), header: value, "closer_id": str(dana.closer_id)}],
        )
    assert world.rows(
        "select distinct source_id, closer_id from app.events where organization_id = %s", acme.id
    ) == [{"source_id": source, "closer_id": dana.closer_id}]
    report = imports("events", [CALL | {"external_id": "x", "source": "Radio"}])
    assert report.errors == {(1, "source")}


def test_a_booking_that_its_platform_told_of_is_not_imported_again(world: World) -> None:
    acme = world.organization("acme")
    known = acme.event(provider_booking_id="inv-1")
    imports = importer(acme)
    report = imports(
        "events", [CALL | {"calendly_invitee_uuid": "inv-1", "notes": "Asked for a discount."}]
    )
    assert report.counts == (0, 1, 0, 0)
    assert imports.known("events", "call-1") == known.id
    assert count(acme, "events") == 1


def test_a_form_takes_the_place_of_what_the_call_said_and_claims_its_money(world: World) -> None:
    acme = world.organization("acme")
    dana, eli = acme.closer("dana"), acme.closer("eli")
    imports = importer(acme)
    imports("events", [CALL | {"closer": dana.email, "call_status": "no_show"}])
    form = {
        "event": "call-1",
        "closer": eli.email,
        "call_occurred": "yes",
        "offer_made": "yes",
        "deal_closed": "yes",
        "cash_collected": "3000",
        "submitted_at": "2026-01-09 15:10",
    }
    assert imports("post_call_forms", [form]).counts == (0, 1, 0, 0)
    assert imports("post_call_forms", [form]).counts == (0, 0, 1, 0)
    (call,) = world.rows(
        "select call_status, event_outcome, credited_closer_id from app.events"
        " where organization_id = %s",
        acme.id,
    )
    assert call == {
        "call_status": "completed",
        "event_outcome": "closed",
        "credited_closer_id": eli.closer_id,
    }
    assert world.rows(
        "select amount, claim_state from app.payments where organization_id = %s", acme.id
    ) == [{"amount": Decimal("3000.00"), "claim_state": "pending"}]
    assert count(acme, "post_call_forms") == 1


def test_what_a_person_said_of_a_call_stays(world: World) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    event = acme.event(closer=dana, outcome="closed")
    imports = importer(acme)
    report = imports("post_call_forms", [{"event": str(event.id), "call_occurred": "false"}])
    assert report.errors == {(1, "event")}
    told = imports("events", [CALL | {"id": str(event.id), "call_status": "no_show"}])
    assert acme.state(event) == ("completed", "closed") or told.counts[3] == 1


def test_leads_of_one_address_are_one_and_a_number_of_another_is_left_out(world: World) -> None:
    acme = world.organization("acme")
    here = acme.lead("Lee", email="lee@lead.test")
    imports = importer(acme)
    report = imports(
        "leads",
        [
            {
                "external_id": "1",
                "email": "LEE@lead.test",
                "full_name": "L.",
                "phone": "555 010 9999",
            },
            {"external_id": "2", "email": "lee@lead.test"},
            {"external_id": "3", "email": "kim@lead.test", "phone": "(555) 010-9999"},
        ],
    )
    assert report.counts == (1, 1, 1, 0)
    assert report.notes == {(2, "email"), (3, "phone")}
    assert imports.known("leads", "1") == imports.known("leads", "2") == here.id
    assert (
        world.value(
            "select full_name from app.leads where organization_id = %s and id = %s",
            acme.id,
            here.id,
        )
        == "Lee"
    )


def test_two_rows_of_one_id_that_disagree_are_not_both_taken(world: World) -> None:
    imports = importer(world.organization("acme"))
    report = imports(
        "sources",
        [{"external_id": "1", "name": "Radio"}, {"external_id": "1", "name": "TV"}, "no row"],
    )
    assert report.counts == (1, 0, 0, 2)
    assert report.errors == {(2, "external_id"), (3, "row")}


def test_headers_that_mean_nothing_are_named(world: World) -> None:
    imports = importer(world.organization("acme"))
    assert imports("sources", [{"name": "Radio", "colour": "red"}]).said["ignored"] == ["colour"]


def test_lists_and_rates_are_brought_to_what_the_file_says(world: World) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    assert imports("packages", [{"name": "Mentoring", "price": "3000"}]).counts == (1, 0, 0, 0)
    assert imports("packages", [{"name": "mentoring", "price": "3500"}]).counts == (0, 1, 0, 0)
    assert imports("packages", [{"name": "X", "price": "1.001"}]).errors == {(1, "price")}
    assert imports(
        "call_outcomes",
        [{"name": "Won", "event_outcome": "closed"}, {"name": "?"}],
    ).counts == (1, 0, 0, 1)
    assert imports(
        "closers", [{"name": "Dana", "email": "d@x.test", "aliases": "dd; Dana D"}]
    ).counts == (1, 0, 0, 0)
    rates = [{"day": "2026-01-02", "from_currency": "eur", "to_currency": "usd", "rate": "1.0842"}]
    assert imports("fx_rates", rates).counts == (1, 0, 0, 0)
    assert imports("fx_rates", rates).counts == (0, 0, 1, 0)
    rates[0]["rate"] = "1.09"
    assert imports("fx_rates", rates).counts == (0, 1, 0, 0)


def test_ids_are_kept_where_they_are_free_and_people_of_others_keep_theirs(world: World) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    dana = beta.closer("dana")
    imports = importer(acme)
    free = "019f0000-0000-7000-8000-000000000001"
    report = imports(
        "closers",
        [{"id": free, "name": "Eli"}, {"id": str(dana.closer_id), "name": "Dana"}],
    )
    assert report.counts == (2, 0, 0, 0)
    assert str(imports.known("closers", free)) == free
    assert imports.known("closers", str(dana.closer_id)) != dana.closer_id


@pytest.mark.parametrize(
    ("entity", "rows"), [("users", []), ("leads", {"email": "a@b.test"}), ("leads", [{}] * 5001)]
)
def test_what_is_no_file_is_refused(world: World, entity: str, rows: list[object]) -> None:
    imports = importer(world.organization("acme"))
    with pytest.raises(psycopg.Error) as refused:
        imports(entity, rows)
    assert refused.value.sqlstate == "PT422"
