"""Slots that closers offered, booked and held, day by day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.world import NOON, Organization, Person, World

DAY = timedelta(days=1)
WEEK = {"start_date": "2026-03-09", "end_date": "2026-03-11"}
EVE = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """Dana's and eli's calendars were captured for 10 March; dana held one call and missed one."""

    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    people = Scene(acme, acme.admin(), acme.closer("dana"), acme.closer("eli"), acme.setter("sam"))
    capture(acme, people.dana, "2026-03-10", free=3, booked=1)
    capture(acme, people.eli, "2026-03-10", free=0, booked=0)
    acme.event(closer=people.dana, outcome="closed")
    acme.event(closer=people.dana, outcome="no_show", scheduled_at=NOON + timedelta(hours=2))
    acme.event(closer=people.dana, outcome="canceled", scheduled_at=NOON + timedelta(hours=4))
    return people


def capture(
    acme: Organization,
    closer: Person,
    day: str,
    *,
    free: int,
    booked: int = 0,
    at: datetime = EVE,
) -> None:
    acme.world.insert(
        "capacity_snapshots",
        organization_id=acme.id,
        closer_id=closer.closer_id,
        day=day,
        captured_at=at,
        free_slots=free,
        booked_slots=booked,
    )


def ask(scene: Scene, who: Person, **given: object) -> list[dict[str, Any]]:
    arguments = {**WEEK, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with scene.acme.world.acting_as(who) as db:
        return db.rows(f"select * from api.get_calendly_utilization({names})", **arguments)


def refused(scene: Scene, who: Person, code: str, **given: object) -> None:
    with pytest.raises(psycopg.Error) as error:
        ask(scene, who, **given)
    assert error.value.sqlstate == code


def lines(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            row["day"].day,
            row["closer_name"],
            row["available_slots"],
            row["booked_slots"],
            row["held_slots"],
            row["utilization"],
            row["is_missing"],
        )
        for row in rows
    ]


def test_each_closer_has_a_row_for_each_day_and_missing_days_say_so(scene: Scene) -> None:
    nothing = (None, None, None, None, True)
    assert lines(ask(scene, scene.ada)) == [
        (9, "dana", *nothing),
        (9, "eli", *nothing),
        (10, "dana", 4, 2, 1, Decimal("0.5"), False),
        (10, "eli", 0, 0, 0, None, False),
        (11, "dana", *nothing),
        (11, "eli", *nothing),
    ]


def test_the_days_add_up_to_the_utilization_of_the_period(scene: Scene) -> None:
    rows = [row for row in ask(scene, scene.ada) if not row["is_missing"]]
    with scene.acme.world.acting_as(scene.ada) as db:
        found = db.rows("select * from core_metrics('2026-03-09', '2026-03-11')")
    core = {row["metric"]: (row["numerator"], row["denominator"]) for row in found}
    available = sum(row["available_slots"] for row in rows)
    assert core["utilization"] == (sum(row["booked_slots"] for row in rows), available)
    assert core["held_utilization"] == (sum(row["held_slots"] for row in rows), available)


def test_the_last_capture_before_the_day_rules(scene: Scene) -> None:
    capture(scene.acme, scene.dana, "2026-03-10", free=7, at=EVE + timedelta(hours=1))
    capture(scene.acme, scene.dana, "2026-03-10", free=9, at=NOON)
    day = ask(scene, scene.dana, start_date="2026-03-10", end_date="2026-03-10")
    assert [row["available_slots"] for row in day] == [7]


def test_more_booked_than_offered_is_told_as_it_is(scene: Scene) -> None:
    capture(scene.acme, scene.eli, "2026-03-11", free=1)
    for hour in (0, 2):
        scene.acme.event(closer=scene.eli, scheduled_at=NOON + DAY + timedelta(hours=hour))
    assert [row["utilization"] for row in ask(scene, scene.eli)] == [None, None, 2]


def test_closers_who_were_not_there_yet_or_any_more_have_no_missing_days(scene: Scene) -> None:
    scene.acme.world.execute(
        "update app.closers set active_from = '2026-03-11' where id = %s", scene.dana.closer_id
    )
    scene.acme.world.execute(
        "update app.closers set is_active = false where id = %s", scene.eli.closer_id
    )
    days = [(row["day"].day, row["closer_name"]) for row in ask(scene, scene.ada)]
    assert days == [(10, "dana"), (10, "eli"), (11, "dana")]
    scene.acme.world.execute(
        "update app.closers set active_until = '2026-03-09' where id = %s", scene.eli.closer_id
    )
    days = [(row["day"].day, row["closer_name"]) for row in ask(scene, scene.ada)]
    assert days == [(9, "eli"), (10, "dana"), (10, "eli"), (11, "dana")]


def test_closers_see_their_own_calendar_and_setters_none(scene: Scene) -> None:
    assert {row["closer_name"] for row in ask(scene, scene.dana)} == {"dana"}
    named = ask(scene, scene.ada, closer_id=scene.eli.closer_id)
    assert {row["closer_id"] for row in named} == {scene.eli.closer_id}
    refused(scene, scene.dana, "42501", closer_id=scene.eli.closer_id)
    refused(scene, scene.sam, "42501")
    assert ask(scene, scene.acme.member()) == []
    stranger = scene.acme.world.organization("other").admin()
    refused(scene, stranger, "PT404", organization_id=scene.acme.id)
    assert ask(scene, stranger) == []


def test_a_period_without_end_is_refused(scene: Scene) -> None:
    assert len(ask(scene, scene.dana, start_date="2024-01-01", end_date="2026-09-26")) == 1000
    refused(scene, scene.ada, "PT422", start_date="2024-01-01", end_date="2026-09-27")
    refused(scene, scene.ada, "PT422", start_date="2026-03-12")
