"""The providers whose deliveries are taken in: how each proves them, and how a body is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson

from gateway.verify import Verifier
from gateway.verify.manychat import verify_delivery as manychat
from gateway.verify.stripe import verify_delivery as stripe
from gateway.verify.whop import verify_delivery as whop

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def storable_object(body: bytes) -> str:
    """The text of a JSON object as Postgres can keep it; ValueError for anything else.

    The text is the sender's own, so numbers keep every digit. NaN, numbers beyond a double, lone
    surrogates, bad UTF-8 and more than 1024 levels are no JSON here. Of a repeated key the last
    value counts. A NUL, which Postgres cannot keep, becomes U+FFFD.
    """
    if not isinstance(orjson.loads(body), dict):
        raise ValueError("not a JSON object")
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1\\ufffd", body)
    return body.decode()


def contact_object(body: bytes) -> str:
    """A contact of ManyChat, whose flows write JSON by hand and break it; ValueError for no text.

    What is no JSON object becomes {"unreadable_body": text}: nobody sends it again, so it is kept
    for a person to look at.
    """
    try:
        return storable_object(body)
    except ValueError:
        text = body.decode()
        if not text.strip():
            raise
    return storable_object(orjson.dumps({"unreadable_body": text}))


class Provider(NamedTuple):
    """One provider. read: the body as the text of a JSON object; ValueError when it is none."""

    verify: Verifier
    read: Callable[[bytes], str] = storable_object


PROVIDERS: Mapping[str, Provider] = {
    "manychat": Provider(manychat, contact_object),
    "stripe": Provider(stripe),
    "whop": Provider(whop),
}
"""By the type of the connection, which is the name in the URL too."""
