"""The named functions of schema `ingest`, one method each, same names and arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from gateway.database import Pool
from gateway.rejections import NotTaken


class ConnectionRow(NamedTuple):
    """A webhook endpoint in use. Secrets are sealed; until: when the previous one ends."""

    organization_id: UUID
    id: UUID
    connection_type: str
    webhook_secret: bytes | None
    webhook_secret_previous: bytes | None
    webhook_secret_previous_until: datetime | None


class Recorded(NamedTuple):
    """status: processed, queued, ignored or duplicate. webhook_event_id: the inbox row."""

    status: str
    webhook_event_id: UUID


class Delivery(NamedTuple):
    """A verified delivery. body: a JSON object as text."""

    organization_id: UUID
    connection_id: UUID
    body: str
    is_late: bool = False

    def as_json(self) -> str:
        """What ingest.record_deliveries reads; the body stays as it is."""
        return (
            f'{{"organization_id": "{self.organization_id}",'
            f' "connection_id": "{self.connection_id}",'
            f' "is_late": {"true" if self.is_late else "false"}, "body": {self.body}}}'
        )


class Inbox:
    """The only door from /hooks to the database. Every call is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_connection(self, connection_id: UUID) -> ConnectionRow | None:
        """The endpoint behind an id, while it and its organization are in use."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(ConnectionRow)) as cursor,
        ):
            await cursor.execute(
                "select organization_id, id, connection_type, webhook_secret,"
                " webhook_secret_previous, webhook_secret_previous_until"
                " from ingest.find_connection(connection_id => %(connection_id)s)",
                {"connection_id": connection_id},
            )
            return await cursor.fetchone()

    async def connection_ids(self) -> set[UUID]:
        """The ids of all endpoints in use."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("select ingest.connection_ids()")
            return {row[0] for row in await cursor.fetchall() if isinstance(row[0], UUID)}

    async def calendly_candidates(self, body: str) -> list[UUID]:
        """The connections that the hosts in an unverified body propose.

        body: a JSON object as text.
        Raises psycopg.DataError for a body that Postgres cannot read.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select ingest.calendly_candidates(body => %(body)s::jsonb)", {"body": body}
            )
            return [UUID(str(row[0])) for row in await cursor.fetchall()]

    async def record_deliveries(
        self, deliveries: Sequence[Delivery], *, may_wait: bool
    ) -> list[Recorded]:
        """Take in verified deliveries, all or none; what became of each, in their order.

        may_wait: a single one may wait for somebody else's lock, for seconds.
        Raises psycopg errors with SQLSTATE PT404 (not in use), PT400 (no event), PT429 (over the
        limit; DETAIL is the seconds to wait) or 55P03 (somebody is in the way), and others when
        the database cannot do it now.
        """
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Recorded)) as cursor,
        ):
            await cursor.execute(
                "select status, webhook_event_id"
                " from ingest.record_deliveries(deliveries => %(deliveries)s::jsonb,"
                " may_wait => %(may_wait)s)",
                {
                    "deliveries": f"[{', '.join(one.as_json() for one in deliveries)}]",
                    "may_wait": may_wait,
                },
            )
            return await cursor.fetchall()

    async def record_rejections(self, counts: Mapping[UUID, NotTaken]) -> None:
        """Add deliveries that were not taken in to the counts of their connections."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "select ingest.record_rejections("
                "connection_ids => %(connection_ids)s, rejected => %(rejected)s,"
                " refused => %(refused)s)",
                {
                    "connection_ids": list(counts),
                    "rejected": [each.rejected for each in counts.values()],
                    "refused": [each.refused for each in counts.values()],
                },
            )
