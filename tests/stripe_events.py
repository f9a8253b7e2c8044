"""Stripe's events, from tests/data/stripe, and their signatures, made by Stripe's own library."""

import copy
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import stripe

DATA = Path(__file__).parent / "data" / "stripe"
SECRET = "whsec_of_the_tests"

Event = dict[str, Any]


def example(name: str) -> Event:
    """An event as it is on file."""
    found: Event = json.loads((DATA / f"{name}.json").read_text())
    return found


def fresh(name: str, *, livemode: bool = True, **fields: object) -> Event:
    """An event of this kind with an id of its own. fields: replaced in data.object."""
    event = example(name)
    event["id"] = f"evt_{uuid4().hex}"
    event["livemode"] = livemode
    event["data"]["object"].update(fields)
    return event


def payment(
    *,
    amount: int = 149900,
    currency: str = "usd",
    email: str | None = None,
    created: int = 1795168800,
    livemode: bool = True,
) -> tuple[Event, Event]:
    """One card payment as Stripe tells of it: charge.succeeded and payment_intent.succeeded.

    amount: in minor units. email: on the charge only. created: Unix seconds of the charge; the
    events come a second later.
    """
    number = uuid4().hex
    charge = fresh("charge.succeeded", livemode=livemode)
    intent = fresh("payment_intent.succeeded", livemode=livemode)
    for event in (charge, intent):
        event["created"] = created + 1
    charge["data"]["object"].update(
        id=f"ch_{number}",
        payment_intent=f"pi_{number}",
        amount=amount,
        amount_captured=amount,
        currency=currency,
        created=created,
        receipt_email=None,
    )
    charge["data"]["object"]["billing_details"]["email"] = email
    intent["data"]["object"].update(
        id=f"pi_{number}",
        latest_charge=f"ch_{number}",
        amount=amount,
        amount_received=amount,
        currency=currency,
        created=created - 40,
        receipt_email=None,
    )
    return charge, intent


def refund(
    charge: Event, amount: int, *, status: str = "succeeded", name: str = "refund.created"
) -> Event:
    """A refund of part of a charge, an hour later. amount: in minor units."""
    paid = charge["data"]["object"]
    return fresh(
        name,
        id=f"re_{uuid4().hex}",
        amount=amount,
        currency=paid["currency"],
        charge=paid["id"],
        payment_intent=paid["payment_intent"],
        created=paid["created"] + 3600,
        status=status,
    )


def refunded(charge: Event, total: int) -> Event:
    """The charge as it is when refunds of total, in minor units, have been made."""
    event = copy.deepcopy(charge)
    event["id"] = f"evt_{uuid4().hex}"
    event["type"] = "charge.refunded"
    event["created"] = charge["created"] + 3600
    event["data"]["object"]["amount_refunded"] = total
    return event


def dispute(charge: Event, name: str = "charge.dispute.funds_withdrawn") -> Event:
    """The whole charge disputed. name: funds_withdrawn or funds_reinstated."""
    paid = charge["data"]["object"]
    return fresh(
        name,
        id=f"du_{paid['id']}",
        amount=paid["amount"],
        currency=paid["currency"],
        charge=paid["id"],
        payment_intent=paid["payment_intent"],
    )


def session(charge: Event, /, **fields: object) -> Event:
    """The checkout session in which a charge was paid. fields: replaced in the session."""
    paid = charge["data"]["object"]
    return fresh(
        "checkout.session.completed",
        livemode=charge["livemode"],
        **{
            "id": f"cs_{paid['id']}",
            "payment_intent": paid["payment_intent"],
            "amount_total": paid["amount"],
            "currency": paid["currency"],
            "customer": paid["customer"],
            "created": paid["created"] - 300,
            **fields,
        },
    )


def invoice(charge: Event, /, **fields: object) -> Event:
    """The invoice that a charge paid; it names the charge nowhere. fields: replaced in it."""
    paid = charge["data"]["object"]
    return fresh(
        "invoice.paid",
        livemode=charge["livemode"],
        **{
            "id": f"in_{paid['id']}",
            "total": paid["amount"],
            "amount_paid": paid["amount"],
            "currency": paid["currency"],
            "customer": paid["customer"],
            "created": paid["created"] - 200,
            **fields,
        },
    )


def invoice_payment(charge: Event, /, **fields: object) -> Event:
    """What joins a charge to its invoice. fields: replaced in it."""
    paid = charge["data"]["object"]
    return fresh(
        "invoice_payment.paid",
        livemode=charge["livemode"],
        **{
            "id": f"inpay_{paid['id']}",
            "invoice": f"in_{paid['id']}",
            "payment": {"type": "payment_intent", "payment_intent": paid["payment_intent"]},
            **fields,
        },
    )


def settled(charge: Event, *, fee: int, currency: str) -> Event:
    """The charge with its balance transaction. fee: in minor units of the settlement currency."""
    event = copy.deepcopy(charge)
    event["id"] = f"evt_{uuid4().hex}"
    event["type"] = "charge.updated"
    event["created"] = charge["created"] + 3
    event["data"]["object"]["balance_transaction"] = {
        "id": f"txn_{uuid4().hex}",
        "object": "balance_transaction",
        "amount": event["data"]["object"]["amount"],
        "currency": currency,
        "fee": fee,
        "exchange_rate": None,
    }
    return event


def as_sent(event: Event) -> bytes:
    """The bytes of an event, indented as Stripe sends them."""
    return json.dumps(event, indent=2).encode()


def signature(body: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    """The Stripe-Signature header. at: Unix seconds, now unless given."""
    header: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(time.time()) if at is None else at
    )
    return header
