"""The nightly upkeep of partitions waits for a moment in which nobody is in its way."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from psycopg.errors import LockNotAvailable

from jobs.kinds import TablesBusy, unhurried


def test_it_tries_again_a_moment_later() -> None:
    change = AsyncMock(side_effect=[LockNotAvailable(), LockNotAvailable(), 4])
    assert asyncio.run(unhurried(change)) == 4


def test_it_gives_up_and_leaves_it_to_the_next_attempt() -> None:
    change = AsyncMock(side_effect=LockNotAvailable())
    with pytest.raises(TablesBusy):
        asyncio.run(unhurried(change, tries=2))
    assert change.await_count == 2
