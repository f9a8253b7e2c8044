"""Whatever happened, days and parts add up to the number."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.parts import STANDING, assert_they_add_up, numbers
from tests.metrics.strategies import CLOSERS, SETTERS, filters, histories
from tests.world import World

DIMENSIONS = ("closer", "setter", "source", "traffic_type", "call_type", "package")


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        acme = World(connection).organization("acme")
        yield Stage(
            organization=acme,
            admin=acme.admin(),
            closers=[acme.closer(f"closer{n}") for n in range(CLOSERS)],
            setters=[acme.setter(f"setter{n}") for n in range(SETTERS)],
            sources=[acme.source("one"), acme.source("two")],
            traffic_types=[acme.traffic_type("one"), acme.traffic_type("two")],
            call_types=[acme.call_type("one"), acme.call_type("two", counts_in_rates=False)],
            packages=[acme.package("one"), acme.package("two")],
        )


def rows_of(stage: Stage, chosen: dict[str, int | None]) -> dict[str, Any]:
    """Filters by id. chosen: by position."""
    return {
        "closer_id": stage.person(stage.closers, chosen["closer"]),
        "setter_id": stage.person(stage.setters, chosen["setter"]),
        "source_id": stage.row(stage.sources, chosen["source"]),
        "traffic_type_id": stage.row(stage.traffic_types, chosen["traffic_type"]),
        "call_type_id": stage.row(stage.call_types, chosen["call_type"]),
    }


@settings(max_examples=6)
@given(histories(), filters(), st.sampled_from(DIMENSIONS))
def test_days_and_parts_add_up_to_every_number(
    stage: Stage, made: tuple[History, Question], chosen: dict[str, int | None], dimension: str
) -> None:
    history, question = made
    after = question.end + timedelta(days=1)
    days = [question.start + timedelta(days=n) for n in range((after - question.start).days + 1)]
    asked = (question.as_of, rows_of(stage, chosen))
    with stage.playing(history):
        whole = numbers(stage.organization, [question.start, after], *asked)
        parts = numbers(stage.organization, [question.start, after], *asked, dimension)
        by_day = numbers(stage.organization, days, *asked)
    assert_they_add_up(whole, parts)
    assert_they_add_up({m: rows for m, rows in whole.items() if m not in STANDING}, by_day)
