"""Schedules: from the row to exactly one run, and what admins may do with them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.world import Organization, Person, World

FIRE_TIME = datetime(2030, 3, 10, 8, 15, tzinfo=UTC)


def test_a_new_organization_has_a_nightly_data_quality_run_in_its_own_zone(world: World) -> None:
    acme = world.organization("acme", timezone="Europe/Berlin")
    (schedule,) = schedules(world, acme)
    assert (schedule["kind"], schedule["cron"], schedule["timezone"]) == (
        "data-quality",
        "15 3 * * *",
        None,
    )
    (due,) = due_schedules(world, acme)
    assert due["timezone"] == "Europe/Berlin"


def test_an_instant_is_queued_once_however_many_processes_say_so(world: World) -> None:
    acme = world.organization("acme")
    (due,) = due_schedules(world, acme)
    assert fire(world, due, FIRE_TIME) is True
    assert fire(world, due, FIRE_TIME) is False
    assert [run["fire_time"] for run in runs(world, acme)] == [FIRE_TIME]
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        world.insert(
            "sync_runs",
            organization_id=acme.id,
            kind="data-quality",
            schedule_id=due["id"],
            fire_time=FIRE_TIME,
        )
    assert refused.value.diag.constraint_name == "sync_runs_fire_time_key"


def test_a_schedule_that_was_changed_meanwhile_does_not_fire_for_its_past(world: World) -> None:
    acme = world.organization("acme")
    (due,) = due_schedules(world, acme)
    world.execute(
        "update app.job_schedules set due_after = due_after + interval '1 hour' where id = %s",
        due["id"],
    )
    assert fire(world, due, FIRE_TIME) is False
    assert runs(world, acme) == []


def test_a_fired_schedule_rests_until_its_next_instant(world: World) -> None:
    acme = world.organization("acme")
    (due,) = due_schedules(world, acme)
    fire(world, due, FIRE_TIME)
    next_at = FIRE_TIME + timedelta(days=1)
    assert due_schedules(world, acme, next_at - timedelta(seconds=1)) == []
    assert len(due_schedules(world, acme, next_at)) == 1


def test_moving_the_organization_moves_its_due_instants(world: World) -> None:
    acme = world.organization("acme")
    (due,) = due_schedules(world, acme)
    fire(world, due, FIRE_TIME)
    world.execute("update app.organizations set timezone = 'Asia/Tokyo' where id = %s", acme.id)
    (moved,) = due_schedules(world, acme, FIRE_TIME)
    assert moved["timezone"] == "Asia/Tokyo"


def test_a_schedule_that_cannot_be_computed_says_why_and_rests(world: World) -> None:
    acme = world.organization("acme")
    (due,) = due_schedules(world, acme)
    world.execute(
        "select jobs.refuse_schedule(%s, %s, %s, 'Never.')", acme.id, due["id"], due["due_after"]
    )
    assert due_schedules(world, acme) == []
    assert schedules(world, acme)[0]["error"] == "Never."


def test_schedules_of_suspended_organizations_rest(world: World) -> None:
    acme = world.organization("acme")
    world.execute("update app.organizations set suspended_at = now() where id = %s", acme.id)
    assert due_schedules(world, acme) == []


def test_an_admin_makes_changes_and_deletes_a_schedule(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        made = db.rows("select * from api.create_schedule('data-quality', cron => ' 0  6 * * 7')")[
            0
        ]
        assert (made["organization_id"], made["cron"]) == (acme.id, "0 6 * * 7")
        changed = db.rows(
            "select * from api.update_schedule(%s, interval_seconds => 3600, is_enabled => false)",
            made["id"],
        )[0]
        assert (changed["cron"], changed["interval_seconds"]) == (None, 3600)
        assert changed["is_enabled"] is False
        db.rows("select api.delete_schedule(%s)", made["id"])
        assert made["id"] not in db.ids("select id from api.job_schedules")


@pytest.mark.parametrize(
    "arguments",
    [
        "'data-quality', cron => '0 25 * * *'",
        "'data-quality', cron => '0 6 * *'",
        "'data-quality', cron => '0 6 * * *', interval_seconds => 600",
        "'data-quality'",
        "'data-quality', interval_seconds => 5",
        "'data-quality', cron => '0 6 * * *', timezone => 'Mars/Olympus'",
        "'data-quality', cron => '0 6 * * *', parameters => '[]'",
        "'partition-upkeep', cron => '0 6 * * *'",
        "'rm -rf', cron => '0 6 * * *'",
    ],
)
def test_what_is_no_schedule_is_refused(world: World, arguments: str) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db, pytest.raises(psycopg.Error) as refused:
        db.rows(f"select * from api.create_schedule({arguments})")
    assert refused.value.sqlstate == "PT422"


def test_schedules_are_for_admins_of_the_organization_only(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    (schedule,) = schedules(world, acme)
    mixed = bolt.closer(person=acme.admin("maxi"))
    seen: dict[str, set[Any]] = {}
    people: dict[str, Person] = {
        "admin": acme.admin(),
        "admin there, closer elsewhere": mixed,
        "closer": acme.closer(),
        "setter": acme.setter(),
        "stranger": bolt.admin(),
        "super admin": world.super_admin(),
    }
    for name, person in people.items():
        with world.acting_as(person) as db:
            seen[name] = db.ids("select id from api.job_schedules")
    assert {name for name, ids in seen.items() if schedule["id"] in ids} == {
        "admin",
        "admin there, closer elsewhere",
        "super admin",
    }
    for name, code in (("closer", "42501"), ("stranger", "PT404")):
        with world.acting_as(people[name]) as db, pytest.raises(psycopg.Error) as refused:
            db.rows("select api.delete_schedule(%s, %s)", schedule["id"], acme.id)
        assert refused.value.sqlstate == code
    with world.acting_as(people["stranger"]) as db, pytest.raises(psycopg.Error) as refused:
        db.rows("select api.delete_schedule(%s)", schedule["id"])
    assert refused.value.sqlstate == "PT404"
    assert schedules(world, acme) != []


def test_the_audit_trail_tells_what_people_change_and_not_what_the_clock_notes(
    world: World,
) -> None:
    acme = world.organization("acme")
    admin = acme.admin()
    (due,) = due_schedules(world, acme)
    fire(world, due, FIRE_TIME)
    with world.acting_as(admin) as db:
        db.rows("select api.update_schedule(%s, is_enabled => false)", due["id"])
    trail = world.rows(
        "select action, actor_id, new_data from app.audit_logs"
        " where organization_id = %s and table_name = 'job_schedules' and action = 'UPDATE'",
        acme.id,
    )
    assert [(row["actor_id"], row["new_data"]["is_enabled"]) for row in trail] == [
        (admin.user_id, False)
    ]


def schedules(world: World, organization: Organization) -> list[dict[str, Any]]:
    return world.rows("select * from app.job_schedules where organization_id = %s", organization.id)


def runs(world: World, organization: Organization) -> list[dict[str, Any]]:
    return world.rows("select * from app.sync_runs where organization_id = %s", organization.id)


def due_schedules(
    world: World, organization: Organization, now: datetime = FIRE_TIME
) -> list[dict[str, Any]]:
    return world.rows(
        "select * from jobs.due_schedules(%s) where organization_id = %s", now, organization.id
    )


def fire(world: World, due: dict[str, Any], fire_time: datetime) -> Any:
    organization_id: UUID = due["organization_id"]
    return world.value(
        "select jobs.fire_schedule(%s, %s, %s, %s, %s)",
        organization_id,
        due["id"],
        due["due_after"],
        fire_time,
        fire_time + timedelta(days=1),
    )
