"""x-acuity-signature. Source: Acuity Scheduling documentation, "Webhooks: verifying"."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof

HEADER = "x-acuity-signature"


def verify_delivery(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], _now: float
) -> Proof:
    """Accept a delivery that carries a good x-acuity-signature header; else DeliveryRejected.

    No time is signed: an old delivery stays genuine, and does no more than have its appointment
    looked at again.
    """
    verify_acuity(body, headers.get(HEADER, ""), secrets)
    return Proof()


def verify_acuity(body: bytes, header: str, secrets: Sequence[bytes]) -> None:
    """Accept body if header is the base64 of its HMAC-SHA256 with one of secrets.

    body: the form as it was sent, since the order of fields and their encoding are signed. secrets:
    API keys. Raises DeliveryRejected, and nothing else.
    """
    given = header.strip().encode("latin-1", "replace")
    if not given:
        raise DeliveryRejected("no signature header")
    wanted = [
        base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()) for secret in secrets
    ]
    matches = [hmac.compare_digest(want, given) for want in wanted]
    if not any(matches):
        raise DeliveryRejected("no signature matches")
