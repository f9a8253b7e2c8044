"""Stripe-Signature. Source: Stripe documentation, "Verify webhook signatures manually"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof
from gateway.verify.timed import signed_at

HEADER = "stripe-signature"
TOLERANCE_S = 300


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

    secrets: whole signing secrets, `whsec_` included. now, tolerance_s: seconds.
    Raises DeliveryRejected, and nothing else, for malformed, stale, early or unmatched headers.
    """
    if abs(now - signed_at(body, header, secrets)) > tolerance_s:
        raise DeliveryRejected("timestamp is outside the tolerance")
