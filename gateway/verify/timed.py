"""Signatures over a time and the body: "t=<unix seconds>,v1=<hex>[,v1=<hex>...]".

Stripe and Calendly sign this way; each says for itself how old a delivery may be.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from gateway.verify import DeliveryRejected

_SENT_AT = re.compile(r"[0-9]{1,12}")


def signed_at(body: bytes, header: str, secrets: Sequence[bytes]) -> int:
    """When body was signed, in Unix seconds, if one v1 signature was made with one of secrets.

    Other schemes, such as v0, count for nothing. secrets: whole, with any prefix they have.
    Raises DeliveryRejected, and nothing else, for malformed or unmatched headers.
    """
    fields = [part.strip().partition("=") for part in header.split(",")]
    sent_at = next((value for key, _, value in fields if key == "t"), "")
    given = [value.encode("latin-1", "replace") for key, _, value in fields if key == "v1"]
    if _SENT_AT.fullmatch(sent_at) is None or not given:
        raise DeliveryRejected("signature header is malformed")
    signed = sent_at.encode() + b"." + body
    wanted = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    matches = [hmac.compare_digest(want, got) for want in wanted for got in given]
    if not any(matches):
        raise DeliveryRejected("no signature matches")
    return int(sent_at)
