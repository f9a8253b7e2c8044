"""Connections of a deploy, and the lock that lets one deploy run at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from salesdash.deploy.errors import DeployFailed

OWNER = "salesdash"
"""The role that owns every object; the deployer's login is a member of it."""

MINIMUM_VERSION = 180000
LOCK_KEY = 0x5A1E5DA5
WORKING = "salesdash deploy"
WAITING = "salesdash deploy lock"


def connect(database_url: str, *, application_name: str = WORKING) -> psycopg.Connection:
    """A connection in autocommit mode, as the login of the URL.

    The server gives up a statement whose deploy was killed. Raises DeployFailed when there is no
    server, no access, or a server older than Postgres 18.
    """
    try:
        connection = psycopg.connect(
            database_url, autocommit=True, application_name=application_name, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise DeployFailed(f"The database cannot be reached: {reason}") from error
    if connection.info.server_version < MINIMUM_VERSION:
        major = connection.info.server_version // 10000
        connection.close()
        raise DeployFailed(
            f"The database server is Postgres {major}, and this release needs 18 or newer."
        )
    connection.execute("set client_connection_check_interval = '1s'")
    connection.execute("set statement_timeout = 0")
    return connection


@contextmanager
def exclusive(database_url: str, *, wait_s: float) -> Iterator[None]:
    """Hold the deploy lock of this database; wait up to wait_s seconds for another deploy to end.

    The lock lives in a session of its own and ends with it, however this process ends. Statements
    that a killed deploy left running are ended before the lock counts as held.
    """
    with connect(database_url, application_name=WAITING) as connection:
        connection.execute(f"set lock_timeout = {int(wait_s * 1000)}")
        try:
            connection.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        except psycopg.errors.LockNotAvailable as error:
            raise DeployFailed(
                f"Another session has held the deploy lock for {wait_s:.0f} s:"
                f" {_holder(connection)}."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise DeployFailed(
                "A deploy needs a login with CREATEROLE that owns the database and may execute"
                f" pg_advisory_lock(bigint): {error.diag.message_primary}."
            ) from error
        _end_orphans(connection)
        yield


def _holder(connection: psycopg.Connection) -> str:
    row = connection.execute(
        """
        select a.pid, a.usename, a.application_name
          from pg_locks as l
          join pg_stat_activity as a using (pid)
         where l.locktype = 'advisory' and l.granted
           and l.database = (select oid from pg_database where datname = current_database())
           and l.classid = %s and l.objid = %s and l.objsubid = 1
        """,
        (LOCK_KEY >> 32, LOCK_KEY & 0xFFFFFFFF),
    ).fetchone()
    if row is None:
        return "it has just ended, so try again"
    pid, login, application = row
    return f"process {pid} of login {login} ({application})"


def _end_orphans(connection: psycopg.Connection) -> None:
    """End what a killed deploy left running: nobody but the holder of the lock may work."""
    connection.execute(
        """
        select pg_terminate_backend(pid, 10000)
          from pg_stat_activity
         where datname = current_database() and usename = session_user and application_name = %s
        """,
        (WORKING,),
    )
