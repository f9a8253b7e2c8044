"""Keys of an organization's integrations: sealed here, stored as the caller, never read back.

    POST /functions/v1/manage-api-keys   {"action", "provider", "api_key", "organization_id"}

action: `set`, `rotate` (there has to be a key already) or `delete`. provider: calendly, close, ghl,
hubspot, whop, stripe, or slack, whose key is the address of an incoming webhook. Answers what may
be known of the key: its last four characters, which master key sealed it, and when its provider
last accepted it, which nobody has asked yet when it is new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import Refused, invalid, rpc
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem
from salesdash.sealing import seal_integration_key

MAX_BODY = 16 * 1024

_TEXTS = ("action", "provider", "organization_id")
_ACTIONS = ("set", "rotate", "delete")
_KEY = re.compile(r"[\x21-\x7e]{8,1024}")
_KEY_NEEDED = "A text of 8 to 1024 letters, digits and signs, without blanks."
_SHAPES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    # The worker will post to this address: it must be Slack's, and nobody else's.
    "slack": (
        re.compile(r"https://hooks\.slack(-gov)?\.com/[\x21-\x7e]+"),
        "The address of an incoming webhook: https://hooks.slack.com/services/...",
    ),
    "stripe": (
        re.compile(r"(?!pk_)[\x21-\x7e]+"),
        "A secret or restricted key; the publishable one is no secret, see update_integrations.",
    ),
}
"""What a provider's key looks like, where that matters."""


async def manage(request: Request) -> Response:
    """Set, rotate or delete one key."""
    try:
        given = await _fields(request)
        key = None if given["action"] == "delete" else _key(given)
        prepared = await rpc(request, "prepare_integration_key", _named(given))
        organization_id = UUID(prepared["prepared_for"])
        named = _named({**given, "organization_id": str(organization_id)})
        if key is None:
            row = await rpc(request, "delete_integration_key", named)
        else:
            sealed = seal_integration_key(
                request.app.state.box,
                key,
                organization_id=organization_id,
                key_name=prepared["key_name"],
            )
            row = await rpc(
                request,
                "set_integration_key",
                {
                    **named,
                    "sealed": f"\\x{sealed.hex()}",
                    "last4": key[-4:],
                    "must_exist": given["action"] == "rotate",
                },
            )
    except NotAnObject:
        return problem(400, "not_json", "The body is not a JSON object.")
    except Refused as refused:
        return refused.answer
    return JSONResponse(_told(row, given["provider"], prepared["key_name"]))


def _named(given: Fields) -> dict[str, Any]:
    """Whose key of which provider is meant."""
    return {name: given.get(name) for name in ("provider", "organization_id")}


async def _fields(request: Request) -> Fields:
    given = await sent_fields(request, MAX_BODY)
    wrong = {
        name: "A text."
        for name in _TEXTS
        if not isinstance(given.get(name), str | None) or "\0" in (given.get(name) or "")
    }
    if given.get("action") not in _ACTIONS:
        wrong["action"] = "One of set, rotate, delete; a key is never read back."
    if not given.get("provider"):
        wrong["provider"] = "Whose key it is."
    if wrong:
        raise invalid(wrong)
    return given


def _key(given: Fields) -> str:
    """The key that was sent, in the form that its provider needs."""
    value = given.get("api_key")
    key = value.strip() if isinstance(value, str) else ""
    if not _KEY.fullmatch(key):
        raise invalid({"api_key": _KEY_NEEDED})
    shape, needed = _SHAPES.get(given["provider"], (_KEY, _KEY_NEEDED))
    if not shape.fullmatch(key):
        raise invalid({"api_key": needed})
    return key


def _told(row: Mapping[str, Any], provider: str, key_name: str) -> dict[str, Any]:
    """What may be known of a key."""
    return {
        "organization_id": row["organization_id"],
        "provider": provider,
        "configured": row[f"{provider}_configured"],
        "last4": row[f"{key_name}_last4"],
        "key_id": row[f"{key_name}_key_id"],
        "validated_at": row[f"{key_name}_validated_at"],
    }


ROUTES: list[BaseRoute] = [Route("/functions/v1/manage-api-keys", manage, methods=["POST"])]
