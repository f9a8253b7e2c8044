"""The stories that are told: one lead, from the first chat to the last instalment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests import calendly_events, stripe_events, whop_events
from tests.calendly_events import BOOKED_AT, Invitee, instant
from tests.stories.telling import Attribution, Cast, Delivery, Form, Step
from tests.world import NOON

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIRA = "mira@lead.test"
SPOUSE = "noah@lead.test"


@dataclass(frozen=True)
class Plot:
    """What differs between stories.

    chats, routes: whether the lead wrote and answered before it booked.
    moves, marked: whether the call was rescheduled, and taken for a no-show by mistake.
    closed, claims: whether the form says that it was sold, and what was collected.
    whop: dollars of a payment there, if there is one. strays: whether somebody else pays a part,
    which an admin attributes. credits_setter: of whom the organization's setter credits are.
    """

    chats: bool = True
    routes: bool = True
    moves: bool = True
    marked: bool = True
    closed: bool = True
    claims: bool = True
    whop: float | None = 1000.0
    strays: bool = True
    credits_setter: str = "event"


PLOTS = (
    Plot(),
    Plot(credits_setter="original", whop=250.0),
    Plot(credits_setter="current", moves=False, marked=False),
    Plot(chats=False, claims=False),
    Plot(routes=False, closed=False, whop=None),
)
"""Stories of every kind; the first has everything."""


def tale(plot: Plot, cast: Cast) -> list[Step]:
    """The story in the order in which it happened."""
    steps: list[Step] = []
    if plot.chats:
        steps.append(Delivery("manychat", chat(cast, BOOKED_AT - DAY)))
    if plot.routes:
        steps.append(Delivery("calendly", routing_form(BOOKED_AT - HOUR)))
    first = Invitee(
        hosts=[cast.dana.email],
        email=MIRA,
        start=NOON - DAY if plot.moves else NOON,
        utm={"utm_source": "ig", "utm_content": cast.sam.name},
    )
    steps.append(Delivery("calendly", first.created()))
    last = first
    if plot.moves:
        last = first.rescheduled_to(NOON, BOOKED_AT + HOUR, hosts=[cast.eli.email], utm={})
        steps.append(Delivery("calendly", first.canceled(last.booked_at, new=last)))
        steps.append(Delivery("calendly", last.created()))
    if plot.marked:
        mark = last.no_show(NOON + timedelta(minutes=20))
        withdrawn = last.no_show_withdrawn(NOON + timedelta(minutes=40), no_show=mark)
        steps += [Delivery("calendly", mark), Delivery("calendly", withdrawn)]
    steps.append(Form(last, NOON + HOUR, answers(plot)))
    steps += stripe_story(NOON + 2 * HOUR)
    if plot.whop is not None:
        steps += whop_story(plot.whop, NOON + 60 * DAY)
    if plot.strays:
        charge, intent = card(50000, SPOUSE, NOON + 61 * DAY, customer="cus_Spouse0001")
        steps += [Delivery("stripe", charge), Delivery("stripe", intent)]
        steps.append(Attribution(charge["data"]["object"]["payment_intent"], last))
    return steps


def answers(plot: Plot) -> dict[str, object]:
    said: dict[str, object] = {
        "call_occurred": True,
        "lead_showed": True,
        "offer_made": True,
        "deal_closed": plot.closed,
    }
    if plot.closed:
        said |= {"contract_value": "3000.00", "currency": "USD", "payment_type": "payment_plan"}
    if plot.claims:
        said |= {"cash_collected": "1000.00", "currency": "USD"}
    return said


# -- what the senders say


def chat(cast: Cast, at: datetime) -> dict[str, Any]:
    """ManyChat's contact, which names the setter who chats."""
    return {
        "event_id": "qualified",
        "contact_id": "901234567",
        "full_name": "Mira Solberg",
        "email": MIRA,
        "setter": cast.tia.name,
        "sent_at": at.isoformat(),
        "utm_source": "ig",
    }


def routing_form(at: datetime) -> dict[str, Any]:
    """Calendly's routing form, with an address and a number."""
    sent = calendly_events.example("routing_form_submission.created")
    sent["created_at"] = sent["payload"]["created_at"] = instant(at)
    sent["payload"]["questions_and_answers"][0]["answer"] = MIRA
    return sent


def card(
    cents: int, email: str | None, at: datetime, *, customer: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One card payment as Stripe tells of it."""
    charge, intent = stripe_events.payment(amount=cents, email=email, created=int(at.timestamp()))
    for event in (charge, intent):
        event["data"]["object"]["customer"] = customer
    return charge, intent


def stripe_story(at: datetime) -> Sequence[Step]:
    """The first instalment with all that follows of it, and the second by a subscription."""
    charge, intent = card(100000, None, at, customer="cus_Mira0001")
    second, second_intent = card(100000, None, at + 30 * DAY, customer="cus_Mira0001")
    told = [
        stripe_events.session(
            charge, customer_details={"email": MIRA, "name": "Mira S.", "phone": None}
        ),
        charge,
        intent,
        stripe_events.settled(charge, fee=2930, currency="usd"),
        stripe_events.refund(charge, 30000),
        stripe_events.refunded(charge, 30000),
        stripe_events.refund(charge, 20000),
        stripe_events.refunded(charge, 50000),
        stripe_events.dispute(charge),
        stripe_events.dispute(charge, "charge.dispute.funds_reinstated"),
        second,
        second_intent,
        stripe_events.invoice(second),
        stripe_events.invoice_payment(second),
    ]
    return [Delivery("stripe", event) for event in told]


def whop_story(dollars: float, at: datetime) -> Sequence[Step]:
    """A payment of the same lead at another processor, and its membership."""
    user = {
        "id": "user_Mira0001",
        "name": "Mira Solberg",
        "username": "mira",
        "email": MIRA,
    }
    paid = whop_events.fresh(
        "v1-unpinned.payment.succeeded", user=user, paid_at=instant(at), created_at=instant(at),
        total=dollars, subtotal=dollars, usd_total=dollars, settlement_amount=dollars,
        amount_after_fees=dollars - 30,
    )  # fmt: skip
    membership = whop_events.fresh("v1-unpinned.membership.activated", user=user)
    return [Delivery("whop", membership), Delivery("whop", paid)]
