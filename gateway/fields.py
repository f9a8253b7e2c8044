"""What a caller of a function sent, by its names in snake case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from gateway.bodies import read_body

_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")

Fields = Mapping[str, Any]


class NotAnObject(Exception):
    """The body is not a JSON object."""


async def sent_fields(request: Request, limit: int) -> Fields:
    """The fields of a body of at most limit bytes, or of the query of a GET.

    `eventId` and `event_id` are one field. Raises NotAnObject, BodyTooLarge.
    """
    if request.method in {"GET", "HEAD"}:
        return {snake_case(name): value for name, value in request.query_params.items()}
    try:
        sent = orjson.loads(await read_body(request, limit))
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise NotAnObject
    return {snake_case(name): value for name, value in sent.items()}


def snake_case(name: str) -> str:
    """The name as SQL spells it: period_start for periodStart."""
    return _CAPITAL.sub(r"_\1", name).lower()
