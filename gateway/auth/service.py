"""What the routes of /auth/v1 share: the parts they work with, and the shapes they answer in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.addresses import client_address
from gateway.auth.errors import API_VERSION, AuthRefused, session_over, validation_failed
from gateway.auth.passwords import PasswordHasher
from gateway.auth.redirects import Redirects
from gateway.auth.store import Document, Opened, SessionStore, Visitor
from gateway.bodies import read_body
from salesdash.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from salesdash.secretbox import SecretBox
from salesdash.tokens import (
    ACCESS_TOKEN_S,
    AccessClaims,
    TokenInvalid,
    mint_access_token,
    read_access_token,
)

MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class AuthService:
    """jwt_secrets: the one that signs, then those still accepted; clock: Unix seconds."""

    store: SessionStore
    hasher: PasswordHasher
    box: SecretBox
    redirects: Redirects
    jwt_secrets: tuple[str, ...]
    site_url: str
    autoconfirm: bool
    clock: Callable[[], float]

    @property
    def issuer(self) -> str:
        """The `iss` of access tokens."""
        return f"{self.site_url}/auth/v1"

    def session_body(
        self, session_id: UUID, document: Document, refresh_token: str
    ) -> dict[str, Any]:
        """A session as the clients store it, with a freshly signed access token."""
        now = int(self.clock())
        claims = AccessClaims(
            user_id=UUID(document["id"]),
            session_id=session_id,
            role=document["role"],
            email=document["email"],
        )
        token = mint_access_token(claims, self.jwt_secrets[0], issuer=self.issuer, now=now)
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": ACCESS_TOKEN_S,
            "expires_at": now + ACCESS_TOKEN_S,
            "refresh_token": refresh_token,
            "user": document,
        }

    def opened_body(self, opened: Opened, refresh_token: str) -> dict[str, Any]:
        """`session_body` of a session that has just been opened."""
        return self.session_body(opened.session_id, opened.user_document, refresh_token)

    def claims(self, request: Request) -> AccessClaims:
        """Who the request's access token speaks for; AuthRefused when it has none that counts."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise AuthRefused(
                401, "no_authorization", "This endpoint requires a valid Bearer token"
            )
        try:
            return read_access_token(token.strip(), self.jwt_secrets)
        except TokenInvalid:
            raise AuthRefused(403, "bad_jwt", "Invalid or expired access token") from None


def service(request: Request) -> AuthService:
    """The parts that this application was made with."""
    found: AuthService = request.app.state.auth
    return found


def visitor(request: Request) -> Visitor:
    """Where the request comes from; behind a proxy that uvicorn trusts, the far end of it."""
    return Visitor(
        user_agent=request.headers.get("user-agent", "").replace("\x00", "") or None,
        address=client_address(request),
    )


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object. AuthRefused otherwise."""
    body = await read_body(request, MAX_BODY_BYTES)
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise AuthRefused(400, "bad_json", "Could not parse request body as JSON") from None
    if not isinstance(value, dict):
        raise AuthRefused(400, "bad_json", "The request body must be a JSON object")
    return value


def answer(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that no cache may keep."""
    return JSONResponse(
        dict(body),
        headers={**API_VERSION, "cache-control": "no-store", **(headers or {})},
    )


def user_answer(document: Document | None) -> JSONResponse:
    """One person, or the refusal for a session that is over."""
    if document is None:
        raise session_over()
    return answer(document)


def text(body: Mapping[str, Any], name: str) -> str | None:
    """An optional string of the body, None when absent, null or empty."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or "\x00" in value or not _is_unicode(value):
        raise validation_failed(f"{name} must be a string")
    return value


def email_address(body: Mapping[str, Any]) -> str:
    """The e-mail address of the body; AuthRefused when it is none."""
    value = text(body, "email")
    if value is None:
        raise validation_failed("An email address is required")
    value = value.strip()
    name, at, domain = value.rpartition("@")
    if not (at and name and domain) or len(value) > 254 or any(c.isspace() for c in value):
        raise AuthRefused(400, "email_address_invalid", "Unable to validate email address")
    return value


def metadata(body: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """An optional JSON object of the body that becomes user metadata."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise validation_failed(f"{name} must be an object")
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise validation_failed(f"{name} holds a number that JSON cannot") from None
    if "\\u0000" in written or not _is_unicode(written):
        raise validation_failed(f"{name} holds characters that cannot be kept")
    if len(written.encode()) > 8192:
        raise validation_failed(f"{name} is too long")
    return value


def _is_unicode(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON escapes can smuggle in halves of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def new_password(body: Mapping[str, Any]) -> str | None:
    """An optional password that is to be set; AuthRefused when it is too weak."""
    value = text(body, "password")
    if value is None:
        return None
    if len(value) < MIN_CHARACTERS:
        raise AuthRefused(
            422,
            "weak_password",
            f"Password should be at least {MIN_CHARACTERS} characters.",
            extra={"weak_password": {"reasons": ["length"]}},
        )
    if len(value) > MAX_CHARACTERS:
        raise validation_failed(f"Password cannot be longer than {MAX_CHARACTERS} characters")
    return value
