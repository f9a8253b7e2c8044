"""First and last step of a deploy: roles of the cluster, their passwords, who may connect."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from salesdash.deploy.errors import DeployFailed, describe

MET_ANOTHER = (psycopg.errors.InternalError_, psycopg.errors.UniqueViolation)


class Login(NamedTuple):
    """A login role of one of our processes, and the password it shall have."""

    name: str
    password: str


def apply_roles(connection: psycopg.Connection, file: Path) -> None:
    """Run roles.sql or logins.sql, which change nothing when all is as they say.

    Raises DeployFailed, for example when the login may not manage roles.
    """
    try:
        for attempt in _tries():
            with attempt, connection.transaction():
                connection.execute(file.read_bytes())
    except psycopg.errors.InsufficientPrivilege as error:
        raise DeployFailed(
            f"{file.name} needs a login with CREATEROLE that owns the database and manages the role"
            f" salesdash: {error.diag.message_primary}."
        ) from error
    except psycopg.Error as error:
        raise DeployFailed(f"{file.name}: {describe(error)}") from error


def set_passwords(
    connection: psycopg.Connection, database_url: str, logins: Sequence[Login]
) -> tuple[str, ...]:
    """Give each login its password unless it has it; return the names of those that changed.

    The server sees only SCRAM verifiers, computed here.
    """
    changed = []
    for login in logins:
        if _can_log_in(database_url, login):
            continue
        verifier = connection.pgconn.encrypt_password(
            login.password.encode(), login.name.encode(), b"scram-sha-256"
        )
        for attempt in _tries():
            with attempt:
                connection.execute(
                    sql.SQL("alter role {} password {}").format(
                        sql.Identifier(login.name), sql.Literal(verifier.decode())
                    )
                )
        changed.append(login.name)
    return tuple(changed)


def _tries() -> Retrying:
    """Catalogs of roles are shared by the cluster: deploys of two databases may meet there."""
    return Retrying(
        retry=retry_if_exception_type(MET_ANOTHER),
        stop=stop_after_attempt(20),
        wait=wait_random(0.01, 0.1),
        reraise=True,
    )


def _can_log_in(database_url: str, login: Login) -> bool:
    """Is this the login's password now? "Permission denied for database" also proves it."""
    try:
        psycopg.connect(
            make_conninfo(database_url, user=login.name, password=login.password),
            connect_timeout=10,
        ).close()
    except psycopg.OperationalError as error:
        return "permission denied for database" in str(error)
    return True
