"""Rows as CSV, JSON and lines of JSON. The workbook is in gateway.exports.xlsx."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import orjson

from gateway.exports.plan import KEY, Column, Plan

Row = Mapping[str, Any]
"""By column, as PostgREST's JSON says it; numeric and json columns as text."""

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"

_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What makes a spreadsheet take a text for a formula, also in its full-width form."""
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


_NEVER_FORMULAS = {
    "uuid", "numeric", "smallint", "integer", "bigint", "date", "timestamp with time zone"
}  # fmt: skip
"""Types whose values nobody writes freely."""


class Format(Protocol):
    """One file: rows for each page, then end, whose parts are what is left of it, then close.

    close also when the rest was not. All of it may take its time and is for threads, one at once.
    """

    extension: str
    media_type: str

    def rows(self, rows: Sequence[Row]) -> bytes: ...
    def end(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet would compute this text. A plain number is not computed."""
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


class JsonLines:
    """One JSON object per line; values exactly as the API has them."""

    extension = "ndjson"
    media_type = "application/x-ndjson"

    def __init__(self, plan: Plan) -> None:
        self._exact = tuple(
            column.name for column in plan.columns if column.type in {"numeric", "json", "jsonb"}
        )
        self._has_key = any(column.name == KEY for column in plan.columns)

    def rows(self, rows: Sequence[Row]) -> bytes:
        return b"".join(self._object(row) + b"\n" for row in rows)

    def end(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Nothing was kept."""

    def _object(self, row: Row) -> bytes:
        written = dict(row)
        if not self._has_key:
            del written[KEY]
        for name in self._exact:
            value = written[name]
            # Numbers that JSON lacks (NaN, Infinity) stay texts.
            if value is not None and not value.endswith(("NaN", "Infinity")):
                written[name] = orjson.Fragment(value)
        return orjson.dumps(written)


class JsonArray(JsonLines):
    """One array of objects, one object per line."""

    extension = "json"
    media_type = "application/json"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._separator = b"[\n"

    def rows(self, rows: Sequence[Row]) -> bytes:
        if not rows:
            return b""
        written = self._separator + b",\n".join(map(self._object, rows))
        self._separator = b",\n"
        return written

    def end(self) -> Iterator[bytes]:
        return iter((b"[]\n" if self._separator == b"[\n" else b"\n]\n",))


class Csv:
    """RFC 4180 with a line of names, in UTF-8.

    has_bom: begin with a byte order mark, by which Excel knows UTF-8. escapes_formulas: put an
    apostrophe before texts that a spreadsheet would compute.
    """

    extension = "csv"
    media_type = "text/csv; charset=utf-8; header=present"

    def __init__(self, plan: Plan, *, has_bom: bool, escapes_formulas: bool) -> None:
        self._cells = [(c.name, _csv_cell(c, escapes_formulas)) for c in plan.columns]
        self._head = (BOM if has_bom else "").encode() + _lines([[c.name for c in plan.columns]])

    def rows(self, rows: Sequence[Row]) -> bytes:
        head, self._head = self._head, b""
        return head + _lines([cell(row[name]) for name, cell in self._cells] for row in rows)

    def end(self) -> Iterator[bytes]:
        return iter((self._head,))

    def close(self) -> None:
        """Nothing was kept."""


def _lines(rows: Any) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def _csv_cell(column: Column, escapes_formulas: bool) -> Callable[[Any], Any]:
    if column.type.endswith("[]"):
        return as_json_text
    if column.type == "boolean":
        return _true_or_false
    if column.type in _NEVER_FORMULAS or not escapes_formulas:
        return _as_it_is
    return _harmless


def as_json_text(value: Any) -> str | None:
    """A list as the JSON that stands for it."""
    return None if value is None else orjson.dumps(value).decode()


def _true_or_false(value: Any) -> str | None:
    return None if value is None else "true" if value else "false"


def _harmless(value: Any) -> Any:
    return f"'{value}" if value is not None and looks_like_formula(value) else value


def _as_it_is(value: Any) -> Any:
    return value
