"""What goes on around the calls: setters dial leads, calendars are read at night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from salesdash.demo.cast import Company
from salesdash.demo.story import Call

CAPTURED_DAYS, CAPTURED_AHEAD = 60, 14
CAPTURED_AT = time(23, 30)
MISSED_NIGHTS = 2
DIALING_HOURS = range(8, 20)
UNANSWERED = ("no_answer", "no_answer", "no_answer", "voicemail", "busy")
UNDIALED_SHARE, PROMPT_SHARE = 0.12, 0.45


@dataclass(frozen=True)
class Dial:
    """A call that a setter started. disposition: in the telephone system's word."""

    started_at: datetime
    disposition: str
    talk_seconds: int


@dataclass(frozen=True)
class Lead:
    """How somebody who books became known, and the dials until they booked, if there were any."""

    call: Call
    created_at: datetime
    dials: tuple[Dial, ...]


@dataclass(frozen=True)
class Capture:
    """What a calendar had for a day. closer: position in the company's roster."""

    closer: int
    day: date
    captured_at: datetime
    free_slots: int
    booked_slots: int


def leads(company: Company, story: Iterable[Call], *, seed: int) -> Iterator[Lead]:
    """Who books, one per call. Who books alone was known no sooner and is never dialed."""
    zone = ZoneInfo(company.timezone)
    for call in story:
        dice = Random(f"{seed}:{company.slug}:{call.number}:dials")  # noqa: S311 - a story, not a secret
        if call.setter is None:
            yield Lead(call, call.booked_at, ())
        elif dice.random() < UNDIALED_SHARE:  # a chat led to the booking
            yield Lead(call, call.booked_at - timedelta(hours=dice.randint(2, 40)), ())
        else:
            dials = _dials(dice, call.booked_at, zone)
            prompt = dice.random() < PROMPT_SHARE
            seconds = dice.randint(40, 290) if prompt else dice.randint(400, 30_000)
            yield Lead(call, dials[0].started_at - timedelta(seconds=seconds), dials)


def _dials(dice: Random, booked_at: datetime, zone: ZoneInfo) -> tuple[Dial, ...]:
    """The dials before a booking, in order: the last is answered and leads to it."""
    at = _by_day(booked_at - timedelta(minutes=dice.randint(15, 25)), zone)
    dials = [Dial(at, "answered", dice.randint(90, 780))]
    for _ in range(dice.randint(0, 5)):
        at = _by_day(at - timedelta(minutes=dice.randint(20, 400)), zone)
        disposition = dice.choice(UNANSWERED)
        dials.append(
            Dial(at, disposition, dice.randint(8, 25) if disposition == "voicemail" else 0)
        )
    return tuple(reversed(dials))


def _by_day(at: datetime, zone: ZoneInfo) -> datetime:
    """This moment, or the last one before it at which setters dial."""
    local = at.astimezone(zone)
    if local.hour in DIALING_HOURS:
        return at
    evening = local.date() - timedelta(days=local.hour < DIALING_HOURS.start)
    last_hour = time(DIALING_HOURS.stop - 1, local.minute, local.second)
    return datetime.combine(evening, last_hour, zone).astimezone(UTC)


def captures(
    company: Company, story: Iterable[Call], *, seed: int, today: date
) -> Iterator[Capture]:
    """Calendars as read in the night before each day, and those ahead as read in the last night.

    Nobody offers weekends. On MISSED_NIGHTS of the working days the calendars were not read.
    """
    zone = ZoneInfo(company.timezone)
    dice = Random(f"{seed}:{company.slug}:calendars")  # noqa: S311 - a story, not a secret
    calls_of: dict[tuple[int, date], list[datetime]] = {}
    for call in story:
        key = call.closer, call.scheduled_at.astimezone(zone).date()
        calls_of.setdefault(key, []).append(call.booked_at)
    days = [today + timedelta(days=n) for n in range(-CAPTURED_DAYS, CAPTURED_AHEAD + 1)]
    missed = dice.sample([d for d in days if d < today and d.weekday() < 5], MISSED_NIGHTS)
    for day in days:
        night = min(day, today) - timedelta(days=1)
        captured_at = datetime.combine(night, CAPTURED_AT, zone).astimezone(UTC)
        for closer in range(company.closer_seats):
            offered = dice.randint(4, 7) if day.weekday() < 5 else 0
            booked = sum(at < captured_at for at in calls_of.get((closer, day), ()))
            if day not in missed:
                yield Capture(closer, day, captured_at, max(offered - booked, 0), booked)
