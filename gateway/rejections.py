"""Deliveries that were not taken in: counted in memory, written down and logged every few seconds.

Rejected ones are forged or unusable. Refused ones may be genuine and were turned away: over the
limit, or nobody could take them in. An attacker who sends a million forged deliveries causes one
log line and one row, and nothing of what was sent is in them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import psycopg

from salesdash.logs import get_logger

FLUSH_S = 3.0
LINES = 20

log = get_logger("gateway.rejections")


class NotTaken(NamedTuple):
    """How many deliveries of one connection were not taken in."""

    rejected: int = 0
    refused: int = 0


class _Kind(NamedTuple):
    connection_id: UUID | None
    reason: str
    is_refusal: bool


Recorder = Callable[[Mapping[UUID, NotTaken]], Awaitable[None]]


class Rejections:
    """Counts by connection and reason. record: how counts per connection are written down."""

    def __init__(self, record: Recorder) -> None:
        self._record = record
        self._counts: Counter[_Kind] = Counter()

    def add(self, connection_id: UUID | None, reason: str, *, is_refusal: bool = False) -> None:
        """Count one. connection_id: of a connection that exists, else None; reason: a word.

        is_refusal: it may be genuine, and its sender will try again.
        """
        self._counts[_Kind(connection_id, reason, is_refusal)] += 1

    async def flush(self) -> None:
        """Write down what was counted since the last time; what fails is kept for the next."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        for kind, count in counts.most_common(LINES):
            log.warning(
                "deliveries refused",
                connection_id=str(kind.connection_id) if kind.connection_id else None,
                reason=kind.reason,
                count=count,
            )
        totals: dict[UUID, NotTaken] = {}
        for kind, count in counts.items():
            if kind.connection_id is not None:
                rejected, refused = totals.get(kind.connection_id, NotTaken())
                totals[kind.connection_id] = (
                    NotTaken(rejected, refused + count)
                    if kind.is_refusal
                    else NotTaken(rejected + count, refused)
                )
        if not totals:
            return
        try:
            await self._record(totals)
        except psycopg.Error as error:
            log.warning("refused deliveries are not written down yet", error=type(error).__name__)
            for connection_id, (rejected, refused) in totals.items():
                self._counts[_Kind(connection_id, "earlier", is_refusal=False)] += rejected
                self._counts[_Kind(connection_id, "earlier", is_refusal=True)] += refused
            self._counts += Counter()  # forgets the zeros

    async def flush_forever(self) -> None:
        """Flush every FLUSH_S seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self.flush()
        finally:
            await self.flush()
