"""Secrets of webhook connections: sealed here, stored as the caller, never read back.

    POST /functions/v1/webhook-connections               make a connection; 201
    POST /functions/v1/webhook-connections/{id}/secret   give it a new signing secret; 200
    POST /functions/v1/webhook-connections/{id}/api-key  the key by which the provider is asked; 200

Names are taken in both spellings, `webhook_secret` and `webhookSecret`. What a connection may be
called and may do is decided in SQL; here is seen to that secrets are there, and texts are texts.
"""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import Refused, call, invalid, rpc
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.hooks import ALIASES
from gateway.problem import problem
from salesdash.sealing import seal_connection_api_key, seal_connection_secret

MAX_BODY = 64 * 1024
SECRET_LENGTH = range(8, 1025)

_TEXTS = ("name", "connection_type", "provider_account", "organization_id")
_NUMBERS = ("rate_limit_per_minute", "previous_valid_seconds")
_SETTINGS = ("name", "connection_type", "provider_account", "rate_limit_per_minute")
_LONG_ENOUGH = "A text of 8 to 1024 characters."
_ACUITY_KEY = "Acuity's numeric user id, a colon, and the API key: 12345678:0123abcd."


async def create(request: Request) -> Response:
    """A new connection, with its signing secret."""
    try:
        given = await _fields(request)
        connection_type = given.get("connection_type")
        api_key = _api_key(given, connection_type) if given.get("api_key") is not None else None
        if connection_type == "acuity" and api_key and given.get("webhook_secret") is None:
            secret = _signing_part(api_key)
        else:
            secret = _secret(given)
        prepared = await rpc(
            request, "prepare_webhook_connection", {"organization_id": given.get("organization_id")}
        )
        organization_id, connection_id = UUID(prepared["organization_id"]), UUID(prepared["id"])
        await rpc(
            request,
            "create_webhook_connection",
            {
                **{name: given.get(name) for name in _SETTINGS},
                **_sealed_secret(request, secret, organization_id, connection_id),
                **(
                    _sealed_key(request, api_key, organization_id, connection_id) if api_key else {}
                ),
                "id": str(connection_id),
                "organization_id": str(organization_id),
            },
        )
    except Refused as refused:
        return refused.answer
    urls = _urls(request.app.state.settings.site_url, str(connection_type), connection_id)
    return JSONResponse(
        {
            "organization_id": str(organization_id),
            "id": str(connection_id),
            "url": urls[0],
            "urls": urls,
        },
        status_code=201,
    )


async def rotate(request: Request) -> Response:
    """A new signing secret of a connection; the present one counts for a while."""
    connection_id: UUID = request.path_params["connection_id"]
    try:
        given = await _fields(request)
        secret = _secret(given)
        organization_id, _ = await _found(request, connection_id)
        await rpc(
            request,
            "rotate_webhook_secret",
            {
                **_sealed_secret(request, secret, organization_id, connection_id),
                **_previous_valid(given),
                "connection_id": str(connection_id),
                "organization_id": str(organization_id),
            },
        )
    except Refused as refused:
        return refused.answer
    return JSONResponse({"organization_id": str(organization_id), "id": str(connection_id)})


async def set_api_key(request: Request) -> Response:
    """The key by which the provider is asked.

    Acuity signs with it: unless keep_webhook_secret is true its key is the new signing secret too.
    """
    connection_id: UUID = request.path_params["connection_id"]
    try:
        given = await _fields(request)
        organization_id, connection_type = await _found(request, connection_id)
        api_key = _api_key(given, connection_type)
        signing: Fields = {}
        if connection_type == "acuity" and given.get("keep_webhook_secret") is not True:
            signing = {
                **_sealed_secret(request, _signing_part(api_key), organization_id, connection_id),
                **_previous_valid(given),
            }
        await rpc(
            request,
            "set_webhook_api_key",
            {
                **_sealed_key(request, api_key, organization_id, connection_id),
                **signing,
                "connection_id": str(connection_id),
                "organization_id": str(organization_id),
            },
        )
    except Refused as refused:
        return refused.answer
    return JSONResponse({"organization_id": str(organization_id), "id": str(connection_id)})


async def _fields(request: Request) -> Fields:
    """What was sent, if its texts are texts and its numbers numbers."""
    try:
        given = await sent_fields(request, MAX_BODY)
    except NotAnObject:
        raise Refused(problem(400, "not_json", "The body is not a JSON object.")) from None
    wrong = {name: "A text." for name in _TEXTS if not _is_text(given.get(name))}
    wrong |= {name: "A whole number." for name in _NUMBERS if not _is_number(given.get(name))}
    if wrong:
        raise invalid(wrong)
    return given


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and "\0" not in value)


def _is_number(value: object) -> bool:
    """Whether it is nothing, or fits the database's integer."""
    return value is None or (type(value) is int and -(2**31) <= value < 2**31)


def _secret(given: Fields) -> str:
    """The signing secret that was sent."""
    return _text(given, "webhook_secret", _LONG_ENOUGH)


def _api_key(given: Fields, connection_type: object) -> str:
    """The key that was sent, in the form that its provider needs."""
    if connection_type != "acuity":
        return _text(given, "api_key", _LONG_ENOUGH)
    key = _text(given, "api_key", _ACUITY_KEY)
    user_id, _, secret = key.partition(":")
    if not (user_id.isascii() and user_id.isdigit() and len(secret) in SECRET_LENGTH):
        raise invalid({"api_key": _ACUITY_KEY})
    return key


def _signing_part(acuity_key: str) -> str:
    """What Acuity signs with: the key without its user."""
    return acuity_key.partition(":")[2]


def _text(given: Fields, name: str, needed: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or len(value.strip()) not in SECRET_LENGTH:
        raise invalid({name: needed})
    return value.strip()


def _previous_valid(given: Fields) -> Fields:
    seconds = given.get("previous_valid_seconds")
    return {} if seconds is None else {"previous_valid_seconds": seconds}


def _sealed_secret(
    request: Request, secret: str, organization_id: UUID, connection_id: UUID
) -> Fields:
    sealed = seal_connection_secret(
        request.app.state.box, secret, organization_id=organization_id, connection_id=connection_id
    )
    return {"webhook_secret": f"\\x{sealed.hex()}", "webhook_secret_last4": secret[-4:]}


def _sealed_key(
    request: Request, api_key: str | None, organization_id: UUID, connection_id: UUID
) -> Fields:
    if api_key is None:
        return {}
    sealed = seal_connection_api_key(
        request.app.state.box, api_key, organization_id=organization_id, connection_id=connection_id
    )
    return {"api_key": f"\\x{sealed.hex()}", "api_key_last4": api_key[-4:]}


def _urls(site_url: str, connection_type: str, connection_id: UUID) -> list[str]:
    """Where the provider may deliver, the usual URL first."""
    aliases = [name for name, accepted in ALIASES.items() if connection_type in accepted]
    return [
        f"{site_url}/hooks/{connection_type}/{connection_id}",
        *(f"{site_url}/functions/v1/{name}?connection={connection_id}" for name in aliases),
    ]


async def _found(request: Request, connection_id: UUID) -> tuple[UUID, str]:
    """The organization and type of a connection that the caller sees."""
    rows = await call(
        request,
        "GET",
        f"/webhook_connections?select=organization_id,connection_type&id=eq.{connection_id}",
    )
    if not rows:
        raise Refused(problem(404, "unknown_connection", "There is no such connection."))
    return UUID(rows[0]["organization_id"]), rows[0]["connection_type"]


_PATH = "/functions/v1/webhook-connections"
_ONE = f"{_PATH}/{{connection_id:uuid}}"

ROUTES: list[BaseRoute] = [
    Route(_PATH, create, methods=["POST"]),
    Route(f"{_ONE}/secret", rotate, methods=["POST"]),
    Route(f"{_ONE}/api-key", set_api_key, methods=["POST"]),
]
