"""Which function does which kind of job. The names are those of `app.job_kinds()`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NoReturn, TypeVar

from psycopg.errors import LockNotAvailable
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random

from jobs.queue import ClaimedRun, Queue


class TablesBusy(Exception):
    """Somebody was reading or writing the tables whenever we wanted to change them."""


class RunLost(Exception):
    """Another worker has the run now, or it has ended: stop, and write nothing more."""


BATCH = 100
"""Deliveries that are processed again in one transaction."""
REPLAYED = 100
"""Stored deliveries that are processed again in one transaction."""
COUNTS = 50_000
"""Delivery counts that are added up in one transaction."""

T = TypeVar("T")
Counts = Mapping[str, int]
Job = Callable[[Queue, ClaimedRun], Awaitable[Counts]]
"""Does a run and answers what it did, by name. May be cancelled anywhere and started again."""


async def data_quality(queue: Queue, run: ClaimedRun) -> Counts:
    """Check after check; each commits together with the run's cursor and counts."""
    opened = healed = 0
    while True:
        check = await queue.run_data_quality(run)
        if check is None:
            raise RunLost
        opened += check.opened
        healed += check.healed
        if check.is_last:
            return {"opened": opened, "healed": healed}


async def replay_webhooks(queue: Queue, run: ClaimedRun) -> Counts:
    """Page after page; each commits together with the run's cursor and counts."""
    while True:
        page = await queue.replay_webhook_events(run, REPLAYED)
        if page is None:
            raise RunLost
        if page.is_last:
            return {}


async def partition_upkeep(queue: Queue, _run: ClaimedRun) -> Counts:
    """Partitions of the months ahead; away with months that nobody has to keep any longer."""
    made = await unhurried(queue.ensure_partitions)
    dropped = 0
    while await unhurried(queue.drop_expired_partition):
        dropped += 1
    return {"partitions_made": made, "partitions_dropped": dropped}


async def unhurried(change: Callable[[], Awaitable[T]], *, tries: int = 40) -> T:
    """Do a change of tables, each time that somebody is in its way a moment later.

    Raises TablesBusy after so many tries: the run is tried again with back-off.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(LockNotAvailable),
        wait=wait_random(0.05, 0.25),
        stop=stop_after_attempt(tries),
        retry_error_callback=_busy,
    ):
        with attempt:
            return await change()
    raise TablesBusy


def _busy(_state: RetryCallState) -> NoReturn:
    raise TablesBusy


async def housekeeping(queue: Queue, _run: ClaimedRun) -> Counts:
    """Away with what nobody needs any more."""
    return {"rows_deleted": await queue.housekeeping()}


async def inbox_upkeep(queue: Queue, _run: ClaimedRun) -> Counts:
    """Failed deliveries, and what met in one moment, once more; counts added up, alarms raised."""
    retried = tried = await queue.retry_webhook_events(BATCH)
    while tried == BATCH:
        tried = await queue.retry_webhook_events(BATCH)
        retried += tried
    linked = await queue.link_refunds()
    merged = await queue.settle_merges()
    folded = added = await queue.fold_connection_stats(COUNTS)
    while added == COUNTS:
        added = await queue.fold_connection_stats(COUNTS)
        folded += added
    refusing = await queue.review_connections()
    settled = looked_at = await queue.settle_carriers(BATCH)
    while looked_at == BATCH:
        looked_at = await queue.settle_carriers(BATCH)
        settled += looked_at
    attributed = await queue.settle_payments(BATCH)
    return {
        "retried": retried,
        "refunds_linked": linked,
        "merges_settled": merged,
        "payments_attributed": attributed,
        "carriers_settled": settled,
        "counts_folded": folded,
        "connections_refusing": refusing,
    }


JOBS: Final[Mapping[str, Job]] = {
    "data-quality": data_quality,
    "replay-webhooks": replay_webhooks,
    "inbox-upkeep": inbox_upkeep,
    "partition-upkeep": partition_upkeep,
    "housekeeping": housekeeping,
}
