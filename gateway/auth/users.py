"""The signed-in person: read, change, sign out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.auth.errors import API_VERSION, AuthRefused, session_over, validation_failed
from gateway.auth.service import (
    json_object,
    metadata,
    new_password,
    service,
    text,
    user_answer,
)


async def get_user(request: Request) -> Response:
    """GET /user."""
    auth = service(request)
    claims = auth.claims(request)
    return user_answer(
        await auth.store.current_user_document(session_id=claims.session_id, user_id=claims.user_id)
    )


async def put_user(request: Request) -> Response:
    """PUT /user: a new password, which ends every other session, and what is in `data`."""
    auth = service(request)
    claims = auth.claims(request)
    body = await json_object(request)
    email = text(body, "email")
    if email is not None and email.strip().lower() != claims.email.lower():
        raise AuthRefused(422, "email_change_disabled", "An administrator changes addresses")
    if text(body, "phone") is not None:
        raise AuthRefused(422, "phone_provider_disabled", "Phone numbers are not kept")
    password = new_password(body)
    data = metadata(body, "data")
    if password is not None and not await _is_live(request):
        raise session_over()
    return user_answer(
        await auth.store.update_user(
            session_id=claims.session_id,
            user_id=claims.user_id,
            password_hash=None if password is None else await auth.hasher.hash(password),
            user_metadata=data,
        )
    )


async def logout(request: Request) -> Response:
    """POST /logout?scope=global|local|others."""
    auth = service(request)
    claims = auth.claims(request)
    scope = request.query_params.get("scope", "global")
    if scope not in {"global", "local", "others"}:
        raise validation_failed("The scope must be global, local or others")
    if not await auth.store.sign_out(
        session_id=claims.session_id, user_id=claims.user_id, scope=scope
    ):
        raise session_over()
    return Response(status_code=204, headers={**API_VERSION, "cache-control": "no-store"})


async def _is_live(request: Request) -> bool:
    auth = service(request)
    claims = auth.claims(request)
    found = await auth.store.current_user_document(
        session_id=claims.session_id, user_id=claims.user_id
    )
    return found is not None
