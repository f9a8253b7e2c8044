"""One log line and one measurement for each request: no query, no header, no body."""

from __future__ import annotations

import re
import time
import uuid

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from salesdash.logs import get_logger

QUIET = {"/healthz", "/livez", "/readyz", "/metrics"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

log = get_logger("gateway.access")


class Requests:
    """What is counted about requests. area: the first parts of the path, so labels stay few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.total = Counter(
            "salesdash_requests_total",
            "Requests answered",
            ("area", "method", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "salesdash_request_seconds",
            "Time until the answer began",
            ("area",),
            registry=registry,
        )


class AccessLog:
    """Gives each request an id, then logs and counts how it was answered."""

    def __init__(self, app: ASGIApp, *, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = 0
        answered_after = 0.0

        async def noting(message: Message) -> None:
            nonlocal status, answered_after
            if message["type"] == "http.response.start":
                status = message["status"]
                answered_after = time.perf_counter() - began
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            status = 500  # told outside of us, by Starlette's last handler
            raise
        finally:
            area = area_of(scope["path"])
            self._requests.total.labels(area, known_method(scope["method"]), str(status)).inc()
            self._requests.seconds.labels(area).observe(answered_after)
            if scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                    address=scope["client"][0] if scope.get("client") else None,
                    request_id=request_id,
                )


def area_of(path: str) -> str:
    """A label of few values: rest, auth, functions, hooks, export, probe or page."""
    first = path.split("/", 2)[1] if "/" in path else ""
    if path in QUIET:
        return "probe"
    return first if first in {"rest", "auth", "functions", "hooks", "export"} else "page"


def known_method(method: str) -> str:
    """The method, or OTHER for inventions, so that labels stay few."""
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return method if method in known else "OTHER"
