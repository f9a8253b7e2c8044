"""The exports that are running: how many may at once, how they read, and how they end."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from typing import Any, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

import httpx
import orjson
import psycopg
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.as_caller import Refused, RestUnavailable, asking, unavailable
from gateway.database import Pool
from gateway.exports.formats import Format, Row
from gateway.exports.plan import KEY, Plan
from gateway.exports.refusals import told, too_many_exports
from gateway.exports.scratch import Scratch
from salesdash.logs import get_logger

log = get_logger("gateway.exports")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """page_rows: rows of one request to PostgREST, at most its db-max-rows; first_rows: of the
    first one. page_bytes: what a page should come to: of large rows fewer are asked for.

    per_user, per_organization, at_once: exports that run at a time; pages_at_once: requests to
    PostgREST; written_at_once: pages that become parts of files, few because threads take turns
    with everything else that the gateway does. workbook_bytes: of the disk, that one workbook may
    take before it is packed; spare_bytes: that workbooks leave to others.

    stall_s: seconds after which a client that takes nothing is given up. pauses_s: before a page is
    asked for again. settle_s: that a gateway which ends gives its exports to tell so.
    """

    page_rows: int = 2_000
    first_rows: int = 250
    page_bytes: int = 2 * 2**20
    per_user: int = 2
    per_organization: int = 6
    at_once: int = 12
    pages_at_once: int = 3
    written_at_once: int = 2
    workbook_bytes: int = 4 * 2**30
    spare_bytes: int = 2 * 2**30
    stall_s: float = 120.0
    pauses_s: Sequence[float] = (0.2, 1.0, 3.0)
    settle_s: float = 3.0


class Exports:
    """What all exports of this process share."""

    def __init__(self, pool: Pool, limits: Limits, registry: CollectorRegistry) -> None:
        self._pool = pool
        self.limits = limits
        self._ended = Counter(
            "salesdash_exports_total", "Exports that have ended", ("state",), registry=registry
        )
        self._left = Counter(
            "salesdash_exported_rows_total", "Rows that left as files", registry=registry
        )
        self.pages = asyncio.Semaphore(limits.pages_at_once)
        self.writing = asyncio.Semaphore(limits.written_at_once)
        self.scratch = Scratch(max_bytes=limits.workbook_bytes, spare_bytes=limits.spare_bytes)
        self._of_users: collections.Counter[UUID] = collections.Counter()
        self._of_organizations: collections.Counter[UUID] = collections.Counter()
        self._nobody_runs = asyncio.Event()
        self._nobody_runs.set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Serve until the end of the block."""
        with self.scratch.opened():
            try:
                yield
            finally:
                await self._settle()

    def place(self, user_id: UUID) -> AbstractContextManager[None]:
        """A place among those that run, until the end of the block. Raises Refused."""
        if self._of_users.total() >= self.limits.at_once:
            raise too_many_exports()
        return self._counted(self._of_users, user_id, self.limits.per_user)

    def share(self, organization_id: UUID) -> AbstractContextManager[None]:
        """A place among those of one organization, so that its people leave some to others.

        Raises Refused.
        """
        return self._counted(self._of_organizations, organization_id, self.limits.per_organization)

    @contextmanager
    def _counted(
        self, running: collections.Counter[UUID], whose: UUID, most: int
    ) -> Iterator[None]:
        if running[whose] >= most:
            raise too_many_exports()
        running[whose] += 1
        self._nobody_runs.clear()
        try:
            yield
        finally:
            running[whose] -= 1
            if not running[whose]:
                del running[whose]
            if not self._of_users:
                self._nobody_runs.set()

    async def _settle(self) -> None:
        """Let the exports that were cancelled tell how they ended, before the gateway goes."""
        try:
            async with asyncio.timeout(self.limits.settle_s):
                await self._nobody_runs.wait()
        except TimeoutError:
            log.warning("exports are still running", count=self._of_users.total())

    async def finish_export(
        self, *, organization_id: UUID, export_id: UUID, state: str, row_count: int
    ) -> None:
        """Tell the database how an export ended; if it cannot be told, the log says so."""
        try:
            async with self._pool.connection() as connection:
                told = await connection.execute(
                    "select session.finish_export(organization_id => %(organization_id)s,"
                    " export_id => %(export_id)s, state => %(state)s, row_count => %(row_count)s)",
                    {
                        "organization_id": organization_id,
                        "export_id": export_id,
                        "state": state,
                        "row_count": row_count,
                    },
                )
                if await told.fetchone() == (True,):
                    self._ended.labels(state).inc()
                    self._left.inc(row_count)
        except psycopg.Error as error:
            log.error(
                "the end of an export is not on record",
                export_id=str(export_id),
                state=state,
                rows=row_count,
                sqlstate=error.sqlstate,
            )


class Page(NamedTuple):
    """Some rows; whether they are the last ones."""

    rows: list[Row]
    is_last: bool


@dataclass
class Pages:
    """The rows of an export, page by page, as the caller. prefer: a header for PostgREST."""

    request: Request
    exports: Exports
    plan: Plan
    prefer: str | None = None
    _rows: int = field(init=False)

    def __post_init__(self) -> None:
        limits = self.exports.limits
        self._rows = min(limits.first_rows, limits.page_rows)

    async def page(self, after: str | None) -> Page:
        """The rows after this key.

        A page is asked for again while PostgREST is away, which it is when it restarts. Raises
        Refused, RestUnavailable.
        """
        for pause_s in self.exports.limits.pauses_s if after else ():
            try:
                return await self._asked(after)
            except RestUnavailable:
                await asyncio.sleep(pause_s)
        return await self._asked(after)

    async def _asked(self, after: str | None) -> Page:
        limits, wanted = self.exports.limits, self._rows
        path = self.plan.page_path(after, wanted)
        async with self.exports.pages, asking(self.request, path, prefer=self.prefer) as answer:
            if after and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                raise RestUnavailable
            if not answer.is_success:
                await answer.aread()
                raise told(answer)
            if self.prefer and answer.headers.get("preference-applied") != self.prefer:
                raise RuntimeError(f"PostgREST did not apply {self.prefer}")
            content = b"".join([part async for part in answer.aiter_raw()])
        rows: list[Row] = await asyncio.to_thread(orjson.loads, content)
        if rows:
            fitting = limits.page_bytes * len(rows) // len(content)
            self._rows = max(1, min(fitting, limits.page_rows))
        return Page(rows, len(rows) < wanted)


@dataclass(eq=False)
class Download(Response):
    """The file as it is written, no faster than the client takes it.

    What goes wrong before the first byte is an answer of its own. Later it ends with the
    connection, not with the file, so that nobody takes a part for the whole. Whoever goes away ends
    it. places: left when it has ended.
    """

    pages: Pages
    format: Format
    places: ExitStack
    sent: int = field(default=0, init=False)
    has_begun: bool = field(default=False, init=False)
    _step: asyncio.Future[Any] | None = field(default=None, init=False)
    _ending: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        name = self.pages.plan.file_name(self.format.extension)
        super().__init__(
            headers={
                "content-type": self.format.media_type,
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
                "x-accel-buffering": "no",
            }
        )
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        delivery = asyncio.create_task(self._deliver(send))
        departure = asyncio.create_task(_departure(receive))
        state, refusal = "failed", None
        try:
            await asyncio.wait({delivery, departure}, return_when=asyncio.FIRST_COMPLETED)
            if delivery.done():
                delivery.result()
            else:
                state = "aborted"
        except TimeoutError:
            state = "aborted"
        except (Refused, RestUnavailable) as error:
            log.warning(
                "an export broke off",
                export_id=str(self.pages.plan.export_id),
                rows=self.sent,
                reason=str(error) or type(error).__name__,
            )
            refusal = error.answer if isinstance(error, Refused) else unavailable()
        finally:
            delivery.cancel()
            departure.cancel()
            await asyncio.gather(delivery, departure, return_exceptions=True)
            await self._end(state)
        if refusal is not None and not self.has_begun:
            await refusal(scope, receive, send)

    async def _deliver(self, send: Send) -> None:
        """Raises TimeoutError when the client takes nothing; Refused, RestUnavailable."""
        exports, plan = self.pages.exports, self.pages.plan
        self.places.enter_context(exports.share(plan.organization_id))
        unsent = 0
        async with aclosing(self._parts()) as parts:
            async for part, rows in parts:
                unsent += rows
                if part:
                    async with asyncio.timeout(exports.limits.stall_s):
                        await self._send(send, part)
                    self.sent, unsent = self.sent + unsent, 0
        # Only then the file ends: who has it whole finds it on record, and may ask for the next.
        await self._end("delivered")
        await self._send(send, b"", is_last=True)

    async def _send(self, send: Send, part: bytes, *, is_last: bool = False) -> None:
        """In pieces, between which others have their turn, and until the client has made room."""
        if not self.has_begun:
            self.has_begun = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for start in range(0, len(part) or 1, _PIECE):
            body = part[start : start + _PIECE]
            await send({"type": "http.response.body", "body": body, "more_body": not is_last})

    async def _parts(self) -> AsyncGenerator[tuple[bytes, int]]:
        """The parts of the file, each with how many rows were written since the one before.

        While one page is written and sent the next one is read, and no more than that one.
        """
        page = await self.pages.page(None)
        following: asyncio.Task[Page] | None = None
        try:
            while True:
                if not page.is_last:
                    following = asyncio.create_task(self.pages.page(page.rows[-1][KEY]))
                async with self.pages.exports.writing:
                    part = await self._in_thread(self.format.rows, page.rows)
                yield part, len(page.rows)
                if following is None:
                    break
                page, following = await following, None
        finally:
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        rest = await self._in_thread(self.format.end)
        while part := await self._in_thread(next, rest, b""):
            yield part, 0

    async def _in_thread(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a step of the format answers.

        A thread cannot be stopped: when this is cancelled the step goes on, and _end waits for it.
        """
        running = asyncio.ensure_future(asyncio.to_thread(step, *args, **kwargs))
        self._step = running
        return await asyncio.shield(running)

    async def _end(self, state: str) -> None:
        """Once, and whole, whoever stops waiting for it: the first state is the one that counts."""
        self._ending = self._ending or asyncio.create_task(self._ended(state))
        await asyncio.shield(self._ending)

    async def _ended(self, state: str) -> None:
        """Tell how it ended, leave nothing behind, and let others have its place."""
        plan = self.pages.plan
        with self.places:
            await self.pages.exports.finish_export(
                organization_id=plan.organization_id,
                export_id=plan.export_id,
                state=state,
                row_count=self.sent,
            )
            if self._step is not None:
                await asyncio.gather(self._step, return_exceptions=True)
            await asyncio.to_thread(self.format.close)


async def _departure(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


_PIECE = 256 * 1024
