"""Webhook deliveries: at most 1 MiB, genuine, JSON; then one SQL call, and its answer.

    POST /hooks/{provider}/{connection_id}
    POST /functions/v1/{alias}?connection={connection_id}
    POST /functions/v1/calendly-webhook

What a delivery means is decided in SQL (db/functions/ingest). Here is decided only whether it is
what it says it is. Nothing of a body or a secret is logged or answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import psycopg
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway import calendly_hook
from gateway.addresses import FailureLimit, client_address, network_of
from gateway.bodies import BodyTooLarge, read_body
from gateway.connections import Connection, Connections
from gateway.database import Pool
from gateway.inbox import Delivery, Inbox
from gateway.intake import Intake
from gateway.problem import problem
from gateway.providers import PROVIDERS, Provider
from gateway.rejections import Rejections
from gateway.verify import DeliveryRejected, Proof
from salesdash.logs import get_logger
from salesdash.secretbox import SecretBox, SecretUnreadable

MAX_BODY = 1024 * 1024
RETRY_AFTER_S = 5

ALIASES = {
    "calendly-webhook": ("calendly",),
    "whop-webhook": ("whop",),
    "generic-webhook": ("stripe", "whop"),
    "manychat-webhook": ("manychat",),
}
"""Further URLs, /functions/v1/<name>?connection=<id>, and the types of connection they serve."""

# A value that Postgres cannot read, keep or count (data exceptions), or too many levels of them:
# sending it again would not help.
_UNSTORABLE = ("22", "54001")

# Answers to what nobody vouched for.
_UNVERIFIED = {401, 404, 413}

log = get_logger("gateway.hooks")


class Hooks:
    """Everything the routes share. clock: Unix seconds."""

    def __init__(self, pool: Pool, box: SecretBox, *, clock: Callable[[], float]) -> None:
        self.inbox = Inbox(pool)
        self.intake = Intake(self.inbox)
        self.connections = Connections(self.inbox.find_connection, self.inbox.connection_ids, box)
        self.rejections = Rejections(self.inbox.record_rejections)
        self.failures = FailureLimit()
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

    async def receive(
        self, request: Request, accepted: Collection[str], given_id: str | None
    ) -> Response:
        """Answer one delivery. accepted: the types of connection that this URL serves.

        given_id: as the URL names the connection; None where whoever vouches for the body is meant.
        An address that caused too many failures is answered 429 at once, unless the connection is
        in use: those verify whatever else comes from the same address.
        """
        connection_id = _uuid(given_id) if given_id is not None else None
        is_stranger = connection_id is None or not self.connections.heard_of(connection_id)
        sender = network_of(client_address(request)) if is_stranger else ""
        if is_stranger and (wait_s := self.failures.take(sender, time.monotonic())):
            self.rejections.add(None, "too many failures")
            return problem(
                429,
                "too_many_failures",
                "Too many deliveries from this address were not genuine; try again later.",
                headers={"retry-after": str(wait_s)},
            )
        answer = await self._answer(request, accepted, connection_id, is_named=given_id is not None)
        if is_stranger and answer.status_code not in _UNVERIFIED:
            self.failures.give_back(sender, time.monotonic())
        elif not is_stranger and answer.status_code in _UNVERIFIED:
            self.failures.take(network_of(client_address(request)), time.monotonic())
        return answer

    async def _answer(
        self,
        request: Request,
        accepted: Collection[str],
        connection_id: UUID | None,
        *,
        is_named: bool,
    ) -> Response:
        try:
            body = await read_body(request, MAX_BODY)
        except BodyTooLarge:
            self.rejections.add(self._existing(connection_id), "too large")
            return problem(413, "body_too_large", f"A delivery has at most {MAX_BODY} bytes.")
        try:
            if not is_named:
                connection_id = await self._vouching(body, request.headers)
            connection = await self.connections.get(connection_id) if connection_id else None
            known = PROVIDERS.get(connection.connection_type) if connection else None
            if connection is None or known is None or connection.connection_type not in accepted:
                return self._unknown()
            connection, proof = await self._verified(known, connection, body, request.headers)
        except DeliveryRejected as rejected:
            self.rejections.add(connection_id, str(rejected))
            return problem(401, "not_genuine", "The signature is missing, wrong or out of date.")
        except (psycopg.Error, SecretUnreadable) as error:
            self.rejections.add(self._existing(connection_id), "unavailable", is_refusal=True)
            return _unavailable(error)
        try:
            text = known.read(body)
        except ValueError:
            self.rejections.add(connection.id, "not JSON")
            return problem(400, "not_json", "The body is not a JSON object in UTF-8.")
        return await self._record(connection, text, proof)

    async def _vouching(self, body: bytes, headers: Headers) -> UUID | None:
        """The connection that a delivery of Calendly without one is for; None for nobody's."""

        async def verifies(connection_id: UUID) -> bool:
            connection = await self.connections.get(connection_id)
            try:
                return connection is not None and bool(
                    await self._verified(PROVIDERS["calendly"], connection, body, headers)
                )
            except DeliveryRejected:
                return False

        return await calendly_hook.vouching_connection(
            body, candidates=self.inbox.calendly_candidates, verifies=verifies
        )

    async def _verified(
        self, provider: Provider, connection: Connection, body: bytes, headers: Headers
    ) -> tuple[Connection, Proof]:
        """The connection that vouches for a delivery. Raises DeliveryRejected when none does."""
        now = self._clock()
        try:
            return connection, provider.verify(body, headers, connection.secrets(now), now)
        except DeliveryRejected:
            current = await self.connections.look_again(connection, time.monotonic())
            if current.secrets(now) == connection.secrets(now):
                raise
            return current, provider.verify(body, headers, current.secrets(now), now)

    async def _record(self, connection: Connection, text: str, proof: Proof) -> Response:
        try:
            recorded = await self.intake.record(
                Delivery(connection.organization_id, connection.id, text, proof.is_late)
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
                self.rejections.add(connection.id, "over the limit", is_refusal=True)
                return problem(
                    429,
                    "rate_limited",
                    "Too many deliveries on this connection; try again later.",
                    headers={"retry-after": error.diag.message_detail or "60"},
                )
            case str(state) if state.startswith(_UNSTORABLE):
                self.rejections.add(connection.id, "not storable")
                return problem(400, "not_storable", "The body holds a value that cannot be kept.")
        self.rejections.add(connection.id, "unavailable", is_refusal=True)
        return _unavailable(error)

    def _unknown(self) -> Response:
        self.rejections.add(None, "unknown connection")
        return problem(404, "unknown_connection", "There is no such connection, or it is paused.")

    def _existing(self, connection_id: UUID | None) -> UUID | None:
        return connection_id if connection_id and self.connections.heard_of(connection_id) else None


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
    return await hooks.receive(request, {path["provider"]}, path["connection_id"])


async def alias(request: Request) -> Response:
    """A delivery to a URL that names the connection in its query."""
    hooks: Hooks = request.app.state.hooks
    name = request.url.path.rpartition("/")[2]
    unnamed = None if name == calendly_hook.ALIAS else ""
    given_id = request.query_params.get("connection", unnamed)
    return await hooks.receive(request, ALIASES[name], given_id)


ROUTES: list[BaseRoute] = [
    Route("/hooks/{provider}/{connection_id}", hook, methods=["POST"]),
    *(Route(f"/functions/v1/{name}", alias, methods=["POST"]) for name in ALIASES),
]


def make_hooks(pool: Pool, box: SecretBox, *, clock: Callable[[], float] = time.time) -> Hooks:
    """The shared part, to be kept as `app.state.hooks`."""
    return Hooks(pool, box, clock=clock)
