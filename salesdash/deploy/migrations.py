"""The versioned half of a deploy: yoyo, with its tables in a schema of their own."""

import logging
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, parse_metadata_from_sql_comments, read_migrations
from yoyo.utils import change_param_style

from salesdash.deploy.errors import DeployFailed, describe
from salesdash.deploy.session import OWNER, connect

SCHEMA = "deploy"
TABLE = "_yoyo_migration"
RECORD = f"{SCHEMA}.{TABLE}"
LOCK_TIMEOUT = "1s"
PATIENCE_S = 120.0

logging.getLogger("yoyo").setLevel(logging.WARNING)


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's psycopg backend, as the owner role, bookkeeping in schema deploy, migrations in none.

    A migration must spell out its schemas: it runs with an empty search path, here as under
    sqitch. It and the note that it was applied commit together, so that a deploy can be killed
    anywhere.
    """

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        uri = DatabaseURI("postgresql+psycopg", None, None, None, None, "", {})
        super().__init__(uri, TABLE)

    def connect(self, dburi: DatabaseURI) -> psycopg.Connection:
        """A connection of ours; everything about it is in the URL that we were made with."""
        del dburi
        self.schema = SCHEMA
        return connect(self.database_url)

    def init_connection(self, connection: psycopg.Connection) -> None:
        """Also called after each rollback, which may have undone these."""
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(OWNER)))
        connection.execute(f"set search_path to {self.schema}")

    def copy(self) -> "Backend":
        """The connection on which yoyo runs a migration that manages its own transactions."""
        other = Backend(self.database_url)
        other.schema = "''"
        other.init_connection(other.connection)
        return other

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> psycopg.Cursor:
        """As yoyo's, but a statement without parameters is sent as it is: % means %."""
        cursor: psycopg.Cursor = self.cursor()
        if not params:
            return cursor.execute(sql.encode())
        styled, values = change_param_style(self.driver.paramstyle, sql, params)
        return cursor.execute(styled, values)

    def get_log_data(
        self, migration: Migration | None = None, operation: str = "apply"
    ) -> dict[str, Any]:
        """As yoyo's, without asking the network for our name or the system for our account."""
        return {
            "id": str(uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def process_one(self, migration: Migration, operation: str) -> None:
        """Apply or roll back one migration and note it, in one transaction.

        A file that is marked `-- transactional: false` has none.
        operation: "apply" or "rollback".
        """
        if not migration.use_transactions:
            getattr(self, f"{operation}_one")(migration)
            return
        note = self.mark_one if operation == "apply" else self.unmark_one
        with self.transaction():
            self.execute(f"set local lock_timeout to '{LOCK_TIMEOUT}'")
            self.execute("set local search_path to ''")
            migration.process_steps(self, operation)
            self.execute(f"set local search_path to {SCHEMA}")
            self.log_migration(migration, operation)
            note(migration, log=False)


class Change(NamedTuple):
    """A migration on disk. requires: names in its `-- depends:`. summary: its first sentence."""

    name: str
    path: Path
    requires: tuple[str, ...]
    summary: str


def read(folder: Path) -> tuple[Change, ...]:
    """The migrations of a folder in the order they are applied: by name, after what they require.

    Raises DeployFailed for one that requires what is not there, or lacks its rollback.
    """
    waiting = [_change(folder / f"{name}.sql") for name in names(folder)]
    placed: dict[str, Change] = {}
    while waiting:
        ready = next((c for c in waiting if all(name in placed for name in c.requires)), None)
        if ready is None:
            raise DeployFailed(
                f"The migrations cannot be put into an order: {waiting[0].name} depends on"
                f" {', '.join(waiting[0].requires)}."
            )
        waiting.remove(ready)
        placed[ready.name] = ready
    return tuple(placed.values())


def _change(path: Path) -> Change:
    if not path.with_suffix(".rollback.sql").exists():
        raise DeployFailed(f"{path.stem} has no rollback file beside it.")
    directives, comment, _sql = parse_metadata_from_sql_comments(path.read_text())
    first = comment.strip().split("\n")[0]
    return Change(
        path.stem,
        path,
        tuple(sorted(directives.get("depends", "").split())),
        re.split(r"(?<=\.) ", first)[0] or path.stem.partition("_")[2].replace("_", " "),
    )


def names(folder: Path) -> tuple[str, ...]:
    """The names of the migrations of a folder, sorted, without reading them."""
    return tuple(
        sorted(
            path.stem for path in folder.glob("*.sql") if not path.name.endswith(".rollback.sql")
        )
    )


def applied(connection: psycopg.Connection) -> tuple[str, ...]:
    """The names of the applied migrations, oldest first: by yoyo's record, else by sqitch's."""
    for record, query in (
        (RECORD, "select migration_id from deploy._yoyo_migration order by applied_at_utc, 1"),
        ("sqitch.changes", "select change from sqitch.changes order by committed_at, 1"),
    ):
        if connection.execute("select to_regclass(%s)", (record,)).fetchone() != (None,):
            found = tuple(row[0] for row in connection.execute(query))
            if found:
                return found
    return ()


def is_sqitch_deployed(connection: psycopg.Connection) -> bool:
    """Was this database deployed by sqitch, and never by us?"""
    row = connection.execute(
        "select to_regclass('sqitch.changes') is not null and to_regclass(%s) is null",
        (RECORD,),
    ).fetchone()
    return row == (True,)


@contextmanager
def _backend(database_url: str) -> Iterator[Backend]:
    """A backend that holds yoyo's own lock, too: against a yoyo that somebody starts by hand.

    We hold the deploy lock, so a lock row that is there was left by a deploy that was killed.
    """
    with Backend(database_url) as backend:
        backend.create_lock_table()
        backend.break_lock()
        backend.ensure_internal_schema_updated()
        with backend.lock():
            yield backend


def apply_pending(
    database_url: str, folder: Path, pending: frozenset[str], progress: Callable[[str], None]
) -> tuple[str, ...]:
    """Apply these migrations in their order; return their names. Call it under the deploy lock.

    Each is a transaction of its own, tried again while clients hold locks it needs.
    Raises DeployFailed; the migrations before the failing one stay applied.
    """
    chosen = tuple(change.name for change in read(folder) if change.name in pending)
    return _process(database_url, folder, chosen, "apply", progress)


def roll_back(
    database_url: str, folder: Path, newest_first: tuple[str, ...], progress: Callable[[str], None]
) -> tuple[str, ...]:
    """Roll these back in this order; return their names. Call it under the deploy lock."""
    known = {change.name for change in read(folder)}
    missing = [name for name in newest_first if name not in known]
    if missing:
        raise DeployFailed(f"{missing[0]} is applied, but its files are not in {folder}.")
    return _process(database_url, folder, newest_first, "rollback", progress)


def _process(
    database_url: str,
    folder: Path,
    chosen: tuple[str, ...],
    operation: str,
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    known = {migration.id: migration for migration in read_migrations(str(folder))}
    with _backend(database_url) as backend:
        for name in chosen:
            progress(name)
            migration = known[name]
            migration.load()
            try:
                for attempt in Retrying(
                    retry=retry_if_exception_type(psycopg.errors.LockNotAvailable),
                    stop=stop_after_delay(PATIENCE_S),
                    wait=wait_random_exponential(multiplier=0.1, max=2),
                    reraise=True,
                ):
                    with attempt:
                        backend.process_one(migration, operation)
            except psycopg.Error as error:
                raise DeployFailed(f"{name}: {describe(error)}") from error
    return chosen
