"""Signing secrets of webhook connections: sealed here, stored as the caller, never read back.

    POST /functions/v1/webhook-connections              make a connection; 201
    POST /functions/v1/webhook-connections/{id}/secret  give it a new secret; 200

Names are taken in both spellings, `webhook_secret` and `webhookSecret`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.bodies import read_body
from gateway.passthrough import forwarded_headers
from gateway.problem import problem
from salesdash.sealing import seal_connection_secret

MAX_BODY = 64 * 1024
MAX_SECRET = 1024

_PASSED_ON = {"name", "connection_type", "provider_account", "rate_limit_per_minute"}
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class _Refused(Exception):
    """The answer to hand on: PostgREST's own, or that it does not answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"refused with {answer.status_code}")
        self.answer = answer


async def create(request: Request) -> Response:
    """A new connection, with its signing secret."""
    given = _fields(await read_body(request, MAX_BODY))
    secret = _secret(given)
    if given is None or secret is None:
        return _invalid()
    try:
        prepared = await _rpc(
            request, "prepare_webhook_connection", {"organization_id": given.get("organization_id")}
        )
        organization_id, connection_id = UUID(prepared["organization_id"]), UUID(prepared["id"])
        await _rpc(
            request,
            "create_webhook_connection",
            {
                **{name: value for name, value in given.items() if name in _PASSED_ON},
                **_sealed(request, secret, organization_id, connection_id),
                "id": str(connection_id),
                "organization_id": str(organization_id),
            },
        )
    except _Refused as refused:
        return refused.answer
    site_url: str = request.app.state.settings.site_url
    return JSONResponse(
        {
            "organization_id": str(organization_id),
            "id": str(connection_id),
            "url": f"{site_url}/hooks/{given.get('connection_type')}/{connection_id}",
        },
        status_code=201,
    )


async def rotate(request: Request) -> Response:
    """A new signing secret of a connection; the present one counts for a while."""
    given = _fields(await read_body(request, MAX_BODY))
    secret = _secret(given)
    connection_id: UUID = request.path_params["connection_id"]
    if given is None or secret is None:
        return _invalid()
    try:
        rows = await _call(
            request,
            "GET",
            f"/webhook_connections?select=organization_id&id=eq.{connection_id}",
        )
        if not rows:
            return problem(404, "unknown_connection", "There is no such connection.")
        organization_id = UUID(rows[0]["organization_id"])
        arguments: dict[str, Any] = {
            **_sealed(request, secret, organization_id, connection_id),
            "connection_id": str(connection_id),
            "organization_id": str(organization_id),
        }
        if "previous_valid_seconds" in given:
            arguments["previous_valid_seconds"] = given["previous_valid_seconds"]
        await _rpc(request, "rotate_webhook_secret", arguments)
    except _Refused as refused:
        return refused.answer
    return JSONResponse({"organization_id": str(organization_id), "id": str(connection_id)})


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        given = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    return {_CAPITAL.sub(r"_\1", name).lower(): value for name, value in given.items()}


def _secret(given: Mapping[str, Any] | None) -> str | None:
    secret = given.get("webhook_secret") if given else None
    if isinstance(secret, str) and 8 <= len(secret.strip()) <= MAX_SECRET:
        return secret.strip()
    return None


def _sealed(
    request: Request, secret: str, organization_id: UUID, connection_id: UUID
) -> dict[str, str]:
    sealed = seal_connection_secret(
        request.app.state.box, secret, organization_id=organization_id, connection_id=connection_id
    )
    return {"webhook_secret": f"\\x{sealed.hex()}", "webhook_secret_last4": secret[-4:]}


async def _rpc(request: Request, function: str, arguments: Mapping[str, Any]) -> Any:
    return await _call(request, "POST", f"/rpc/{function}", orjson.dumps(arguments))


async def _call(request: Request, method: str, path: str, content: bytes | None = None) -> Any:
    """Ask PostgREST as the caller; the decoded answer, None without one. Raises _Refused."""
    client: httpx.AsyncClient = request.app.state.postgrest
    kept = {"authorization", "x-request-id"}
    headers = [(name, value) for name, value in forwarded_headers(request) if name in kept]
    try:
        answer = await client.request(
            method, path, content=content, headers=[*headers, ("content-type", "application/json")]
        )
    except httpx.TransportError:
        raise _Refused(
            problem(
                503,
                "rest_unavailable",
                "The REST service does not answer just now.",
                headers={"retry-after": "2"},
            )
        ) from None
    if not answer.is_success:
        told = answer.headers.get("content-type")
        raise _Refused(Response(answer.content, answer.status_code, media_type=told))
    return orjson.loads(answer.content) if answer.content else None


def _invalid() -> Response:
    return problem(
        422, "invalid_secret", "Send a JSON object with a webhook_secret of 8 to 1024 characters."
    )


ROUTES: list[BaseRoute] = [
    Route("/functions/v1/webhook-connections", create, methods=["POST"]),
    Route(
        "/functions/v1/webhook-connections/{connection_id:uuid}/secret", rotate, methods=["POST"]
    ),
]
