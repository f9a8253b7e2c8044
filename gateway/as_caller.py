"""What the gateway does for a person it asks PostgREST to do, with that person's token.

So it can never do what they may not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.passthrough import forwarded_headers, too_many_at_once
from gateway.problem import problem
from gateway.turns import TooManyAtOnce

_KEPT = {"authorization", "x-request-id"}


class RestUnavailable(Exception):
    """PostgREST does not answer; whether it did what was asked is not known."""


class Refused(Exception):
    """The answer to hand on: PostgREST's own, or one of ours."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"refused with {answer.status_code}")
        self.answer = answer


async def ask(
    request: Request, method: str, path: str, content: bytes | None = None
) -> httpx.Response:
    """PostgREST's answer to the caller. path: below its root; content: JSON.

    Raises RestUnavailable, and Refused when too much of this caller is under way.
    """
    client: httpx.AsyncClient = request.app.state.postgrest
    try:
        return await client.request(method, path, content=content, headers=_headers(request))
    except TooManyAtOnce:
        raise Refused(too_many_at_once()) from None
    except httpx.TransportError as error:
        raise RestUnavailable from error


@asynccontextmanager
async def asking(
    request: Request, path: str, *, prefer: str | None = None
) -> AsyncIterator[httpx.Response]:
    """PostgREST's answer to a GET of the caller, while it arrives. prefer: a header.

    For what is large: an answer that is read whole keeps its content until Python looks for
    cycles, which can be hundreds of answers later. Raises RestUnavailable.
    """
    client: httpx.AsyncClient = request.app.state.postgrest
    headers = [*_headers(request), *([("prefer", prefer)] if prefer else [])]
    try:
        async with client.stream("GET", path, headers=headers) as answer:
            yield answer
    except httpx.TransportError as error:
        raise RestUnavailable from error


def _headers(request: Request) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in forwarded_headers(request) if name in _KEPT]
    return [*kept, ("content-type", "application/json")]


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


async def rpc(request: Request, function: str, arguments: Mapping[str, Any]) -> Any:
    """What a function of the database answers the caller, decoded. Raises Refused."""
    return await call(request, "POST", f"/rpc/{function}", orjson.dumps(arguments))


async def call(request: Request, method: str, path: str, content: bytes | None = None) -> Any:
    """PostgREST's answer to the caller, decoded; None for an empty one. Raises Refused."""
    try:
        answer = await ask(request, method, path, content)
    except RestUnavailable:
        raise Refused(unavailable()) from None
    if not answer.is_success:
        raise refusal(answer)
    return orjson.loads(answer.content) if answer.content else None


def invalid(errors: Mapping[str, str]) -> Refused:
    """The refusal of fields that cannot be used, each with what it needs."""
    detail = f"Correct these fields: {', '.join(errors)}."
    return Refused(problem(422, "invalid_fields", detail, errors=errors))


def refusal(answer: httpx.Response) -> Refused:
    """PostgREST's refusal: where its detail names fields as ours do, else as it stands."""
    if answer.status_code == 422:
        try:
            errors = orjson.loads(orjson.loads(answer.content)["details"])
        except (ValueError, KeyError, TypeError):
            errors = None
        if isinstance(errors, dict):
            return invalid(errors)
    return Refused(handed_on(answer))
