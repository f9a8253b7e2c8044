"""POST /auth/v1/signup: with an invitation, or freely where the operator allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.auth.errors import AuthRefused, invalid_credentials
from gateway.auth.secrets import new_token, token_hash
from gateway.auth.service import (
    AuthService,
    answer,
    email_address,
    json_object,
    metadata,
    new_password,
    service,
    text,
    visitor,
)
from gateway.auth.store import SignUp, Visitor


async def sign_up(request: Request) -> Response:
    """The invitation's token is `invitation_token`, in the body or in `data`.

    With an invitation `email` may be left out; who exists already proves it with their password.
    """
    auth = service(request)
    body = await json_object(request)
    data = metadata(body, "data") or {}
    invitation = text(body, "invitation_token") or text(data, "invitation_token")
    if invitation is None:
        if not auth.autoconfirm:
            raise AuthRefused(422, "signup_disabled", "Signups need an invitation")
        email: str | None = email_address(body)
    else:
        email = email_address(body) if text(body, "email") else None
    password = new_password(body)
    if password is None:
        raise AuthRefused(422, "validation_failed", "Signup requires a valid password")
    return answer(
        await register(
            auth,
            email=email,
            password=password,
            data=_without_token(data),
            invitation_hash=token_hash(invitation) if invitation else None,
            visitor=visitor(request),
        )
    )


async def register(
    auth: AuthService,
    *,
    email: str | None,
    password: str,
    data: Mapping[str, Any],
    invitation_hash: bytes | None,
    visitor: Visitor,
) -> dict[str, Any]:
    """The session of who has just signed up, or accepted an invitation with their password.

    email: None for that of the invitation. data: user metadata. Raises AuthRefused, after one
    Argon2id, the same for every invitation that cannot be accepted and for a wrong password.
    """
    prepared = await auth.store.begin_sign_up(
        email=email, invitation_hash=invitation_hash, address=visitor.address
    )
    verified, password_hash = await _one_hash(
        auth, prepared, password, invited=invitation_hash is not None
    )
    if prepared is None or (verified is None and password_hash is None):
        raise invalid_credentials()
    refresh_token = new_token()
    opened = await auth.store.finish_sign_up(
        email=prepared.address_to_use,
        password_hash=password_hash,
        verified_hash=verified,
        user_metadata=data,
        invitation_hash=invitation_hash,
        refresh_hash=token_hash(refresh_token),
        visitor=visitor,
    )
    if opened is None:
        raise invalid_credentials()
    return auth.opened_body(opened, refresh_token)


async def _one_hash(
    auth: AuthService, prepared: SignUp | None, password: str, *, invited: bool
) -> tuple[str | None, str | None]:
    """(proven hash of who exists, hash for who is new): at most one. Costs one Argon2id."""
    if prepared is not None and not prepared.exists_already:
        return None, await auth.hasher.hash(password)
    encoded = prepared.password_hash if prepared is not None and invited else None
    verdict = await auth.hasher.verify(password, encoded)
    if prepared is not None and not invited:
        raise AuthRefused(422, "user_already_exists", "User already registered")
    return (encoded if verdict.matches else None), None


def _without_token(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "invitation_token"}
