"""One worker process: the clock ticks, and loops poll the queue and the outbox.

Any number of workers may run; the database keeps them apart. A database that goes away is waited
for with growing pauses; SIGTERM and SIGINT let the present run finish, or give it back.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from psycopg_pool import AsyncConnectionPool

from jobs import metrics
from jobs.access import listen
from jobs.acuity import AcuityJobs
from jobs.clock import tick_schedules
from jobs.kinds import JOBS
from jobs.outbox import Mailbox, Sender, Transport
from jobs.queue import DATABASE_AWAY, Pool, Queue
from jobs.runner import Runner
from salesdash.logs import get_logger
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings
from vendors.acuity import Acuity
from vendors.resend import Resend

log = get_logger(__name__)

POLL_S = 1.0
ALIVE_S = 2.0
STALE_AFTER = timedelta(seconds=30)
ANALYSTS_S = 1.0
LONGEST_PAUSE_S = 5.0
FOLDED_AT_ONCE = 2000
RUNS_AT_ONCE = 2
"""So that one long run does not keep the short ones waiting."""

Step = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Worker:
    """What one process works with."""

    pool: Pool
    queue: Queue
    box: SecretBox
    transport: Transport
    acuity: Acuity
    mail_from: str
    site_url: str
    listen_url: str
    analyst_statement_limit: timedelta


def worker_id() -> str:
    """A name that no other process has: host, process id, and something random."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def make_pool(url: str) -> Pool:
    """A closed pool; every call is its own transaction, and dead connections are replaced."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=8,
        open=False,
        timeout=5.0,
        reconnect_timeout=5.0,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "application_name": "salesdash-jobs",
            "connect_timeout": 5,
            # A statement whose worker was killed ends, and lets go of its locks.
            "options": "-c client_connection_check_interval=2s",
        },
        name="jobs",
    )


async def main(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises SettingsError when something needed is not set."""
    pool = make_pool(settings.required("jobs_database_url"))
    box = SecretBox(
        settings.required("encryption_master_key"), settings.encryption_master_key_previous
    )
    resend = None
    if settings.resend_api_key is not None:
        resend = Resend(settings.resend_api_key, base_url=settings.resend_base_url)
    else:
        log.warning("no RESEND_API_KEY: e-mails stay in the development mailbox")
    acuity = Acuity(base_url=settings.acuity_base_url)
    if settings.jobs_metrics_port is not None:
        metrics.serve(settings.jobs_metrics_port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    worker = Worker(
        pool=pool,
        queue=Queue(pool, worker_id()),
        box=box,
        transport=Mailbox() if resend is None else ResendTransport(resend),
        acuity=acuity,
        mail_from=settings.mail_from,
        site_url=settings.site_url,
        listen_url=settings.required("jobs_database_url"),
        analyst_statement_limit=timedelta(seconds=settings.analyst_statement_limit_s),
    )
    try:
        await work(worker, stopping)
    finally:
        await acuity.aclose()
        if resend is not None:
            await resend.aclose()


class ResendTransport:
    """Resend, as the outbox sees it."""

    name = "resend"

    def __init__(self, resend: Resend) -> None:
        self.send_email = resend.send_email


async def work(worker: Worker, stopping: asyncio.Event) -> None:
    """Tick and poll until stopping is set and the present run has ended or was given back."""
    queue = worker.queue
    await worker.pool.open(wait=False)
    scheduler = AsyncIOScheduler(timezone="UTC")
    ticks: tuple[tuple[str, float, Callable[[], Awaitable[object]]], ...] = (
        ("alive", ALIVE_S, queue.worker_alive),
        ("schedules", POLL_S, lambda: tick_schedules(queue)),
        ("rollups", 5 * POLL_S, lambda: _watch_rollups(queue)),
        ("stale", STALE_AFTER.total_seconds() / 6, lambda: _release_stale(queue)),
        ("analysts", ANALYSTS_S, lambda: _end_analysts(queue, worker.analyst_statement_limit)),
    )
    for name, every_s, tick in ticks:
        scheduler.add_job(
            _guarded, "interval", (name, tick), seconds=every_s, coalesce=True, max_instances=1
        )
    jobs = {**JOBS, **AcuityJobs(worker.box, worker.acuity).jobs}
    runner = Runner(queue, jobs, stopping)
    sender = Sender(
        queue,
        worker.box,
        worker.transport,
        mail_from=worker.mail_from,
        site_url=worker.site_url,
    )
    log.info("worker started", worker_id=queue.worker_id, transport=worker.transport.name)
    scheduler.start()
    listener = asyncio.create_task(listen(worker.listen_url, queue))
    try:
        async with asyncio.TaskGroup() as loops:
            for number in range(RUNS_AT_ONCE):
                loops.create_task(poll(f"queue {number + 1}", runner.run_next, stopping))
            loops.create_task(poll("outbox", sender.send_next, stopping))
            loops.create_task(poll("rollups", lambda: _fold_rollup(queue), stopping))
            loops.create_task(_guarded("alive", queue.worker_alive))
    finally:
        scheduler.shutdown(wait=False)
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener
        await _guarded("gone", queue.worker_gone)
        await worker.pool.close()
        log.info("worker stopped", worker_id=queue.worker_id)


async def poll(name: str, step: Step, stopping: asyncio.Event) -> None:
    """Repeat step until stopping: at once while there is work, else every second or so; while the
    database is away, with growing pauses."""
    away = 0
    while not stopping.is_set():
        try:
            busy = await step()
            if away:
                log.info("database back", loop=name)
            away = 0
        except DATABASE_AWAY as error:
            away += 1
            metrics.database_away.labels(name).inc()
            if away == 1:
                log.warning("database away", loop=name, error=type(error).__name__)
            busy = False
        except psycopg.Error:
            log.exception("poll failed", loop=name)
            busy = False
        if busy:
            continue
        pause_s = min(LONGEST_PAUSE_S, POLL_S * 2**away) if away else POLL_S
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s * random.uniform(0.75, 1.25)):  # noqa: S311
                await stopping.wait()


async def _fold_rollup(queue: Queue) -> bool:
    """Changes of one organization, counted anew. True when there are more."""
    folded = await queue.fold_rollup(FOLDED_AT_ONCE)
    metrics.rollup_changes.inc(folded or 0)
    return folded == FOLDED_AT_ONCE


async def _watch_rollups(queue: Queue) -> None:
    lag = await queue.rollup_lag()
    metrics.rollup_waiting.set(lag.changes)
    metrics.rollup_lag_seconds.set(lag.seconds)
    metrics.rollups_not_built.set(lag.not_built)


async def _release_stale(queue: Queue) -> None:
    returned = await queue.release_stale(STALE_AFTER)
    if returned:
        metrics.returned.inc(returned)
        log.warning("work of a dead worker returned", rows=returned)


async def _end_analysts(queue: Queue, limit: timedelta) -> None:
    for ended in await queue.end_analyst_statements(limit):
        metrics.analysts_ended.labels(ended.outcome).inc()
        log.warning(
            "analyst over the limit",
            login=ended.login_name,
            outcome=ended.outcome,
            reason=ended.reason,
            lasted_s=round(ended.lasted.total_seconds()),
        )


async def _guarded(name: str, tick: Callable[[], Awaitable[object]]) -> None:
    """One tick; a database that is away is reported and tried again by the next one."""
    try:
        await tick()
    except DATABASE_AWAY as error:
        metrics.database_away.labels(name).inc()
        log.debug("tick found no database", tick=name, error=type(error).__name__)
    except psycopg.Error:
        log.exception("tick failed", tick=name)
