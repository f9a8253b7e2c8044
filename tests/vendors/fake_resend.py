"""A Resend of our own: what its documentation says it does, and nothing it does not say.

Bearer keys, required fields, fifty recipients, a bucket of requests with its headers, idempotency
keys that live a day with both conflicts, and failures on demand.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fixtures.ports import free_port, wait_until

API_KEY = "re_test_0000"
DAY_S = 24 * 3600
REQUIRED = ("from", "to", "subject")


@dataclass
class FakeResend:
    """clock: seconds. per_second: requests that fit into one second; sent: accepted e-mails."""

    clock: Callable[[], float]
    per_second: int = 1000
    sent: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    failures: deque[Response] = field(default_factory=deque)
    _answers: dict[str, tuple[float, bytes, dict[str, Any]]] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _second: tuple[int, int] = (0, 0)

    def fail_next(self, status: int, name: str, **headers: str) -> None:
        """The next request that is not yet spoken for fails like this."""
        self.failures.append(problem(status, name, headers))

    def hold(self, key: str) -> None:
        """Behave as if a request with this idempotency key were still running."""
        self._running.add(key)

    @property
    def app(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/emails", self._send, methods=["POST"]),
                Route("/emails/{id}", self._get, methods=["GET"]),
            ]
        )

    async def _send(self, request: Request) -> Response:
        refused = self._admit(request)
        if refused is not None:
            return refused
        body = await request.body()
        email = orjson.loads(body)
        missing = [name for name in REQUIRED if not email.get(name)]
        if missing or not (email.get("html") or email.get("text")):
            return problem(422, "missing_required_field")
        recipients = email["to"] if isinstance(email["to"], list) else [email["to"]]
        if not 1 <= len(recipients) <= 50:
            return problem(422, "invalid_parameter")
        key = request.headers.get("idempotency-key")
        if key is not None:
            if not 1 <= len(key) <= 256:
                return problem(400, "invalid_idempotency_key")
            if key in self._running:
                self._running.remove(key)
                return problem(409, "concurrent_idempotent_requests")
            at, first, answer = self._answers.get(key, (-DAY_S, b"", {}))
            if self.clock() - at < DAY_S:
                if first != body:
                    return problem(409, "invalid_idempotent_request")
                return JSONResponse(answer)
        answer = {"id": str(uuid4())}
        self.sent.append({**email, **answer, "idempotency_key": key})
        if key is not None:
            self._answers[key] = (self.clock(), body, answer)
        return JSONResponse(answer)

    async def _get(self, request: Request) -> Response:
        refused = self._admit(request)
        if refused is not None:
            return refused
        for email in self.sent:
            if email["id"] == request.path_params["id"]:
                return JSONResponse({"object": "email", "last_event": "sent", **email})
        return problem(404, "not_found")

    def _admit(self, request: Request) -> Response | None:
        self.requests.append(request)
        if not request.headers.get("user-agent"):
            return problem(403, "validation_error")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return problem(401, "missing_api_key")
        if key != API_KEY:
            return problem(403, "invalid_api_key")
        if self.failures:
            return self.failures.popleft()
        second, used = self._second
        now = int(self.clock())
        self._second = (now, used + 1 if second == now else 1)
        if self._second[1] > self.per_second:
            return problem(
                429,
                "rate_limit_exceeded",
                {
                    "retry-after": "1",
                    "ratelimit-limit": str(self.per_second),
                    "ratelimit-remaining": "0",
                    "ratelimit-reset": "1",
                },
            )
        return None


def problem(status: int, name: str, headers: dict[str, str] | None = None) -> Response:
    """An error in Resend's words."""
    return JSONResponse(
        {"statusCode": status, "message": f"{name} for somebody@example.test", "name": name},
        status_code=status,
        headers={key.replace("_", "-"): value for key, value in (headers or {}).items()},
    )


@contextmanager
def serving(fake: FakeResend) -> Iterator[str]:
    """The fake on a port of its own, until the end of the block; answers its base URL."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(fake.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, lambda: "the fake did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
