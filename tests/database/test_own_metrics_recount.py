"""Whatever an organization defines, over whatever happened, comes to what fractions come to."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.expressions import (
    Expression,
    Reckoned,
    defined,
    expressions,
    reckon,
)
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.recount import Number, Recount, previous_period
from tests.metrics.stages import make_stage
from tests.metrics.strategies import CLOSERS, SETTERS, filters, histories
from tests.world import Person, World

NOBODY = 99
"""A position that is nobody's: what two filters leave that exclude each other."""


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def core(stage: Stage, who: Person, question: Question, **given: object) -> dict[str, Any]:
    given = {
        "start_date": question.start,
        "end_date": question.end,
        "as_of": question.as_of,
        **given,
    }
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with stage.organization.world.acting_as(who) as db:
        rows = db.rows(f"select * from core_metrics({names})", **given)
    return {row["metric"]: row for row in rows}


class Leaves:
    """Numbers of the catalog by filters, each recount made once."""

    def __init__(self, history: History, question: Question, cash_role: str | None) -> None:
        self.history, self.question, self.cash_role = history, question, cash_role
        self.known: dict[object, dict[str, Number]] = {}

    def __call__(self, leaf: Expression) -> Number:
        asked = leaf.get("filters", {})
        key = tuple(sorted(asked.items()))
        if key not in self.known:
            narrowed = {
                name: position if getattr(self.question, name) in (None, position) else NOBODY
                for name, position in asked.items()
            }
            role = self.cash_role
            if role is None:
                role = "closer" if "closer" in asked else "setter" if "setter" in asked else None
            question = replace(self.question, **narrowed)
            self.known[key] = Recount(self.history, question, role).period_metrics()
        return self.known[key][leaf["metric"]]


def same(given: Decimal | None, wanted: Fraction | None) -> bool:
    """Equal, up to what a quotient loses when it is written in 16 digits or more."""
    if given is None or wanted is None:
        return given is wanted
    return abs(Fraction(given) - wanted) <= abs(wanted) / 10**14


def check(row: dict[str, Any], now: Reckoned, before: Reckoned, because: object) -> None:
    assert same(row["value"], now.value), because
    assert same(row["numerator"], now.under), because
    assert same(row["denominator"], now.over), because
    assert same(row["coverage"], now.coverage), because
    assert same(row["previous_value"], before.value), because


def sums_of_rows(
    stage: Stage, question: Question, names: list[str], **given: object
) -> list[tuple[str, str, Decimal]]:
    """What the rows behind each part add up to, of those that are sums of rows."""
    arguments = {
        "start_date": question.start,
        "end_date": question.end,
        "as_of": question.as_of,
        "organization_id": stage.organization.id,
        **given,
    }
    asked = ", ".join(f"{name} => %({name})s" for name in arguments)
    parts = stage.organization.world.rows(
        "select m.name, p.part from app.own_metrics(%s) as m"
        " cross join (values ('numerator'), ('denominator')) as p (part)"
        " where m.name = any (%s) and app.has_rows(m.expression, p.part)",
        stage.organization.id,
        names,
    )
    with stage.organization.world.acting_as(stage.admin) as db:
        return [
            (
                row["name"],
                row["part"],
                db.value(
                    "select coalesce(sum(amount), 0)"
                    f" from metric_rows(metric => %(name)s, part => %(part)s, {asked})",
                    **row,
                    **arguments,
                ),
            )
            for row in parts
        ]


@settings(max_examples=6)
@given(histories(), st.lists(expressions(), min_size=2, max_size=3), st.just({}) | filters())
def test_an_expression_comes_to_what_its_leaves_come_to(
    stage: Stage,
    made: tuple[History, Question],
    trees: list[Expression],
    chosen: dict[str, int | None],
) -> None:
    history, question = made
    filtered = replace(question, **chosen)
    role = "closer" if filtered.closer is not None else None
    if role is None and filtered.setter is not None:
        role = "setter"
    people_and_places = {
        "closer_id": stage.person(stage.closers, filtered.closer),
        "setter_id": stage.person(stage.setters, filtered.setter),
        "source_id": stage.row(stage.sources, filtered.source),
        "traffic_type_id": stage.row(stage.traffic_types, filtered.traffic_type),
        "call_type_id": stage.row(stage.call_types, filtered.call_type),
    }
    with stage.playing(history):
        names = defined(stage, trees)
        answer = core(stage, stage.admin, question, **people_and_places)
        for name, part, total in sums_of_rows(stage, question, names, **people_and_places):
            assert same(total, Fraction(answer[name][part] or 0)), (name, part)
    compare(history, filtered, role, trees, [answer[name] for name in names])


@settings(max_examples=4)
@given(
    histories(),
    st.lists(expressions(), min_size=2, max_size=3),
    st.integers(0, CLOSERS - 1),
    st.integers(0, SETTERS - 1),
)
def test_closers_get_what_an_admin_sees_of_them(
    stage: Stage,
    made: tuple[History, Question],
    trees: list[Expression],
    closer: int,
    setter: int,
) -> None:
    history, question = made
    with stage.playing(history):
        names = defined(stage, trees)
        of_closer = core(stage, stage.closers[closer], question)
        of_setter = core(
            stage,
            stage.closers[closer],
            question,
            setter_id=stage.person(stage.setters, setter),
            closer_id=stage.person(stage.closers, closer),
        )
    asked = replace(question, closer=closer)
    compare(history, asked, "closer", trees, [of_closer[name] for name in names])
    asked = replace(asked, setter=setter)
    compare(history, asked, "closer", trees, [of_setter[name] for name in names])


def compare(
    history: History,
    question: Question,
    role: str | None,
    trees: list[Expression],
    rows: list[dict[str, Any]],
) -> None:
    start, end = previous_period(question.start, question.end)
    now = Leaves(history, question, role)
    before = Leaves(history, replace(question, start=start, end=end), role)
    for tree, row in zip(trees, rows, strict=True):
        check(row, reckon(tree, now), reckon(tree, before), tree)
