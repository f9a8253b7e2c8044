"""Stripe events as the demo's processor sends them, in the shape of API version 2026-10-28."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

API_VERSION = "2026-10-28.endive"


class Charge(NamedTuple):
    """One successful card payment. number: unique in its organization; amount: major units."""

    account: str
    number: int
    amount: Decimal
    currency: str
    email: str | None
    name: str
    paid_at: datetime


def _minor(amount: Decimal) -> int:
    """Both currencies of the demo have two decimal places."""
    return int(amount * 100)


def _event(
    charge: Charge, suffix: str, kind: str, thing: dict[str, Any], at: datetime
) -> dict[str, Any]:
    return {
        "id": f"evt_{charge.account}_{charge.number:05d}_{suffix}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(at.timestamp()),
        "type": kind,
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": thing},
    }


def paid(charge: Charge) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pair that announces one payment: the charge, and the payment intent."""
    intent, charge_id = _ids(charge)
    common = {
        "amount": _minor(charge.amount),
        "created": int(charge.paid_at.timestamp()),
        "currency": charge.currency.lower(),
        "customer": f"cus_{charge.account}_{charge.number:05d}",
        "livemode": True,
        "metadata": {},
        "receipt_email": None,
        "status": "succeeded",
    }
    made = {
        **common,
        "id": charge_id,
        "object": "charge",
        "amount_captured": common["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"email": charge.email, "name": charge.name, "phone": None},
        "captured": True,
        "disputed": False,
        "paid": True,
        "payment_intent": intent,
        "refunded": False,
    }
    intended = {
        **common,
        "id": intent,
        "object": "payment_intent",
        "amount_received": common["amount"],
        "latest_charge": charge_id,
        "receipt_email": charge.email,
    }
    return (
        _event(charge, "ch", "charge.succeeded", made, charge.paid_at),
        _event(charge, "pi", "payment_intent.succeeded", intended, charge.paid_at),
    )


def refunded(charge: Charge, amount: Decimal, at: datetime) -> dict[str, Any]:
    """Part or all of a payment goes back to the card."""
    intent, charge_id = _ids(charge)
    refund = {
        "id": f"re_{charge.account}_{charge.number:05d}",
        "object": "refund",
        "amount": _minor(amount),
        "charge": charge_id,
        "created": int(at.timestamp()),
        "currency": charge.currency.lower(),
        "payment_intent": intent,
        "reason": "requested_by_customer",
        "status": "succeeded",
    }
    return _event(charge, "re", "refund.created", refund, at)


def disputed(charge: Charge, at: datetime) -> dict[str, Any]:
    """The bank takes the whole payment back."""
    intent, charge_id = _ids(charge)
    dispute = {
        "id": f"du_{charge.account}_{charge.number:05d}",
        "object": "dispute",
        "amount": _minor(charge.amount),
        "charge": charge_id,
        "created": int(at.timestamp()),
        "currency": charge.currency.lower(),
        "livemode": True,
        "payment_intent": intent,
        "reason": "general",
        "status": "needs_response",
    }
    return _event(charge, "du", "charge.dispute.funds_withdrawn", dispute, at)


def _ids(charge: Charge) -> tuple[str, str]:
    key = f"{charge.account}_{charge.number:05d}"
    return f"pi_{key}", f"ch_{key}"
