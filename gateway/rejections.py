"""Refused deliveries: counted in memory, written down and logged every few seconds.

An attacker who sends a million forged deliveries causes one log line and one row, and nothing of
what was sent is in them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import psycopg

from salesdash.logs import get_logger

FLUSH_S = 10.0
LINES = 20

log = get_logger("gateway.rejections")

Recorder = Callable[[Mapping[UUID, int]], Awaitable[None]]


class Rejections:
    """Counts by connection and reason. record: how counts per connection are written down."""

    def __init__(self, record: Recorder) -> None:
        self._record = record
        self._counts: Counter[tuple[UUID | None, str]] = Counter()

    def add(self, connection_id: UUID | None, reason: str) -> None:
        """Count one. connection_id: of a connection that exists, else None; reason: a word."""
        self._counts[connection_id, reason] += 1

    async def flush(self) -> None:
        """Write down what was counted since the last time; what fails is kept for the next."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        for (connection_id, reason), count in counts.most_common(LINES):
            log.warning(
                "deliveries refused",
                connection_id=str(connection_id) if connection_id else None,
                reason=reason,
                count=count,
            )
        totals: Counter[UUID] = Counter()
        for (connection_id, _), count in counts.items():
            if connection_id is not None:
                totals[connection_id] += count
        if not totals:
            return
        try:
            await self._record(totals)
        except psycopg.Error as error:
            log.warning("refused deliveries are not written down yet", error=type(error).__name__)
            for connection_id, count in totals.items():
                self._counts[connection_id, "earlier"] += count

    async def flush_forever(self) -> None:
        """Flush every FLUSH_S seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self.flush()
        finally:
            await self.flush()
