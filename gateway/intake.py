"""Deliveries that wait at the same time go to the database together: one call, one transaction.

A delivery that comes alone is sent at once. While there are others, a call begins as soon as ENOUGH
wait, or the first has waited COMPANY_S, and takes all that wait. CALLS of them are under way at
most, but one that takes longer than PATIENCE_S is waited for no more. A call takes in all its
deliveries or none: when one of them is refused or fails, each is sent again by itself, and has its
own answer.

A call that meets somebody else's lock is over in a moment (ingest.record_deliveries). Whoever is
then sent by itself may wait for the lock, in one of the ALONE places of its organization: so an
organization whose rows are locked for long has no more of the pool than that. Its other deliveries
stand in line for these places, and spoil no call that they would share.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg

from gateway.inbox import Delivery, Inbox, Recorded
from gateway.turns import NoPlace, Places

ENOUGH = 4
"""Deliveries that wait for no more company."""

COMPANY_S, PATIENCE_S = 0.003, 0.05
"""How long a delivery waits for company, and for the calls under way."""

CALLS = 4
"""Calls under way at which others wait."""

MOST, MOST_CHARACTERS = 16, 1_000_000
"""Deliveries that one call takes, and how long their bodies are together, unless it is only one."""

ALONE = 2
"""Deliveries of one organization that are under way by themselves: a fifth of the pool."""

LONG_S, LINE_S = 0.25, 5.0
"""How long one is under way by itself before others of its organization stand in line behind it,
and how long they do."""

LOCK_NOT_AVAILABLE = "55P03"


class Busy(psycopg.OperationalError):
    """Others of its organization hung for as long as a delivery stood in line."""


class _Waiting(NamedTuple):
    delivery: Delivery
    answer: asyncio.Future[Recorded]
    since: float


class Intake:
    """The way of a delivery into the inbox. long_s, line_s: as LONG_S and LINE_S."""

    def __init__(self, inbox: Inbox, *, long_s: float = LONG_S, line_s: float = LINE_S) -> None:
        self._inbox = inbox
        self._long_s = long_s
        self._places = Places(ALONE, line_s)
        self._alone: dict[asyncio.Future[Recorded], tuple[UUID, float]] = {}
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._had_company = False

    async def record(self, delivery: Delivery) -> Recorded:
        """Take in one verified delivery.

        Raises as `Inbox.record_deliveries` does for it alone, and Busy.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Recorded] = loop.create_future()
        one = _Waiting(delivery, answer, loop.time())
        if self._hangs(delivery.organization_id):
            self._start(self._send_alone(one))
        else:
            self._waiting.append(one)
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
        call = self._start(self._send(taken))
        self._calls.add(call)
        call.add_done_callback(self._end)

    def _end(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._go_on()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

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
        """A call that waits for nobody; where somebody is in the way, each goes by itself."""
        try:
            await self._record(taken, may_wait=False)
        except psycopg.Error as error:
            is_theirs = len(taken) > 1 and error.sqlstate is not None
            if not is_theirs and error.sqlstate != LOCK_NOT_AVAILABLE:
                _fail(taken, error)
                return
            for one in taken:
                self._start(self._send_alone(one))
        except BaseException as error:
            _fail(taken, error)
            raise

    async def _send_alone(self, one: _Waiting) -> None:
        organization_id = one.delivery.organization_id
        try:
            async with self._places.place(organization_id):
                since = asyncio.get_running_loop().time()
                self._alone[one.answer] = (organization_id, since)
                try:
                    await self._record([one], may_wait=True)
                finally:
                    del self._alone[one.answer]
        except NoPlace:
            _fail([one], Busy("others of this organization hang"))
        except psycopg.Error as error:
            _fail([one], error)
        except BaseException as error:
            _fail([one], error)
            raise

    async def _record(self, taken: Sequence[_Waiting], *, may_wait: bool) -> None:
        recorded = await self._inbox.record_deliveries(
            [one.delivery for one in taken], may_wait=may_wait
        )
        for one, result in zip(taken, recorded, strict=True):
            if not one.answer.done():
                one.answer.set_result(result)

    def _hangs(self, organization_id: UUID) -> bool:
        """Whether a delivery of this organization takes long by itself."""
        begun_by = asyncio.get_running_loop().time() - self._long_s
        return any(
            organization == organization_id and since <= begun_by
            for organization, since in self._alone.values()
        )


def _fail(taken: Sequence[_Waiting], error: BaseException) -> None:
    """Tell those who still wait."""
    for one in taken:
        if not one.answer.done():
            one.answer.set_exception(error)
