"""Read-only keys of an organization, signed here, let in and taken back by the database.

    POST /functions/v1/api-keys   {"name", "organization_id"}

Answers 201 with the key, which is shown this once: a token of role `reader` that PostgREST takes as
it is. It has no date on which it ends; `rpc/revoke_api_key` ends it at once. `api_keys` lists what
may be known of keys.
"""

from __future__ import annotations

import time
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import Refused, invalid, rpc
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem
from salesdash.tokens import ReaderClaims, mint_reader_key

MAX_BODY = 16 * 1024
_NO_STORE = {"cache-control": "no-store"}


async def create(request: Request) -> Response:
    """Sign a key for the caller's organization."""
    try:
        given = await _fields(request)
        named = {"organization_id": given.get("organization_id")}
        prepared = await rpc(request, "prepare_api_key", named)
        claims = ReaderClaims(UUID(prepared["key_id"]), UUID(prepared["organization_id"]))
        settings = request.app.state.settings
        key = mint_reader_key(
            claims,
            settings.required("jwt_secret"),
            issuer=f"{settings.site_url}/auth/v1",
            now=int(time.time()),
        )
        row = await rpc(
            request,
            "create_api_key",
            {
                "name": given["name"],
                "key_id": str(claims.key_id),
                "last4": key[-4:],
                "organization_id": str(claims.organization_id),
            },
        )
    except NotAnObject:
        return problem(400, "not_json", "The body is not a JSON object.")
    except Refused as refused:
        return refused.answer
    told = {name: row[name] for name in ("organization_id", "id", "name", "last4", "created_at")}
    return JSONResponse({**told, "key": key}, status_code=201, headers=_NO_STORE)


async def _fields(request: Request) -> Fields:
    given = await sent_fields(request, MAX_BODY)
    wrong = dict.fromkeys(
        given.keys() - {"name", "organization_id"}, "This function has no such argument."
    )
    name = given.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 100 or "\0" in name:
        wrong["name"] = "A text of at most 100 characters: what the key is for."
    if not isinstance(given.get("organization_id"), str | None):
        wrong["organization_id"] = "The id of an organization, a UUID."
    if wrong:
        raise invalid(wrong)
    return given


ROUTES: list[BaseRoute] = [Route("/functions/v1/api-keys", create, methods=["POST"])]
