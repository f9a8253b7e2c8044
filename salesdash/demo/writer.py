"""The rows behind the story: one connection, one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql


@dataclass
class Roster:
    """The ids of one company's rows, as its calls need them.

    ids: by table and name.
    """

    organization_id: UUID
    connection_id: UUID
    closers: list[UUID] = field(default_factory=list)
    setters: list[UUID] = field(default_factory=list)
    ids: dict[tuple[str, str], UUID] = field(default_factory=dict)


class Writer:
    """Calls functions and fills lists."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def value(self, query: str, **arguments: object) -> Any:
        """The one value that a query answers with. arguments: for its %(name)s."""
        row = self._connection.execute(query, arguments).fetchone()
        return row[0] if row else None

    def call(self, function: str, **arguments: object) -> Any:
        """The answer of a named function of the product, arguments by name."""
        statement = sql.SQL("select {}({})").format(
            sql.Identifier(*function.split(".")),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in arguments
            ),
        )
        row = self._connection.execute(statement, arguments).fetchone()
        return row[0] if row else None

    def insert(self, table: str, roster: Roster, **columns: object) -> UUID:
        """Add a row of a list that admins write directly; its id, kept under its name."""
        names = ["organization_id", *columns]
        statement = sql.SQL("insert into app.{} ({}) values ({}) returning id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )
        values = [roster.organization_id, *columns.values()]
        made: UUID = self._connection.execute(statement, values).fetchall()[0][0]
        if "name" in columns:
            roster.ids[table, str(columns["name"])] = made
        return made

    def fill(
        self, table: str, roster: Roster, columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        """Add many rows at once. rows: the values of these columns, in their order."""
        statement = sql.SQL("copy app.{} ({}) from stdin").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, ("organization_id", *columns))),
        )
        with self._connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row((roster.organization_id, *row))
