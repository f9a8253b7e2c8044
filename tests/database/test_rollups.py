"""Whatever changed, and whatever of it is counted, numbers are what the base rows add up to."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.stages import make_stage
from tests.metrics.strategies import filters, histories
from tests.world import World

DIMENSIONS = ("closer", "setter", "source", "traffic_type", "call_type", "package")


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def values(
    stage: Stage, question: Question, dimension: str | None = None, **given: object
) -> dict[tuple[int, object, str], tuple[Any, ...]]:
    """Every number of the question's period and the ten days before it."""
    closer = stage.person(stage.closers, question.closer)
    setter = stage.person(stage.setters, question.setter)
    arguments: dict[str, object] = {
        "organization": stage.organization.id,
        "days": [
            question.start - timedelta(days=10),
            question.start,
            question.end + timedelta(days=1),
        ],
        "as_of": question.as_of,
        "cash_role": "closer" if closer else "setter" if setter else None,
        "closers": closer and [closer],
        "setters": setter and [setter],
        "source": stage.row(stage.sources, question.source),
        "traffic_type": stage.row(stage.traffic_types, question.traffic_type),
        "call_type": stage.row(stage.call_types, question.call_type),
        "dimension": dimension,
        **given,
    }
    rows = stage.organization.world.rows(
        "select m.* from app.organizations as o cross join lateral app.metric_values(o.id,"
        " array(select app.day_start(d, o.timezone) from unnest(%(days)s::date[]) as d),"
        " %(as_of)s, %(cash_role)s, %(closers)s, %(setters)s, %(source)s, %(traffic_type)s,"
        " %(call_type)s, %(dimension)s) as m where o.id = %(organization)s",
        **arguments,
    )
    found = {
        (row["period"], row["member_id"], row["metric"]): (
            row["numerator"],
            row["denominator"],
            row["coverage"],
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def differences(stage: Stage) -> list[dict[str, Any]]:
    """Where sums are not what they should be."""
    return stage.organization.world.rows(
        "select * from app.rollup_differences(%s)", stage.organization.id
    )


def everything(
    stage: Stage, questions: tuple[Question, ...], dimensions: tuple[str | None, ...]
) -> list[object]:
    """The answers to some questions, whole and grouped. Members of nothing are as good as none."""
    return [
        {key: numbers for key, numbers in values(stage, asked, by).items() if any(numbers)}
        for asked in questions
        for by in dimensions
    ]


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(histories(), histories(), filters(), st.randoms(use_true_random=False))
def test_whatever_changed_and_whatever_of_it_is_counted_numbers_are_those_of_the_base_rows(
    stage: Stage,
    made: tuple[History, Question],
    other: tuple[History, Question],
    chosen: dict[str, int | None],
    luck: Random,
) -> None:
    (old, _), (new, question) = made, other
    asked = (question, replace(question, **chosen))
    by = (None, *luck.sample(DIMENSIONS, 2))
    with stage.playing(old):
        stage.build()
        stage.become(
            old, new, lambda: stage.fold(luck.randint(1, 20)) if luck.random() < 0.3 else None
        )
        assert differences(stage) == []
        seen = everything(stage, asked, by)
        stage.fold()
        assert differences(stage) == []
        assert everything(stage, asked, by) == seen
        stage.organization.world.execute(
            "insert into app.metric_changes (organization_id, unit) values (%s, 'all')",
            stage.organization.id,
        )
        assert everything(stage, asked, by) == seen
