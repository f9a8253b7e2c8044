"""Whop's two ways of signing. Sources: Whop documentation, "Webhooks"; Standard Webhooks 1.0.0.

Which one it is, the delivery says itself: a tenant's webhook can be of any generation.

- v1: webhook-id, webhook-timestamp and webhook-signature, as in Standard Webhooks, but for the key:
  Whop's key is the secret's own text, `ws_` included; nothing is stripped or decoded.
- v2 and v5: x-whop-signature, which is Stripe's scheme under another name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof
from gateway.verify.stripe import verify_stripe

TOLERANCE_S = 300
OLDER_HEADER = "x-whop-signature"
_ID = re.compile(r"[!-\-/-~]{1,255}")  # visible ASCII without the full stop, which separates
_SENT_AT = re.compile(r"[0-9]{1,12}")


def verify_delivery(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], now: float
) -> Proof:
    """Accept a delivery that Whop signed in either way; else DeliveryRejected."""
    if "webhook-signature" in headers:
        verify_v1(body, headers, secrets, now=now)
    else:
        verify_stripe(
            body, headers.get(OLDER_HEADER, ""), secrets, now=now, tolerance_s=TOLERANCE_S
        )
    return Proof()


def verify_v1(
    body: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[bytes],
    *,
    now: float,
    tolerance_s: int = TOLERANCE_S,
) -> None:
    """Accept body if one v1 entry of webhook-signature was made with one of secrets.

    webhook-signature: "v1,<base64>[ v1,<base64>...]"; other versions, such as v1a, count for
    nothing. secrets: whole signing secrets, `ws_` included. now, tolerance_s: seconds.
    Raises DeliveryRejected, and nothing else, for malformed, stale, early or unmatched headers.
    """
    event_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    entries = [entry.partition(",") for entry in headers.get("webhook-signature", "").split(" ")]
    given = [text.encode("latin-1", "replace") for version, _, text in entries if version == "v1"]
    if _ID.fullmatch(event_id) is None or _SENT_AT.fullmatch(sent_at) is None or not given:
        raise DeliveryRejected("signature header is malformed")
    if abs(now - int(sent_at)) > tolerance_s:
        raise DeliveryRejected("timestamp is outside the tolerance")
    signed = f"{event_id}.{sent_at}.".encode() + body
    wanted = [
        base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()) for secret in secrets
    ]
    matches = [hmac.compare_digest(want, got) for want in wanted for got in given]
    if not any(matches):
        raise DeliveryRejected("no signature matches")
