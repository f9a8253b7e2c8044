"""Cross-origin answers, in one place, for the prefixes that other origins may call."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIXES = ("/auth/v1", "/rest/v1", "/functions/v1", "/export")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_HEADERS = (
    "accept-profile",
    "apikey",
    "authorization",
    "baggage",
    "content-profile",
    "content-type",
    "idempotency-key",
    "prefer",
    "range",
    "range-unit",
    "traceparent",
    "tracestate",
    "x-client-info",
    "x-portal-token",
    "x-region",
    "x-request-id",
    "x-retry-count",
    "x-supabase-api-version",
)
RESPONSE_HEADERS = (
    "content-disposition",
    "content-location",
    "content-profile",
    "content-range",
    "location",
    "preference-applied",
    "range-unit",
    "retry-after",
    "x-request-id",
    "x-supabase-api-version",
    "x-total-count",
)


class PrefixedCors:
    """Applies the CORS rules below PREFIXES, and none elsewhere."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._plain = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=tuple(origins),
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_shared_path(scope["path"]):
            await self._cors(scope, receive, send)
        else:
            await self._plain(scope, receive, send)


def is_shared_path(path: str) -> bool:
    """Whether browsers of other allowed origins may read what is at this path."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in PREFIXES)
