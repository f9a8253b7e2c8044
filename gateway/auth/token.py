"""POST /auth/v1/token: a session for a password, a refresh token, or a followed link's code."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.auth.errors import AuthRefused, invalid_credentials, refresh_refused
from gateway.auth.secrets import NONCE_BYTES, new_token, successor, token_hash
from gateway.auth.service import answer, json_object, service, text, visitor


async def token(request: Request) -> Response:
    """By grant_type: password, refresh_token or pkce."""
    grant_type = request.query_params.get("grant_type", "")
    body = await json_object(request)
    match grant_type:
        case "password":
            return await _password(request, body)
        case "refresh_token":
            return await _refresh(request, body)
        case "pkce":
            return await _pkce(request, body)
        case _:
            raise AuthRefused(400, "unsupported_grant_type", "This grant_type is not supported")


async def _password(request: Request, body: Mapping[str, Any]) -> Response:
    """One Argon2id, whatever is asked for whomever; one answer to all that is not right."""
    auth = service(request)
    email, password = text(body, "email"), text(body, "password")
    if email is None or password is None:
        raise AuthRefused(400, "validation_failed", "An email address and a password are required")
    came_from = visitor(request)
    encoded = await auth.store.begin_password_sign_in(email=email, address=came_from.address)
    verdict = await auth.hasher.verify(password, encoded)
    if encoded is None or not verdict.matches:
        raise invalid_credentials()
    refresh_token = new_token()
    opened = await auth.store.finish_password_sign_in(
        email=email,
        password_hash=encoded,
        new_password_hash=await auth.hasher.hash(password) if verdict.outdated else None,
        refresh_hash=token_hash(refresh_token),
        visitor=came_from,
    )
    if opened is None:
        raise invalid_credentials()
    return answer(auth.opened_body(opened, refresh_token))


async def _refresh(request: Request, body: Mapping[str, Any]) -> Response:
    """Rotate; the database keeps only how to derive a successor from the token presented here."""
    auth = service(request)
    presented = text(body, "refresh_token")
    if presented is None:
        raise AuthRefused(400, "validation_failed", "A refresh_token is required")
    nonce = secrets.token_bytes(NONCE_BYTES)
    refreshed = await auth.store.refresh(
        token_hash=token_hash(presented),
        nonce=nonce,
        successor_hash=token_hash(successor(presented, [nonce])),
        visitor=visitor(request),
    )
    if refreshed is None:
        raise refresh_refused()
    current = successor(presented, refreshed.nonces)
    return answer(auth.session_body(refreshed.session_id, refreshed.user_document, current))


async def _pkce(request: Request, body: Mapping[str, Any]) -> Response:
    """The code that a followed link left, with the verifier that only the asking client has."""
    auth = service(request)
    code, verifier = text(body, "auth_code"), text(body, "code_verifier")
    if code is None or verifier is None:
        raise AuthRefused(400, "validation_failed", "auth_code and code_verifier are required")
    refresh_token = new_token()
    opened = await auth.store.exchange_code(
        code_hash=token_hash(code),
        code_verifier=verifier,
        refresh_hash=token_hash(refresh_token),
        visitor=visitor(request),
    )
    if opened is None:
        await auth.hasher.spend()
        raise invalid_credentials()
    return answer(auth.opened_body(opened, refresh_token))
