"""Invitations: sent for admins, looked at and accepted by whoever holds the link.

    POST      /functions/v1/send-invite-email    invite an address, or send an invitation again
    GET, POST /functions/v1/validate-invite      what a token is for; for anybody
    POST      /functions/v1/create-invited-user  accept: token, password, full_name

Names are taken in both spellings. Who may invite whom is decided in SQL, which is asked as the
caller; only the token is made here, and nobody but the invited person ever holds it: the database
keeps its hash, and the e-mail travels sealed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from psycopg import Error
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import Refused, invalid, rpc
from gateway.auth.errors import AuthRefused, invalid_credentials
from gateway.auth.routes import refusal_of
from gateway.auth.secrets import new_token, token_hash
from gateway.auth.service import AuthService, email_address, new_password, service, text, visitor
from gateway.auth.sign_up import register
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem
from salesdash.sealing import seal_secret

MAX_BODY = 64 * 1024
MAIL_KIND = "email"
TOKEN_NAMES = ("token", "invitation_token", "invite_token")

_NEW = (
    "email",
    "role",
    "closer_id",
    "setter_id",
    "becomes_closer",
    "becomes_setter",
    "expires_in_days",
    "organization_id",
)
_AGAIN = ("invitation_id", "expires_in_days", "organization_id")
_IDS = ("invitation_id", "closer_id", "setter_id", "organization_id")
_FLAGS = ("becomes_closer", "becomes_setter")
_PRIVATE = {"cache-control": "no-store"}

Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with its refusals as answers in the words of /functions/v1."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NotAnObject:
            return problem(400, "not_json", "The body is not a JSON object.")
        except Refused as refused:
            return refused.answer
        except AuthRefused as refused:
            return _told(refused)
        except Error as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return _told(refusal)

    return answer


def _told(refusal: AuthRefused) -> Response:
    detail = f"{refusal.message.rstrip('.')}."
    if refusal.code == invalid_credentials().code:
        detail = "The invitation is not valid, or the password is not that of the account."
    return problem(refusal.status, refusal.code, detail, headers=refusal.headers)


@_answering
async def send_invite_email(request: Request) -> Response:
    """With invitation_id a new link for that invitation; otherwise a new invitation of email."""
    given = await sent_fields(request, MAX_BODY)
    again = given.get("invitation_id") is not None
    arguments = _arguments(given, _AGAIN if again else _NEW)
    if not again and arguments.get("email") is None:
        raise invalid({"email": "An e-mail address."})
    made = await rpc(request, "renew_invitation" if again else "create_invitation", arguments)
    auth = service(request)
    token = new_token()
    organization_id = UUID(made["organization_id"])
    sent = await auth.store.send_invitation(
        organization_id=organization_id,
        invitation_id=UUID(made["id"]),
        token_hash=token_hash(token),
        secret=seal_secret(
            auth.box,
            json.dumps({"link": invitation_url(auth, token)}),
            organization_id=organization_id,
            kind=MAIL_KIND,
        ),
        site_url=auth.site_url,
        address=visitor(request).address,
    )
    if not sent:
        return problem(
            429,
            "over_email_send_rate_limit",
            f"Too many e-mails were asked for. Send invitation {made['id']} again later.",
            headers={"retry-after": "600"},
        )
    told = {name: value for name, value in made.items() if name != "sent_at"}
    return JSONResponse(told, status_code=200 if again else 201, headers=_PRIVATE)


@_answering
async def validate_invite(request: Request) -> Response:
    """What an invitation is for. Every token that opens none has the same answer."""
    token = _token(await sent_fields(request, MAX_BODY))
    found = await service(request).store.check_invitation(
        token_hash=token_hash(token), address=visitor(request).address
    )
    if found is None:
        return JSONResponse({"valid": False}, headers=_PRIVATE)
    return JSONResponse(
        {
            "valid": True,
            "organization_name": found.organization_name,
            "role": found.role,
            "expires_at": found.expires_at.isoformat(),
        },
        headers=_PRIVATE,
    )


@_answering
async def create_invited_user(request: Request) -> Response:
    """Accept an invitation: {"user": ..., "session": ...}.

    Who is new chooses a password, who exists proves it with theirs; who is signed in sends none,
    and gets no session: refreshing the present one gives a token with the new rights.
    """
    given = await sent_fields(request, MAX_BODY)
    auth = service(request)
    invitation_hash = token_hash(_token(given))
    password = new_password(given)
    if password is None:
        document = await _joined(auth, request, invitation_hash)
        return JSONResponse({"user": document, "session": None}, headers=_PRIVATE)
    name = text(given, "full_name") or text(given, "name")
    session = await register(
        auth,
        email=email_address(given) if text(given, "email") else None,
        password=password,
        data={} if name is None else {"full_name": name.strip()[:200]},
        invitation_hash=invitation_hash,
        visitor=visitor(request),
    )
    return JSONResponse(
        {"user": session["user"], "session": session}, status_code=201, headers=_PRIVATE
    )


async def _joined(auth: AuthService, request: Request, invitation_hash: bytes) -> dict[str, Any]:
    """The signed-in person, who has accepted. Raises AuthRefused."""
    try:
        claims = auth.claims(request)
    except AuthRefused:
        raise invalid({"password": "A password, or the access token of a person."}) from None
    document = await auth.store.join_by_invitation(
        session_id=claims.session_id,
        user_id=claims.user_id,
        token_hash=invitation_hash,
        address=visitor(request).address,
    )
    if document is None:
        raise invalid_credentials()
    return document


def invitation_url(auth: AuthService, token: str) -> str:
    """The page on which it is accepted; the token is in the fragment, which no server sees."""
    return f"{auth.site_url}/accept-invitation#{urlencode({'token': token})}"


def _token(given: Fields) -> str:
    """The invitation's token, by any of its names; one that opens nothing when there is none."""
    sent = (given.get(name) for name in TOKEN_NAMES)
    return next((value for value in sent if isinstance(value, str) and value.isascii()), "")


def _arguments(given: Fields, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that a function takes, those that say nothing left out. Raises Refused."""
    arguments = {name: given[name] for name in names if given.get(name) not in (None, "")}
    wrong = {name: "The id of a row, a UUID." for name in _IDS if not _is_id(arguments.get(name))}
    wrong |= {
        name: "True or false."
        for name in _FLAGS
        if not isinstance(arguments.get(name), bool | None)
    }
    wrong |= {
        name: "A text."
        for name in ("email", "role")
        if not isinstance(arguments.get(name), str | None) or "\0" in (arguments.get(name) or "")
    }
    if not _is_day_count(arguments.get("expires_in_days")):
        wrong["expires_in_days"] = "From 1 to 30 days."
    if wrong:
        raise invalid(wrong)
    return arguments


def _is_day_count(value: object) -> bool:
    return value is None or (type(value) is int and 0 < value <= 30)


def _is_id(value: object) -> bool:
    try:
        return value is None or (isinstance(value, str) and bool(UUID(value)))
    except ValueError:
        return False


ROUTES: list[BaseRoute] = [
    Route("/functions/v1/send-invite-email", send_invite_email, methods=["POST"]),
    Route("/functions/v1/validate-invite", validate_invite, methods=["GET", "POST"]),
    Route("/functions/v1/create-invited-user", create_invited_user, methods=["POST"]),
]
