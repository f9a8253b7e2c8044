"""Deliveries that wait at the same time go to the database together: one call, one transaction.

A delivery that comes alone is sent at once. While there are others, a call begins as soon as ENOUGH
wait, or the first has waited COMPANY_S, and takes all that wait. CALLS of them are under way at
most, but one that takes longer than PATIENCE_S is waited for no more. A call takes in all its
deliveries or none: when one of them is refused or fails, each is sent again by itself, and has its
own answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from gateway.inbox import Delivery, Inbox, Recorded

ENOUGH = 4
"""Deliveries that wait for no more company."""

COMPANY_S, PATIENCE_S = 0.003, 0.05
"""How long a delivery waits for company, and for the calls under way."""

CALLS = 4
"""Calls under way at which others wait."""

MOST, MOST_CHARACTERS = 16, 1_000_000
"""Deliveries that one call takes, and how long their bodies are together, unless it is only one."""


class _Waiting(NamedTuple):
    delivery: Delivery
    answer: asyncio.Future[Recorded]
    since: float


class Intake:
    """The way of a delivery into the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._had_company = False

    async def record(self, delivery: Delivery) -> Recorded:
        """Take in one verified delivery. Raises as `Inbox.record_deliveries` does for it alone."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Recorded] = loop.create_future()
        self._waiting.append(_Waiting(delivery, answer, loop.time()))
        self._go_on()
        return await answer

    def _go_on(self) -> None:
        """Begin calls for those that wait, now or when it will be time."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._is_time(loop.time() - self._waiting[0].since):
            self._begin()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting:
            patience = COMPANY_S if len(self._calls) < CALLS else PATIENCE_S
            self._alarm = loop.call_at(self._waiting[0].since + patience, self._go_on)

    def _is_time(self, waited_s: float) -> bool:
        """Whether a call may begin. waited_s: how long the first of those that wait has waited."""
        if len(self._calls) >= CALLS and waited_s >= PATIENCE_S:
            self._calls.clear()
        if len(self._calls) >= CALLS:
            return False
        is_alone = not self._calls and not self._had_company
        return is_alone or len(self._waiting) >= ENOUGH or waited_s >= COMPANY_S

    def _begin(self) -> None:
        """Begin a call with those that wait."""
        taken = self._take()
        self._had_company = len(taken) > 1
        call = asyncio.create_task(self._send(taken))
        self._tasks.add(call)
        self._calls.add(call)
        call.add_done_callback(self._end)

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
