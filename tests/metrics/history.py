"""What happened in one organization, as plain data: the base rows of which metrics are made.

People are the positions of closers and setters on a roster; ids are small numbers, in the order of
the rows' identities. Amounts are in major units at the scale of their currency.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

SCALES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


@dataclass(frozen=True)
class Lead:
    """A prospect. source, traffic_type: positions."""

    id: int
    is_test: bool
    source: int | None
    traffic_type: int | None


@dataclass(frozen=True)
class Form:
    """One version of the form of a call."""

    version: int
    is_active: bool
    is_human: bool
    is_voided: bool
    disqualified: bool
    submitted_at: datetime


@dataclass(frozen=True)
class Call:
    """A booked call. closer took it, setter booked it. call_type 1 is not in rates."""

    id: int
    lead: int | None
    closer: int | None
    setter: int | None
    source: int | None
    traffic_type: int | None
    call_type: int | None
    booked_at: datetime
    starts_at: datetime
    ends_at: datetime
    status: str
    outcome: str | None
    canceled_by: str | None
    previous: int | None
    root: int
    duplicate_of: int | None
    is_deleted: bool
    forms: tuple[Form, ...]


@dataclass(frozen=True)
class Credit:
    """A person's part of a payment. amount: NULL where the payment has none."""

    id: int
    role: str
    person: int
    share: Decimal
    amount: Decimal | None


@dataclass(frozen=True)
class Refund:
    """Money that went back, or (dispute_won) came again. base: in the organization's currency."""

    id: int
    kind: str
    status: str
    amount: Decimal
    base: Decimal | None
    at: datetime


@dataclass(frozen=True)
class Payment:
    """Money received. base: in the organization's currency."""

    id: int
    lead: int | None
    call: int | None
    deal: int | None
    origin: str
    source: int | None
    traffic_type: int | None
    package: int | None
    status: str
    is_live: bool
    is_deleted: bool
    is_rejected: bool
    superseded_by: int | None
    deal_type: str | None
    currency: str
    amount: Decimal
    base: Decimal | None
    at: datetime
    credits: tuple[Credit, ...]
    refunds: tuple[Refund, ...]


@dataclass(frozen=True)
class Installment:
    """What is due on a day, in the currency of the deal."""

    id: int
    due_on: date
    amount: Decimal


@dataclass(frozen=True)
class Deal:
    """A sale. base: the contract's value in the organization's currency."""

    id: int
    lead: int
    call: int | None
    closer: int | None
    setter: int | None
    package: int | None
    status: str
    deal_type: str
    is_deleted: bool
    currency: str
    value: Decimal
    base: Decimal | None
    closed_at: datetime
    installments: tuple[Installment, ...]


@dataclass(frozen=True)
class Capture:
    """What a closer's calendar offered on a day, as seen at an instant."""

    id: int
    closer: int
    day: date
    at: datetime
    free: int
    booked: int


@dataclass(frozen=True)
class History:
    """One organization."""

    timezone: str
    currency: str
    slot_minutes: int
    leads: tuple[Lead, ...]
    calls: tuple[Call, ...]
    payments: tuple[Payment, ...]
    deals: tuple[Deal, ...]
    captures: tuple[Capture, ...]


@dataclass(frozen=True)
class Question:
    """A period of inclusive local dates, the instant of asking, and filters (None: any)."""

    start: date
    end: date
    as_of: datetime
    closer: int | None = None
    setter: int | None = None
    source: int | None = None
    traffic_type: int | None = None
    call_type: int | None = None
