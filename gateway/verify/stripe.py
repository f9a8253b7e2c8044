"""Stripe-Signature. Source: Stripe documentation, "Verify webhook signatures manually"."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof

HEADER = "stripe-signature"
TOLERANCE_S = 300
_SENT_AT = re.compile(r"[0-9]{1,12}")


def verify_delivery(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], now: float
) -> Proof:
    """Accept a delivery that carries a good Stripe-Signature header; else DeliveryRejected."""
    verify_stripe(body, headers.get(HEADER, ""), secrets, now=now)
    return Proof()


def verify_stripe(
    body: bytes,
    header: str,
    secrets: Sequence[bytes],
    *,
    now: float,
    tolerance_s: int = TOLERANCE_S,
) -> None:
    """Accept body if one v1 signature in header was made with one of secrets.

    header: "t=<unix seconds>,v1=<hex>[,v1=<hex>...]"; other schemes, such as v0, count for
    nothing. secrets: whole signing secrets, `whsec_` included. now, tolerance_s: seconds.
    Raises DeliveryRejected, and nothing else, for malformed, stale, early or unmatched headers.
    """
    fields = [part.strip().partition("=") for part in header.split(",")]
    sent_at = next((value for key, _, value in fields if key == "t"), "")
    given = [value.encode("latin-1", "replace") for key, _, value in fields if key == "v1"]
    if _SENT_AT.fullmatch(sent_at) is None or not given:
        raise DeliveryRejected("signature header is malformed")
    if abs(now - int(sent_at)) > tolerance_s:
        raise DeliveryRejected("timestamp is outside the tolerance")
    signed = sent_at.encode() + b"." + body
    wanted = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    matches = [hmac.compare_digest(want, got) for want in wanted for got in given]
    if not any(matches):
        raise DeliveryRejected("no signature matches")
