"""Webhook deliveries: at most 1 MiB, genuine, JSON; then one SQL call, and its answer.

    POST /hooks/{provider}/{connection_id}
    POST /functions/v1/generic-webhook?connection={connection_id}

What a delivery means is decided in SQL (db/functions/ingest). Here is decided only whether it is
what it says it is. Nothing of a body or a secret is logged or answered.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import orjson
import psycopg
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.bodies import BodyTooLarge, read_body
from gateway.connections import Connection, Connections
from gateway.database import Pool
from gateway.inbox import Inbox
from gateway.problem import problem
from gateway.rejections import Rejections
from gateway.verify import DeliveryRejected, Verifier
from gateway.verify.stripe import verify_delivery as stripe
from salesdash.logs import get_logger
from salesdash.secretbox import SecretBox, SecretUnreadable

MAX_BODY = 1024 * 1024
RETRY_AFTER_S = 5

VERIFIERS: Mapping[str, Verifier] = {"stripe": stripe}
"""How each type of connection proves a delivery."""

ANY = "any"
"""The provider of URLs that name none: the connection's own type decides."""

# JSON that Postgres cannot store or count, whatever orjson says to it.
_UNSTORABLE = {"22P02", "22P05", "22003", "54001"}
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

log = get_logger("gateway.hooks")


class Hooks:
    """Everything the routes share. clock: Unix seconds."""

    def __init__(self, pool: Pool, box: SecretBox, *, clock: Callable[[], float]) -> None:
        self.inbox = Inbox(pool)
        self.connections = Connections(self.inbox.find_connection, box)
        self.rejections = Rejections(self.inbox.record_rejections)
        self._clock = clock

    @asynccontextmanager
    async def running(self, url: str) -> AsyncIterator[None]:
        """Follow changed connections and write down refusals. url: a login that may connect."""
        tasks = [
            asyncio.create_task(self.connections.listen(url)),
            asyncio.create_task(self.rejections.flush_forever()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def receive(self, request: Request, provider: str, given_id: str) -> Response:
        """Answer one delivery."""
        connection_id = _uuid(given_id)
        try:
            body = await read_body(request, MAX_BODY)
        except BodyTooLarge:
            known = connection_id if connection_id and self._knows(connection_id) else None
            self.rejections.add(known, "too large")
            return problem(413, "body_too_large", f"A delivery has at most {MAX_BODY} bytes.")
        try:
            connection = await self.connections.get(connection_id) if connection_id else None
            verify = VERIFIERS.get(connection.connection_type) if connection else None
            if (
                connection is None
                or verify is None
                or provider not in {ANY, connection.connection_type}
            ):
                return self._unknown()
            connection = await self._verified(verify, connection, body, request.headers)
        except DeliveryRejected as rejected:
            self.rejections.add(connection_id, str(rejected))
            return problem(401, "not_genuine", "The signature is missing, wrong or out of date.")
        except (psycopg.Error, SecretUnreadable) as error:
            return _unavailable(error)
        try:
            text = storable_object(body)
        except ValueError:
            self.rejections.add(connection.id, "not JSON")
            return problem(400, "not_json", "The body is not a JSON object in UTF-8.")
        return await self._record(connection, text)

    async def _verified(
        self, verify: Verifier, connection: Connection, body: bytes, headers: Headers
    ) -> Connection:
        """The connection that vouches for a delivery. Raises DeliveryRejected when none does."""
        now = self._clock()
        try:
            verify(body, headers, connection.secrets(now), now)
        except DeliveryRejected:
            current = await self.connections.look_again(connection, time.monotonic())
            if current.secrets(now) == connection.secrets(now):
                raise
            verify(body, headers, current.secrets(now), now)
            return current
        return connection

    async def _record(self, connection: Connection, text: str) -> Response:
        try:
            recorded = await self.inbox.record_delivery(
                connection.organization_id, connection.id, text
            )
        except psycopg.Error as error:
            return self._refused(connection, error)
        return JSONResponse({"status": recorded.status})

    def _refused(self, connection: Connection, error: psycopg.Error) -> Response:
        match error.sqlstate:
            case "PT404":
                self.connections.forget(connection.id)
                return self._unknown()
            case "PT400":
                self.rejections.add(connection.id, "no event")
                return problem(400, "not_an_event", "The body is not an event of this provider.")
            case "PT429":
                self.rejections.add(connection.id, "over the limit")
                return problem(
                    429,
                    "rate_limited",
                    "Too many deliveries on this connection; try again later.",
                    headers={"retry-after": error.diag.message_detail or "60"},
                )
            case state if state in _UNSTORABLE:
                self.rejections.add(connection.id, "not storable")
                return problem(400, "not_storable", "The body holds a value that cannot be kept.")
        self.rejections.add(connection.id, "unavailable")
        return _unavailable(error)

    def _unknown(self) -> Response:
        self.rejections.add(None, "unknown connection")
        return problem(404, "unknown_connection", "There is no such connection, or it is paused.")

    def _knows(self, connection_id: UUID) -> bool:
        return self.connections.is_known(connection_id)


def storable_object(body: bytes) -> str:
    """The text of a JSON object as Postgres can keep it; ValueError for anything else.

    The text is the sender's own, so numbers keep every digit. NaN, numbers beyond a double, lone
    surrogates, bad UTF-8 and more than 1024 levels are no JSON here. Of a repeated key the last
    value counts. A NUL, which Postgres cannot keep, becomes U+FFFD.
    """
    if not isinstance(orjson.loads(body), dict):
        raise ValueError("not a JSON object")
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1\\ufffd", body)
    return body.decode()


def _unavailable(error: Exception) -> Response:
    log.error(
        "deliveries cannot be taken in",
        error=type(error).__name__,
        sqlstate=getattr(error, "sqlstate", None),
    )
    return problem(
        503,
        "unavailable",
        "Deliveries cannot be taken in just now; try again later.",
        headers={"retry-after": str(RETRY_AFTER_S)},
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def hook(request: Request) -> Response:
    """A delivery to the URL of its provider and connection."""
    hooks: Hooks = request.app.state.hooks
    path = request.path_params
    return await hooks.receive(request, path["provider"], path["connection_id"])


async def generic_webhook(request: Request) -> Response:
    """A delivery to the URL that serves every payment processor."""
    hooks: Hooks = request.app.state.hooks
    return await hooks.receive(request, ANY, request.query_params.get("connection", ""))


ROUTES: list[BaseRoute] = [
    Route("/hooks/{provider}/{connection_id}", hook, methods=["POST"]),
    Route("/functions/v1/generic-webhook", generic_webhook, methods=["POST"]),
]


def make_hooks(pool: Pool, box: SecretBox, *, clock: Callable[[], float] = time.time) -> Hooks:
    """The shared part, to be kept as `app.state.hooks`."""
    return Hooks(pool, box, clock=clock)
