"""The commands that change a database."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from salesdash.deploy import bookkeeping, migrations
from salesdash.deploy.errors import DeployFailed
from salesdash.deploy.repeatables import apply_repeatables, drop_all
from salesdash.deploy.reports import DeployReport, Progress, silent
from salesdash.deploy.roles import Login, apply_roles, set_passwords
from salesdash.deploy.session import connect, exclusive
from salesdash.deploy.tree import read_tree

LOCK_WAIT_S = 300.0
PATIENCE_S = 120.0


def deploy(
    database_url: str,
    db: Path,
    *,
    logins: Sequence[Login] = (),
    progress: Progress = silent,
    lock_wait_s: float = LOCK_WAIT_S,
    patience_s: float = PATIENCE_S,
) -> DeployReport:
    """Bring a database to what the tree says: roles, passwords, migrations, repeatable files.

    logins: passwords to set. lock_wait_s: seconds to wait for another deploy. patience_s: seconds
    to wait for clients' locks. Raises DeployFailed; migrations that were applied before the
    failure stay applied.
    """
    return _run(
        database_url,
        db,
        logins=logins,
        progress=progress,
        lock_wait_s=lock_wait_s,
        patience_s=patience_s,
        migrate=True,
    )


def apply(
    database_url: str,
    db: Path,
    *,
    logins: Sequence[Login] = (),
    progress: Progress = silent,
    lock_wait_s: float = LOCK_WAIT_S,
    patience_s: float = PATIENCE_S,
) -> DeployReport:
    """As deploy, without migrations: after sqitch has deployed them, or after a rollback."""
    return _run(
        database_url,
        db,
        logins=logins,
        progress=progress,
        lock_wait_s=lock_wait_s,
        patience_s=patience_s,
        migrate=False,
    )


def _run(
    database_url: str,
    db: Path,
    *,
    logins: Sequence[Login],
    progress: Progress,
    lock_wait_s: float,
    patience_s: float,
    migrate: bool,
) -> DeployReport:
    started = time.monotonic()
    tree = read_tree(db)
    with exclusive(database_url, wait_s=lock_wait_s), connect(database_url) as connection:
        progress("roles", "roles.sql")
        apply_roles(connection, db / "roles.sql")
        passwords = set_passwords(connection, database_url, logins)
        bookkeeping.ensure_tables(connection)
        applied = migrations.applied(connection)
        pending = frozenset(migrations.names(db / "migrations")) - frozenset(applied)
        done: tuple[str, ...] = ()
        if migrate and pending:
            if migrations.is_sqitch_deployed(connection):
                raise DeployFailed(
                    "This database is deployed by sqitch: run `sqitch deploy`,"
                    " then `salesdash db apply`."
                )
            done = migrations.apply_pending(
                database_url, db / "migrations", pending, partial(progress, "migration")
            )
            applied = migrations.applied(connection)
        if not applied:
            raise DeployFailed("No migration is applied to this database: deploy them first.")
        repeated = apply_repeatables(
            connection,
            tree,
            applied,
            patience_s=patience_s,
            progress=partial(progress, "file"),
        )
        progress("roles", "logins.sql")
        apply_roles(connection, db / "logins.sql")
    return DeployReport(
        migrations=done,
        files=repeated.files,
        dropped=repeated.dropped,
        passwords=passwords,
        attempts=repeated.attempts,
        seconds=time.monotonic() - started,
    )


def rollback(
    database_url: str,
    db: Path,
    *,
    steps: int,
    progress: Progress = silent,
    lock_wait_s: float = LOCK_WAIT_S,
) -> DeployReport:
    """Roll back the newest migrations, steps of them.

    Views, functions, triggers and policies stand on the tables, so they are dropped first, all of
    them; `apply`, with the files of the release that fits, makes them again. Raises DeployFailed.
    """
    started = time.monotonic()
    with exclusive(database_url, wait_s=lock_wait_s), connect(database_url) as connection:
        if migrations.is_sqitch_deployed(connection):
            raise DeployFailed(
                "This database is deployed by sqitch: roll back with `sqitch revert`."
            )
        chosen = tuple(reversed(migrations.applied(connection)))[:steps]
        if not chosen:
            return DeployReport((), (), (), (), 0, time.monotonic() - started)
        progress("file", "drop functions, views, triggers, policies")
        dropped = drop_all(connection)
        done = migrations.roll_back(
            database_url, db / "migrations", chosen, partial(progress, "migration")
        )
    return DeployReport(done, (), dropped, (), 1, time.monotonic() - started)
