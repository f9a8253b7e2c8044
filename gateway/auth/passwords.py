"""Passwords: Argon2id, in a bounded number of threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MIN_CHARACTERS = 8
MAX_CHARACTERS = 1024
MAX_WAITING = 64

_Result = TypeVar("_Result")


class Cost(NamedTuple):
    """Argon2id parameters (OWASP, Password Storage Cheat Sheet). memory_kib: KiB."""

    iterations: int = 2
    lanes: int = 1
    memory_kib: int = 19456


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
        cost: Cost | None = None,
        *,
        workers: int | None = None,
        on_hash: Callable[[], object] = lambda: None,
    ) -> None:
        self._cost = cost or Cost()
        self._on_hash = on_hash
        self._waiting = 0
        self._slots = workers or max(1, min(4, os.cpu_count() or 1))
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="argon2id")
        self._nothing = derive(os.urandom(16).hex(), self._cost)

    async def hash(self, password: str) -> str:
        """The PHC string of a new password. TooManyWaiting when overloaded."""
        return await self._aside(partial(derive, password, self._cost))

    async def verify(self, password: str, encoded: str | None) -> Verdict:
        """Compare; None costs the same and never matches. TooManyWaiting when overloaded."""
        matches = await self._aside(partial(compare, password, encoded or self._nothing))
        return Verdict(matches and encoded is not None, not _made_at(encoded, self._cost))

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


def derive(password: str, cost: Cost | None = None) -> str:
    """The PHC string ($argon2id$v=19$m=...,t=...,p=...$salt$hash) of a password, fresh salt."""
    cost = cost or Cost()
    kdf = Argon2id(
        salt=os.urandom(16),
        length=32,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return kdf.derive_phc_encoded(password.encode())


def compare(password: str, encoded: str) -> bool:
    """Whether password is the one that encoded, a PHC string, was made from."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), encoded)
    except InvalidKey:
        return False
    return True


def _made_at(encoded: str | None, cost: Cost) -> bool:
    wanted = f"$argon2id$v=19$m={cost.memory_kib},t={cost.iterations},p={cost.lanes}$"
    return encoded is not None and encoded.startswith(wanted)
