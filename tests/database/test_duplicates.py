"""Two bookings of one call: which are candidates, which are marked, and what an admin says."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.acting import refused
from tests.database.by_hand import ask_one
from tests.world import NOON, Organization, Person, Row, World

WHY = "Booked twice."
PAIRS = "select id, candidate_id, is_certain from api.duplicate_candidates"
BY_EVENT = """
select greatest(e.id, d.candidate_id) as id, least(e.id, d.candidate_id) as candidate_id,
       d.is_certain
  from app.events as e
 cross join app.duplicate_candidates(e.organization_id, e.id) as d
 where e.organization_id = %s and e.deleted_at is null and e.duplicate_of_id is null
"""


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def candidates(acme: Organization, ada: Person) -> set[tuple[object, ...]]:
    with acme.world.acting_as(ada) as db:
        return {tuple(row.values()) for row in db.rows(PAIRS)}


def test_candidates_are_of_one_lead_and_category_and_close_in_time(acme: Organization) -> None:
    ada, dana, lee = acme.admin(), acme.closer("dana"), acme.lead()
    first = acme.event(lead=lee, closer=dana)
    soon = acme.event(lead=lee, scheduled_at=NOON + timedelta(minutes=60))
    same_day = acme.event(lead=lee, scheduled_at=NOON + timedelta(hours=11, minutes=59))
    acme.event(lead=lee, scheduled_at=NOON + timedelta(days=1))  # tomorrow
    support = acme.call_type("Support", category="other")
    acme.event(lead=lee, call_type=support)
    acme.event(lead=acme.lead())
    assert candidates(acme, ada) == {
        (soon.id, first.id, False),
        (same_day.id, first.id, False),
        (same_day.id, soon.id, False),
    }
    again = {tuple(row.values()) for row in acme.world.rows(BY_EVENT, acme.id)}
    assert again == candidates(acme, ada)


def test_pairs_of_a_time_are_those_whose_later_recorded_call_is_in_it(acme: Organization) -> None:
    """The other call may be before or after the time; one of the view's pairs is at each edge."""
    ada, lee, kim = acme.admin(), acme.lead(), acme.lead()
    for lead, hours in ((lee, (0, 1, 5, 26, 50)), (kim, (1, 0, -7, 24, 25))):
        for hour in hours:
            acme.event(lead=lead, scheduled_at=NOON + timedelta(hours=hour))
    pairs = "select event_id, other_event_id from app.duplicate_pairs(%s, %s, %s)"
    for since, until in ((-9, 99), (0, 1), (1, 2), (1, 24), (-7, 1), (5, 6)):
        start, end = NOON + timedelta(hours=since), NOON + timedelta(hours=until)
        with acme.world.acting_as(ada) as db:
            seen = db.rows(f"{PAIRS} where scheduled_at >= %s and scheduled_at < %s", start, end)
        found = acme.world.rows(pairs, acme.id, start, end)
        assert sorted(tuple(row.values()) for row in found) == sorted(
            (row["id"], row["candidate_id"]) for row in seen
        )
        assert len(found) >= 1


def test_calls_without_statistics_are_not_compared_all_with_all(acme: Organization) -> None:
    """As in a transaction that makes many calls: the planner takes them for one row or two."""
    acme.world.execute(
        """
        with leads as (
            insert into app.leads (organization_id, full_name)
            select %(organization)s, 'Lead ' || n from generate_series(1, 300) as n returning id
        )
        insert into app.events (organization_id, lead_id, scheduled_at, booked_at)
        select %(organization)s, l.id, %(noon)s, %(noon)s from leads as l
        """,
        organization=acme.id,
        noon=NOON,
    )
    plan = acme.world.value(
        "explain (analyze, format json) select * from app.duplicate_pairs(%s, %s, %s)",
        acme.id,
        NOON,
        NOON + timedelta(days=1),
    )
    assert 300 <= rows_read(plan[0]["Plan"]) < 3_000


def rows_read(node: dict[str, Any]) -> float:
    """Rows that a plan and everything below it answered or passed over, all loops together."""
    passed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    here = (node["Actual Rows"] + passed) * node["Actual Loops"]
    return float(here) + sum(rows_read(below) for below in node.get("Plans", ()))


def test_calls_of_one_chain_deleted_calls_and_duplicates_are_none(acme: Organization) -> None:
    ada, dana, lee = acme.admin(), acme.closer("dana"), acme.lead()
    first = acme.event(lead=lee, closer=dana)
    acme.event(lead=lee, rescheduled_from=first, scheduled_at=NOON + timedelta(minutes=30))
    kim = acme.lead("kim")
    acme.event(lead=kim, closer=dana)
    acme.event(lead=kim, closer=dana)  # marked at once
    gone = acme.event(lead=kim)
    acme.world.execute("select app.delete_event(%s, %s, 'A test.', now())", acme.id, gone.id)
    assert candidates(acme, ada) == set()


def test_a_platform_s_booking_is_marked_like_one_by_hand(acme: Organization) -> None:
    ada, dana, lee = acme.admin(), acme.closer("dana"), acme.lead(email="lee@lead.test")
    first = acme.event(lead=lee, closer=dana, provider_booking_id="a")
    second = acme.event(email="lee@lead.test", closer=dana, provider_booking_id="b")
    third = ask_one(
        acme.world, ada, "create_event", scheduled_at=NOON, lead_id=lee.id, closer_id=dana.id
    )
    marks = acme.world.rows("select id, duplicate_of_id from app.events order by id")
    assert [tuple(row.values()) for row in marks] == [
        (first.id, None),
        (second.id, first.id),
        (third["id"], first.id),
    ]


def test_a_mark_that_was_taken_away_stays_away(acme: Organization) -> None:
    ada, dana, lee = acme.admin(), acme.closer("dana"), acme.lead()
    first = acme.event(lead=lee, closer=dana, provider_booking_id="a")
    second = acme.event(lead=lee, closer=dana, provider_booking_id="b")
    ask_one(acme.world, ada, "unmark_duplicate", event_id=second.id, reason=WHY)
    again = acme.event(lead=lee, closer=dana, provider_booking_id="b")  # told once more
    assert again == second
    assert candidates(acme, ada) == {(second.id, first.id, True)}


def test_a_mark_that_makes_no_sense_is_refused(acme: Organization) -> None:
    ada, lee = acme.admin(), acme.lead()
    one, two, three = (
        acme.event(lead=lee, scheduled_at=NOON + timedelta(days=d)) for d in range(3)
    )
    later = acme.event(lead=lee, rescheduled_from=one, scheduled_at=NOON + timedelta(days=9))
    strange = acme.world.organization("beta").event()

    def mark(event: Row, of: Row) -> None:
        ask_one(
            acme.world, ada, "mark_duplicate", event_id=event.id, duplicate_of_id=of.id, reason=WHY
        )

    mark(two, three)
    mark(two, three)  # asked again, nothing changes
    for event, of, code in (
        (two, one, "PT409"),  # it is three's
        (three, one, "PT409"),  # two is its duplicate
        (one, two, "PT422"),  # that one is a duplicate itself
        (one, later, "PT422"),  # of one chain
        (one, one, "PT422"),
        (one, strange, "PT404"),
        (strange, one, "PT404"),
        (one, Row(acme.id, uuid4()), "PT404"),
    ):
        with refused(code):
            mark(event, of)
    marks = acme.world.rows(
        "select id, duplicate_of_id from app.events where duplicate_of_id is not null"
    )
    assert [tuple(row.values()) for row in marks] == [(two.id, three.id)]
