"""Whop's deliveries of every generation, from tests/data/whop, and their signatures.

v1 is signed by the reference library of Standard Webhooks. The older scheme is Stripe's under
another name, so Stripe's own library signs it.
"""

import copy
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import stripe
from standardwebhooks import Webhook

DATA = Path(__file__).parent / "data" / "whop"
SECRET = "ws_0f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a69780f1e2d3c4b5a6978"

Event = dict[str, Any]


def example(name: str) -> Event:
    """A delivery as it is on file."""
    found: Event = json.loads((DATA / f"{name}.json").read_text())
    return found


def fresh(name: str, **fields: object) -> Event:
    """A delivery of this kind, of an event of its own. fields: replaced in data."""
    event = copy.deepcopy(example(name))
    if "id" in event:
        event["id"] = f"msg_{uuid4().hex}"
    event["data"].update(fields)
    return event


def as_sent(event: Event) -> bytes:
    """The bytes of a delivery."""
    return json.dumps(event, separators=(",", ":")).encode()


def signed_by_whop(
    body: bytes, *, secret: str = SECRET, at: int | None = None
) -> Mapping[str, str]:
    """Whop's headers: those of the generation that the body is of. at: Unix seconds, else now."""
    sent_at = int(time.time()) if at is None else at
    event = json.loads(body)
    if "type" not in event:
        older: str = stripe.WebhookSignature.generate_signature_header(
            body.decode(), secret, timestamp=sent_at
        )
        return {"content-type": "application/json", "x-whop-signature": older}
    return {
        "content-type": "application/json",
        **signed_v1(body, event.get("id", "msg_1"), secret, sent_at),
    }


def signed_v1(body: bytes, event_id: str, secret: str, at: int) -> dict[str, str]:
    """The headers of Standard Webhooks. The key is the secret's own text: hence bytes."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": Webhook(secret.encode()).sign(
            event_id, datetime.fromtimestamp(at, UTC), body.decode()
        ),
    }
