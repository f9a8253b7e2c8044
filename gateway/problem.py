"""Errors of the gateway itself, as RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class ProblemResponse(JSONResponse):
    """A response of media type application/problem+json."""

    media_type = "application/problem+json"


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """One problem. code: a stable word for programs; detail: a sentence for people, no secrets.

    errors: what each wrong field needs, by the name of the field.
    """
    return ProblemResponse(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            **({"errors": dict(errors)} if errors else {}),
        },
        status_code=status,
        headers=dict(headers or {}),
    )


async def http_problem(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such route, wrong method) as problems."""
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    return problem(
        error.status_code,
        phrase.lower().replace(" ", "_"),
        error.detail if error.detail != phrase else f"{phrase}.",
        headers=error.headers,
    )
