"""The providers whose deliveries are taken in: how each proves them, and how a body is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson

from gateway.verify import Verifier
from gateway.verify.acuity import verify_delivery as acuity
from gateway.verify.calendly import verify_delivery as calendly
from gateway.verify.manychat import verify_delivery as manychat
from gateway.verify.stripe import verify_delivery as stripe
from gateway.verify.whop import verify_delivery as whop
from salesdash.jsontext import storable_object

MOST_FIELDS = 100


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


def numbered_form(body: bytes) -> str:
    """A form of Acuity as a JSON object of texts; ValueError for none, or for bad UTF-8.

    Of a repeated key the last value counts. Acuity numbers nothing, and equal forms each tell of a
    change, so each gets a delivery_id of its own.
    """
    fields = parse_qsl(
        body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
    )
    if not fields:
        raise ValueError("no form")
    return storable_object(orjson.dumps({**dict(fields), "delivery_id": str(uuid4())}))


class Provider(NamedTuple):
    """One provider. read: the body as the text of a JSON object; ValueError when it is none."""

    verify: Verifier
    read: Callable[[bytes], str] = storable_object


PROVIDERS: Mapping[str, Provider] = {
    "acuity": Provider(acuity, numbered_form),
    "calendly": Provider(calendly),
    "manychat": Provider(manychat, contact_object),
    "stripe": Provider(stripe),
    "whop": Provider(whop),
}
"""By the type of the connection, which is the name in the URL too."""
