"""Personal links: making them as the admin who asks, and what their holders do without a login.

    GET  /functions/v1/portal-pcf             the holder's calls, form and numbers
    POST /functions/v1/portal-pcf             {event_id, form}: submit one; without them as GET
    GET  /functions/v1/commission-statement   the payout that a statement link is for
    POST /functions/v1/create-portal-link     a link that is shown once; 201
    POST /functions/v1/send-portal-link       one that is e-mailed to the closer
    POST /functions/v1/send-commission-link   one to a locked payout, e-mailed to the payee

The token of a link comes in the header `X-Portal-Token`, as `Authorization: Portal <token>`, or as
`token` in a body; never in the query, which logs and histories keep. What a link may do is decided
in SQL; here tokens are made, hashed and sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.addresses import client_address
from gateway.as_caller import Refused, invalid, rpc
from gateway.auth.secrets import new_token, token_hash
from gateway.database import Pool
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem
from salesdash.sealing import seal_secret

MAX_BODY = 256 * 1024
_NO_STORE = {"cache-control": "no-store"}
_PAGES = {"pcf": "portal", "statement": "statement"}
_IDS = ("closer_id", "payee_id", "snapshot_id", "organization_id")


class Followed(NamedTuple):
    """What became of a link. outcome: open, not_valid, throttled or refused; document: JSON."""

    outcome: str
    document: str | None


class Portal:
    """The named functions behind personal links, one method each. Every call is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def portal_get(self, *, token_hash: bytes, address: str | None) -> Followed:
        return await self._followed(
            "select outcome, document::text from session.portal_get("
            "token_hash => %(token_hash)s, address => %(address)s)",
            {"token_hash": token_hash, "address": address},
        )

    async def portal_submit(
        self, *, token_hash: bytes, event_id: UUID, form: object, address: str | None
    ) -> Followed:
        return await self._followed(
            "select outcome, document::text from session.portal_submit("
            "token_hash => %(token_hash)s, event_id => %(event_id)s, form => %(form)s,"
            " address => %(address)s)",
            {
                "token_hash": token_hash,
                "event_id": event_id,
                "form": Jsonb(form),
                "address": address,
            },
        )

    async def statement_get(self, *, token_hash: bytes, address: str | None) -> Followed:
        return await self._followed(
            "select outcome, document::text from session.statement_get("
            "token_hash => %(token_hash)s, address => %(address)s)",
            {"token_hash": token_hash, "address": address},
        )

    async def _followed(self, query: LiteralString, arguments: Mapping[str, Any]) -> Followed:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Followed)) as cursor,
        ):
            await cursor.execute(query, arguments)
            found = await cursor.fetchone()
        if found is None:
            raise TypeError("the database answered nothing")
        return found


async def portal_pcf(request: Request) -> Response:
    """What the portal of a link shows, or a form of one of its calls."""
    try:
        given = await _given(request)
        presented = _presented(request, given)
        if given.keys() <= {"token"}:
            followed = await _portal(request).portal_get(**presented)
        else:
            followed = await _portal(request).portal_submit(**presented, **_submitted(given))
    except Refused as refused:
        return refused.answer
    return _answer(followed)


async def commission_statement(request: Request) -> Response:
    """The payout that a statement link is for."""
    try:
        presented = _presented(request, await _given(request))
        return _answer(await _portal(request).statement_get(**presented))
    except Refused as refused:
        return refused.answer


async def create_portal_link(request: Request) -> Response:
    """A link that is shown to the admin who makes it, and never again."""
    try:
        given = await _arguments(request, "scope")
        scope = given.pop("scope", None) or "pcf"
        made, url = await _make(request, scope, given, by_mail=False)
    except Refused as refused:
        return refused.answer
    return JSONResponse({**made, "url": url}, status_code=201, headers=_NO_STORE)


async def send_portal_link(request: Request) -> Response:
    """A link to the portal, e-mailed to its closer."""
    return await _send(request, "pcf")


async def send_commission_link(request: Request) -> Response:
    """A link to a locked payout, e-mailed to a payee of it."""
    return await _send(request, "statement")


async def _send(request: Request, scope: str) -> Response:
    try:
        made, _ = await _make(request, scope, await _arguments(request), by_mail=True)
    except Refused as refused:
        return refused.answer
    return JSONResponse(made, headers=_NO_STORE)


async def _make(
    request: Request, scope: object, given: dict[str, Any], *, by_mail: bool
) -> tuple[Fields, str]:
    """Make a link as the caller: (its row, its address). Raises Refused."""
    if not isinstance(scope, str) or scope not in _PAGES:
        raise invalid({"scope": f"One of {', '.join(_PAGES)}."})
    valid_days = given.pop("valid_days", None)
    prepared = await rpc(request, "prepare_access_link", {"scope": scope, **given})
    token = new_token()
    url = f"{request.app.state.settings.site_url}/{_PAGES[scope]}#token={token}"
    secret = None
    if by_mail:
        sealed = seal_secret(
            request.app.state.box,
            orjson.dumps({"link": url}).decode(),
            organization_id=UUID(prepared["organization_id"]),
            kind="email",
        )
        secret = f"\\x{sealed.hex()}"
    made = await rpc(
        request,
        "create_access_link",
        {
            **{name: prepared[name] for name in _IDS},
            "scope": scope,
            "token_hash": f"\\x{token_hash(token).hex()}",
            "valid_days": valid_days,
            "secret": secret,
        },
    )
    return made, url


async def _arguments(request: Request, *more: str) -> dict[str, Any]:
    """What an admin asks for, by its names in snake case. Raises Refused."""
    sent = await _given(request)
    given = {name: value for name, value in sent.items() if value not in (None, "")}
    wrong = dict.fromkeys(
        given.keys() - {*_IDS, "valid_days", *more}, "This function has no such argument."
    )
    wrong |= {name: "The id of a row, a UUID." for name in _IDS if not _is_id(given.get(name))}
    days = given.get("valid_days", 1)
    if type(days) is not int or not 1 <= days <= 365:
        wrong["valid_days"] = "From 1 to 365 days."
    if wrong:
        raise invalid(wrong)
    return given


async def _given(request: Request) -> Fields:
    """The fields of a body; a GET has none. Raises Refused, also for a token in the query."""
    if "token" in request.query_params:
        raise Refused(
            problem(
                400,
                "token_in_query",
                "A token does not belong into an address: send it in the header X-Portal-Token.",
            )
        )
    if request.method in {"GET", "HEAD"}:
        return {}
    try:
        return await sent_fields(request, MAX_BODY)
    except NotAnObject:
        raise Refused(problem(400, "not_json", "The body is not a JSON object.")) from None


def _presented(request: Request, given: Fields) -> dict[str, Any]:
    """The hash of the token that was sent, and from where. A missing token is like a wrong one."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    body_token = given.get("token")
    token = (
        request.headers.get("x-portal-token", "").strip()
        or (credentials.strip() if scheme.lower() == "portal" else "")
        or (body_token if isinstance(body_token, str) else "")
    )
    return {
        "token_hash": token_hash(token.encode("utf-8", "replace").decode()),
        "address": client_address(request),
    }


def _submitted(given: Fields) -> dict[str, Any]:
    """The call and the answers that were sent. Raises Refused."""
    event_id, form = given.get("event_id"), given.get("form")
    wrong = dict.fromkeys(
        given.keys() - {"token", "event_id", "form"}, "This function has no such argument."
    )
    if not isinstance(event_id, str) or not _is_id(event_id):
        wrong["event_id"] = "The id of a call, a UUID."
    if not isinstance(form, dict):
        wrong["form"] = "An object of field and answer."
    elif b"\\u0000" in orjson.dumps(form):
        wrong["form"] = "Answers hold no zero characters."
    if wrong:
        raise invalid(wrong)
    return {"event_id": UUID(str(event_id)), "form": form}


def _answer(followed: Followed) -> Response:
    """What the holder of a link is told: one and the same of every link that is not good."""
    if followed.outcome == "open":
        return Response(
            followed.document or "null", media_type="application/json", headers=_NO_STORE
        )
    if followed.outcome == "throttled":
        return problem(
            429,
            "too_many_attempts",
            "This was tried too often. Wait a few minutes.",
            headers={**_NO_STORE, "retry-after": "300"},
        )
    if followed.outcome == "refused" and followed.document is not None:
        return _refusal(orjson.loads(followed.document))
    return problem(404, "link_not_valid", "This link is not valid.", headers=_NO_STORE)


def _refusal(reason: Mapping[str, Any]) -> Response:
    """Why the database did not take a form: by field where it says so."""
    told = " ".join(part for part in (reason["message"], reason["hint"]) if part)
    if reason["code"] == "PT422":
        try:
            errors = orjson.loads(reason["details"] or "")
        except ValueError:
            errors = None
        return problem(
            422,
            "invalid_fields",
            reason["message"] if errors else told,
            headers=_NO_STORE,
            errors=errors,
        )
    if reason["code"] == "PT409":
        told = " ".join(part for part in (reason["message"], reason["details"]) if part)
        return problem(409, "not_now", told, headers=_NO_STORE)
    return problem(404, "unknown_call", reason["message"], headers=_NO_STORE)


def _is_id(value: object) -> bool:
    try:
        return value is None or (isinstance(value, str) and bool(UUID(value)))
    except ValueError:
        return False


def _portal(request: Request) -> Portal:
    return Portal(request.app.state.pool)


_PREFIX = "/functions/v1"

ROUTES: list[BaseRoute] = [
    Route(f"{_PREFIX}/portal-pcf", portal_pcf, methods=["GET", "POST"]),
    Route(f"{_PREFIX}/commission-statement", commission_statement, methods=["GET", "POST"]),
    Route(f"{_PREFIX}/create-portal-link", create_portal_link, methods=["POST"]),
    Route(f"{_PREFIX}/send-portal-link", send_portal_link, methods=["POST"]),
    Route(f"{_PREFIX}/send-commission-link", send_commission_link, methods=["POST"]),
]
