"""The worker's view of the database: one function per SQL function of schema `jobs`, same names.

A run or message is named by (organization_id, id); organization_id None means the platform itself.
Every call is one statement and one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

DATABASE_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What a call raises while the database cannot be reached; it may or may not have taken effect."""

Row = TypeVar("Row")
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


class ClaimedRun(NamedTuple):
    """A run that this worker has. cursor: where an earlier attempt stopped; attempt: from 1."""

    organization_id: UUID | None
    id: UUID
    kind: str
    parameters: Mapping[str, Any]
    cursor: str | None
    attempt: int
    fire_time: datetime | None


class ClaimedMessage(NamedTuple):
    """A message that this worker has. secret and rendered are sealed (salesdash.sealing)."""

    organization_id: UUID | None
    id: UUID
    kind: str
    payload: Mapping[str, Any]
    secret: bytes | None
    rendered: bytes | None
    attempt: int


class DueSchedule(NamedTuple):
    """A schedule that needs attention, and the instant at which the database said so."""

    organization_id: UUID | None
    id: UUID
    kind: str
    cron: str | None
    interval_seconds: int | None
    timezone: str
    anchor_at: datetime
    due_after: datetime
    as_of: datetime


class CheckDone(NamedTuple):
    """What one data-quality check found: new, healed, and now open exceptions."""

    check_name: str
    opened: int
    healed: int
    open_now: int
    is_last: bool


class PageReplayed(NamedTuple):
    """How many stored deliveries were processed again, and whether they were the last."""

    replayed: int
    is_last: bool


class WantedAppointment(NamedTuple):
    """What a run is to fetch from Acuity. api_key is sealed; is_in_use: the connection still is."""

    connection_id: UUID
    appointment_id: str
    api_key: bytes | None
    is_in_use: bool


class EndedStatement(NamedTuple):
    """What an analyst ran for too long. outcome: canceled (a statement) or ended (a session)."""

    login_name: str
    outcome: str
    reason: str
    lasted: timedelta


class RollupLag(NamedTuple):
    """How far folding is behind. not_built: organizations that have no rollup at all."""

    not_built: int
    changes: int
    seconds: float


class Queue:
    """Calls the functions of schema `jobs` as one worker.

    Every method raises one of DATABASE_AWAY while the database cannot be reached.
    """

    def __init__(self, pool: Pool, worker_id: str) -> None:
        self._pool = pool
        self.worker_id = worker_id

    async def worker_alive(self) -> None:
        """This process lives."""
        await self._value("select jobs.worker_alive(%s)", self.worker_id)

    async def worker_gone(self) -> None:
        """This process ends in good order."""
        await self._value("select jobs.worker_gone(%s)", self.worker_id)

    async def access_channel(self) -> str:
        """Where the pre-request check announces; known to nobody else."""
        return str(await self._value("select jobs.access_channel()"))

    async def record_access(self, announcement: Mapping[str, Any]) -> bool:
        """A super admin or an API key asked; answers whether that was news."""
        return bool(await self._value("select jobs.record_access(%s)", Jsonb(announcement)))

    async def end_analyst_statements(self, statement_limit: timedelta) -> list[EndedStatement]:
        """End what analysts run for longer than the limit; answers what was ended."""
        return await self._rows(
            EndedStatement,
            "select login_name, outcome, reason, lasted from jobs.end_analyst_statements(%s)",
            statement_limit,
        )

    async def claim_run(self) -> ClaimedRun | None:
        """The next run that is due, now this worker's."""
        rows = await self._rows(
            ClaimedRun,
            "select organization_id, id, kind, parameters, cursor, attempt, fire_time"
            " from jobs.claim_run(%s)",
            self.worker_id,
        )
        return rows[0] if rows else None

    async def heartbeat(
        self,
        run: ClaimedRun,
        *,
        progress_done: int | None = None,
        progress_total: int | None = None,
        cursor: str | None = None,
    ) -> str:
        """Still at it; answers running, cancelling or lost."""
        return str(
            await self._value(
                "select jobs.heartbeat(%s, %s, %s, %s, %s, %s, %s)",
                *self._claim(run),
                progress_done,
                progress_total,
                cursor,
            )
        )

    async def finish_run(self, run: ClaimedRun, counts: Mapping[str, int]) -> str:
        """The work is done; answers succeeded or lost."""
        return str(
            await self._value(
                "select jobs.finish_run(%s, %s, %s, %s, %s)", *self._claim(run), Jsonb(dict(counts))
            )
        )

    async def fail_run(
        self,
        run: ClaimedRun,
        error: str,
        *,
        is_final: bool = False,
        retry_after_seconds: int | None = None,
    ) -> str:
        """This attempt failed; answers queued, dead, failed or lost."""
        return str(
            await self._value(
                "select jobs.fail_run(%s, %s, %s, %s, %s, %s, %s)",
                *self._claim(run),
                error,
                is_final,
                retry_after_seconds,
            )
        )

    async def release_run(self, run: ClaimedRun) -> str:
        """Give the run back unfinished; answers queued or lost."""
        return str(await self._value("select jobs.release_run(%s, %s, %s, %s)", *self._claim(run)))

    async def stop_run(self, run: ClaimedRun) -> str:
        """The work of a cancelled run has stopped; answers cancelled or lost."""
        return str(await self._value("select jobs.stop_run(%s, %s, %s, %s)", *self._claim(run)))

    async def release_stale(self, stale_after: timedelta) -> int:
        """What dead workers held goes back; answers how many rows."""
        return int(await self._value("select jobs.release_stale(%s)", stale_after))

    async def due_schedules(self) -> list[DueSchedule]:
        """Schedules whose next instant has come or is not known yet."""
        return await self._rows(
            DueSchedule,
            "select organization_id, id, kind, cron, interval_seconds, timezone, anchor_at,"
            " due_after, as_of from jobs.due_schedules()",
        )

    async def fire_schedule(
        self, schedule: DueSchedule, fire_time: datetime | None, next_fire_at: datetime
    ) -> bool:
        """Queue the run due at fire_time, note the next instant; answers if one was queued."""
        return bool(
            await self._value(
                "select jobs.fire_schedule(%s, %s, %s, %s, %s)",
                schedule.organization_id,
                schedule.id,
                schedule.due_after,
                fire_time,
                next_fire_at,
            )
        )

    async def refuse_schedule(self, schedule: DueSchedule, error: str) -> None:
        """No due instant can be computed."""
        await self._value(
            "select jobs.refuse_schedule(%s, %s, %s, %s)",
            schedule.organization_id,
            schedule.id,
            schedule.due_after,
            error,
        )

    async def claim_outbox(self, kinds: Sequence[str], batch: int) -> list[ClaimedMessage]:
        """Up to batch messages of each kind of owner that are due, now this worker's.

        kinds: what it can send; messages of other kinds wait.
        """
        return await self._rows(
            ClaimedMessage,
            "select organization_id, id, kind, payload, secret, rendered, attempt"
            " from jobs.claim_outbox(%s, %s, %s)",
            self.worker_id,
            list(kinds),
            batch,
        )

    async def keep_rendered(self, message: ClaimedMessage, rendered: bytes) -> bytes | None:
        """Keep the sealed text; answers what is kept, or None when the claim is lost."""
        kept = await self._value(
            "select jobs.keep_rendered(%s, %s, %s, %s, %s)", *self._claim(message), rendered
        )
        return None if kept is None else bytes(kept)

    async def finish_outbox(
        self, message: ClaimedMessage, transport: str, provider_message_id: str | None
    ) -> str:
        """The message is out; answers sent or lost."""
        return str(
            await self._value(
                "select jobs.finish_outbox(%s, %s, %s, %s, %s, %s)",
                *self._claim(message),
                transport,
                provider_message_id,
            )
        )

    async def fail_outbox(
        self,
        message: ClaimedMessage,
        error: str,
        *,
        is_final: bool = False,
        retry_after_seconds: int | None = None,
    ) -> str:
        """This attempt failed; answers pending, dead or lost."""
        return str(
            await self._value(
                "select jobs.fail_outbox(%s, %s, %s, %s, %s, %s, %s)",
                *self._claim(message),
                error,
                is_final,
                retry_after_seconds,
            )
        )

    async def run_data_quality(self, run: ClaimedRun) -> CheckDone | None:
        """Do the next check of the run; None when the run is lost."""
        rows = await self._rows(
            CheckDone,
            "select check_name, opened, healed, open_now, is_last"
            " from jobs.run_data_quality(%s, %s, %s, %s)",
            *self._claim(run),
        )
        return rows[0] if rows else None

    async def replay_webhook_events(self, run: ClaimedRun, batch: int) -> PageReplayed | None:
        """Process up to batch stored deliveries again; None when the run is lost."""
        rows = await self._rows(
            PageReplayed,
            "select replayed, is_last from jobs.replay_webhook_events(%s, %s, %s, %s, %s)",
            *self._claim(run),
            batch,
        )
        return rows[0] if rows else None

    async def acuity_appointment(self, run: ClaimedRun) -> WantedAppointment | None:
        """What the run is to fetch; None when it is lost."""
        rows = await self._rows(
            WantedAppointment,
            "select connection_id, appointment_id, api_key, is_in_use"
            " from jobs.acuity_appointment(%s, %s, %s, %s)",
            *self._claim(run),
        )
        return rows[0] if rows else None

    async def record_acuity_appointment(
        self, run: ClaimedRun, appointment: str | None, calendar: str | None
    ) -> str | None:
        """Hand over what Acuity answered, as JSON; answers what it came to, None when lost."""
        what = await self._value(
            "select jobs.record_acuity_appointment(%s, %s, %s, %s, %s::jsonb, %s::jsonb)",
            *self._claim(run),
            appointment,
            calendar,
        )
        return None if what is None else str(what)

    async def ensure_partitions(self) -> int:
        """Make the partitions of the months ahead; answers how many were missing."""
        return int(await self._value("select jobs.ensure_partitions()"))

    async def drop_expired_partition(self) -> str | None:
        """Drop the oldest month past its retention; answers its name, None without one."""
        name = await self._value("select jobs.drop_expired_partition()")
        return None if name is None else str(name)

    async def retry_webhook_events(self, batch: int) -> int:
        """Process up to batch failed deliveries that are due; answers how many."""
        return int(await self._value("select jobs.retry_webhook_events(%s)", batch))

    async def fold_rollup(self, batch: int) -> int | None:
        """Count changes of one organization anew; answers how many, None without any.

        A large one that is built from nothing may take longer than a worker's statements have.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("set local statement_timeout = '2h'")
            answer = await connection.execute("select jobs.fold_rollup(%s)", (batch,))
            row = await answer.fetchone()
        return None if row is None or row[0] is None else int(row[0])

    async def rollup_lag(self) -> RollupLag:
        """How far folding is behind."""
        (lag,) = await self._rows(
            RollupLag, "select not_built, changes, lag_seconds as seconds from jobs.rollup_lag()"
        )
        return lag

    async def link_refunds(self) -> int:
        """Refunds that missed their payment find it; answers how many."""
        return int(await self._value("select jobs.link_refunds()"))

    async def settle_merges(self) -> int:
        """Rows that missed the merge of their lead follow it; answers how many merges had some."""
        return int(await self._value("select jobs.settle_merges()"))

    async def settle_payments(self, batch: int) -> int:
        """Up to batch payments of nobody find the lead they missed; answers how many did."""
        return int(await self._value("select jobs.settle_payments(%s)", batch))

    async def settle_carriers(self, batch: int) -> int:
        """Up to batch objects that say who paid find payments they missed; answers how many."""
        return int(await self._value("select jobs.settle_carriers(%s)", batch))

    async def fold_connection_stats(self, batch: int) -> int:
        """Add up to batch delivery counts; answers how many there were."""
        return int(await self._value("select jobs.fold_connection_stats(%s)", batch))

    async def review_connections(self) -> int:
        """List connections that turn deliveries away; answers how many there are."""
        return int(await self._value("select jobs.review_connections()"))

    async def housekeeping(self) -> int:
        """Delete finished work that nobody needs any more; answers how many rows."""
        return int(await self._value("select jobs.housekeeping()"))

    def _claim(self, claimed: ClaimedRun | ClaimedMessage) -> tuple[object, ...]:
        return (claimed.organization_id, claimed.id, self.worker_id, claimed.attempt)

    async def _value(self, query: str, *arguments: object) -> Any:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query.encode(), arguments)
            return await cursor.fetchone()

    async def _rows(self, shape: type[Row], query: str, *arguments: object) -> list[Row]:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(shape)) as cursor,
        ):
            await cursor.execute(query.encode(), arguments)
            return await cursor.fetchall()
