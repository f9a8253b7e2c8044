"""Requests to PostgREST take turns, so that no client has all of its database connections.

PostgREST has ten. Whoever sends twenty requests that take long would keep everybody else waiting,
so five of one token are under way at a time, and the others wait here. A token that many people
share, the anonymous key, is not counted: what it may ask is short.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

AT_ONCE = 5
PATIENCE_S = 20.0


class TooManyAtOnce(httpx.PoolTimeout):
    """A request waited for PATIENCE_S while others of the same token were under way."""


class NoPlace(Exception):
    """All places of a name were taken for as long as somebody waited for one."""


@dataclass
class _Queue:
    free: asyncio.Semaphore
    users: int = field(default=0)


class Places:
    """So many places for each name; who finds them taken waits, those of other names do not."""

    def __init__(self, at_once: int, patience_s: float) -> None:
        self._at_once = at_once
        self._patience_s = patience_s
        self._queues: dict[Hashable, _Queue] = {}

    @asynccontextmanager
    async def place(self, name: Hashable) -> AsyncIterator[None]:
        """A place of that name, for the length of the block. Raises NoPlace."""
        queue = self._queues.setdefault(name, _Queue(asyncio.Semaphore(self._at_once)))
        queue.users += 1
        try:
            try:
                async with asyncio.timeout(self._patience_s):
                    await queue.free.acquire()
            except TimeoutError:
                raise NoPlace from None
            try:
                yield
            finally:
                queue.free.release()
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[name]


class Turns(httpx.AsyncBaseTransport):
    """A transport in which the requests of one token take turns, until their answer begins.

    PostgREST is done with the database before it answers. shared: tokens that are nobody's own.
    Raises TooManyAtOnce.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        shared: Collection[str] = (),
        at_once: int = AT_ONCE,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._transport = transport
        self._shared = frozenset(shared)
        self._places = Places(at_once, patience_s)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, once it is the request's turn."""
        token = _token(request)
        if not token or token in self._shared:
            return await self._transport.handle_async_request(request)
        try:
            async with self._places.place(token):
                return await self._transport.handle_async_request(request)
        except NoPlace:
            raise TooManyAtOnce("others of this token are under way", request=request) from None

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._transport.aclose()


def _token(request: httpx.Request) -> str:
    """The token as PostgREST reads it: of the first header, however scheme and spaces are written.

    Otherwise one more space would make it another token with turns of its own.
    """
    for header in request.headers.get_list("authorization"):
        return " ".join(header.split()[1:])
    return ""
