"""Why a call is as it is, under the name that earlier frontends know.

    GET, POST /functions/v1/debug-calendly-event   event_id, organization_id

Answers the lines of rpc/explain_event, asked as the caller.

Names are taken in both spellings, `event_id` and `eventId`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import RestUnavailable, ask, handed_on, unavailable
from gateway.bodies import read_body
from gateway.problem import problem

MAX_BODY = 16 * 1024
_NAMES = {"eventId": "event_id", "organizationId": "organization_id"}


async def debug_calendly_event(request: Request) -> Response:
    """The explanation of one call, for whom the database lets ask."""
    given: Mapping[str, Any] = request.query_params
    if request.method == "POST":
        try:
            given = orjson.loads(await read_body(request, MAX_BODY))
        except ValueError:
            given = {}
        if not isinstance(given, dict):
            given = {}
    named = {_NAMES.get(name, name): value for name, value in given.items()}
    wrong = {
        name: "The id of a row, a UUID."
        for name in _NAMES.values()
        if not (_is_id(named.get(name)) or (name == "organization_id" and not named.get(name)))
    }
    if wrong:
        detail = f"Correct these fields: {', '.join(wrong)}."
        return problem(422, "invalid_fields", detail, errors=wrong)
    arguments = {"id": named["event_id"], "organization_id": named.get("organization_id") or None}
    try:
        answer = await ask(request, "POST", "/rpc/explain_event", orjson.dumps(arguments))
    except RestUnavailable:
        return unavailable()
    return handed_on(answer)


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


ROUTES: list[BaseRoute] = [
    Route("/functions/v1/debug-calendly-event", debug_calendly_event, methods=["GET", "POST"])
]
