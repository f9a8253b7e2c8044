"""Playing a request: role, claims and pre-request check, exactly as PostgREST sets them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

OWNER = "salesdash"


@dataclass(frozen=True)
class Request:
    """One request's view of the database. Every call runs in a savepoint of its own.

    So a refused statement can be caught with pytest.raises and the scene goes on; what succeeded
    stays for the rest of the test.
    """

    connection: psycopg.Connection

    def rows(self, query: str, *arguments: object, **named: object) -> list[dict[str, Any]]:
        """All rows, by column name; an empty list for a statement that answers none."""
        with self.connection.transaction(), self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query.encode(), named or arguments)
            return cursor.fetchall() if cursor.description else []

    def ids(self, query: str, *arguments: object, **named: object) -> set[Any]:
        """The first column, as a set."""
        return {next(iter(row.values())) for row in self.rows(query, *arguments, **named)}

    def value(self, query: str, *arguments: object, **named: object) -> Any:
        """The only column of the only row; None when there is no row."""
        rows = self.rows(query, *arguments, **named)
        assert len(rows) <= 1, f"{len(rows)} rows where one was expected"
        return next(iter(rows[0].values())) if rows else None

    def changed(self, query: str, *arguments: object, **named: object) -> int:
        """How many rows a statement touched. A policy that hides a row makes it 0, not an error."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(query.encode(), named or arguments)
            return cursor.rowcount


@contextmanager
def playing(
    connection: psycopg.Connection,
    role: str,
    claims: Mapping[str, object],
    *,
    method: str = "POST",
    path: str = "/",
) -> Iterator[Request]:
    """Be this role with these claims until the end of the block, inside a savepoint.

    connection: the owner's, which may set every role. What the block wrote is kept; when the
    block raises, its writes are rolled back. Raises PT401 when the pre-request check refuses.
    """
    with connection.transaction():
        connection.execute(
            """
            select set_config('search_path', 'api', true),
                   set_config('role', %(role)s, true),
                   set_config('request.jwt.claims', %(claims)s, true),
                   set_config('request.method', %(method)s, true),
                   set_config('request.path', %(path)s, true)
            """,
            {
                "role": role,
                "claims": json.dumps({"role": role, **claims}, default=_text),
                "method": method,
                "path": path,
            },
        )
        connection.execute("select auth.admit_request()")
        yield Request(connection)
        _be_owner(connection)


@contextmanager
def playing_login(connection: psycopg.Connection, role: str) -> Iterator[Request]:
    """Be one of the program's own roles (gateway, worker, ...), which carry no claims."""
    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield Request(connection)
        _be_owner(connection)


def _be_owner(connection: psycopg.Connection) -> None:
    """End the play. When a block raises, rolling back its savepoint does the same."""
    connection.execute(
        sql.SQL(
            """
            select set_config('role', {}, true), set_config('request.jwt.claims', '', true),
                   set_config('search_path', '"$user", public', true)
            """
        ).format(sql.Literal(OWNER))
    )


def _text(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a claim cannot be {value!r}")


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[psycopg.Error]]:
    """The block is refused with this SQLSTATE; afterwards .value.diag has the rest."""
    with pytest.raises(psycopg.Error) as caught:
        yield caught
    assert caught.value.sqlstate == code, caught.value
