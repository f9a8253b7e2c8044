"""The nightly data-quality run: what it finds, what has healed, whom it tells."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.jobs.scene import NOW, claim, queue_run, state_of
from tests.world import Organization, Person, Row, World


def test_a_call_past_its_grace_period_is_an_open_outcome(world: World) -> None:
    acme = world.organization("acme")
    dana, sam = acme.closer("dana"), acme.setter("sam")
    late = call(acme, ends_at=NOW - timedelta(hours=2), closer=dana, setter=sam)
    call(acme, ends_at=NOW - timedelta(hours=2) + timedelta(seconds=1), closer=dana)
    run_checks(world, acme)
    (found,) = exceptions(world, acme, "open_outcome")
    assert (found["row_ids"], found["closer_id"], found["setter_id"]) == (
        [late.id],
        dana.closer_id,
        sam.setter_id,
    )
    assert found["state"] == "open"


def test_duplicates_deleted_calls_and_test_leads_are_nobodys_problem(world: World) -> None:
    acme = world.organization("acme")
    ended = NOW - timedelta(days=1)
    call(acme, ends_at=ended, deleted_at=NOW, deleted_reason="by mistake")
    original = call(acme, ends_at=ended, closer=acme.closer())
    call(acme, ends_at=ended, duplicate_of_id=original.id)
    call(acme, ends_at=ended, lead_id=acme.lead("test", is_test=True).id)
    run_checks(world, acme)
    assert [row["row_ids"] for row in exceptions(world, acme, "open_outcome")] == [[original.id]]
    assert exceptions(world, acme, "event_without_closer") == []


def test_a_call_without_a_closer_is_found_and_heals(world: World) -> None:
    acme = world.organization("acme")
    lonely = call(acme, ends_at=NOW + timedelta(days=1))
    run_checks(world, acme)
    (found,) = exceptions(world, acme, "event_without_closer")
    assert (found["row_ids"], found["state"]) == ([lonely.id], "open")
    world.execute(
        "update app.events set closer_id = %s, closer_name = 'dana' where id = %s",
        acme.closer("dana").closer_id,
        lonely.id,
    )
    later = NOW + timedelta(days=1)
    run_checks(world, acme, later)
    (healed,) = exceptions(world, acme, "event_without_closer")
    assert (healed["id"], healed["state"], healed["resolved_at"]) == (
        found["id"],
        "resolved",
        later,
    )


def test_a_counted_payment_without_a_closer_is_critical(world: World) -> None:
    acme = world.organization("acme")
    lost = acme.payment()
    acme.payment(closer=acme.closer())
    acme.payment(livemode=False)
    acme.payment(status="failed")
    acme.payment(deleted_at=NOW, deleted_reason="by mistake")
    run_checks(world, acme)
    (found,) = exceptions(world, acme, "unattributed_payment")
    assert (found["row_ids"], found["severity"]) == ([lost.id], "critical")


def test_what_was_dismissed_stays_dismissed_and_what_healed_may_come_back(world: World) -> None:
    acme = world.organization("acme")
    payment = acme.payment()
    run_checks(world, acme)
    world.execute(
        "update app.exceptions set state = 'dismissed', dismissed_reason = 'known'"
        " where organization_id = %s",
        acme.id,
    )
    run_checks(world, acme)
    assert exceptions(world, acme, "unattributed_payment")[0]["state"] == "dismissed"
    world.execute(
        "update app.exceptions set state = 'resolved', resolved_at = %s where organization_id = %s",
        NOW,
        acme.id,
    )
    run_checks(world, acme)
    (back,) = exceptions(world, acme, "unattributed_payment")
    assert (back["state"], back["resolved_at"], back["row_ids"]) == ("open", None, [payment.id])


def test_one_organizations_run_says_nothing_about_another(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    bolt.payment()
    run_checks(world, acme)
    assert world.rows("select from app.exceptions where organization_id = %s", bolt.id) == []


def test_each_check_moves_the_cursor_and_a_lost_run_checks_nothing(world: World) -> None:
    acme = world.organization("acme")
    acme.payment()
    run = queue_run(world, acme)
    claim(world, "one")
    (first,) = step(world, acme, run)
    assert (first["check_name"], first["is_last"]) == ("event_without_closer", False)
    assert state_of(world, run)["cursor"] == "event_without_closer"
    world.value("select jobs.release_stale(as_of => %s)", NOW + timedelta(hours=1))
    assert step(world, acme, run) == []
    claim(world, "one", NOW + timedelta(hours=2))
    (second,) = step(world, acme, run, attempt=2)
    assert second["check_name"] == "open_outcome"
    (third,) = step(world, acme, run, attempt=2)
    assert (third["check_name"], third["opened"], third["is_last"]) == (
        "unattributed_payment",
        1,
        False,
    )
    total = world.value("select count(*) from app.data_quality_checks()")
    rest = [step(world, acme, run, attempt=2)[0] for _ in range(total - 3)]
    assert [check["is_last"] for check in rest] == [False] * (total - 4) + [True]
    row = state_of(world, run)
    assert (row["progress_done"], row["progress_total"]) == (total, total)
    assert row["counts"]["unattributed_payment"] == 1


@pytest.mark.parametrize("who", ["admin", "own closer", "own setter", "colleague", "stranger"])
def test_an_open_outcome_is_shown_to_admins_and_to_its_people(world: World, who: str) -> None:
    acme = world.organization("acme")
    dana, sam = acme.closer("dana"), acme.setter("sam")
    call(acme, ends_at=NOW - timedelta(days=1), closer=dana, setter=sam)
    run_checks(world, acme)
    people: dict[str, Person] = {
        "admin": acme.admin(),
        "own closer": dana,
        "own setter": sam,
        "colleague": acme.closer("eli"),
        "stranger": world.organization("bolt").admin(),
    }
    with world.acting_as(people[who]) as db:
        seen = db.rows("select check_name from api.exceptions")
    expected = [] if who in {"colleague", "stranger"} else ["open_outcome"]
    assert [row["check_name"] for row in seen] == expected


def call(
    organization: Organization,
    *,
    ends_at: datetime,
    closer: Person | None = None,
    setter: Person | None = None,
    **columns: object,
) -> Row:
    """A scheduled call, as it lies in the table."""
    event_id = uuid4()
    organization.world.insert(
        "events",
        organization_id=organization.id,
        id=event_id,
        root_event_id=event_id,
        scheduled_at=ends_at - timedelta(minutes=45),
        scheduled_end_at=ends_at,
        booked_at=ends_at - timedelta(days=2),
        closer_id=closer and closer.closer_id,
        setter_id=setter and setter.setter_id,
        **columns,
    )
    return Row(organization.id, event_id)


def run_checks(world: World, organization: Organization, now: datetime = NOW) -> None:
    world.rows(
        "select q.* from app.data_quality_checks() as c,"
        " app.run_data_quality_check(%s, c.check_name, %s) as q",
        organization.id,
        now,
    )


def step(
    world: World, organization: Organization, run: object, *, attempt: int = 1
) -> list[dict[str, Any]]:
    return world.rows(
        "select * from jobs.run_data_quality(%s, %s, 'one', %s, %s)",
        organization.id,
        run,
        attempt,
        NOW,
    )


def exceptions(world: World, organization: Organization, check: str) -> list[dict[str, Any]]:
    return world.rows(
        "select * from app.exceptions where organization_id = %s and check_name = %s",
        organization.id,
        check,
    )
