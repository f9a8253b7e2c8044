"""Take one run from the queue and see it to its end: done, failed, cancelled, returned or lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from jobs import metrics
from jobs.kinds import Counts, Job, RunLost
from jobs.queue import DATABASE_AWAY, ClaimedRun, Queue
from salesdash.logs import get_logger, redact_text
from vendors.base import VendorRefused, VendorUnavailable

log = get_logger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds. heartbeat_s: between heartbeats; settle_s: how long to try to tell the database the
    outcome; grace_s: how long a run may go on after the worker was asked to stop."""

    heartbeat_s: float = 5.0
    settle_s: float = 60.0
    grace_s: float = 10.0


class Runner:
    """Runs jobs for one worker. Each call of `run_next` does one; several may be under way."""

    def __init__(
        self,
        queue: Queue,
        jobs: Mapping[str, Job],
        stopping: asyncio.Event,
        pace: Pace | None = None,
    ) -> None:
        self._queue = queue
        self._jobs = jobs
        self._stopping = stopping
        self._pace = pace or Pace()

    async def run_next(self) -> bool:
        """Claim and do the next run; answers whether there was one.

        Raises one of DATABASE_AWAY when nothing could be claimed.
        """
        run = await self._queue.claim_run()
        if run is None:
            return False
        started = time.monotonic()
        outcome = await self._settle(run, await self._work(run))
        took_s = time.monotonic() - started
        metrics.runs.labels(run.kind, outcome).inc()
        metrics.run_seconds.labels(run.kind).observe(took_s)
        log.info(
            "run ended",
            kind=run.kind,
            run_id=run.id,
            organization_id=run.organization_id,
            attempt=run.attempt,
            outcome=outcome,
            seconds=round(took_s, 3),
        )
        return True

    async def _work(self, run: ClaimedRun) -> Callable[[], Awaitable[str]] | None:
        """Do the job; answers how to tell the database, or None when it needs no telling."""
        queue = self._queue
        job = self._jobs.get(run.kind)
        if job is None:
            return lambda: queue.fail_run(run, "This worker knows no such job.", is_final=True)
        log.info("run started", kind=run.kind, run_id=run.id, attempt=run.attempt)
        work = asyncio.ensure_future(job(queue, run))
        watch = asyncio.ensure_future(self._watch(run))
        stop = asyncio.ensure_future(self._stop_after_grace())
        try:
            await asyncio.wait({work, watch, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._verdict(run, work)
            await _end(work)
            if not watch.done():
                return lambda: queue.release_run(run)
            return None if watch.result() == "lost" else lambda: queue.stop_run(run)
        finally:
            await _end(watch)
            await _end(stop)

    def _verdict(
        self, run: ClaimedRun, work: asyncio.Future[Counts]
    ) -> Callable[[], Awaitable[str]] | None:
        queue = self._queue
        try:
            counts = work.result()
        except RunLost:
            return None
        except VendorRefused as error:
            sentence = redact_text(str(error))
            return lambda: queue.fail_run(run, sentence, is_final=True)
        except VendorUnavailable as error:
            sentence = redact_text(str(error))
            wait_s = None if error.retry_after_s is None else round(error.retry_after_s)
            return lambda: queue.fail_run(run, sentence, retry_after_seconds=wait_s)
        except DATABASE_AWAY as error:
            log.warning("database away during a run", run_id=run.id, error=type(error).__name__)
            return lambda: queue.release_run(run)
        except Exception as error:  # whatever a job raises is this run's failure
            log.exception("run failed", kind=run.kind, run_id=run.id)
            sentence = redact_text(f"{type(error).__name__}: {error}")
            return lambda: queue.fail_run(run, sentence)
        return lambda: queue.finish_run(run, counts)

    async def _settle(self, run: ClaimedRun, tell: Callable[[], Awaitable[str]] | None) -> str:
        """Tell the database how the run ended, for as long as that can make a difference."""
        if tell is None:
            return "lost"
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(DATABASE_AWAY),
                wait=wait_random_exponential(multiplier=0.2, max=5),
                stop=stop_after_delay(self._pace.settle_s),
            ):
                with attempt:
                    return await tell()
        except RetryError:
            log.warning("outcome not told", run_id=run.id, kind=run.kind)
        return "unknown"

    async def _watch(self, run: ClaimedRun) -> str:
        """Heartbeats until the run is to be given up; answers cancelling or lost."""
        while True:
            await asyncio.sleep(self._pace.heartbeat_s)
            try:
                answer = await self._queue.heartbeat(run)
            except DATABASE_AWAY as error:
                log.warning("heartbeat missed", run_id=run.id, error=type(error).__name__)
                continue
            if answer != "running":
                return answer

    async def _stop_after_grace(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self._pace.grace_s)


async def _end(
    task: asyncio.Future[object]
    | asyncio.Future[Counts]
    | asyncio.Future[str]
    | asyncio.Future[None],
) -> None:
    """Cancel a task and wait until it has stopped; what it raised meanwhile no longer matters."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
