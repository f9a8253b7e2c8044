"""What happens: calls are booked, moved, held and paid for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from salesdash.demo import stripe_events
from salesdash.demo.cast import TRAFFIC_TYPES, Company
from salesdash.demo.routine import Capture, Lead
from salesdash.demo.story import FORMS, Call
from salesdash.demo.writer import Roster, Writer


class Sales:
    """One company's sales, told to the product as its calendar, its people and Stripe would."""

    def __init__(self, writer: Writer, company: Company, roster: Roster, now: datetime) -> None:
        """now: nothing after it has happened yet."""
        self._writer = writer
        self._company = company
        self._roster = roster
        self._now = now

    def tell(self, call: Call) -> None:
        """Book a call, and tell what became of it."""
        booking = f"demo-{call.number}"
        event = self._book(call, booking, call.scheduled_at, call.booked_at)
        moved_at = call.scheduled_at - timedelta(hours=3)
        if call.is_booked_twice:
            soon_after = call.booked_at + timedelta(minutes=2)
            self._book(call, f"{booking}-twice", call.scheduled_at, soon_after)
        if call.outcome == "canceled":
            self._writer.call(
                "app.cancel_call",
                organization_id=self._roster.organization_id,
                event_id=event,
                canceled_by="invitee",
                at=moved_at,
                reason="Something came up",
            )
        elif call.again_at is not None:
            again = f"{booking}-again"
            event = self._book(call, again, call.again_at, moved_at, moved_from=event)
            if call.again_outcome is not None:
                self._submit_form(call, event, call.again_outcome, call.again_at)
        elif call.outcome is not None:
            self._submit_form(call, event, call.outcome, call.scheduled_at)
        self._pay(call)

    def stranger_pays(self) -> None:
        """A payment that nothing on file explains: it waits for an admin."""
        paid_at = self._now - timedelta(days=4)
        price = self._company.packages[0].price
        charge = self._charge(1, price, "accounting@unknown.example", "Accounting", paid_at)
        for event in stripe_events.paid(charge):
            self._deliver(event, paid_at)

    def dial(self, leads: Iterable[Lead]) -> None:
        """Say when each lead became known, and tell of the dials of setters."""
        organization_id, told = self._roster.organization_id, list(leads)
        known = self._writer.value(
            """
            with known as (
                update app.leads as l set created_at = k.created_at
                  from unnest(%(emails)s::text[], %(created)s::timestamptz[])
                       as k (email, created_at)
                 where l.organization_id = %(organization_id)s and l.email = k.email
                returning l.email, l.id)
            select jsonb_object_agg(k.email, k.id) from known as k
            """,
            organization_id=organization_id,
            emails=[lead.call.email for lead in told],
            created=[lead.created_at for lead in told],
        )
        self._writer.fill(
            "setter_calls",
            self._roster,
            (
                "setter_id",
                "lead_id",
                "provider",
                "provider_call_id",
                "activity_date",
                "started_at",
                "disposition",
                "talk_seconds",
            ),
            (
                (
                    self._roster.setters[lead.call.setter],
                    known[lead.call.email],
                    "close",
                    f"demo-{lead.call.number}-{attempt}",
                    date.min,  # restated below
                    dial.started_at,
                    dial.disposition,
                    dial.talk_seconds,
                )
                for lead in told
                if lead.call.setter is not None
                for attempt, dial in enumerate(lead.dials, start=1)
            ),
        )
        self._writer.call("app.restate_setter_days", organization_id=organization_id)

    def capture(self, captures: Iterable[Capture]) -> None:
        """Tell what the calendars of closers had for each day."""
        self._writer.fill(
            "capacity_snapshots",
            self._roster,
            ("closer_id", "day", "captured_at", "free_slots", "booked_slots"),
            (
                (self._roster.closers[c.closer], c.day, c.captured_at, c.free_slots, c.booked_slots)
                for c in captures
            ),
        )

    def _book(
        self,
        call: Call,
        booking: str,
        scheduled_at: datetime,
        booked_at: datetime,
        *,
        moved_from: UUID | None = None,
    ) -> UUID:
        roster = self._roster
        kind = "Follow-up" if call.is_follow_up else "Strategy call"
        traffic = TRAFFIC_TYPES[call.is_paid_traffic]
        made: UUID = self._writer.call(
            "app.book_call",
            organization_id=roster.organization_id,
            scheduled_at=scheduled_at,
            booked_at=booked_at,
            email=call.email,
            full_name=call.name,
            closer_id=roster.closers[call.closer],
            setter_id=None if call.setter is None else roster.setters[call.setter],
            source_id=roster.ids["sources", call.source],
            traffic_type_id=roster.ids["traffic_types", traffic],
            call_type_id=roster.ids["call_types", kind],
            provider="calendly",
            provider_booking_id=booking,
            calendly_invitee_uuid=booking,
            rescheduled_from_id=moved_from,
        )
        return made

    def _submit_form(self, call: Call, event: UUID, outcome: str, held_at: datetime) -> None:
        at = held_at + timedelta(hours=1) + call.reported_after
        if at > self._now:
            return
        form = {**FORMS[outcome], "notes": f"Spoke with {call.name}."}
        if call.package is not None:
            form |= {
                "cash_collected": str(call.cash),
                "currency": self._company.currency,
                "contract_value": str(call.package.price),
                "package_id": str(self._roster.ids["packages", call.package.name]),
                "payment_type": "pif" if call.package.installments == 1 else "payment_plan",
            }
        self._writer.call(
            "app.record_form",
            organization_id=self._roster.organization_id,
            event_id=event,
            form=Jsonb(form),
            at=at,
        )

    def _pay(self, call: Call) -> None:
        for part, payment in enumerate(call.payments):
            charge = self._charge(
                call.number * 10 + part, payment.amount, call.email, call.name, payment.paid_at
            )
            for event in stripe_events.paid(charge):
                self._deliver(event, payment.paid_at)
            gone_at = payment.paid_at + timedelta(days=5)
            if part > 0 or gone_at > self._now:
                continue
            if call.refund is not None:
                self._deliver(stripe_events.refunded(charge, call.refund, gone_at), gone_at)
            elif call.is_disputed:
                self._deliver(stripe_events.disputed(charge, gone_at), gone_at)

    def _charge(
        self, number: int, amount: Decimal, email: str, name: str, paid_at: datetime
    ) -> stripe_events.Charge:
        return stripe_events.Charge(
            account=f"acct_{self._company.slug}",
            number=number,
            amount=amount,
            currency=self._company.currency,
            email=email,
            name=name,
            paid_at=paid_at,
        )

    def _deliver(self, event: dict[str, Any], at: datetime) -> None:
        self._writer.call(
            "ingest.record_deliveries",
            deliveries=Jsonb(
                [
                    {
                        "organization_id": str(self._roster.organization_id),
                        "connection_id": str(self._roster.connection_id),
                        "is_late": False,
                        "body": event,
                    }
                ]
            ),
            received_at=at,
        )
