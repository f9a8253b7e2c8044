"""Deliveries that wait at the same time go to the database together: one call, one transaction.

A delivery that comes alone is sent at once. While calls are under way, those that come meanwhile
wait for the next one, which takes all of them; calls that take longer than PATIENCE_S are waited
for no more. A call takes in all its deliveries or none: when one of them is refused or fails, each
is sent again by itself, and has its own answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from gateway.inbox import Delivery, Inbox, Recorded

CALLS = 2
"""Calls under way from which on deliveries wait for company."""

MOST, MOST_CHARACTERS = 16, 1_000_000
"""Deliveries that one call takes, and how long their bodies are together, unless it is only one."""

PATIENCE_S = 0.05


class _Waiting(NamedTuple):
    delivery: Delivery
    answer: asyncio.Future[Recorded]


class Intake:
    """The way of a delivery into the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None

    async def record(self, delivery: Delivery) -> Recorded:
        """Take in one verified delivery. Raises as `Inbox.record_deliveries` does for it alone."""
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(delivery, answer))
        self._go_on()
        return await answer

    def _go_on(self) -> None:
        """Begin calls for those that wait, as far as there may be more."""
        while self._waiting and len(self._calls) < CALLS:
            call = asyncio.create_task(self._send(self._take()))
            self._tasks.add(call)
            self._calls.add(call)
            call.add_done_callback(self._end)
        if self._waiting and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(PATIENCE_S, self._lose_patience)
        elif not self._waiting and self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _lose_patience(self) -> None:
        """Wait no more for the calls under way: they hang."""
        self._alarm = None
        self._calls.clear()
        self._go_on()

    def _end(self, call: asyncio.Task[None]) -> None:
        self._tasks.discard(call)
        self._calls.discard(call)
        self._go_on()

    def _take(self) -> list[_Waiting]:
        taken = [self._waiting.popleft()]
        size = len(taken[0].delivery.body)
        while self._waiting and len(taken) < MOST:
            size += len(self._waiting[0].delivery.body)
            if size > MOST_CHARACTERS:
                break
            taken.append(self._waiting.popleft())
        return taken

    async def _send(self, taken: Sequence[_Waiting]) -> None:
        try:
            recorded = await self._inbox.record_deliveries([one.delivery for one in taken])
            for one, result in zip(taken, recorded, strict=True):
                if not one.answer.done():
                    one.answer.set_result(result)
        except psycopg.Error as error:
            if len(taken) > 1 and error.sqlstate is not None:
                await asyncio.gather(*(self._send([one]) for one in taken))
            else:
                _fail(taken, error)
        except BaseException as error:
            _fail(taken, error)
            raise


def _fail(taken: Sequence[_Waiting], error: BaseException) -> None:
    """Tell those who still wait."""
    for one in taken:
        if not one.answer.done():
            one.answer.set_exception(error)
