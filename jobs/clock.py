"""The tick: queue what the schedules say is due. Safe in any number of processes at once."""

from __future__ import annotations

from jobs.due import Schedule, ScheduleUnusable, due
from jobs.queue import Queue
from salesdash.logs import get_logger

log = get_logger(__name__)


async def tick_schedules(queue: Queue) -> int:
    """Queue one run for every schedule that is due; answers how many this call queued.

    The clock is the database's. Raises one of DATABASE_AWAY.
    """
    queued = 0
    for row in await queue.due_schedules():
        schedule = Schedule(row.cron, row.interval_seconds, row.timezone, row.anchor_at)
        try:
            found = due(schedule, after=row.due_after, now=row.as_of)
        except ScheduleUnusable as error:
            log.warning("schedule unusable", schedule_id=row.id, kind=row.kind, error=str(error))
            await queue.refuse_schedule(row, str(error))
            continue
        if await queue.fire_schedule(row, found.fire_time, found.next_at):
            queued += 1
            log.info("run queued", schedule_id=row.id, kind=row.kind, fire_time=found.fire_time)
    return queued
