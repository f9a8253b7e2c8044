"""One worker and one run: every way in which a run can end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import pytest

from jobs.kinds import Counts, RunLost
from jobs.queue import ClaimedRun, Queue
from jobs.runner import Pace, Runner
from jobs.worker import make_pool
from tests.fixtures.databases import Database
from tests.world import World
from vendors.base import VendorRefused, VendorUnavailable

QUICK = Pace(heartbeat_s=0.01, settle_s=5, grace_s=0)
Job = Callable[[Queue, ClaimedRun], Awaitable[Counts]]


@pytest.fixture
def run(committed_world: World) -> UUID:
    """A waiting run of an organization of its own; whatever else waited is out of the way."""
    committed_world.execute("update app.sync_runs set available_at = 'infinity'")
    committed_world.execute("update app.sync_runs set max_attempts = 100")
    acme = committed_world.organization("acme")
    return committed_world.insert("sync_runs", organization_id=acme.id, kind="test")


def work(database: Database, job: Job | None, stopping: asyncio.Event | None = None) -> bool:
    """Let a worker do one run."""

    async def once() -> bool:
        jobs: Mapping[str, Job] = {} if job is None else {"test": job}
        async with make_pool(database.worker_url) as pool:
            runner = Runner(Queue(pool, "one"), jobs, stopping or asyncio.Event(), QUICK)
            return await runner.run_next()

    return asyncio.run(once())


def row(world: World, run: UUID) -> dict[str, Any]:
    return world.rows("select * from app.sync_runs where id = %s", run)[0]


async def forever(_queue: Queue, _run: ClaimedRun) -> Counts:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def test_an_empty_queue_is_nothing_to_do(database: Database, committed_world: World) -> None:
    committed_world.execute("update app.sync_runs set available_at = 'infinity'")
    assert work(database, forever) is False


def test_a_job_that_ends_has_succeeded(
    database: Database, committed_world: World, run: UUID
) -> None:
    async def job(queue: Queue, claimed: ClaimedRun) -> Counts:
        assert claimed.id == run
        assert await queue.heartbeat(claimed, progress_done=1, progress_total=2) == "running"
        return {"pages": 2}

    assert work(database, job) is True
    found = row(committed_world, run)
    assert (found["state"], found["counts"], found["progress_total"]) == (
        "succeeded",
        {"pages": 2},
        2,
    )


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (VendorRefused("Resend answered 403"), "failed", "Resend answered 403"),
        (VendorUnavailable("no answer"), "queued", "no answer"),
        (ValueError("bad page"), "queued", "ValueError: bad page"),
        (
            RuntimeError("postgresql://worker:hunter2@db/x Bearer abcdef123456"),
            "queued",
            "RuntimeError: postgresql://worker:[redacted]@db/x Bearer [redacted]",
        ),
    ],
)
def test_a_job_that_raises_says_what_comes_next(
    database: Database, committed_world: World, run: UUID, error: Exception, state: str, text: str
) -> None:
    async def job(_queue: Queue, _run: ClaimedRun) -> Counts:
        raise error

    work(database, job)
    found = row(committed_world, run)
    assert (found["state"], found["error"]) == (state, text)


def test_a_vendors_pause_is_kept(database: Database, committed_world: World, run: UUID) -> None:
    async def job(_queue: Queue, _run: ClaimedRun) -> Counts:
        raise VendorUnavailable("later", retry_after_s=3600)

    work(database, job)
    found = row(committed_world, run)
    assert (found["available_at"] - found["updated_at"]).total_seconds() == 3600


def test_a_kind_that_nobody_knows_is_for_a_person(
    database: Database, committed_world: World, run: UUID
) -> None:
    work(database, None)
    assert row(committed_world, run)["state"] == "failed"


def test_a_cancelled_run_stops(database: Database, committed_world: World, run: UUID) -> None:
    committed_world.execute(
        "update app.sync_runs set cancel_requested_at = now() where id = %s", run
    )
    work(database, forever)
    assert row(committed_world, run)["state"] == "cancelled"


def test_a_stopping_worker_gives_its_run_back(
    database: Database, committed_world: World, run: UUID
) -> None:
    before = row(committed_world, run)

    async def once() -> None:
        stopping = asyncio.Event()

        async def job(queue: Queue, claimed: ClaimedRun) -> Counts:
            await queue.heartbeat(claimed, cursor="page 4")
            stopping.set()
            return await forever(queue, claimed)

        async with make_pool(database.worker_url) as pool:
            await Runner(Queue(pool, "one"), {"test": job}, stopping, QUICK).run_next()

    asyncio.run(once())
    found = row(committed_world, run)
    assert (found["state"], found["cursor"]) == ("queued", "page 4")
    left = found["max_attempts"] - found["attempts"]
    assert left == before["max_attempts"] - before["attempts"]


def test_a_worker_that_lost_its_run_writes_nothing(
    database: Database, committed_world: World, run: UUID
) -> None:
    async def job(_queue: Queue, claimed: ClaimedRun) -> Counts:
        committed_world.execute(
            "update app.sync_runs set claimed_by = 'another', attempts = 2 where id = %s",
            claimed.id,
        )
        raise RunLost

    work(database, job)
    found = row(committed_world, run)
    assert (found["state"], found["claimed_by"]) == ("running", "another")


def test_a_heartbeat_that_hears_of_the_loss_ends_the_work(
    database: Database, committed_world: World, run: UUID
) -> None:
    async def job(queue: Queue, claimed: ClaimedRun) -> Counts:
        committed_world.execute(
            "update app.sync_runs set claimed_by = 'another', attempts = 2 where id = %s",
            claimed.id,
        )
        return await forever(queue, claimed)

    work(database, job)
    assert row(committed_world, run)["claimed_by"] == "another"
