"""Calendly-Webhook-Signature. Source: Calendly documentation, "Webhook signatures".

Calendly retries for 24 hours and does not say whether a retry is signed anew. So a delivery that is
correctly signed but late is genuine, and marked; that it counts once is the inbox's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof
from gateway.verify.timed import signed_at

HEADER = "calendly-webhook-signature"
TOLERANCE_S = 300
LATEST_S = 25 * 3600


def verify_delivery(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], now: float
) -> Proof:
    """Accept a delivery that carries a good Calendly-Webhook-Signature header.

    Late if it was signed more than TOLERANCE_S ago; refused if more than LATEST_S ago, or more than
    TOLERANCE_S ahead of now. Raises DeliveryRejected, and nothing else.
    """
    age = now - signed_at(body, headers.get(HEADER, ""), secrets)
    if not -TOLERANCE_S <= age <= LATEST_S:
        raise DeliveryRejected("timestamp is outside the tolerance")
    return Proof(is_late=age > TOLERANCE_S)
