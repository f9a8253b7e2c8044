"""The scene of the matrix, built once for each module on its own database."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.databases import Database
from tests.matrix.people import ANALYST_LOGIN
from tests.matrix.scene import Row, Scene

ANALYST_PASSWORD = "not-a-secret"


@dataclass(frozen=True)
class Stage:
    """The committed scene, and a superuser's connection that can be anybody.

    Between tests the connection is in no transaction.
    """

    connection: psycopg.Connection
    rows: tuple[Row, ...]
    analyst_url: str

    def of(self, table: str) -> list[Row]:
        """The rows of one table."""
        return [row for row in self.rows if row.table == table]


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """Two organizations and everybody who may try something."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        ensure_analyst(connection)
        with connection.transaction():
            scene = Scene(connection)
            scene.build()
        yield Stage(
            connection,
            tuple(scene.rows),
            f"postgresql://{ANALYST_LOGIN}:{ANALYST_PASSWORD}@{database.host}:{database.port}/{database.name}",
        )


def ensure_analyst(connection: psycopg.Connection) -> None:
    """Logins belong to the cluster, which all workers of the run share: one of them makes it."""
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(
            sql.SQL(
                "create role {0} login password {1}; grant analyst to {0} with set false"
            ).format(sql.Identifier(ANALYST_LOGIN), sql.Literal(ANALYST_PASSWORD))
        )
