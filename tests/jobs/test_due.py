"""When schedules are due, across the nights on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from jobs.due import Due, Schedule, ScheduleUnusable, due, instant

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"
SECONDS = st.integers(0, 3 * 366 * 86_400)
"""Seconds after ANCHOR: three years."""


def cron(expression: str, timezone: str) -> Schedule:
    return Schedule(expression, None, timezone, ANCHOR)


def fires(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """Every instant at which a worker that never sleeps fires in start < instant <= end."""
    found, after = [], start
    at = due(schedule, after=start, now=start).next_at
    while at <= end:
        result = due(schedule, after=after, now=at)
        assert result.fire_time == at
        found.append(at)
        after, at = at, result.next_at
    return found


def local(at: datetime, timezone: str) -> str:
    return at.astimezone(ZoneInfo(timezone)).isoformat()


@pytest.mark.parametrize(
    ("expression", "timezone", "around", "expected"),
    [
        # Clocks go forward: the local time does not exist, the next valid instant is taken.
        ("30 2 * * *", NEW_YORK, "2026-03-08", ["2026-03-08T03:00:00-04:00"]),
        ("30 2 * * *", BERLIN, "2026-03-29", ["2026-03-29T03:00:00+02:00"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-04", ["2026-10-04T02:30:00+11:00"]),
        # Clocks go back: the local time comes twice, the first one is taken.
        ("30 1 * * *", NEW_YORK, "2026-11-01", ["2026-11-01T01:30:00-04:00"]),
        ("30 2 * * *", BERLIN, "2026-10-25", ["2026-10-25T02:30:00+02:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-05", ["2026-04-05T01:45:00+11:00"]),
        # Two local times that are both skipped are one instant, and one run.
        ("10,40 2 * * *", BERLIN, "2026-03-29", ["2026-03-29T03:00:00+02:00"]),
        # Ordinary days of the same zones.
        ("30 2 * * *", NEW_YORK, "2026-03-09", ["2026-03-09T02:30:00-04:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-06", ["2026-04-06T01:45:00+10:30"]),
    ],
)
def test_a_local_time_fires_once_a_day_whatever_the_clocks_do(
    expression: str, timezone: str, around: str, expected: list[str]
) -> None:
    zone = ZoneInfo(timezone)
    start = datetime.fromisoformat(around).replace(tzinfo=zone) - timedelta(seconds=1)
    end = start.astimezone(UTC) + timedelta(hours=23)
    found = fires(cron(expression, timezone), start.astimezone(UTC), end)
    assert [local(at, timezone) for at in found] == expected


@pytest.mark.parametrize("timezone", [NEW_YORK, BERLIN, LORD_HOWE])
def test_a_daily_schedule_fires_on_every_local_day_of_a_year_exactly_once(timezone: str) -> None:
    zone = ZoneInfo(timezone)
    start = datetime(2026, 1, 1, tzinfo=zone) - timedelta(seconds=1)
    for expression in ("30 1 * * *", "30 2 * * *", "10 2 * * *"):
        found = fires(
            cron(expression, timezone),
            start.astimezone(UTC),
            datetime(2026, 12, 31, 23, 59, tzinfo=zone).astimezone(UTC),
        )
        days = [at.astimezone(zone).date() for at in found]
        assert len(days) == len(set(days)) == 365


@pytest.mark.parametrize("weekday", ["0", "7"])
def test_weekdays_0_and_7_are_sunday(weekday: str) -> None:
    sunday = datetime(2026, 11, 22, 9, tzinfo=UTC)
    found = due(cron(f"0 9 * * {weekday}", "UTC"), after=sunday - timedelta(days=2), now=sunday)
    assert found == Due(sunday, sunday + timedelta(days=7))


def test_weekday_1_is_monday() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert due(cron("0 9 * * 1", "UTC"), after=friday, now=friday).next_at == datetime(
        2026, 11, 23, 9, tzinfo=UTC
    )


def test_missed_instants_fire_once_at_the_latest_of_them() -> None:
    now = datetime(2026, 3, 10, 12, 7, tzinfo=UTC)
    found = due(cron("0 * * * *", "UTC"), after=now - timedelta(days=9), now=now)
    assert found == Due(
        datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 10, 13, tzinfo=UTC)
    )


def test_an_instant_that_was_dealt_with_is_not_due_again() -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert due(cron("0 12 * * *", "UTC"), after=at, now=at + timedelta(hours=1)).fire_time is None


@given(
    minutes=st.integers(1, 60 * 24 * 40),
    now=st.integers(0, 10**9),
    interval_s=st.integers(60, 31_622_400),
)
def test_intervals_are_counted_from_the_anchor_of_the_row(
    minutes: int, now: int, interval_s: int
) -> None:
    at = ANCHOR + timedelta(seconds=now)
    schedule = Schedule(None, interval_s, "UTC", ANCHOR)
    found = due(schedule, after=at - timedelta(minutes=minutes), now=at)
    assert found.next_at > at
    assert (found.next_at - ANCHOR) % timedelta(seconds=interval_s) == timedelta(0)
    if found.fire_time is not None:
        assert at - timedelta(minutes=minutes) < found.fire_time <= at
        assert found.next_at - found.fire_time == timedelta(seconds=interval_s)
    else:
        latest = found.next_at - timedelta(seconds=interval_s)
        assert latest <= at - timedelta(minutes=minutes) or latest < ANCHOR


@given(
    SECONDS,
    st.sampled_from([NEW_YORK, BERLIN, LORD_HOWE, "Asia/Kathmandu", "UTC"]),
)
def test_every_local_time_becomes_the_first_instant_that_is_not_before_it(
    seconds: int, timezone: str
) -> None:
    wanted, zone = (ANCHOR + timedelta(seconds=seconds)).replace(tzinfo=None), ZoneInfo(timezone)
    at = instant(wanted, zone)
    assert at.astimezone(zone).replace(tzinfo=None) >= wanted
    before = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert before < wanted


@given(
    st.sampled_from(["*/7 3 * * *", "0 0 1 * *", "5 4 * * 1-5", "0 12 29 2 *", "30 6 1,15 * 3"]),
    SECONDS,
)
def test_without_clock_changes_the_instants_are_those_of_the_cron_library(
    expression: str, seconds: int
) -> None:
    now = ANCHOR + timedelta(seconds=seconds)
    found = due(cron(expression, "UTC"), after=now, now=now)
    assert found.next_at == next(CronSim(expression, now))


@pytest.mark.parametrize(
    "schedule",
    [
        cron("0 0 30 2 *", "UTC"),
        cron("0 9 * * *", "Mars/Olympus"),
        cron("sometimes", "UTC"),
        Schedule(None, None, "UTC", ANCHOR),
    ],
)
def test_a_schedule_that_never_comes_due_says_so(schedule: Schedule) -> None:
    with pytest.raises(ScheduleUnusable):
        due(schedule, after=ANCHOR, now=ANCHOR)
