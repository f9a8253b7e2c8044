"""Whatever happened, dashboards count what a recount of the rows behind their numbers does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.stages import make_stage
from tests.metrics.strategies import histories
from tests.world import NOON, World

ROWS = """
    select r.id, r.amount from app.organizations as o
     cross join lateral app.measured_rows(
        o.id, %(facts)s, %(measure)s, app.day_start(%(start)s, o.timezone),
        app.day_start(%(end)s + 1, o.timezone), o.timezone, %(as_of)s, o.pcf_grace) as r
     where o.id = %(organization)s
"""
OVERDUE = """
    select f.closer_id, count(*) as count, min(f.scheduled_end_at) as oldest
      from app.organizations as o cross join lateral app.call_facts(o.id) as f
     where o.id = %s and f.call_status = 'scheduled' and f.scheduled_end_at <= %s - o.pcf_grace
     group by f.closer_id
"""


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def behind(stage: Stage, question: Question, facts: str, measure: str) -> list[dict[str, Any]]:
    """The rows of one measure."""
    return stage.organization.world.rows(
        ROWS,
        facts=facts,
        measure=measure,
        start=question.start,
        end=question.end,
        as_of=question.as_of,
        organization=stage.organization.id,
    )


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(histories(), st.booleans())
def test_the_admins_dashboard_counts_what_is_there(
    stage: Stage, made: tuple[History, Question], is_built: bool
) -> None:
    history, question = made
    world, acme = stage.organization.world, stage.organization
    with stage.playing(history):
        if is_built:
            stage.build()
        home = world.value(
            "select app.admin_home(%s, %s, %s, %s)",
            *(acme.id, question.start, question.end, question.as_of),
        )
        unattributed = behind(stage, question, "cash", "unattributed_cash")
        assert home["unattributed"]["payments"]["value"] == len(unattributed)
        cash = home["unattributed"]["cash"]["value"]
        assert cash == pytest.approx(float(sum(row["amount"] for row in unattributed)))
        assert home["calls"]["value"] == len(behind(stage, question, "calls", "every_call"))
        pending = behind(stage, question, "standing_calls", "pending")
        assert home["pending_forms"]["value"] == len(pending)
        told = {
            (one["closer_id"], one["value"], one["oldest_ended_at"])
            for one in home["overdue_forms"]["closers"]
        }
        overdue = world.rows(OVERDUE, acme.id, question.as_of)
        assert told == {
            (row["closer_id"] and str(row["closer_id"]), row["count"], instant(world, row))
            for row in overdue
        }
        assert home["overdue_forms"]["value"] == sum(row["count"] for row in overdue)


def instant(world: World, row: dict[str, Any]) -> str:
    """As it stands in JSON."""
    said: str = world.value("select to_jsonb(%s::timestamptz) #>> '{}'", row["oldest"])
    return said


def test_where_there_are_very_many_calls_only_the_newest_are_compared(world: World) -> None:
    acme = world.organization("acme")
    for hours in (1, 2, 3, 3):
        acme.event(scheduled_at=NOON + timedelta(hours=hours))
    since = "select app.newest_since(%s, %s, %s, %s)"
    ends = NOON + timedelta(hours=4)
    assert world.value(since, acme.id, NOON, ends, 2) == NOON + timedelta(hours=3)
    assert world.value(since, acme.id, NOON, ends, 3) == NOON + timedelta(hours=2)
    assert world.value(since, acme.id, NOON, NOON + timedelta(hours=3), 2) == NOON + timedelta(
        hours=1
    )
    assert world.value(since, acme.id, NOON, ends, 5) == NOON
