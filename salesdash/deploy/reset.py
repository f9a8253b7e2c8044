"""Dropping a database and making it anew, empty."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from salesdash.deploy.errors import DeployFailed
from salesdash.deploy.session import connect

PROCESS_LOGINS = ("authenticator", "gateway", "worker")


def reset(database_url: str) -> str:
    """Drop the database of this URL with all its data, and create it again, empty; return its name.

    The login needs CREATEDB. Sessions of our own processes are ended; another person's session
    stops the reset. Raises DeployFailed.
    """
    name = str(conninfo_to_dict(database_url).get("dbname", ""))
    if not name or name == "postgres":
        raise DeployFailed("The database URL names no database of ours to reset.")
    with connect(make_conninfo(database_url, dbname="postgres")) as connection:
        borrowed = [role for role in PROCESS_LOGINS if _borrow(connection, role)]
        try:
            database = sql.Identifier(name)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(database))
            connection.execute(sql.SQL("create database {}").format(database))
        except psycopg.Error as error:
            raise DeployFailed(
                f"The database {name} was not reset: {error.diag.message_primary}."
            ) from error
        finally:
            for role in borrowed:
                connection.execute(
                    sql.SQL("revoke inherit option for {} from session_user").format(
                        sql.Identifier(role)
                    )
                )
    return name


def _borrow(connection: psycopg.Connection, role: str) -> bool:
    """Become a member of a role for a moment: only then may we end its sessions."""
    known = connection.execute(
        "select from pg_roles where rolname = %s and not pg_has_role(session_user, oid, 'usage')",
        (role,),
    ).fetchone()
    if known is None:
        return False
    connection.execute(
        sql.SQL("grant {} to session_user with inherit true, set false").format(
            sql.Identifier(role)
        )
    )
    return True
