"""Random histories: clock changes, chains, duplicates, deletions, splits, refunds, disputes."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.metrics.history import (
    SCALES,
    Call,
    Capture,
    Credit,
    Deal,
    Form,
    History,
    Installment,
    Lead,
    Payment,
    Question,
    Refund,
)
from tests.metrics.recount import split

CLOSERS, SETTERS, SOURCES, TRAFFIC_TYPES, CALL_TYPES, PACKAGES = 3, 2, 2, 2, 2, 2

ANCHORS = [
    ("UTC", date(2026, 2, 28)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2025, 11, 2)),
    ("America/Havana", date(2025, 11, 2)),  # midnight comes twice
    ("America/Havana", date(2026, 3, 8)),  # the day begins at one o'clock
    ("Atlantic/Azores", date(2025, 10, 26)),
    ("Africa/Cairo", date(2025, 4, 25)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that does not exist
    ("Asia/Kolkata", date(2026, 1, 1)),
]
"""Zones, and a day on which something happens to their clocks or calendar."""


class _Maker:
    """One history in the making: draws, and numbers that never come twice."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.timezone, self.anchor = self.pick(ANCHORS)
        self.currency = self.pick(["USD", "JPY", "KWD"])
        self._ids = count(1)

    def pick(self, choices):
        return self.draw(st.sampled_from(choices))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == 1

    def some(self, number: int) -> int | None:
        """A position below number, or nothing."""
        return self.pick([None, *range(number)])

    def id(self) -> int:
        return next(self._ids)

    def instant(self, days: int = 6) -> datetime:
        """Within days of the anchor, at a quarter of an hour."""
        midnight = datetime(self.anchor.year, self.anchor.month, self.anchor.day, tzinfo=UTC)
        return midnight + timedelta(minutes=15 * self.draw(st.integers(-96 * days, 96 * days)))

    def day(self, days: int = 6) -> date:
        return self.anchor + timedelta(days=self.draw(st.integers(-days, days)))

    def exists(self, day: date) -> bool:
        """Apia went from one side of the date line to the other, and left a day out."""
        noon = datetime.combine(day, time(12), ZoneInfo(self.timezone))
        return noon.astimezone(UTC).astimezone(noon.tzinfo).date() == day

    def money(self, currency: str) -> Decimal:
        return Decimal(self.draw(st.integers(1, 400_000))).scaleb(-SCALES[currency])

    def priced(self) -> tuple[str, Decimal, Decimal | None]:
        """An amount in some currency, and in the organization's if there is a rate."""
        if self.chance(6):
            return "EUR", self.money("EUR"), self.pick([None, self.money(self.currency)])
        amount = self.money(self.currency)
        return self.currency, amount, amount

    # -- calls

    def leads(self) -> tuple[Lead, ...]:
        return tuple(
            Lead(self.id(), self.chance(6), self.some(SOURCES), self.some(TRAFFIC_TYPES))
            for _ in range(self.draw(st.integers(1, 4)))
        )

    def calls(self, leads: tuple[Lead, ...]) -> tuple[Call, ...]:
        made: list[Call] = []
        for _ in range(self.draw(st.integers(0, 8))):
            lead = self.pick([None, *(lead.id for lead in leads)])
            setter = self.some(SETTERS)
            length = self.pick([1, 1, 1, 2, 3, 4])
            previous = root = None
            for place in range(length):
                if self.chance(12):
                    lead = self.pick([None, *(other.id for other in leads)])
                call = self.call(made, lead, setter, previous, root, is_last=place == length - 1)
                made.append(call)
                previous, root = call.id, call.root
        return tuple(made)

    def call(
        self,
        earlier: list[Call],
        lead: int | None,
        setter: int | None,
        previous: int | None,
        root: int | None,
        *,
        is_last: bool,
    ) -> Call:
        number = self.id()
        status, outcome = self.state(is_last)
        starts_at = self.instant()
        ends_at = starts_at + timedelta(minutes=self.pick([15, 45, 60, 61, 90]))
        return Call(
            id=number,
            lead=lead,
            closer=self.some(CLOSERS),
            setter=setter,
            source=self.some(SOURCES),
            traffic_type=self.some(TRAFFIC_TYPES),
            call_type=self.some(CALL_TYPES),
            booked_at=self.instant(),
            starts_at=starts_at,
            ends_at=ends_at,
            status=status,
            outcome=outcome,
            canceled_by=self.pick(["invitee", "host"]) if status == "canceled" else None,
            previous=previous,
            root=root or number,
            duplicate_of=self.pick(earlier).id if earlier and self.chance(8) else None,
            is_deleted=self.chance(8),
            forms=self.forms(status, ends_at),
        )

    def state(self, is_last: bool) -> tuple[str, str | None]:
        if not is_last and not self.chance(5):
            return "rescheduled", None
        return self.pick(
            [
                ("scheduled", None),
                ("completed", "showed_no_offer"),
                ("completed", "showed_offer"),
                ("completed", "closed"),
                ("completed", "closed"),
                ("no_show", "no_show"),
                ("canceled", None),
                ("rescheduled", None),
            ]
        )

    def forms(self, status: str, ends_at: datetime) -> tuple[Form, ...]:
        least = 1 if status in ("completed", "no_show") else 0
        number = self.draw(st.integers(least, 3))
        may_be_active = status in ("completed", "no_show", "canceled")
        return tuple(
            Form(
                version=version,
                is_active=version == number and may_be_active,
                is_human=not self.chance(4),
                is_voided=(version < number or not may_be_active) and self.chance(3),
                disqualified=self.chance(4),
                submitted_at=ends_at
                + timedelta(minutes=self.pick([-10, 0, 30, 600, 1439, 1440, 1441, 4000])),
            )
            for version in range(1, number + 1)
        )

    # -- money

    def deals(self, leads: tuple[Lead, ...], calls: tuple[Call, ...]) -> tuple[Deal, ...]:
        made = []
        free = [call.id for call in calls]
        for _ in range(self.draw(st.integers(0, 4))):
            origin = self.pick([None, *free])
            if origin is not None:
                free.remove(origin)
            currency, value, base = self.priced()
            made.append(
                Deal(
                    id=self.id(),
                    lead=self.pick(leads).id,
                    call=origin,
                    closer=self.some(CLOSERS),
                    setter=self.some(SETTERS),
                    package=self.some(PACKAGES),
                    status=self.pick(["won", "won", "won", "canceled", "void"]),
                    deal_type=self.pick(["new_deal", "upsell"]),
                    is_deleted=self.chance(8),
                    currency=currency,
                    value=value,
                    base=base,
                    closed_at=self.instant(),
                    installments=tuple(
                        Installment(self.id(), self.day(), self.money(currency))
                        for _ in range(self.draw(st.integers(0, 3)))
                    ),
                )
            )
        return tuple(made)

    def payments(
        self, leads: tuple[Lead, ...], calls: tuple[Call, ...], deals: tuple[Deal, ...]
    ) -> tuple[Payment, ...]:
        made: list[Payment] = []
        closed = [call.id for call in calls if call.outcome == "closed"]
        for _ in range(self.draw(st.integers(0, 7))):
            number = self.id()
            currency, amount, base = self.priced()
            origin = self.pick(["stripe", "whop", "manual", "import"])
            made.append(
                Payment(
                    id=number,
                    lead=self.pick([None, *(lead.id for lead in leads)]),
                    call=self.pick([None, *(closed or [call.id for call in calls])]),
                    deal=self.pick([None, None, *(deal.id for deal in deals)]),
                    origin=origin,
                    source=self.some(SOURCES),
                    traffic_type=self.some(TRAFFIC_TYPES),
                    package=self.pick([None, None, *range(PACKAGES)]),
                    status="succeeded" if not self.chance(8) else "failed",
                    is_live=not self.chance(10),
                    is_deleted=self.chance(10),
                    is_rejected=origin == "manual" and self.chance(4),
                    superseded_by=self.pick(made).id if made and self.chance(8) else None,
                    deal_type=self.pick([None, "new_deal", "upsell"]),
                    currency=currency,
                    amount=amount,
                    base=base,
                    at=self.instant(),
                    credits=self.credits("closer", CLOSERS, base)
                    + self.credits("setter", SETTERS, base),
                    refunds=self.refunds(currency, amount, base),
                )
            )
        return tuple(made)

    def credits(self, role: str, people: int, base: Decimal | None) -> tuple[Credit, ...]:
        chosen = self.draw(st.lists(st.integers(0, people - 1), unique=True, max_size=people))
        if not chosen:
            return ()
        weights = [self.draw(st.integers(1, 7)) for _ in chosen]
        amounts = (
            [None] * len(chosen)
            if base is None
            else split(base, [Decimal(weight) for weight in weights], SCALES[self.currency])
        )
        shares = split(Decimal(1), [Decimal(weight) for weight in weights], 12)
        return tuple(
            Credit(self.id(), role, person, share, amount)
            for person, share, amount in zip(chosen, shares, amounts, strict=True)
        )

    def refunds(self, currency: str, amount: Decimal, base: Decimal | None) -> tuple[Refund, ...]:
        """Some steps; sometimes everything, in up to three steps."""
        scale = SCALES[currency]
        at = self.instant()
        moments = [at] * 3 if self.chance(2) else [at, self.instant(), self.instant()]
        if self.chance(3):
            weights = [Decimal(self.draw(st.integers(1, 5))) for _ in range(self.pick([1, 2, 3]))]
            parts = [part for part in split(amount, weights, scale) if part > 0]
            bases = (
                [None] * len(parts) if base is None else split(base, parts, SCALES[self.currency])
            )
            kinds = ["refund"] * len(parts)
        else:
            number = self.pick([0, 0, 0, 1, 2, 3])
            parts = [self.money(currency) for _ in range(number)]
            bases = [
                part if currency == self.currency else self.pick([None, self.money(self.currency)])
                for part in parts
            ]
            kinds = [self.pick(["refund", "dispute", "dispute_won"]) for _ in parts]
        return tuple(
            Refund(
                id=self.id(),
                kind=kind,
                status="succeeded" if not self.chance(8) else self.pick(["pending", "failed"]),
                amount=part,
                base=part_base if part_base is None or part_base > 0 else None,
                at=moment,
            )
            for kind, part, part_base, moment in zip(kinds, parts, bases, moments, strict=False)
        )

    def captures(self) -> tuple[Capture, ...]:
        made = {
            (closer, day, at): Capture(self.id(), closer, day, at, free, booked)
            for closer, day, at, free, booked in (
                (
                    self.draw(st.integers(0, CLOSERS - 1)),
                    self.day(),
                    self.instant(),
                    self.draw(st.integers(0, 5)),
                    self.draw(st.integers(0, 5)),
                )
                for _ in range(self.draw(st.integers(0, 10)))
            )
            if self.exists(day)
        }
        return tuple(made.values())


@st.composite
def histories(draw: st.DrawFn) -> tuple[History, Question]:
    """A history, and an unfiltered question about days that matter in it."""
    maker = _Maker(draw)
    leads = maker.leads()
    calls = maker.calls(leads)
    deals = maker.deals(leads, calls)
    history = History(
        timezone=maker.timezone,
        currency=maker.currency,
        slot_minutes=maker.pick([30, 60]),
        leads=leads,
        calls=calls,
        payments=maker.payments(leads, calls, deals),
        deals=deals,
        captures=maker.captures(),
    )
    start = maker.day(4)
    end = start + timedelta(days=draw(st.integers(0, 6)))
    if maker.chance(5):
        start = maker.anchor.replace(day=1)
        end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return history, Question(start, end, maker.instant())


def filters() -> st.SearchStrategy[dict[str, int | None]]:
    """Filters by any of the dimensions, most of them absent."""

    def rarely(number: int) -> st.SearchStrategy[int | None]:
        return st.sampled_from([None, None, None, *range(number)])

    return st.fixed_dictionaries(
        {
            "closer": rarely(CLOSERS),
            "setter": rarely(SETTERS),
            "source": rarely(SOURCES),
            "traffic_type": rarely(TRAFFIC_TYPES),
            "call_type": rarely(CALL_TYPES),
        }
    )
