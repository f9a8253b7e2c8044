"""Whatever happened, every metric is what a recount of the base rows by hand gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.recount import Number, Recount, previous_period
from tests.metrics.stages import make_stage
from tests.metrics.strategies import CLOSERS, SETTERS, filters, histories
from tests.world import Person, World

GRACE = timedelta(hours=2)
HIDDEN_FROM_SETTERS = {
    "net_close_rate",
    "qualified_show_rate",
    "pcf_timeliness",
    "pcf_median_delay",
    "utilization",
    "held_utilization",
    "deals_won",
    "contracted_revenue",
    "collected_share",
    "aov",
    "outstanding",
    "overdue",
    "unattributed_cash",
    "verified_share",
}


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def ask(
    stage: Stage, who: Person, question: Question, **given: object
) -> dict[str, dict[str, Any]]:
    """What this person is answered. given: arguments instead of the question's filters."""
    arguments = {
        "start_date": question.start,
        "end_date": question.end,
        "as_of": question.as_of,
        **(
            given
            or {
                "closer_id": stage.person(stage.closers, question.closer),
                "setter_id": stage.person(stage.setters, question.setter),
                "source_id": stage.row(stage.sources, question.source),
                "traffic_type_id": stage.row(stage.traffic_types, question.traffic_type),
                "call_type_id": stage.row(stage.call_types, question.call_type),
            }
        ),
    }
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with stage.organization.world.acting_as(who) as db:
        rows = db.rows(f"select * from core_metrics({names})", **arguments)
    return {row["metric"]: row for row in rows}


def expected(history: History, question: Question, cash_role: str | None) -> dict[str, Number]:
    """What the recount gives."""
    recount = Recount(history, question, cash_role)
    numbers = recount.period_metrics() | recount.standing_metrics(GRACE)
    del numbers["pcf_median_delay"]  # told by name only
    return numbers


def quotient(number: Number) -> Fraction | None:
    """The value of a metric."""
    if number.value is None or number.over == 0:
        return None
    return Fraction(number.value) / Fraction(1 if number.over is None else number.over)


def same(given: Decimal | None, wanted: Fraction | int | Decimal | None) -> bool:
    """Equal, up to what a quotient loses when it is written in decimals."""
    if given is None or wanted is None:
        return given is wanted
    return abs(Fraction(given) - Fraction(wanted)) <= Fraction(1, 10**12)


def check(
    answer: dict[str, dict[str, Any]],
    now: dict[str, Number],
    before: dict[str, Number],
    hidden: set[str] = frozenset(),  # type: ignore[assignment]
) -> None:
    """Every number of the answer is the recount's."""
    assert set(answer) == set(now)
    for metric, row in answer.items():
        if metric in hidden:
            assert row["value"] is None, metric
            assert row["numerator"] is None, metric
            assert row["denominator"] is None, metric
            assert row["previous_value"] is None, metric
            assert row["coverage"] is None, metric
            continue
        wanted = now[metric]
        assert row["numerator"] == wanted.value, metric
        assert row["denominator"] == wanted.over, metric
        assert same(row["value"], quotient(wanted)), metric
        assert same(row["coverage"], wanted.coverage), metric
        past = before.get(metric)
        assert same(row["previous_value"], past and quotient(past)), f"{metric} before"


def compare(
    stage: Stage,
    history: History,
    question: Question,
    who: Person,
    cash_role: str | None,
    hidden: set[str] = frozenset(),  # type: ignore[assignment]
    **given: object,
) -> None:
    """Ask, recount, compare."""
    answer = ask(stage, who, question, **given)
    start, end = previous_period(question.start, question.end)
    past = Recount(history, replace(question, start=start, end=end), cash_role)
    check(answer, expected(history, question, cash_role), past.period_metrics(), hidden)


@settings(max_examples=12)
@given(histories(), filters())
def test_an_admin_gets_the_recount_with_any_filters(
    stage: Stage, made: tuple[History, Question], chosen: dict[str, int | None]
) -> None:
    history, question = made
    filtered = replace(question, **chosen)
    role = "closer" if filtered.closer is not None else None
    if role is None and filtered.setter is not None:
        role = "setter"
    with stage.playing(history):
        compare(stage, history, question, stage.admin, None)
        compare(stage, history, filtered, stage.admin, role)
        stage.build()
        compare(stage, history, question, stage.admin, None)
        compare(stage, history, filtered, stage.admin, role)


@settings(max_examples=6)
@given(histories(), st.integers(0, CLOSERS - 1), st.integers(0, SETTERS - 1))
def test_people_get_the_numbers_an_admin_sees_of_them_and_no_others(
    stage: Stage, made: tuple[History, Question], closer: int, setter: int
) -> None:
    history, question = made
    with stage.playing(history):
        mine = replace(question, closer=closer)
        compare(stage, history, mine, stage.closers[closer], "closer", as_of=question.as_of)
        mine = replace(question, setter=setter)
        person = stage.setters[setter]
        compare(
            stage, history, mine, person, "setter", HIDDEN_FROM_SETTERS, setter_id=person.setter_id
        )


@settings(max_examples=5)
@given(histories())
def test_parts_add_up_to_the_whole(stage: Stage, made: tuple[History, Question]) -> None:
    history, question = made
    with stage.playing(history):
        whole = ask(stage, stage.admin, question)
        parts = [
            ask(stage, stage.admin, replace(question, closer=closer)) for closer in range(CLOSERS)
        ]
    nobodys = [call for call in Recount(history, question, None).due() if call.closer is None]
    for metric in ("shows", "closes", "canceled"):
        state = {"shows": "completed", "closes": "completed", "canceled": "canceled"}[metric]
        rest = sum(
            1
            for call in nobodys
            if call.status == state
            and Recount(history, question, None).in_rates(call)
            and (metric != "closes" or call.outcome == "closed")
        )
        assert sum(part[metric]["value"] for part in parts) + rest == whole[metric]["value"]
    unattributed = whole["unattributed_cash"]["value"]
    collected = sum(part["cash_collected"]["value"] for part in parts)
    assert collected + unattributed == whole["cash_collected"]["value"]


@settings(max_examples=5)
@given(histories())
def test_over_all_time_net_cash_is_net_revenue(
    stage: Stage, made: tuple[History, Question]
) -> None:
    history, question = made
    ever = replace(question, start=question.start.replace(1970), end=question.end.replace(2199))
    with stage.playing(history):
        for closer in (None, *range(CLOSERS)):
            answer = ask(stage, stage.admin, replace(ever, closer=closer))
            assert answer["net_cash"]["value"] == answer["net_revenue"]["value"]


@settings(max_examples=10)
@given(histories())
def test_money_by_package_is_that_of_the_payment_or_of_its_deal(
    stage: Stage, made: tuple[History, Question]
) -> None:
    history, question = made
    recount = Recount(history, question, None)
    wanted: dict[object, Decimal] = {}
    for movement in recount.whole_movements():
        if recount.within(movement.at):
            package = stage.row(stage.packages, recount.package_of(movement.payment))
            wanted[package] = wanted.get(package, Decimal(0)) + movement.amount

    def answered() -> dict[object, Decimal]:
        with stage.organization.world.acting_as(stage.admin) as db:
            rows = db.rows(
                "select member_id, value from metric_breakdown('net_cash', 'package',"
                " start_date => %(start)s, end_date => %(end)s)",
                start=question.start,
                end=question.end,
            )
        return {row["member_id"]: row["value"] for row in rows if row["value"]}

    wanted = {package: amount for package, amount in wanted.items() if amount}
    with stage.playing(history):
        assert answered() == wanted
        stage.build()
        assert answered() == wanted


@settings(max_examples=4)
@given(histories(), filters())
def test_the_rows_behind_every_part_add_up_to_it(
    stage: Stage, made: tuple[History, Question], chosen: dict[str, int | None]
) -> None:
    history, question = made
    filtered = replace(question, **chosen)
    with stage.playing(history):
        answer = ask(stage, stage.admin, filtered)
        rows = rows_behind(stage, stage.admin, filtered)
    assert set(rows) == {*answer, "pcf_median_delay"}
    for metric, row in answer.items():
        assert rows[metric].get("numerator") == row["numerator"], metric
        assert rows[metric].get("denominator") == row["denominator"], metric


def rows_behind(
    stage: Stage, who: Person, question: Question
) -> dict[str, dict[str, Decimal | None]]:
    """What the rows of each part of each metric come to."""
    world = stage.organization.world
    parts = world.rows(
        "select p.metric, p.part, p.adds from app.metric_parts() as p"
        " join app.metric_catalog as c on c.metric = p.metric and c.family <> 'setters'"
    )
    totals: dict[str, dict[str, Decimal | None]] = {}
    with world.acting_as(who) as db:
        for part in parts:
            total = db.value(
                "select case %(adds)s when 'rows' then count(*) when 'amount' then"
                " coalesce(sum(amount), 0)"
                " else (percentile_disc(0.5) within group (order by amount)"
                " + percentile_disc(0.5) within group (order by amount desc)) / 2 end"
                " from metric_rows(metric => %(metric)s, part => %(part)s,"
                " start_date => %(start)s, end_date => %(end)s, as_of => %(as_of)s,"
                " closer_id => %(closer)s, setter_id => %(setter)s, source_id => %(source)s,"
                " traffic_type_id => %(traffic_type)s, call_type_id => %(call_type)s)",
                **part,
                start=question.start,
                end=question.end,
                as_of=question.as_of,
                closer=stage.person(stage.closers, question.closer),
                setter=stage.person(stage.setters, question.setter),
                source=stage.row(stage.sources, question.source),
                traffic_type=stage.row(stage.traffic_types, question.traffic_type),
                call_type=stage.row(stage.call_types, question.call_type),
            )
            totals.setdefault(part["metric"], {})[part["part"]] = total
    return totals
