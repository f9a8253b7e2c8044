"""What only the superuser can do: the deployer's login, its database, no large objects.

No advisory locks either: they lie in memory that all sessions share, and a login that takes some
ten thousand of them leaves none to anybody, so that nobody can even connect. And bounds that logins
cannot widen: who may enter the other databases, and who may set how much a session spills to disk.
"""

import psycopg
from psycopg import sql

from salesdash.postgres.server import DATABASE, DEPLOYER, PostgresServer

ADVISORY_LOCKS = """
    select p.oid::regprocedure::text
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
     order by 1"""
"""The functions that take them; deploys and the pre-request check do."""


def bootstrap(server: PostgresServer, database: str = DATABASE) -> None:
    """Create what is missing: login deployer (CREATEROLE, CREATEDB, no superuser), its database.

    Costs one connection when nothing is missing. A changed deployer_password is set.
    """
    try:
        psycopg.connect(server.deployer_url(database), connect_timeout=5).close()
    except psycopg.OperationalError:
        _create(server, database)


def _create(server: PostgresServer, database: str) -> None:
    deployer = sql.Identifier(DEPLOYER)
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        if not _exists(connection, "select from pg_roles where rolname = %s", DEPLOYER):
            connection.execute(sql.SQL("create role {}").format(deployer))
        verifier = connection.pgconn.encrypt_password(
            server.deployer_password.encode(), DEPLOYER.encode(), b"scram-sha-256"
        )
        connection.execute(
            sql.SQL("alter role {} login createrole createdb password {}").format(
                deployer, sql.Literal(verifier.decode())
            )
        )
        for other in ("postgres", "template1"):
            connection.execute(
                sql.SQL("revoke connect, temporary on database {} from public").format(
                    sql.Identifier(other)
                )
            )
        connection.execute(sql.SQL("grant set on parameter temp_file_limit to {}").format(deployer))
        connection.execute(sql.SQL("grant connect on database postgres to {}").format(deployer))
    # In the template, so that a database that is dropped and made again has them revoked as well.
    with psycopg.connect(server.superuser_url("template1"), autocommit=True) as connection:
        connection.execute(
            "revoke execute on function lo_creat(integer), lo_create(oid), lowrite(integer, bytea),"
            " lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea) from public"
        )
        # It writes, read-only or not, and with a lock for every savepoint that it is called in.
        connection.execute(
            "revoke execute on function pg_logical_emit_message(boolean, text, text, boolean),"
            " pg_logical_emit_message(boolean, text, bytea, boolean) from public"
        )
        for (lock,) in connection.execute(ADVISORY_LOCKS).fetchall():
            function = sql.SQL(lock)
            connection.execute(
                sql.SQL("revoke execute on function {} from public").format(function)
            )
            connection.execute(
                sql.SQL("grant execute on function {} to {} with grant option").format(
                    function, deployer
                )
            )
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        if not _exists(connection, "select from pg_database where datname = %s", database):
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(database), deployer)
            )


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is not None
