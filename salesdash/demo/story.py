"""What happens in the demo: the same story for the same seed and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from salesdash.demo.cast import FIRST_NAMES, LAST_NAMES, SOURCES, Company, Package

DAYS_BACK, DAYS_AHEAD = 90, 10
LATE_FORMS_DAYS = 5


@dataclass(frozen=True)
class Installment:
    """A payment that reaches the processor."""

    amount: Decimal
    paid_at: datetime


@dataclass(frozen=True)
class Call:
    """One booking and what became of it.

    closer, setter: positions in the company's rosters; setter None for a self-booked call.
    outcome: what the form says (a key of FORMS), "canceled", "rescheduled", or None while nobody
    has said anything. again_at, again_outcome: when a moved call takes place, and what comes of it.
    cash: what the form claims. reported_after: how long after the end of a call its form comes.
    """

    number: int
    name: str
    email: str
    closer: int
    setter: int | None
    source: str
    is_paid_traffic: bool
    is_follow_up: bool
    booked_at: datetime
    scheduled_at: datetime
    outcome: str | None
    again_at: datetime | None = None
    again_outcome: str | None = None
    reported_after: timedelta = timedelta()
    package: Package | None = None
    cash: Decimal | None = None
    payments: tuple[Installment, ...] = ()
    refund: Decimal | None = None
    is_disputed: bool = False
    is_booked_twice: bool = False


FORMS: dict[str, dict[str, object]] = {
    "no_show": {"call_occurred": False, "non_occurrence_reason": "lead_no_show"},
    "showed_no_offer": {"call_occurred": True, "lead_showed": True},
    "showed_offer": {"call_occurred": True, "lead_showed": True, "offer_made": True},
    "closed": {
        "call_occurred": True,
        "lead_showed": True,
        "offer_made": True,
        "deal_closed": True,
    },
}
OUTCOMES = ("canceled", "rescheduled", "no_show", "showed_no_offer", "showed_offer", "closed")
WEIGHTS = (8, 7, 17, 20, 26, 22)
LATE_SHARES = (0.02, 0.06, 0.16)
"""How often each closer of a company reports on a call no sooner than the next day."""


def calls(company: Company, *, seed: int, today: date, now: datetime) -> Iterator[Call]:
    """The company's bookings in order of their days. now: nothing after it has happened yet.

    The first call that is still to come is booked twice.
    """
    dice = Random(f"{seed}:{company.slug}")  # noqa: S311 - a story, not a secret
    number, nobody_yet = 0, True
    for offset in range(-DAYS_BACK, DAYS_AHEAD):
        day = today + timedelta(days=offset)
        if day.weekday() >= 5:
            continue
        for _ in range(dice.randint(*company.calls_per_day)):
            number += 1
            call = _call(company, dice, number, day, now)
            call = replace(call, reported_after=_delay(company, seed, number, call.closer))
            if nobody_yet and call.scheduled_at > now:
                call, nobody_yet = replace(call, is_booked_twice=True), False
            yield call


def _call(company: Company, dice: Random, number: int, day: date, now: datetime) -> Call:
    zone = ZoneInfo(company.timezone)
    # Every die is rolled for every call, so that the hour of the day changes no later call.
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    slot = time(hour=dice.randint(9, 17), minute=dice.choice((0, 30)))
    scheduled_at = datetime.combine(day, slot, zone).astimezone(UTC)
    booked_at = scheduled_at - timedelta(hours=dice.randint(6, 150))
    outcome: str | None = dice.choices(OUTCOMES, WEIGHTS)[0]
    closer = dice.randrange(company.closer_seats)
    setter = dice.choice((*range(len(company.setters)), *range(len(company.setters)), None))
    source = dice.choice(SOURCES)
    package = dice.choice(company.packages)
    luck, days_later, hour = dice.random(), dice.randint(1, 6), dice.randint(9, 17)
    second = dice.choice(("no_show", "showed_no_offer", "showed_offer"))
    forgotten, follow_up = dice.random() < 0.25, dice.random() < 0.2

    again_at = None
    happens_at = scheduled_at + timedelta(hours=1)
    if outcome == "rescheduled":
        again_on = day + timedelta(days=days_later)
        again_at = datetime.combine(again_on, time(hour=hour), zone).astimezone(UTC)
    if outcome in {"canceled", "rescheduled"}:
        happens_at = scheduled_at - timedelta(hours=3)
    is_recent = scheduled_at > now - timedelta(days=LATE_FORMS_DAYS)
    if happens_at > now or booked_at > now or (forgotten and is_recent and outcome in FORMS):
        outcome, again_at = None, None

    won = outcome == "closed"
    is_wire = won and luck > 0.94
    payments = _payments(package, scheduled_at, now) if won and not is_wire else ()
    return Call(
        number=number,
        name=f"{first} {last}",
        email=f"{first}.{last}.{number}@mail.example".lower(),
        closer=closer,
        setter=setter,
        source=source,
        is_paid_traffic=source == "Facebook Ads",
        is_follow_up=follow_up,
        booked_at=min(booked_at, now - timedelta(minutes=5)),
        scheduled_at=scheduled_at,
        outcome=outcome,
        again_at=again_at,
        again_outcome=second if again_at and again_at + timedelta(hours=2) <= now else None,
        package=package if won else None,
        cash=_first_part(package) if won else None,
        payments=payments,
        refund=_refund(payments, luck),
        is_disputed=bool(payments) and 0.10 <= luck < 0.12,
    )


def _delay(company: Company, seed: int, number: int, closer: int) -> timedelta:
    """Habits of a closer, of dice of their own, so that they change nothing else of the story."""
    dice = Random(f"{seed}:{company.slug}:{number}:form")  # noqa: S311 - a story, not a secret
    if dice.random() < LATE_SHARES[closer % len(LATE_SHARES)]:
        return timedelta(hours=dice.randint(25, 60))
    return timedelta(minutes=dice.randint(2, 180))


def _first_part(package: Package) -> Decimal:
    return (package.price / package.installments).quantize(Decimal("0.01"))


def _payments(package: Package, scheduled_at: datetime, now: datetime) -> tuple[Installment, ...]:
    """The first part an hour after the call, the others a month apart, as far as they are due."""
    part = _first_part(package)
    first = scheduled_at + timedelta(minutes=70)
    due = (first + timedelta(days=30 * k) for k in range(package.installments))
    return tuple(Installment(part, at) for at in due if at <= now)


def _refund(payments: tuple[Installment, ...], luck: float) -> Decimal | None:
    if not payments or luck >= 0.10:
        return None
    whole = payments[0].amount
    return whole if luck < 0.04 else (whole / 4).quantize(Decimal("0.01"))
