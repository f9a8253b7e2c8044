"""JSON of others as text that Postgres can keep."""

from __future__ import annotations

import re

import orjson

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
