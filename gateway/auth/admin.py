"""/auth/v1/admin/users: what super admins do with users. The database checks their power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Error
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.auth.errors import AuthRefused, validation_failed
from gateway.auth.service import (
    AuthService,
    answer,
    email_address,
    json_object,
    metadata,
    new_password,
    service,
    text,
)
from gateway.auth.store import Document

FOREVER = "876000h"


class Asking(NamedTuple):
    """Whose session asks; the database decides whether it may."""

    session_id: UUID
    user_id: UUID


async def list_users(request: Request) -> Response:
    """GET: {"users": [...], "aud": ...}, newest first; x-total-count tells how many there are."""
    auth = service(request)
    found = await auth.store.admin_list_users(
        **_asking(auth, request)._asdict(),
        page=_number(request, "page", 1),
        per_page=_number(request, "per_page", 50),
    )
    return answer(
        {"users": found.users, "aud": "authenticated"}, {"x-total-count": str(found.total)}
    )


async def create_user(request: Request) -> Response:
    """POST: email, password, email_confirm, user_metadata."""
    auth = service(request)
    asking = _asking(auth, request)
    body = await _attributes(request)
    email, password = email_address(body), new_password(body)
    await auth.store.admin_get_user(**asking._asdict(), target_id=asking.user_id)
    return _found(
        await auth.store.admin_create_user(
            **asking._asdict(),
            email=email,
            password_hash=None if password is None else await auth.hasher.hash(password),
            is_confirmed=body.get("email_confirm") is True,
            user_metadata=metadata(body, "user_metadata") or {},
        )
    )


async def get_user(request: Request) -> Response:
    """GET /{id}."""
    auth = service(request)
    return _found(
        await auth.store.admin_get_user(
            **_asking(auth, request)._asdict(), target_id=_target(request)
        )
    )


async def update_user(request: Request) -> Response:
    """PUT /{id}: email, password, email_confirm, ban_duration ("none" or "876000h"), metadata."""
    auth = service(request)
    asking, target = _asking(auth, request), _target(request)
    body = await _attributes(request)
    password = new_password(body)
    email = email_address(body) if text(body, "email") else None
    await auth.store.admin_get_user(**asking._asdict(), target_id=target)
    try:
        document = await auth.store.admin_update_user(
            **asking._asdict(),
            target_id=target,
            email=email,
            password_hash=None if password is None else await auth.hasher.hash(password),
            is_confirmed=True if body.get("email_confirm") is True else None,
            is_disabled=_banned(body),
            user_metadata=metadata(body, "user_metadata"),
        )
    except Error as error:
        raise _still_needed(error) from None
    return _found(document)


async def delete_user(request: Request) -> Response:
    """DELETE /{id}; should_soft_delete keeps an emptied row."""
    auth = service(request)
    asking, target = _asking(auth, request), _target(request)
    body = await json_object(request)
    try:
        is_gone = await auth.store.admin_delete_user(
            **asking._asdict(), target_id=target, keep_row=body.get("should_soft_delete") is True
        )
    except Error as error:
        raise _still_needed(error) from None
    if not is_gone:
        raise _nobody()
    return answer({})


def _asking(auth: AuthService, request: Request) -> Asking:
    claims = auth.claims(request)
    return Asking(claims.session_id, claims.user_id)


async def _attributes(request: Request) -> dict[str, Any]:
    body = await json_object(request)
    refused = sorted({"role", "app_metadata", "phone", "password_hash", "id"} & body.keys())
    if any(body[name] for name in refused):
        raise validation_failed(f"{', '.join(refused)} cannot be set: power comes from memberships")
    return body


def _banned(body: Mapping[str, Any]) -> bool | None:
    duration = text(body, "ban_duration")
    if duration is None:
        return None
    if duration not in {"none", FOREVER}:
        raise validation_failed(f"ban_duration must be none or {FOREVER}: bans have no end")
    return duration == FOREVER


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, "")
    return max(1, int(value)) if value.isdecimal() and len(value) <= 6 else default


def _target(request: Request) -> UUID:
    try:
        return UUID(request.path_params["user_id"])
    except ValueError:
        raise AuthRefused(404, "validation_failed", "user_id must be a UUID") from None


def _found(document: Document | None) -> JSONResponse:
    if document is None:
        raise _nobody()
    return answer(document)


def _still_needed(error: Error) -> Exception:
    """The refusal to take away an only owner or super admin; any other error as it is."""
    if error.sqlstate != "PT409":
        return error
    return AuthRefused(409, "conflict", error.diag.message_primary or "This user is still needed")


def _nobody() -> AuthRefused:
    return AuthRefused(404, "user_not_found", "User not found")
