"""Webhook connections as the gateway remembers them: found once, forgotten when they change.

Postgres announces a changed connection on a channel. As long as nobody listens there (the server
restarts, the network is gone) nothing is remembered, so a rotated secret or a paused connection
counts at once in every gateway. An announcement takes a moment to arrive: a delivery that what is
remembered cannot verify is looked at once more with what the database says now.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import sql

from gateway.inbox import ConnectionRow
from salesdash.logs import get_logger
from salesdash.sealing import open_connection_secret
from salesdash.secretbox import SecretBox

REMEMBERED = 10_000
LOOK_AGAIN_S = 1.0
PROBE_S = 30.0
RETRY_S = 1.0

log = get_logger("gateway.connections")

Finder = Callable[[UUID], Awaitable[ConnectionRow | None]]
Lister = Callable[[], Awaitable[Set[UUID]]]


@dataclass(frozen=True)
class Connection:
    """A webhook endpoint in use. previous_until: when the secret before the rotation ends."""

    organization_id: UUID
    id: UUID
    connection_type: str
    secret: bytes | None = field(repr=False)
    previous_secret: bytes | None = field(repr=False)
    previous_until: datetime | None

    def secrets(self, now: float) -> list[bytes]:
        """Those that count now, the current one first. now: Unix seconds."""
        found = [self.secret] if self.secret else []
        still_counts = (
            self.previous_until and datetime.fromtimestamp(now, UTC) < self.previous_until
        )
        if self.previous_secret and still_counts:
            found.append(self.previous_secret)
        return found


class Connections:
    """Finds connections by id and opens their secrets. list_ids: the ids of those in use."""

    def __init__(
        self, find: Finder, list_ids: Lister, box: SecretBox, *, remembered: int = REMEMBERED
    ) -> None:
        self._find = find
        self._list_ids = list_ids
        self._box = box
        self._remembered = remembered
        self._known: OrderedDict[UUID, Connection] = OrderedDict()
        self._heard_of: set[UUID] = set()
        self._looked_again: OrderedDict[UUID, float] = OrderedDict()
        self._may_remember = False
        self._changes = 0

    async def get(self, connection_id: UUID) -> Connection | None:
        """The connection, or None when there is none in use.

        Raises SecretUnreadable when its secret was sealed with another key, and psycopg errors.
        """
        known = self._known.get(connection_id)
        if known is not None:
            self._known.move_to_end(connection_id)
            return known
        changes = self._changes
        row = await self._find(connection_id)
        if row is None:
            self._heard_of.discard(connection_id)
            return None
        self._heard_of.add(connection_id)
        found = self._open(row)
        if self._may_remember and changes == self._changes:
            self._known[connection_id] = found
            if len(self._known) > self._remembered:
                self._known.popitem(last=False)
        return found

    async def look_again(self, connection: Connection, now: float) -> Connection:
        """What the database says now of a connection whose delivery did not verify.

        At most once in LOOK_AGAIN_S for each connection, so that forged deliveries cost no more
        look-ups than that; in between, and when it is not in use any more, the given one.
        now: seconds on any clock. Raises as `get`.
        """
        last = self._looked_again.get(connection.id)
        if last is not None and now - last < LOOK_AGAIN_S:
            return connection
        self._looked_again[connection.id] = now
        self._looked_again.move_to_end(connection.id)
        if len(self._looked_again) > self._remembered:
            self._looked_again.popitem(last=False)
        self.forget(connection.id)
        return await self.get(connection.id) or connection

    def forget(self, connection_id: UUID) -> None:
        """The connection has changed, or may have."""
        self._changes += 1
        self._known.pop(connection_id, None)

    def is_known(self, connection_id: UUID) -> bool:
        """Whether it is remembered just now."""
        return connection_id in self._known

    def heard_of(self, connection_id: UUID) -> bool:
        """Whether it was in use, as far as we know without asking; also while nobody listens."""
        return connection_id in self._heard_of

    async def listen(self, url: str) -> None:
        """Follow the announcements until cancelled; url: the gateway's login."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    url,
                    autocommit=True,
                    connect_timeout=5,
                    application_name="salesdash-gateway-listener",
                ) as listener:
                    await listener.execute(await self._listening(listener))
                    self._heard_of = set(await self._list_ids())
                    self._may_remember = True
                    while True:
                        async for note in listener.notifies(timeout=PROBE_S):
                            self._announced(note.payload)
                        await listener.execute("select 1")
            except psycopg.Error as error:
                log.warning("not listening for changed connections", error=type(error).__name__)
            finally:
                self._may_remember = False
                self._changes += 1
                self._known.clear()
            await asyncio.sleep(RETRY_S)

    async def _listening(self, listener: psycopg.AsyncConnection) -> sql.Composed:
        """The statement that listens; the channel's name is a secret of the database."""
        told = await listener.execute("select ingest.connection_channel()")
        (channel,) = await told.fetchone() or ("",)
        return sql.SQL("listen {}").format(sql.Identifier(channel))

    def _announced(self, payload: str) -> None:
        try:
            self.forget(UUID(payload))
            self._heard_of.add(UUID(payload))
        except ValueError:
            self._changes += 1
            self._known.clear()

    def _open(self, row: ConnectionRow) -> Connection:
        def opened(sealed: bytes | None) -> bytes | None:
            if sealed is None:
                return None
            return open_connection_secret(
                self._box, sealed, organization_id=row.organization_id, connection_id=row.id
            ).encode()

        return Connection(
            organization_id=row.organization_id,
            id=row.id,
            connection_type=row.connection_type,
            secret=opened(row.webhook_secret),
            previous_secret=opened(row.webhook_secret_previous),
            previous_until=row.webhook_secret_previous_until,
        )
