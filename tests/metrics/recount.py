"""Every core metric again, counted by hand from the base rows, in the words of its definition.

Nothing here knows how the database does it: loops over rows, Decimal and Fraction.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.metrics.history import SCALES, Call, Deal, History, Payment, Question


class Number(NamedTuple):
    """A metric. over: None for what is no ratio. coverage: None where none is shown."""

    value: Decimal | Fraction | int | None
    over: Decimal | int | None = None
    coverage: Fraction | None = None


class Movement(NamedTuple):
    """Money in (+) or out (-), or one person's part of it."""

    payment: Payment
    kind: str
    at: datetime
    amount: Decimal


def split(whole: Decimal, weights: list[Decimal], scale: int) -> list[Decimal]:
    """Largest remainder at a scale; ties go to the earlier part; signs mirror."""
    unit = Decimal(1).scaleb(-scale)
    units = int(abs(whole) / unit)
    exact = [Fraction(units) * Fraction(weight) / Fraction(sum(weights)) for weight in weights]
    parts = [floor(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: units - sum(parts)]:
        parts[i] += 1
    sign = -1 if whole < 0 else 1
    return [sign * part * unit for part in parts]


def previous_period(start: date, end: date) -> tuple[date, date]:
    """Of a whole month or quarter the one before, of other ranges as many days before."""
    after = end + timedelta(days=1)
    before = start - timedelta(days=1)
    if start.day == 1 and after.day == 1:
        months = (after.year - start.year) * 12 + after.month - start.month
        if months == 1:
            return before.replace(day=1), before
        if months == 3 and start.month in (1, 4, 7, 10):
            return (before.replace(day=1) - timedelta(days=45)).replace(day=1), before
    return start - (after - start), before


@dataclass(frozen=True)
class Recount:
    """One history, seen through one question. cash_role: whose parts of payments count, or None."""

    history: History
    question: Question
    cash_role: str | None

    # -- days

    def day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.history.timezone)).date()

    def within(self, at: datetime) -> bool:
        return self.question.start <= self.day(at) <= self.question.end

    # -- calls

    def call_by_id(self, number: int) -> Call:
        return next(call for call in self.history.calls if call.id == number)

    def is_test(self, lead: int | None) -> bool:
        return any(known.id == lead and known.is_test for known in self.history.leads)

    def counts(self, call: Call) -> bool:
        return not call.is_deleted and call.duplicate_of is None and not self.is_test(call.lead)

    def inherited(self, call: Call, what: str) -> int | None:
        own: int | None = getattr(call, what)
        of_root: int | None = getattr(self.call_by_id(call.root), what)
        return of_root if own is None else own

    def in_rates(self, call: Call) -> bool:
        return self.inherited(call, "call_type") != 1

    def is_asked_for(self, call: Call) -> bool:
        asked = self.question
        return (
            asked.closer in (None, call.closer)
            and asked.setter in (None, self.call_by_id(call.root).setter)
            and all(
                getattr(asked, what) in (None, self.inherited(call, what))
                for what in ("source", "traffic_type", "call_type")
            )
        )

    def countable(self) -> list[Call]:
        return [call for call in self.history.calls if self.counts(call)]

    def due(self) -> list[Call]:
        return [c for c in self.countable() if self.is_asked_for(c) and self.within(c.starts_at)]

    def is_pending(self, call: Call) -> bool:
        return call.status == "scheduled" and call.ends_at <= self.question.as_of

    def finals(self) -> list[Call]:
        """The last countable call of each chain booked in the period."""
        found = []
        for first in self.history.calls:
            if first.previous is not None or not self.within(first.booked_at):
                continue
            chain = [first]
            while later := [c for c in self.history.calls if c.previous == chain[-1].id]:
                chain.append(later[0])
            counted = [call for call in chain if self.counts(call)]
            if counted and self.is_asked_for(counted[-1]):
                found.append(counted[-1])
        return found

    def first_shows(self) -> list[Call]:
        """The first show of each lead who has one, where it falls in the period."""
        found = []
        for lead in self.history.leads:
            shows = [c for c in self._of_lead(lead.id) if c.status == "completed"]
            if shows:
                first = min(shows, key=lambda call: (call.starts_at, call.id))
                if self.is_asked_for(first) and self.within(first.starts_at):
                    found.append(first)
        return found

    def has_closed(self, lead: int | None) -> bool:
        return any(call.outcome == "closed" for call in self._of_lead(lead))

    def _of_lead(self, lead: int | None) -> list[Call]:
        return [call for call in self.countable() if call.lead == lead and self.in_rates(call)]

    # -- money

    def counted_payments(self) -> Iterator[Payment]:
        for payment in self.history.payments:
            if (
                payment.status == "succeeded"
                and payment.is_live
                and not payment.is_deleted
                and not payment.is_rejected
                and payment.superseded_by is None
                and payment.base is not None
                and not self.is_test(payment.lead)
            ):
                yield payment

    def movements_of(self, payment: Payment) -> list[Movement]:
        """The payment and what came after, in order."""
        assert payment.base is not None
        after = [
            Movement(payment, r.kind, r.at, r.base if r.kind == "dispute_won" else -r.base)
            for r in sorted(payment.refunds, key=lambda refund: (refund.at, refund.id))
            if r.status == "succeeded" and r.base is not None
        ]
        return [Movement(payment, "payment", payment.at, payment.base), *after]

    def whole_movements(self) -> list[Movement]:
        return [m for payment in self.counted_payments() for m in self.movements_of(payment)]

    def asked_movements(self) -> list[Movement]:
        """Movements, or people's parts of them, that the question is about."""
        asked = self.question
        found: list[Movement] = []
        for payment in self.counted_payments():
            if asked.source not in (None, payment.source):
                continue
            if asked.traffic_type not in (None, payment.traffic_type):
                continue
            if asked.call_type not in (None, self._call_type_of(payment)):
                continue
            if self.cash_role is None:
                found += self.movements_of(payment)
                continue
            people = {
                role: {c.person for c in payment.credits if c.role == role}
                for role in ("closer", "setter")
            }
            if asked.closer is not None and asked.closer not in people["closer"]:
                continue
            if asked.setter is not None and asked.setter not in people["setter"]:
                continue
            person = asked.closer if self.cash_role == "closer" else asked.setter
            found += self._part(payment, person)
        return found

    def _part(self, payment: Payment, person: int | None) -> list[Movement]:
        """What one person bears: their credit, and of refunds so far their part, step by step."""
        bearing = sorted(
            (c for c in payment.credits if c.role == self.cash_role), key=lambda c: c.id
        )
        mine = next(place for place, c in enumerate(bearing) if c.person == person)
        weights = [c.amount for c in bearing if c.amount is not None]
        first, *after = self.movements_of(payment)
        found = [first._replace(amount=weights[mine])]
        so_far, borne = Decimal(0), Decimal(0)
        for movement in after:
            so_far += movement.amount
            bears = split(so_far, weights, SCALES[self.history.currency])[mine]
            found.append(movement._replace(amount=bears - borne))
            borne = bears
        return found

    def _call_type_of(self, payment: Payment) -> int | None:
        if payment.call is None:
            return None
        return self.inherited(self.call_by_id(payment.call), "call_type")

    def deal_of(self, payment: Payment) -> Deal | None:
        return next((deal for deal in self.history.deals if deal.id == payment.deal), None)

    def package_of(self, payment: Payment) -> int | None:
        """What is paid: as told with the payment, else what its deal is about."""
        deal = self.deal_of(payment)
        return payment.package if payment.package is not None or deal is None else deal.package

    def live_deals(self) -> list[Deal]:
        return [
            deal
            for deal in self.history.deals
            if not deal.is_deleted and deal.status != "void" and not self.is_test(deal.lead)
        ]

    def asked_deals(self) -> list[Deal]:
        asked = self.question
        found = []
        for deal in self.live_deals():
            if deal.call is not None:
                call = self.call_by_id(deal.call)
                place = {
                    w: self.inherited(call, w) for w in ("source", "traffic_type", "call_type")
                }
            else:
                lead = next(lead for lead in self.history.leads if lead.id == deal.lead)
                place = {
                    "source": lead.source,
                    "traffic_type": lead.traffic_type,
                    "call_type": None,
                }
            if (
                asked.closer in (None, deal.closer)
                and asked.setter in (None, deal.setter)
                and all(getattr(asked, what) in (None, place[what]) for what in place)
            ):
                found.append(deal)
        return found

    def collected(self, deal: Deal) -> Decimal:
        return sum(
            (m.amount for m in self.whole_movements() if m.payment.deal == deal.id), Decimal(0)
        )

    def owed(self, deal: Deal, until: date | None) -> Decimal:
        """Instalments due before until (None: all) less what was collected, at least nothing."""
        if deal.currency != self.history.currency and deal.base is None:
            return Decimal(0)
        rate = (
            Fraction(1)
            if deal.currency == self.history.currency
            else Fraction(deal.base or 0) / Fraction(deal.value)
        )
        due = sum(
            (
                Fraction(i.amount) * rate
                for i in deal.installments
                if until is None or i.due_on < until
            ),
            Fraction(0),
        )
        scale = SCALES[self.history.currency]
        rounded = Decimal(floor(due * 10**scale + Fraction(1, 2))).scaleb(-scale)
        return max(rounded - self.collected(deal), Decimal(0)) if deal.installments else Decimal(0)

    def went_back(self, call: Call) -> bool:
        """Is all money of this close, its deal's or without deal its own, refunded or disputed?"""
        mine = []
        for movement in self.whole_movements():
            deal = self.deal_of(movement.payment)
            if deal is None:
                belongs = movement.payment.call == call.id
            else:
                belongs = deal.call == call.id and not deal.is_deleted and deal.status != "void"
            if belongs:
                mine.append(movement)
        return any(m.kind != "payment" for m in mine) and sum(m.amount for m in mine) <= 0

    # -- capacity

    def slots(self) -> tuple[int, int, int]:
        """Available, booked and held slots of the closer-days whose capacity is known."""
        asked = self.question
        if any(
            x is not None for x in (asked.setter, asked.source, asked.traffic_type, asked.call_type)
        ):
            return 0, 0, 0
        available = booked = held = 0
        days = {(c.closer, c.day) for c in self.history.captures}
        for closer, day in days:
            if not asked.start <= day <= asked.end or asked.closer not in (None, closer):
                continue
            seen = [c for c in self.history.captures if (c.closer, c.day) == (closer, day)]
            before = [c for c in seen if self.day(c.at) < day]
            during = [c for c in seen if self.day(c.at) == day]
            if before:
                capture = max(before, key=lambda c: c.at)
            elif during:
                capture = min(during, key=lambda c: c.at)
            else:
                continue
            available += capture.free + capture.booked
            for call in self.countable():
                if call.closer == closer and self.day(call.starts_at) == day:
                    minutes = (call.ends_at - call.starts_at) // timedelta(minutes=1)
                    slots = ceil(Fraction(minutes, self.history.slot_minutes))
                    booked += slots if call.status in ("scheduled", "completed", "no_show") else 0
                    held += slots if call.status == "completed" else 0
        return available, booked, held

    # -- all of it

    def period_metrics(self) -> dict[str, Number]:
        """The metrics of the period."""
        due = self.due()
        rated = [call for call in due if self.in_rates(call)]

        def of(calls: Iterable[Call], test: Callable[[Call], bool]) -> int:
            return sum(1 for call in calls if test(call))

        shows = of(rated, lambda c: c.status == "completed")
        no_shows = of(rated, lambda c: c.status == "no_show")
        canceled = of(rated, lambda c: c.status == "canceled")
        pending = of(rated, self.is_pending)
        offers = of(rated, lambda c: c.outcome in ("showed_offer", "closed"))
        closes = of(rated, lambda c: c.outcome == "closed")
        net_closes = of(rated, lambda c: c.outcome == "closed" and not self.went_back(c))
        qualified = of(
            rated,
            lambda c: (
                c.status == "completed"
                and not any(form.is_active and form.disqualified for form in c.forms)
            ),
        )
        reported = shows + no_shows
        coverage = Fraction(reported, reported + pending) if reported + pending else None

        delays = []
        for call in due:
            human = [f for f in call.forms if f.is_human and not f.is_voided]
            if human:
                first = min(human, key=lambda form: form.version)
                delays.append(int((first.submitted_at - call.ends_at).total_seconds()))

        finals = self.finals()
        cohort = [call for call in finals if self.in_rates(call)]
        resolved = of(cohort, lambda c: c.status in ("completed", "no_show", "canceled"))
        leads = self.first_shows()

        zero = Decimal(0)
        moves = self.asked_movements()
        now = [m for m in moves if self.within(m.at)]
        paid = [m for m in now if m.kind == "payment"]
        gross = sum((m.amount for m in paid), zero)
        net = sum((m.amount for m in now), zero)

        def cash(test: Callable[[Payment], bool]) -> Decimal:
            return sum((m.amount for m in paid if test(m.payment)), zero)

        def type_of(payment: Payment) -> str | None:
            deal = self.deal_of(payment)
            return deal.deal_type if deal else payment.deal_type

        deals = [deal for deal in self.asked_deals() if self.within(deal.closed_at)]
        won = sum(1 for deal in deals if deal.status == "won")
        contracted = sum((deal.base for deal in deals if deal.base is not None), zero)
        available, booked_slots, held_slots = self.slots()

        return {
            "booked_calls": Number(len(finals)),
            "scheduled_calls": Number(of(due, lambda c: c.status != "rescheduled")),
            "shows": Number(shows, None, coverage),
            "no_shows": Number(no_shows, None, coverage),
            "canceled": Number(canceled),
            "canceled_by_invitee": Number(of(rated, lambda c: c.canceled_by == "invitee")),
            "canceled_by_host": Number(of(rated, lambda c: c.canceled_by == "host")),
            "pending": Number(pending),
            "offers": Number(offers, None, coverage),
            "closes": Number(closes, None, coverage),
            "show_rate": Number(shows, reported, coverage),
            "no_show_rate": Number(no_shows, reported, coverage),
            "gross_show_rate": Number(shows, reported + canceled, coverage),
            "show_rate_booked_cohort": Number(
                of(cohort, lambda c: c.status == "completed"),
                resolved,
                Fraction(resolved, len(cohort)) if cohort else None,
            ),
            "cancellation_rate": Number(canceled, reported + canceled, coverage),
            "reschedule_rate": Number(
                of(due, lambda c: c.status == "rescheduled"), len(due), coverage
            ),
            "offer_rate": Number(offers, shows, coverage),
            "close_rate": Number(closes, shows, coverage),
            "close_rate_on_offers": Number(closes, offers, coverage),
            "close_rate_on_booked": Number(closes, reported + canceled, coverage),
            "lead_close_rate": Number(
                of(leads, lambda c: self.has_closed(c.lead)), len(leads), coverage
            ),
            "net_close_rate": Number(net_closes, shows, coverage),
            "qualified_show_rate": Number(qualified, reported, coverage),
            "reporting_coverage": Number(reported, reported + pending, coverage),
            "pcf_timeliness": Number(
                sum(1 for delay in delays if delay <= 24 * 3600), len(delays), coverage
            ),
            "pcf_median_delay": Number(
                median(Fraction(delay) for delay in delays) if delays else None, None, coverage
            ),
            "utilization": Number(booked_slots, available),
            "held_utilization": Number(held_slots, available),
            "deals_won": Number(won),
            "cash_collected": Number(gross),
            "refunds": Number(gross - net),
            "chargebacks": Number(
                -sum((m.amount for m in now if m.kind.startswith("dispute")), zero)
            ),
            "net_cash": Number(net),
            "net_revenue": Number(
                sum((m.amount for m in moves if self.within(m.payment.at)), zero)
            ),
            "new_cash": Number(cash(lambda p: type_of(p) == "new_deal")),
            "upsell_cash": Number(cash(lambda p: type_of(p) == "upsell")),
            "contracted_revenue": Number(contracted),
            "collected_share": Number(sum((self.collected(d) for d in deals), zero), contracted),
            "aov": Number(contracted, won),
            "cash_per_show": Number(net, shows, coverage),
            "cash_per_booked": Number(net, len(finals)),
            "unattributed_cash": Number(
                cash(lambda p: not any(c.role == "closer" for c in p.credits))
            ),
            "verified_share": Number(cash(lambda p: p.origin in ("stripe", "whop")), gross),
        }

    def standing_metrics(self, grace: timedelta) -> dict[str, Number]:
        """The metrics as of the instant of asking."""
        asked = [call for call in self.countable() if self.is_asked_for(call)]
        pending = [call for call in asked if self.is_pending(call)]
        deals = [deal for deal in self.asked_deals() if deal.status == "won"]
        today = self.day(self.question.as_of)
        return {
            "pending_pcfs": Number(len(pending)),
            "overdue_pcfs": Number(
                sum(1 for call in pending if call.ends_at + grace <= self.question.as_of)
            ),
            "outstanding": Number(sum((self.owed(d, None) for d in deals), Decimal(0))),
            "overdue": Number(sum((self.owed(d, today) for d in deals), Decimal(0))),
        }
