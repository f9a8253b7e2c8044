"""Own metrics in parts: each by itself, and what all of them add up to."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.expressions import Expression, defined, expressions, linear, of_nobody
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.stages import make_stage
from tests.metrics.strategies import histories
from tests.world import World

PEOPLE = ("closer", "setter")
PLACES = ("source", "traffic_type", "call_type")


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def parts(stage: Stage, question: Question, metric: str, dimension: str) -> list[dict[str, Any]]:
    """What metric_breakdown answers an admin."""
    with stage.organization.world.acting_as(stage.admin) as db:
        return db.rows(
            "select * from metric_breakdown(%(metric)s, %(dimension)s, %(start)s, %(end)s,"
            " as_of => %(as_of)s)",
            metric=metric,
            dimension=dimension,
            start=question.start,
            end=question.end,
            as_of=question.as_of,
        )


def whole(stage: Stage, question: Question, metric: str, **filters: object) -> dict[str, Any]:
    """What core_metrics answers an admin of one metric."""
    given = "".join(f", {name} => %({name})s" for name in filters)
    with stage.organization.world.acting_as(stage.admin) as db:
        (row,) = db.rows(
            "select value, numerator, denominator from core_metrics(%(start)s, %(end)s,"
            f" as_of => %(as_of)s{given}) where metric = %(metric)s",
            metric=metric,
            start=question.start,
            end=question.end,
            as_of=question.as_of,
            **filters,
        )
        return row


def near(given: Decimal, wanted: Decimal) -> bool:
    """Equal, up to what quotients lose when they are written in 16 digits or more."""
    return abs(Fraction(given) - Fraction(wanted)) <= Fraction(1, 10**10)


@settings(max_examples=6)
@given(histories(), linear(), st.sampled_from([*PEOPLE, *PLACES, "package"]))
def test_the_parts_of_what_is_linear_add_up_to_the_whole(
    stage: Stage, made: tuple[History, Question], expression: Expression, dimension: str
) -> None:
    history, question = made
    with stage.playing(history):
        (name,) = defined(stage, [expression])
        rows = parts(stage, question, name, dimension)
        total = whole(stage, question, name)
        with stage.organization.world.acting_as(stage.admin) as db:
            assert db.value("select adds_up from metrics() where metric = %s", name)
    assert [row["label"] for row in rows if row["member_id"] is None] == ["Unassigned"]
    assert near(sum(row["value"] for row in rows), total["value"])


@settings(max_examples=4)
@given(histories(), expressions(), st.sampled_from([*PEOPLE, *PLACES]))
def test_each_part_is_what_the_filter_gives(
    stage: Stage, made: tuple[History, Question], expression: Expression, dimension: str
) -> None:
    history, question = made
    if dimension in PEOPLE:
        # Of money that people of the other role share, parts and filters are of different people.
        expression = of_nobody(expression)
    with stage.playing(history):
        (name,) = defined(stage, [expression])
        rows = parts(stage, question, name, dimension)
        members = [row for row in rows if row["member_id"] is not None]
        for row in members[:2]:
            alone = whole(stage, question, name, **{f"{dimension}_id": row["member_id"]})
            assert {part: row[part] for part in alone} == alone, (expression, row)
