"""What an export is: the view, its columns, the days, as the database answered it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

KEY = "id"
"""Every view that can be exported has it, unique in an organization; pages go by it."""

_AS_TEXT = {"numeric", "json", "jsonb"}
"""Types that JSON's floating-point numbers would change, so they travel as text."""


@dataclass(frozen=True)
class Column:
    """One column of a view. type: its name in Postgres."""

    name: str
    type: str


@dataclass(frozen=True)
class Plan:
    """How to read the rows. since, until: JSON of a bound of date_column, until not included."""

    organization_id: UUID
    export_id: UUID
    organization_slug: str
    timezone: str
    began_at: str
    table: str
    date_column: str
    start_date: date | None
    end_date: date | None
    since: str | None
    until: str | None
    columns: Sequence[Column]

    @classmethod
    def of(
        cls, table: str, start_date: date | None, end_date: date | None, begun: Mapping[str, Any]
    ) -> Plan:
        """From what rpc/begin_export answered."""
        return cls(
            organization_id=UUID(begun["organization_id"]),
            export_id=UUID(begun["export_id"]),
            organization_slug=begun["organization_slug"],
            timezone=begun["timezone"],
            began_at=begun["began_at"],
            table=table,
            date_column=begun["date_column"],
            start_date=start_date,
            end_date=end_date,
            since=begun["since"],
            until=begun["until"],
            columns=tuple(Column(column["name"], column["type"]) for column in begun["columns"]),
        )

    @property
    def days(self) -> str:
        """The days in words, for the name of the file; empty for all of them."""
        match self.start_date, self.end_date:
            case None, None:
                return ""
            case first, None:
                return f"from-{first}"
            case None, last:
                return f"until-{last}"
            case first, last:
                return f"{first}-to-{last}"

    def file_name(self, extension: str) -> str:
        """northwind-events-2026-01-01-to-2026-01-31.csv"""
        parts = (self.organization_slug, self.table, self.days)
        return f"{'-'.join(part for part in parts if part)}.{extension}"

    def page_path(self, after: str | None, limit: int) -> str:
        """The next rows after this key, below PostgREST's root.

        By the key alone: rows that are added or moved to another day meanwhile make no row appear
        twice, and none is missed that was there all the time.
        """
        names = {column.name for column in self.columns}
        select = [
            f"{column.name}::text" if column.type in _AS_TEXT else column.name
            for column in self.columns
        ]
        if KEY not in names:
            select.append(KEY)
        query = [
            ("select", ",".join(select)),
            ("organization_id", f"eq.{self.organization_id}"),
            ("order", KEY),
            ("limit", str(limit)),
        ]
        if self.since is not None:
            query.append((self.date_column, f"gte.{self.since}"))
        if self.until is not None:
            query.append((self.date_column, f"lt.{self.until}"))
        if after is not None:
            query.append((KEY, f"gt.{after}"))
        return f"/{self.table}?{urlencode(query)}"
