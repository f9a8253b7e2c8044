"""Real database logins of analysts, made as the product makes them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from salesdash.wiring import login_url
from tests.fixtures.databases import Database


@dataclass(frozen=True)
class AnalystLogin:
    """A login that reads one organization."""

    name: str
    url: str

    @property
    def identifier(self) -> sql.Identifier:
        """For statements that name it."""
        return sql.Identifier(self.name)


@contextmanager
def analyst_login(
    database: Database, organization_id: UUID, *, connections: int = 5
) -> Iterator[AnalystLogin]:
    """A login of this organization until the end of the block; a role is the whole cluster's."""
    password = secrets.token_urlsafe(12)
    with psycopg.connect(database.deployer_url, autocommit=True) as deployer:
        verifier = deployer.pgconn.encrypt_password(password.encode(), b"", b"scram-sha-256")
        made = deployer.execute(
            "select l.login_name from app.create_analyst_login(%s, 'test', %s, %s, '5 min') as l",
            (organization_id, verifier.decode(), connections),
        ).fetchone()
        assert made
        login: str = made[0]
        try:
            yield AnalystLogin(login, login_url(database.deployer_url, login, password))
        finally:
            for function in ("revoke_analyst_login", "end_analyst_sessions", "drop_analyst_role"):
                deployer.execute(f"select app.{function}(%s)".encode(), (login,))
