"""Days, periods, what they are compared with, and the catalog that says what the numbers mean."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metrics.recount import previous_period
from tests.metrics.strategies import ANCHORS
from tests.world import NOON, World


@given(st.sampled_from(ANCHORS), st.integers(-3, 3), st.integers(-8, 8))
def test_a_day_begins_with_its_first_instant(
    db: psycopg.Connection, anchor: tuple[str, date], days: int, quarters: int
) -> None:
    zone, day = anchor
    day += timedelta(days=days)
    row = db.execute("select app.day_start(%s, %s)", (day, zone)).fetchone()
    assert row is not None
    at = row[0] + timedelta(minutes=15 * quarters)
    assert (at.astimezone(ZoneInfo(zone)).date() >= day) == (quarters >= 0)


def test_the_day_on_which_midnight_comes_twice_has_all_its_hours(db: psycopg.Connection) -> None:
    hours = db.execute(
        "select app.day_start('2025-11-03', zone) - app.day_start('2025-11-02', zone)"
        "  from unnest(array['America/Havana', 'America/New_York', 'UTC']) as zone"
    ).fetchall()
    assert [hours for (hours,) in hours] == [timedelta(hours=h) for h in (25, 25, 24)]


@pytest.mark.parametrize(
    ("start", "end", "before_start", "before_end"),
    [
        ("2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("2024-03-01", "2024-03-31", "2024-02-01", "2024-02-29"),
        ("2026-01-01", "2026-01-31", "2025-12-01", "2025-12-31"),
        ("2026-02-01", "2026-02-28", "2026-01-01", "2026-01-31"),
        ("2026-01-01", "2026-03-31", "2025-10-01", "2025-12-31"),
        ("2026-04-01", "2026-06-30", "2026-01-01", "2026-03-31"),
        ("2026-02-01", "2026-04-30", "2025-11-04", "2026-01-31"),
        ("2026-03-02", "2026-03-08", "2026-02-23", "2026-03-01"),
        ("2026-03-10", "2026-03-10", "2026-03-09", "2026-03-09"),
        ("2026-03-01", "2026-03-30", "2026-01-30", "2026-02-28"),
        ("2026-01-01", "2026-12-31", "2025-01-01", "2025-12-31"),
    ],
)
def test_a_period_is_compared_with_the_one_before(
    db: psycopg.Connection, start: str, end: str, before_start: str, before_end: str
) -> None:
    row = db.execute(
        "select p.start_date::text, p.end_date::text from app.previous_period(%s, %s) as p",
        (start, end),
    ).fetchone()
    assert row == (before_start, before_end)


@given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(0, 400))
def test_the_period_before_ends_where_the_period_starts(
    db: psycopg.Connection, start: date, days: int
) -> None:
    end = start + timedelta(days=days)
    row = db.execute(
        "select p.start_date, p.end_date from app.previous_period(%s, %s) as p", (start, end)
    ).fetchone()
    assert row == previous_period(start, end)


@pytest.mark.parametrize(
    "given",
    [
        {"start_date": "2026-03-31", "end_date": "2026-03-01"},
        {"start_date": None, "end_date": "2026-03-01"},
        {"start_date": "2026-03-01", "end_date": None},
        {"start_date": "-infinity", "end_date": "2026-03-01"},
        {"start_date": "2026-03-01", "end_date": "infinity"},
        {"start_date": "0001-01-01", "end_date": "2026-03-01"},
        {"start_date": "2026-03-01", "end_date": "9999-12-31"},
        {"start_date": "2026-03-01", "end_date": "2026-03-01", "as_of": "infinity"},
        {"start_date": "2026-03-01", "end_date": "2026-03-01", "as_of": "294276-12-31 23:59:59Z"},
        {"start_date": "2026-03-01", "end_date": "2026-03-01", "as_of": "4714-11-24 00:00Z BC"},
    ],
)
def test_meaningless_dates_are_refused(world: World, given: dict[str, Any]) -> None:
    ada = world.organization("acme").admin()
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with world.acting_as(ada) as db, pytest.raises(psycopg.Error) as error:
        db.rows(f"select * from api.core_metrics({names})", **given)
    assert error.value.sqlstate == "PT422"


def test_as_of_left_out_or_null_is_now(world: World) -> None:
    ada = world.organization("acme").admin()
    with world.acting_as(ada) as db:
        for given in ("", ", as_of => null"):
            call = f"core_metrics('2026-03-01', '2026-03-31'{given})"
            answer = db.rows(f"select as_of = now() as is_now from {call}")
            assert {row["is_now"] for row in answer} == {True}


def test_the_last_evening_of_the_month_belongs_to_the_month(world: World) -> None:
    acme = world.organization("acme", timezone="America/New_York")
    ada, dana = acme.admin(), acme.closer()
    evening = datetime(2026, 4, 1, 3, 59, tzinfo=UTC)  # 23:59 on March 31
    acme.event(closer=dana, outcome="closed", scheduled_at=evening)
    acme.event(closer=dana, outcome="no_show", scheduled_at=evening + timedelta(minutes=1))
    with world.acting_as(ada) as db:
        query = "select value from core_metrics(%s, %s) where metric = %s"
        assert db.value(query, "2026-03-01", "2026-03-31", "shows") == 1
        assert db.value(query, "2026-03-01", "2026-03-31", "no_shows") == 0
        assert db.value(query, "2026-04-01", "2026-04-01", "no_shows") == 1


def test_the_catalog_explains_every_number_and_no_other(world: World) -> None:
    acme = world.organization("acme")
    acme.event(closer=acme.closer(), scheduled_at=NOON)
    with world.acting_as(acme.admin()) as db:
        answer = db.rows("select metric, unit from core_metrics('2026-03-01', '2026-03-31')")
        catalog = db.rows("select * from metric_catalog order by position")
    assert [(row["metric"], row["unit"]) for row in answer] == [
        (row["metric"], row["unit"])
        for row in catalog
        if row["family"] != "setters" and row["metric"] != "pcf_median_delay"
    ]
    for row in catalog:
        assert all(row[part] for part in ("label", "sentence", "numerator", "date_field")), row
        assert (row["denominator"] is not None) == (
            row["unit"] in ("rate", "ratio") or row["metric"] == "aov"
        ), row


def test_the_seeds_core_metrics_are_there(world: World) -> None:
    with world.acting_as(world.organization("acme").admin()) as db:
        metrics = db.ids("select metric from core_metrics('2026-03-01', '2026-03-31')")
    assert metrics >= {
        "booked_calls",
        "show_rate",
        "close_rate",
        "offer_rate",
        "cash_collected",
        "pending_pcfs",
        "utilization",
    }
