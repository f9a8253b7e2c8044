"""Rows as an Office Open XML workbook, written as they come: no temporary file, flat memory.

Source: ECMA-376, parts 1 and 2 (SpreadsheetML, open packaging).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from xml.sax.saxutils import escape

from gateway.exports.formats import Row, as_json_text, looks_like_formula
from gateway.exports.plan import Column, Plan

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

_DATE, _TIME, _CENTS, _MILLS, _QUOTED, _HEADING = 1, 2, 3, 4, 5, 6
"""Cell styles, by their place in _STYLES."""

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="3">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '<numFmt numFmtId="166" formatCode="0.000"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="7"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    + "".join(
        f'<xf numFmtId="{number_format}" fontId="0" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1"/>'
        for number_format in (164, 165, 2, 166)
    )
    + '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
    ' quotePrefix="1"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0"'
    ' applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0"'
    ' builtinId="0"/></cellStyles></styleSheet>'
)

_NOT_PLAIN = re.compile("[^ !#-%'-;=?-~\xa0-\ud7ff\ue000-\ufffd]|_x|\\A\\s|\\s\\Z")
"""Anything but characters that stand for themselves in XML and in a cell, inside the text."""
_NOT_XML = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_EPOCH = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1).toordinal() - _EPOCH
"""Before it Excel counts a day that never was."""

Cell = Callable[[Any, str], str]
"""The cell of a value that is not NULL, at a place such as B7."""


class Workbook:
    """The workbook of an export.

    Numbers and dates are cells of their kind, times those of the organization's zone; texts are
    texts, whatever they begin with. A sheet that is full is followed by another one, the last one
    says what the file is. max_rows: of a sheet, its line of names included.
    """

    extension = "xlsx"
    media_type = f"{_SHEET_TYPE}.sheet"

    def __init__(
        self, plan: Plan, *, max_rows: int = MAX_ROWS, max_sheet_bytes: int = MAX_SHEET_BYTES
    ) -> None:
        self._plan = plan
        self._max_rows, self._max_sheet_bytes = max_rows, max_sheet_bytes
        self._out = _Outflow()
        self._archive = _Archive(self._out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._columns = [
            (column.name, place, _cell(column))
            for column, place in zip(plan.columns, _places(len(plan.columns)), strict=True)
        ]
        self._names: list[str] = []
        self._sheet: Any = None
        self._line = 0
        self._sheet_bytes = 0
        self._rows = 0

    def begin(self) -> bytes:
        self._put("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        self._put("xl/styles.xml", _STYLES)
        self._open_sheet()
        return self._out.taken()

    def rows(self, rows: Sequence[Row]) -> bytes:
        written: list[str] = []
        for row in rows:
            if self._line >= self._max_rows:
                self._write("".join(written))
                written.clear()
                self._close_sheet()
                self._open_sheet()
            self._line += 1
            line = str(self._line)
            cells = [
                cell(value, place + line)
                for name, place, cell in self._columns
                if (value := row[name]) is not None
            ]
            written.append(f'<row r="{line}">{"".join(cells)}</row>')
        self._rows += len(rows)
        self._write("".join(written))
        if self._sheet_bytes > self._max_sheet_bytes:
            self._line = self._max_rows
        return self._out.taken()

    def end(self) -> bytes:
        self._close_sheet()
        self._about()
        self._put("xl/workbook.xml", self._book())
        sheets = [("worksheet", f"worksheets/sheet{n + 1}.xml") for n in range(len(self._names))]
        self._put("xl/_rels/workbook.xml.rels", _relations([*sheets, ("styles", "styles.xml")]))
        self._put("[Content_Types].xml", self._types())
        self._archive.close()
        return self._out.taken()

    def _open_sheet(self) -> None:
        table = self._plan.table
        number = len(self._names) + 1
        self._begin_part(table if number == 1 else f"{table} {number}", len(self._columns))
        names = "".join(
            _text(name, f"{place}1", style=_HEADING) for name, place, _ in self._columns
        )
        self._write(f'<row r="1">{names}</row>')
        self._line = 1

    def _begin_part(self, name: str, columns: int) -> None:
        self._names.append(name)
        path = f"xl/worksheets/sheet{len(self._names)}.xml"
        self._sheet = self._archive.open(_entry(path), "w")
        self._sheet_bytes = 0
        self._write(
            f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            '</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>'
            f'<col min="1" max="{columns}" width="20" customWidth="1"/></cols><sheetData>'
        )

    def _close_sheet(self) -> None:
        self._write("</sheetData></worksheet>")
        self._sheet.close()

    def _write(self, xml: str) -> None:
        content = xml.encode()
        self._sheet_bytes += len(content)
        self._sheet.write(content)

    def _about(self) -> None:
        """The last sheet: what this file is."""
        plan = self._plan
        told = [
            ("organization", plan.organization_slug),
            ("table", plan.table),
            ("first day", str(plan.start_date or "")),
            ("last day", str(plan.end_date or "")),
            ("days are those of", plan.date_column),
            ("times are those of", plan.timezone),
            ("began at", plan.began_at),
            ("rows", str(self._rows)),
        ]
        self._begin_part("about this file", 2)
        for line, (name, value) in enumerate(told, start=1):
            cells = _text(name, f"A{line}", style=_HEADING) + _text(value, f"B{line}")
            self._write(f'<row r="{line}">{cells}</row>')
        self._close_sheet()

    def _put(self, path: str, content: str) -> None:
        self._archive.writestr(_entry(path), content)

    def _book(self) -> str:
        sheets = "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in enumerate(self._names, start=1)
        )
        return (
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/>'
            f"</bookViews><sheets>{sheets}</sheets></workbook>"
        )

    def _types(self) -> str:
        parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
        parts += [
            (f"/xl/worksheets/sheet{n + 1}.xml", "worksheet") for n in range(len(self._names))
        ]
        overrides = "".join(
            f'<Override PartName="{path}" ContentType="{_SHEET_TYPE}.{kind}+xml"/>'
            for path, kind in parts
        )
        return (
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
        )


class _Archive(zipfile.ZipFile):
    """An archive that may be dropped half-written, when nobody wants the rest of it."""

    def __del__(self) -> None:
        """Not closed: nobody would get what closing it writes."""


class _Outflow(io.RawIOBase):
    """What the archive has written since it was last taken. It cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'


def _places(count: int) -> list[str]:
    """A, B, … Z, AA, AB, …: the letters of so many columns."""
    places: list[str] = []
    for number in range(count):
        letters, rest = "", number + 1
        while rest:
            rest, letter = divmod(rest - 1, 26)
            letters = chr(65 + letter) + letters
        places.append(letters)
    return places


def _cell(column: Column) -> Cell:
    return _listed if column.type.endswith("[]") else _CELLS.get(column.type, _text)


def _text(value: str, at: str, style: int = 0) -> str:
    if len(value) > MAX_TEXT // 2:
        value = _cut(value)
    if looks_like_formula(value):
        style = _QUOTED
    styled = f' s="{style}"' if style else ""
    if _NOT_PLAIN.search(value):
        value = escape(_NOT_XML.sub(_numbered, value))
        return f'<c r="{at}"{styled} t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f'<c r="{at}"{styled} t="inlineStr"><is><t>{value}</t></is></c>'


def _numbered(found: re.Match[str]) -> str:
    """A character that XML cannot hold, as spreadsheets write it: _x0007_."""
    return f"_x{ord(found[0]):04X}_"


def _cut(value: str) -> str:
    """As much as a cell holds; where something is missing it ends with an ellipsis."""
    units = value.encode("utf-16-le")
    if len(units) <= MAX_TEXT * 2:
        return value
    return units[: (MAX_TEXT - 1) * 2].decode("utf-16-le", "ignore") + "\N{HORIZONTAL ELLIPSIS}"


def _listed(value: Any, at: str) -> str:
    return _text(as_json_text(value) or "", at)


def _boolean(value: Any, at: str) -> str:
    return f'<c r="{at}" t="b"><v>{int(value)}</v></c>'


def _integer(value: Any, at: str) -> str:
    if abs(value) >= 10**MAX_DIGITS:
        return _text(str(value), at)
    return f'<c r="{at}"><v>{value}</v></c>'


def _decimal(value: Any, at: str) -> str:
    """A number, unless its whole part and cents have more digits than a cell keeps."""
    whole, _, fraction = value.lstrip("-").partition(".")
    if len(whole) + min(len(fraction), MONEY_DIGITS) > MAX_DIGITS or not whole.isdigit():
        return _text(value, at)
    style = {2: f' s="{_CENTS}"', 3: f' s="{_MILLS}"'}.get(len(fraction), "")
    return f'<c r="{at}"{style}><v>{value}</v></c>'


def _day(value: Any, at: str) -> str:
    number = _day_number(value)
    return _text(value, at) if number is None else f'<c r="{at}" s="{_DATE}"><v>{number}</v></c>'


def _time(value: Any, at: str) -> str:
    """The wall clock of a time such as 2026-01-05T10:00:00.5-05:00."""
    number = _day_number(value[:10])
    if number is None or value.endswith("BC"):
        return _text(value, at)
    seconds = int(value[11:13]) * 3600 + int(value[14:16]) * 60 + int(value[17:19])
    if not seconds:
        return f'<c r="{at}" s="{_TIME}"><v>{number}</v></c>'
    return f'<c r="{at}" s="{_TIME}"><v>{number + seconds / 86_400!r}</v></c>'


def _day_number(value: str) -> int | None:
    """Days as spreadsheets count them; None for a day that they do not know."""
    try:
        number = date.fromisoformat(value).toordinal() - _EPOCH
    except ValueError:
        return None
    return number if number >= _FIRST_DAY else None


_CELLS: Final[Mapping[str, Cell]] = {
    "numeric": _decimal,
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "boolean": _boolean,
    "date": _day,
    "timestamp with time zone": _time,
}
"""By the type of the column; everything else is text."""
