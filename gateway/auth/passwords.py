"""Hashing and comparing passwords in a bounded number of threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from salesdash.passwords import COST, Cost, compare, derive, made_at

MAX_WAITING = 64

_Result = TypeVar("_Result")


class Verdict(NamedTuple):
    """matches: the password is right; outdated: its hash was made at another cost."""

    matches: bool
    outdated: bool


class TooManyWaiting(Exception):
    """More passwords wait to be hashed than can be answered in reasonable time."""


class PasswordHasher:
    """Hashes and compares passwords away from the event loop.

    on_hash is called once for each Argon2id that is computed, whatever for.
    """

    def __init__(
        self,
        cost: Cost = COST,
        *,
        workers: int | None = None,
        on_hash: Callable[[], object] = lambda: None,
    ) -> None:
        self._cost = cost
        self._on_hash = on_hash
        self._waiting = 0
        self._slots = workers or max(1, min(4, os.cpu_count() or 1))
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="argon2id")
        self._nothing = derive(os.urandom(16).hex(), cost)

    async def hash(self, password: str) -> str:
        """The PHC string of a new password. TooManyWaiting when overloaded."""
        return await self._aside(partial(derive, password, self._cost))

    async def verify(self, password: str, encoded: str | None) -> Verdict:
        """Compare; None costs the same and never matches. TooManyWaiting when overloaded."""
        matches = await self._aside(partial(compare, password, encoded or self._nothing))
        if encoded is None:
            return Verdict(matches=False, outdated=False)
        return Verdict(matches, outdated=not made_at(encoded, self._cost))

    async def spend(self) -> None:
        """Cost as much as one comparison, for a refusal that must not be faster than another."""
        await self.verify("", None)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _aside(self, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= self._slots + MAX_WAITING:
            raise TooManyWaiting("too many passwords wait to be hashed")
        self._waiting += 1
        try:
            self._on_hash()
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
