"""Refusals in the shape that the Supabase clients read: `code`, `error_code` and `msg`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

API_VERSION = {"x-supabase-api-version": "2024-01-01"}


class AuthRefused(Exception):
    """A request to /auth/v1 is refused. code: a word clients know; message: no secret."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The refusal as HTTP."""
        return JSONResponse(
            {"code": self.code, "error_code": self.code, "msg": self.message, **self.extra},
            status_code=self.status,
            headers={**API_VERSION, "cache-control": "no-store", **self.headers},
        )


def invalid_credentials() -> AuthRefused:
    """The one answer to a wrong password or code, an unknown, locked or closed account, and an
    expired or used link, so that none can be told from another."""
    return AuthRefused(400, "invalid_credentials", "Invalid login credentials")


def refresh_refused() -> AuthRefused:
    """A refresh token that is unknown, was used before, or belongs to a session that is over."""
    return AuthRefused(
        400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found"
    )


def session_over() -> AuthRefused:
    """The access token is genuine, but its session has ended."""
    return AuthRefused(403, "session_not_found", "Session from session_id claim does not exist")


def validation_failed(message: str) -> AuthRefused:
    """Something in the request has the wrong shape."""
    return AuthRefused(422, "validation_failed", message)
