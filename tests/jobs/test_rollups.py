"""The worker's side of rollups."""

import asyncio

from jobs.queue import Queue
from jobs.worker import make_pool
from tests.fixtures.databases import Database
from tests.world import World


def test_changes_are_counted_until_none_wait(committed_world: World, database: Database) -> None:
    acme = committed_world.organization("acme")
    acme.event(closer=acme.closer())

    async def fold() -> tuple[int, int]:
        pool = make_pool(database.worker_url)
        await pool.open()
        try:
            queue = Queue(pool, "a worker")
            counted = 0
            while (folded := await queue.fold_rollup(3)) is not None:
                counted += folded
            return counted, (await queue.rollup_lag()).changes
        finally:
            await pool.close()

    counted, waiting = asyncio.run(fold())
    assert counted > 0
    assert waiting == 0
