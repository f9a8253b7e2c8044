"""What the gateway does for a person it asks PostgREST to do, with that person's token.

So it can never do what they may not.
"""

from __future__ import annotations

import httpx
from starlette.requests import Request
from starlette.responses import Response

from gateway.passthrough import forwarded_headers
from gateway.problem import problem

_KEPT = {"authorization", "x-request-id"}


class RestUnavailable(Exception):
    """PostgREST does not answer; whether it did what was asked is not known."""


async def ask(
    request: Request, method: str, path: str, content: bytes | None = None
) -> httpx.Response:
    """PostgREST's answer to the caller. path: below its root; content: JSON.

    Raises RestUnavailable.
    """
    client: httpx.AsyncClient = request.app.state.postgrest
    headers = [(name, value) for name, value in forwarded_headers(request) if name in _KEPT]
    try:
        return await client.request(
            method, path, content=content, headers=[*headers, ("content-type", "application/json")]
        )
    except httpx.TransportError as error:
        raise RestUnavailable from error


def handed_on(answer: httpx.Response) -> Response:
    """PostgREST's answer as it stands, status and body."""
    told = answer.headers.get("content-type")
    return Response(answer.content, answer.status_code, media_type=told)


def unavailable() -> Response:
    """The answer to a caller whom PostgREST does not answer."""
    return problem(
        503,
        "rest_unavailable",
        "The REST service does not answer just now.",
        headers={"retry-after": "2"},
    )
