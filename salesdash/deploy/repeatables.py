"""The repeatable half of a deploy: functions, views, triggers, policies, in one transaction.

Live traffic decides its shape. Whoever waits for a lock here makes every client that comes later
wait as well, so a lock that is not free within 50 ms ends the attempt, and all of it is tried
again.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from salesdash.deploy import bookkeeping, catalog, grants
from salesdash.deploy.bookkeeping import Name
from salesdash.deploy.catalog import Row
from salesdash.deploy.errors import DeployFailed, describe
from salesdash.deploy.plan import make_plan
from salesdash.deploy.session import OWNER
from salesdash.deploy.tree import File

LOCK_TIMEOUT = "50ms"
BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
ROUTINES = ("function", "procedure")
REDEFINED = (
    psycopg.errors.InvalidFunctionDefinition,
    psycopg.errors.AmbiguousFunction,
    psycopg.errors.DependentObjectsStillExist,
)
"""A file met the function of old: it changed its result, overlaps it, or dropped it itself."""

DROPS = re.compile(r"^drop function (?:if exists )?([\w.]+)\(", re.MULTILINE | re.IGNORECASE)
"""The function that a statement of a file drops."""


@dataclass(frozen=True)
class Applied:
    """files: paths that ran. dropped: what no file makes any more. attempts: transactions used."""

    files: tuple[str, ...]
    dropped: tuple[str, ...]
    attempts: int


class _NeedsMoreDropped(Exception):
    """The attempt showed that these objects must be dropped before the files run."""

    def __init__(self, names: frozenset[Name]) -> None:
        self.names = names


def apply_repeatables(
    connection: psycopg.Connection,
    tree: tuple[File, ...],
    migrations: tuple[str, ...],
    *,
    patience_s: float,
    progress: Callable[[str], None],
) -> Applied:
    """Bring functions, views, triggers and policies to what the tree says.

    Call it under the deploy lock.

    migrations: those applied now; when others were applied at the last run, every file runs.
    Raises DeployFailed when a file fails, or when clients hold locks for patience_s seconds;
    nothing has changed then.
    """
    attempts = 0
    also_drop: frozenset[Name] = frozenset()
    while True:
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(BUSY),
                stop=stop_after_delay(patience_s),
                wait=wait_random_exponential(multiplier=0.02, max=0.5),
                reraise=True,
            ):
                with attempt:
                    attempts += 1
                    with connection.transaction():
                        done = _Attempt(connection, tree, migrations, also_drop).work(progress)
            return replace(done, attempts=attempts)
        except _NeedsMoreDropped as need:
            also_drop |= need.names
        except BUSY as error:
            raise DeployFailed(
                f"Clients held locks for {patience_s:.0f} s, in {attempts} attempts:"
                f" {describe(error)}"
            ) from error


class _Attempt:
    """One attempt, inside its transaction. also_drop: what earlier attempts found in the way."""

    def __init__(
        self,
        connection: psycopg.Connection,
        tree: tuple[File, ...],
        migrations: tuple[str, ...],
        also_drop: frozenset[Name],
    ) -> None:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
        connection.execute("set local search_path to ''")
        connection.execute(f"set local lock_timeout to '{LOCK_TIMEOUT}'")
        self.connection = connection
        self.migrations = migrations
        self.also_drop = also_drop
        self.record = bookkeeping.load(connection)
        self.live = catalog.load(connection)
        self.plan = make_plan(
            tree,
            self.record,
            self.live,
            everything=self.record.migrations != migrations,
            also_drop=also_drop,
        )

    def work(self, progress: Callable[[str], None]) -> Applied:
        """Carry the plan out. Raises _NeedsMoreDropped when it was not enough."""
        if self.plan.is_empty:
            return Applied((), (), 1)
        self._take_back()
        bookkeeping.forget(
            self.connection, (*self.plan.gone, *(file.path for file in self.plan.run))
        )
        # From here to the commit, clients that need what changes have to wait.
        drop(self.connection, self.plan.drop)
        owners = self._run_files(progress)
        ours = set(self._ours())
        old = [row for row, name in self.live.names.items() if name in ours]
        now = catalog.identify(self.connection, {*owners, *old})
        made = {now[row]: path for row, path in owners.items() if row in now}
        stale = ours & set(now.values()) - set(made)
        if stale:
            raise _NeedsMoreDropped(frozenset(stale))
        self._note(made)
        self.connection.execute("notify pgrst, 'reload schema'")
        return Applied(
            tuple(file.path for file in self.plan.run),
            tuple(f"{name.type} {name.identity}" for name in self.plan.drop if name not in made),
            1,
        )

    def _ours(self) -> list[Name]:
        """What the files that run have made before."""
        running = {file.path for file in self.plan.run}
        return [name for name, path in self.record.objects.items() if path in running]

    def _take_back(self) -> None:
        ours = self._ours()
        grants.take_back(
            self.connection,
            functions=[name.identity for name in ours if name.type in ROUTINES],
            tables={self.live.tables[name] for name in ours if name in self.live.tables},
        )

    def _run_files(self, progress: Callable[[str], None]) -> dict[Row, str]:
        """Run the files; return which of them made what.

        An object is made by the first file that touches it. What was there before belongs to its
        file of old if that does not run now, and to nobody if no file made it: a migration did, and
        a file only grants on it.
        """
        free = {file.path for file in self.plan.run} | set(self.plan.gone)
        owners: dict[Row, str] = {}
        seen = catalog.touched(self.connection, "function, view, policy, trigger")
        for file in self.plan.run:
            progress(file.path)
            self._execute(file)
            now = catalog.touched(self.connection, file.text)
            for row, place in now.items():
                known = self.live.names.get(row)
                old = self.record.objects.get(known) if known else file.path
                if seen.get(row) != place and old in free:
                    owners.setdefault(row, file.path)
            seen.update(now)
        return owners

    def _execute(self, file: File) -> None:
        try:
            self.connection.execute(file.text.encode())
        except REDEFINED as error:
            routines = self._in_the_way(file, error)
            if routines <= self.also_drop:
                raise _failure(file, error) from error
            raise _NeedsMoreDropped(routines) from error
        except BUSY:
            raise
        except psycopg.Error as error:
            raise _failure(file, error) from error

    def _in_the_way(self, file: File, error: psycopg.Error) -> frozenset[Name]:
        """The functions to drop before the files run, when file failed with one of REDEFINED.

        First those that the files drop themselves, for fewer locks; then all that changed files
        made. What depends on them, in whichever file, goes along and its file runs.
        """
        if isinstance(error, psycopg.errors.DependentObjectsStillExist):
            told = {name for each in self.plan.run for name in DROPS.findall(each.text)}
            dropped = frozenset(
                name
                for name in self._ours()
                if name.type in ROUTINES and name.identity.partition("(")[0] in told
            )
            if not dropped <= self.also_drop:
                return dropped
        paths = self.plan.changed | {file.path}
        return frozenset(
            name
            for name, path in self.record.objects.items()
            if path in paths and name.type in ROUTINES
        )

    def _note(self, made: dict[Name, str]) -> None:
        bookkeeping.note(self.connection, {file.path: file.sha256 for file in self.plan.run}, made)
        bookkeeping.note_migrations(self.connection, self.migrations)


def drop(connection: psycopg.Connection, names: Iterable[Name]) -> None:
    """Drop these, in this order. Raises DeployFailed when something unknown depends on one."""
    statements = "".join(f"drop {name.type} if exists {name.identity};" for name in names)
    try:
        connection.execute(statements.encode())
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DeployFailed(
            f"Something that no file of this tree makes is in the way: {describe(error)}"
        ) from error


def _failure(file: File, error: psycopg.Error) -> DeployFailed:
    position = error.diag.statement_position
    place = file.path
    if position is not None:
        place += f":{file.text.count(chr(10), 0, int(position) - 1) + 1}"
    return DeployFailed(f"{place}: {describe(error)}")


def drop_all(connection: psycopg.Connection) -> tuple[str, ...]:
    """Drop everything that repeatable files made, and forget it. Call it under the deploy lock."""
    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
        connection.execute("set local search_path to ''")
        record, live = bookkeeping.load(connection), catalog.load(connection)
        plan = make_plan((), record, live)
        drop(connection, plan.drop)
        bookkeeping.forget(connection, record.files)
        return tuple(f"{name.type} {name.identity}" for name in plan.drop)
