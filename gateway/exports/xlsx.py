"""Rows as an Office Open XML workbook, by XlsxWriter: on disk row by row, packed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from gateway.exports.formats import Row, as_json_text, looks_like_formula
from gateway.exports.plan import Column, Plan
from gateway.exports.refusals import no_room, workbook_too_large
from gateway.exports.scratch import Scratch
from salesdash.logs import get_logger

log = get_logger("gateway.exports")

MAX_ROWS: Final = 1_048_576
"""Rows of one sheet, the line of names included. Source: Excel specifications and limits."""
MAX_TEXT: Final = 32_767
"""Characters of one cell; counted as UTF-16 does. Source: the same."""
MAX_SHEET_BYTES: Final = 2_000_000_000
"""Of XML. Beyond 2 GiB the archive would need ZIP64 entries, which Excel wants to repair."""
MAX_DIGITS: Final = 15
"""Digits that a cell's number keeps."""
MONEY_DIGITS: Final = 4
"""Of a fraction, those that must not be lost: no currency has more."""

_FIRST_DAY = date(1900, 3, 1)
"""Before it Excel counts a day that never was."""
_PIECE = 256 * 1024


class Workbook:
    """The workbook of an export.

    Numbers and dates are cells of their kind, times those of the organization's zone; texts are
    texts, whatever they begin with. A sheet that is full is followed by another one, the last one
    says what the file is. max_rows: of a sheet, its line of names included.
    """

    extension = "xlsx"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(
        self,
        plan: Plan,
        scratch: Scratch,
        *,
        max_rows: int = MAX_ROWS,
        max_sheet_bytes: int = MAX_SHEET_BYTES,
    ) -> None:
        self._plan, self._scratch = plan, scratch
        self._max_rows, self._max_sheet_bytes = max_rows, max_sheet_bytes
        self._folder: Path | None = None
        self._packed: BinaryIO | None = None
        self._line = self._rows = 0
        self._size = self._sheet_began = 0

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Nothing leaves yet. Raises Refused when there is no room."""
        with _in_our_words():
            folder = self._folder or self._begin()
            for row in rows:
                if self._line == self._max_rows:
                    self._begin_sheet()
                for place, (name, write) in enumerate(self._cells):
                    value = row[name]
                    if value is not None:
                        write(self._line, place, value)
                self._line += 1
            self._rows += len(rows)
            self._size = self._scratch.checked(folder)
        if self._size - self._sheet_began > self._max_sheet_bytes:
            self._line = self._max_rows
        return b""

    def end(self) -> Iterator[bytes]:
        """The whole file. Raises Refused when there is no room."""
        with _in_our_words():
            folder = self._folder or self._begin()
            self._about()
            self._book.close()
            self._packed = (folder / "workbook.xlsx").open("rb")
        return iter(partial(self._packed.read, _PIECE), b"")

    def close(self) -> None:
        """Leave nothing on disk."""
        if self._packed is not None:
            self._packed.close()
        if self._folder is not None:
            self._scratch.remove(self._folder)
            self._folder = None

    def _begin(self) -> Path:
        self._folder = folder = self._scratch.folder()
        self._book = xlsxwriter.Workbook(
            folder / "workbook.xlsx", {"constant_memory": True, "tmpdir": str(folder)}
        )
        style = self._book.add_format
        self._plain, self._heading = style(), style({"bold": True})
        self._quoted = style({"quote_prefix": True, "num_format": "@"})
        self._date = style({"num_format": r"yyyy\-mm\-dd"})
        self._time = style({"num_format": r"yyyy\-mm\-dd\ hh:mm:ss"})
        self._money = {2: style({"num_format": "0.00"}), 3: style({"num_format": "0.000"})}
        self._cells = [(column.name, self._cell(column)) for column in self._plan.columns]
        self._begin_sheet()
        return folder

    def _begin_sheet(self) -> None:
        number = len(self._book.worksheets()) + 1
        name = self._plan.table if number == 1 else f"{self._plan.table} {number}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self._cells) - 1, 20)
        for place, (title, _) in enumerate(self._cells):
            self._sheet.write_string(0, place, title, self._heading)
        self._line = 1
        self._sheet_began = self._size

    def _about(self) -> None:
        """The last sheet: what this file is."""
        plan = self._plan
        told = {
            "organization": plan.organization_slug,
            "table": plan.table,
            "first day": str(plan.start_date or ""),
            "last day": str(plan.end_date or ""),
            "days are those of": plan.date_column,
            "times are those of": plan.timezone,
            "began at": plan.began_at,
            "rows": str(self._rows),
        }
        self._sheet = self._book.add_worksheet("about this file")
        self._sheet.set_column(0, 1, 20)
        for line, (name, value) in enumerate(told.items()):
            self._sheet.write_string(line, 0, name, self._heading)
            self._sheet.write_string(line, 1, value)

    def _cell(self, column: Column) -> Callable[[int, int, Any], None]:
        """What writes a value of this column, if it is not NULL, at a line and a place."""
        if column.type.endswith("[]"):
            return self._write_list
        writers: Mapping[str, Callable[[int, int, Any], None]] = {
            "numeric": self._write_decimal,
            "smallint": self._write_integer,
            "integer": self._write_integer,
            "bigint": self._write_integer,
            "boolean": self._write_boolean,
            "date": self._write_day,
            "timestamp with time zone": self._write_time,
        }
        return writers.get(column.type, self._write_text)

    def _write_text(self, line: int, place: int, value: str) -> None:
        if len(value) > MAX_TEXT // 2:
            value = _cut(value)
        if value.startswith("<r>") and value.endswith("</r>"):
            # XlsxWriter would take it for XML of its own and put it into the sheet as it stands.
            self._sheet.write_rich_string(line, place, "<", self._plain, value[1:])
        elif looks_like_formula(value):
            self._sheet.write_string(line, place, value, self._quoted)
        else:
            self._sheet.write_string(line, place, value)

    def _write_list(self, line: int, place: int, value: Any) -> None:
        self._write_text(line, place, as_json_text(value) or "")

    def _write_boolean(self, line: int, place: int, value: bool) -> None:
        self._sheet.write_boolean(line, place, value)

    def _write_integer(self, line: int, place: int, value: int) -> None:
        if abs(value) >= 10**MAX_DIGITS:
            self._write_text(line, place, str(value))
        else:
            self._sheet.write_number(line, place, value)

    def _write_decimal(self, line: int, place: int, value: str) -> None:
        """A number, unless its whole part and cents have more digits than a cell keeps."""
        whole, _, fraction = value.lstrip("-").partition(".")
        if len(whole) + min(len(fraction), MONEY_DIGITS) > MAX_DIGITS or not whole.isdigit():
            self._write_text(line, place, value)
        else:
            style = self._money.get(len(fraction))
            self._sheet.write_number(line, place, float(value), style)

    def _write_day(self, line: int, place: int, value: str) -> None:
        self._write_moment(line, place, value, date.fromisoformat, self._date)

    def _write_time(self, line: int, place: int, value: str) -> None:
        """The wall clock of a time such as 2026-01-05T10:00:00.5-05:00, to the second."""
        self._write_moment(line, place, value, _wall_clock, self._time)

    def _write_moment(
        self, line: int, place: int, value: str, read: Callable[[str], date], style: object
    ) -> None:
        """As text where a cell cannot hold it: infinity, and what was before the calendar."""
        try:
            moment = read(value)
        except ValueError:
            self._write_text(line, place, value)
            return
        if date(moment.year, moment.month, moment.day) < _FIRST_DAY:
            self._write_text(line, place, value)
        else:
            self._sheet.write_datetime(line, place, moment, style)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Tells what the disk or the library refuses as Refused."""
    try:
        yield
    except FileSizeError as error:
        raise workbook_too_large() from error
    except (OSError, FileCreateError) as error:
        log.error("a workbook could not be written", reason=str(error))
        raise no_room() from error


def _wall_clock(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(microsecond=0, tzinfo=None)


def _cut(value: str) -> str:
    """As much as a cell holds; where something is missing it ends with an ellipsis."""
    units = value.encode("utf-16-le")
    if len(units) <= MAX_TEXT * 2:
        return value
    return units[: (MAX_TEXT - 1) * 2].decode("utf-16-le", "ignore") + "\N{HORIZONTAL ELLIPSIS}"
