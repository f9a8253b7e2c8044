"""ManyChat's External Request: it signs nothing, and carries a secret in a header typed in by hand.

Source: ManyChat help, "Dev Tools: External Request". A token in the URL does not count: it would be
in logs, and in screenshots of flows.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from gateway.verify import DeliveryRejected, Proof

HEADER = "x-webhook-token"
AUTHORIZATION = "authorization"


def verify_delivery(
    _body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes], _now: float
) -> Proof:
    """Accept a delivery whose token header is one of secrets; else DeliveryRejected."""
    verify_token(headers.get(HEADER, ""), headers.get(AUTHORIZATION, ""), secrets)
    return Proof()


def verify_token(token: str, authorization: str, secrets: Sequence[bytes]) -> None:
    """Accept if token, or the credentials of a Bearer authorization, is one of secrets.

    Both as Starlette gives headers: Latin-1. Raises DeliveryRejected, and nothing else.
    """
    scheme, _, credentials = authorization.strip().partition(" ")
    given = [token.strip(), credentials.strip() if scheme.lower() == "bearer" else ""]
    told = [_digest(value.encode("latin-1", "replace")) for value in given if value]
    if not told:
        raise DeliveryRejected("no token header")
    known = [_digest(secret) for secret in secrets if secret]
    matches = [hmac.compare_digest(want, got) for want in known for got in told]
    if not any(matches):
        raise DeliveryRejected("no token matches")


def _digest(value: bytes) -> bytes:
    """Of one length for every value, so that comparing tells nothing of lengths either."""
    return hashlib.sha256(value).digest()
