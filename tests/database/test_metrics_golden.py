"""The worked numbers of tests/golden, asked of the API as an admin asks."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.golden.scene import AS_OF, EXPECTED, Golden, golden
from tests.metrics.parts import numbers
from tests.world import World

JANUARY = "2026-01-01..2026-01-31"
PERIODS = [
    (family, period, metric, expected)
    for family in ("call_metrics", "cash_metrics")
    for period, metrics in EXPECTED[family].items()
    for metric, expected in metrics.items()
]


@pytest.fixture
def scene(world: World) -> Golden:
    """The golden organization."""
    return golden(world)


def ask(scene: Golden, period: str, **filters: object) -> dict[str, dict[str, Any]]:
    """The rows of core_metrics by metric. period: first..last day."""
    first, last = period.split("..")
    given = {"start_date": first, "end_date": last, "as_of": AS_OF, **filters}
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    with scene.organization.world.acting_as(scene.admin) as db:
        rows = db.rows(f"select * from core_metrics({arguments})", **given)
    return {row["metric"]: row for row in rows}


def test_every_golden_number_is_what_the_api_answers(scene: Golden) -> None:
    answers = {period: ask(scene, period) for _, period, _, _ in PERIODS}
    for family, period, metric, expected in PERIODS:
        row = answers[period][metric]
        what = f"{metric} of {period}"
        if expected is None:
            assert row["value"] is None, what
        elif isinstance(expected, list):
            assert [row["numerator"], row["denominator"]] == expected, what
            assert abs(row["value"] - Decimal(expected[0]) / expected[1]) < Decimal("1e-15"), what
        elif family == "cash_metrics":
            assert str(row["value"]) == expected, what
        else:
            assert row["value"] == expected, what


def pieces(scene: Golden, function: str, period: str, **given: object) -> list[dict[str, Any]]:
    """The rows of metric_series or metric_breakdown."""
    first, last = period.split("..")
    given = {"start_date": first, "end_date": last, "as_of": AS_OF, **given}
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    with scene.organization.world.acting_as(scene.admin) as db:
        return db.rows(f"select * from {function}({arguments})", **given)


@pytest.mark.parametrize("metric", ["booked_calls", "show_rate", "net_cash"])
def test_golden_days_and_parts_are_what_the_api_answers(scene: Golden, metric: str) -> None:
    expected = {named: value for _, period, named, value in PERIODS if period == JANUARY}[metric]
    for function, given in (
        ("metric_series", {"bucket": "day"}),
        ("metric_series", {"bucket": "week"}),
        ("metric_breakdown", {"dimension": "closer"}),
    ):
        rows = pieces(scene, function, JANUARY, metric=metric, **given)
        parts = [sum(row[p] or 0 for row in rows) for p in ("numerator", "denominator")]
        assert parts == (expected if metric == "show_rate" else [Decimal(expected), 0]), function


@pytest.mark.parametrize("dimension", ["closer", "call_type", None])
def test_every_golden_number_is_the_sum_of_its_parts_and_days(
    scene: Golden, dimension: str | None
) -> None:
    for period in {case[1] for case in PERIODS}:
        first, last = map(date.fromisoformat, period.split(".."))
        length = (last - first).days + 1
        step = length if dimension else 1 if length < 50 else 7
        days = [first + timedelta(days=n) for n in range(0, length, step)]
        found = numbers(scene.organization, [*days, last + timedelta(days=1)], AS_OF, {}, dimension)
        for _, asked, metric, expected in PERIODS:
            if asked == period:
                rows = found.get(metric, [])
                parts = [
                    sum((row[p] or 0 for row in rows), Decimal(0))
                    for p in ("numerator", "denominator")
                ]
                wanted = expected if isinstance(expected, list) else [Decimal(expected or 0), 0]
                assert parts == wanted, (metric, period)


def test_an_empty_golden_month_has_no_rate_in_series_or_parts(scene: Golden) -> None:
    empty = "2025-01-01..2025-01-31"
    for metric in ("show_rate", "close_rate"):
        days = pieces(scene, "metric_series", empty, metric=metric, bucket="day")
        (part,) = pieces(scene, "metric_breakdown", empty, metric=metric, dimension="closer")
        assert {row["value"] for row in (*days, part)} == {None}, metric


def test_a_split_payment_is_credited_in_parts_that_add_up(scene: Golden) -> None:
    stored = scene.organization.world.rows(
        "select closer_id, amount_base from app.payment_credits"
        " where organization_id = %s and payment_id = %s",
        scene.organization.id,
        scene.payments["1"].id,
    )
    assert {row["closer_id"]: str(row["amount_base"]) for row in stored} == {
        scene.closers[name].closer_id: amount
        for name, amount in EXPECTED["credits"]["payment 1"].items()
    }


def test_what_closers_bring_in_and_the_unattributed_rest_are_the_whole(scene: Golden) -> None:
    year = "2026-01-01..2026-12-31"
    whole = ask(scene, year)
    parts = [ask(scene, year, closer_id=closer.closer_id) for closer in scene.closers.values()]
    unattributed = whole["unattributed_cash"]["value"]
    assert str(unattributed) == EXPECTED["credits"]["unattributed cash 2026"]
    for metric in ("cash_collected", "net_cash", "net_revenue"):
        in_parts = sum(part[metric]["value"] for part in parts)
        assert in_parts + unattributed == whole[metric]["value"], metric


def test_a_closers_january_is_the_credited_part(scene: Golden) -> None:
    january = "2026-01-01..2026-01-31"
    ann = ask(scene, january, closer_id=scene.closers["Ann"].closer_id)
    bob = ask(scene, january, closer_id=scene.closers["Bob"].closer_id)
    assert str(ann["cash_collected"]["value"]) == "2000.00"
    assert str(bob["cash_collected"]["value"]) == "2000.00"
    # Of the 1,000 refunded in February, a third is hers; the dispute of payment 2 was won.
    assert str(ann["net_revenue"]["value"]) == "1666.67"
    assert str(bob["net_revenue"]["value"]) == "1333.33"


def test_the_month_is_compared_with_the_month_before(scene: Golden) -> None:
    january = ask(scene, "2026-01-01..2026-01-31")
    february = ask(scene, "2026-02-01..2026-02-28")
    for metric, row in february.items():
        if row["previous_value"] is not None:
            assert row["previous_value"] == january[metric]["value"], metric
    assert february["show_rate"]["previous_value"] == january["show_rate"]["value"]
    assert february["cash_collected"]["previous_value"] == Decimal("4000.00")


def test_pending_forms_are_those_of_any_day(scene: Golden) -> None:
    february = ask(scene, "2026-02-01..2026-02-28")
    assert february["pending"]["value"] == 0
    assert february["pending_pcfs"]["value"] == 1
    later = ask(scene, "2026-02-01..2026-02-28", as_of="2026-03-01 16:30Z")
    assert later["pending_pcfs"]["value"] == 2
    assert later["overdue_pcfs"]["value"] == 1
    assert later["overdue_pcfs"]["previous_value"] is None
