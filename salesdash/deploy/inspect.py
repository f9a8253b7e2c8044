"""The commands that only look."""

from pathlib import Path

import psycopg
from psycopg import sql

from salesdash.deploy import bookkeeping, catalog, migrations
from salesdash.deploy.errors import describe
from salesdash.deploy.plan import make_plan
from salesdash.deploy.reports import DeployStatus, Finding, Progress, VerifyReport, silent
from salesdash.deploy.session import OWNER, connect
from salesdash.deploy.tree import read_tree


def status(database_url: str, db: Path) -> DeployStatus:
    """Compare a database with the tree. Changes nothing.

    Raises DeployFailed when it cannot be reached.
    """
    with connect(database_url) as connection:
        return _status(connection, db)


def _status(connection: psycopg.Connection, db: Path) -> DeployStatus:
    names, applied = migrations.names(db / "migrations"), migrations.applied(connection)
    pending = tuple(name for name in names if name not in applied)
    record = bookkeeping.load(connection)
    plan = make_plan(
        read_tree(db),
        record,
        catalog.load(connection),
        everything=bool(pending) or record.migrations != applied,
    )
    if not applied:
        tool = "nobody"
    else:
        tool = "sqitch" if migrations.is_sqitch_deployed(connection) else "yoyo"
    version = connection.info.server_version
    return DeployStatus(
        server_version=f"{version // 10000}.{version % 10000}",
        tool=tool,
        applied=applied,
        pending=pending,
        unknown=tuple(name for name in applied if name not in names),
        changed=tuple(file.path for file in plan.run),
        gone=plan.gone,
    )


def verify(database_url: str, db: Path, *, progress: Progress = silent) -> VerifyReport:
    """Check that what is applied is really there. Changes nothing.

    Runs the verify file of each applied migration in a transaction that is rolled back, then
    looks for repeatable files that are not applied as they are. Raises DeployFailed as status does.
    """
    findings: list[Finding] = []
    with connect(database_url) as connection:
        found = _status(connection, db)
        for name in found.applied:
            progress("verify", name)
            problem = _verify_one(connection, db / "migrations" / "verify" / f"{name}.sql")
            if problem is not None:
                findings.append(Finding(name, problem))
    findings.extend(Finding(name, "This migration is not applied.") for name in found.pending)
    findings.extend(Finding(name, "This migration has no file.") for name in found.unknown)
    findings.extend(
        Finding(path, "What the database has is not what this file makes: deploy it.")
        for path in found.changed
    )
    findings.extend(Finding(path, "This file is gone, its objects are not.") for path in found.gone)
    return VerifyReport(len(found.applied), tuple(findings))


def _verify_one(connection: psycopg.Connection, file: Path) -> str | None:
    if not file.exists():
        return "It has no verify file."
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
            connection.execute("set local search_path to ''")
            connection.execute(file.read_bytes())
    except psycopg.Error as error:
        return describe(error)
    return None
