"""A million rows of five hundred organizations, in one of which the people of the matrix ask."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from bench.histories import Tenant, crowd, identity, load, roll_up
from tests.fixtures.databases import Database
from tests.matrix.conftest import Stage, ensure_analyst
from tests.matrix.people import ACME
from tests.matrix.scene import Scene, row_id

TODAY = date(2026, 3, 15)
OWN = Tenant(1000, 2_500, 730, beside=ACME)
"""The organization that asks has a few in a hundred of all rows, as most have that have many."""
OTHERS = [*crowd(45_000, 100, days=730), *(Tenant(n, 50, 10) for n in range(101, 500))]
"""A hundred with a history, and beginners: so that rosters and drop-downs fill their pages, too."""


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The scene of the matrix amid a crowd. Its closer and its setter have calls, and money."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        ensure_analyst(connection)
        with connection.transaction():
            scene = Scene(connection)
            scene.build()
    load(database.superuser_url, [*OTHERS, OWN], today=TODAY, inbox=True, rolled_up=False)
    roll_up(database.superuser_url, [OWN])
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        _give_to_people_of_the_scene(connection)
        connection.execute("analyze")
        yield Stage(connection, tuple(scene.rows), "")


def _give_to_people_of_the_scene(connection: psycopg.Connection) -> None:
    """What the history's first closer and setter did becomes the scene's."""
    connection.execute("set session_replication_role = replica")
    for roster, kind in (("closers", "closer"), ("setters", "setter")):
        theirs, new = identity(kind, OWN.number, 1), row_id(ACME, roster, kind)
        for table, column in connection.execute(
            """
            select a.attrelid::regclass::text, a.attname
              from pg_constraint as c
             cross join lateral unnest(c.conkey) as k (attnum)
              join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum
             where c.contype = 'f' and c.confrelid = %s::regclass and c.conparentid = 0
               and a.attname <> 'organization_id'
            """,
            (f"app.{roster}",),
        ).fetchall():
            connection.execute(
                f"update {table} set {column} = %s where organization_id = %s and {column} = %s",
                (new, ACME, theirs),
            )
    connection.execute("set session_replication_role = origin")
