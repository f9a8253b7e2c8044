"""When a schedule is due: computed from its row alone, never from when a process started.

A cron expression is read as local wall-clock time by `cronsim` (weekday 0 and 7 are Sunday); each
local time then becomes one instant: of a repeated one the first, for a skipped one the next valid
instant. So a repeated local time fires once. Intervals are counted in real seconds from an anchor.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_MARGIN = timedelta(hours=26)
"""More than any zone ever moved its clocks."""


class ScheduleUnusable(Exception):
    """No due instant can be computed. The message says why and is safe to show."""


class Schedule(NamedTuple):
    """What the due instants depend on. Exactly one of cron and interval_s; instants are aware."""

    cron: str | None
    interval_s: int | None
    timezone: str
    anchor_at: datetime


class Due(NamedTuple):
    """fire_time: the latest due instant that is not in the future, if any; next_at: the next."""

    fire_time: datetime | None
    next_at: datetime


def due(schedule: Schedule, *, after: datetime, now: datetime) -> Due:
    """What is due in `after < instant <= now`, many missed ones counting as one, and what is next.

    Raises ScheduleUnusable.
    """
    if schedule.interval_s is not None:
        return _due_by_interval(
            schedule.anchor_at, timedelta(seconds=schedule.interval_s), after, now
        )
    if schedule.cron is None:
        raise ScheduleUnusable("It has neither a cron expression nor an interval.")
    try:
        zone = ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ScheduleUnusable("Its time zone is unknown here.") from None
    try:
        return _due_by_cron(schedule.cron, zone, after, now)
    except CronSimError as error:
        raise ScheduleUnusable(f"Its cron expression cannot be used: {error}.") from None


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The one instant of a naive local time: the first of a repeated one, or the end of the gap."""
    here = local.replace(tzinfo=zone, fold=0)
    at = here.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local:
        return at
    # The local time is skipped. Read with the offset from before the gap (fold 0) it lies after
    # the change, read with the one from behind the gap (fold 1) before it; the change is between.
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), at
    offset_after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset_after:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _due_by_interval(
    anchor_at: datetime, interval: timedelta, after: datetime, now: datetime
) -> Due:
    steps = (now - anchor_at) // interval
    latest = anchor_at + steps * interval
    fires = steps >= 0 and after < latest
    return Due(latest if fires else None, anchor_at + max(0, steps + 1) * interval)


def _due_by_cron(cron: str, zone: ZoneInfo, after: datetime, now: datetime) -> Due:
    local_now = now.astimezone(zone).replace(tzinfo=None, fold=0)
    latest = None
    for at in _instants(cron, zone, local_now + _MARGIN, backwards=True):
        if at <= now:
            latest = at
            break
    for at in _instants(cron, zone, local_now - _MARGIN, backwards=False):
        if at > now:
            return Due(latest if latest is not None and latest > after else None, at)
    raise ScheduleUnusable("Its cron expression never comes due.")


def _instants(cron: str, zone: ZoneInfo, start: datetime, *, backwards: bool) -> Iterator[datetime]:
    for local in CronSim(cron, start, reverse=backwards):
        yield instant(local, zone)
