"""The files that exports are written to, read again by readers that others wrote."""

import csv
import io
import json
import resource
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from gateway.as_caller import Refused
from gateway.exports.formats import Csv, Format, JsonArray, JsonLines, looks_like_formula
from gateway.exports.plan import Column, Plan
from gateway.exports.scratch import Scratch
from gateway.exports.xlsx import MAX_TEXT, Workbook

COLUMNS = (
    Column("id", "uuid"),
    Column("name", "text"),
    Column("amount", "numeric"),
    Column("count", "integer"),
    Column("is_test", "boolean"),
    Column("day", "date"),
    Column("at", "timestamp with time zone"),
    Column("answers", "jsonb"),
    Column("aliases", "text[]"),
)
EMPTY: Mapping[str, Any] = {column.name: None for column in COLUMNS}
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil.test","x")',
    "+1+1",
    "-1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "-2+3+cmd|' /C calc'!A0",
    "\uff1d1+1",
]
TEXTS = [
    "plain",
    'he said "no", twice',
    "two\nlines\r\nand a third",
    " kept \t spaces ",
    "Zoë Łukasz 北京 🎯 <b>&amp;</b>",
    "_x0041_ is not A",
    "bell \x07 and \x1f",
    "it's 50 % off; really",
    "\\backslash\\",
    "O'Brien",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workbooks are written."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def scratch(folder: Path) -> Iterator[Scratch]:
    """Room for workbooks of which nothing is left when they are closed."""
    made = Scratch(max_bytes=2**20, spare_bytes=0)
    with made.opened():
        yield made
        assert [path for path in folder.rglob("*") if path.is_file()] == []


def plan(*columns: Column) -> Plan:
    """A plan of these columns; of all of them when none is named."""
    return Plan(
        organization_id=UUID(int=1),
        export_id=UUID(int=2),
        organization_slug="acme",
        timezone="America/New_York",
        began_at="2026-03-10T16:00:00+00:00",
        table="events",
        date_column="scheduled_at",
        start_date=date(2026, 1, 1),
        end_date=None,
        since=None,
        until=None,
        columns=columns or COLUMNS,
    )


def row(**values: Any) -> Mapping[str, Any]:
    """A row in which the rest is NULL."""
    return {**EMPTY, "id": str(UUID(int=7)), **values}


def written(file: Format, *pages: Sequence[Mapping[str, Any]]) -> bytes:
    """The whole file of these pages."""
    try:
        return b"".join([*map(file.rows, pages), *file.end()])
    finally:
        file.close()


def csv_rows(content: bytes) -> list[list[str]]:
    """All lines, as another reader sees them."""
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def sheet_rows(content: bytes, sheet: str = "events") -> list[list[Any]]:
    """The values of a sheet below its line of names."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [list(cells) for cells in book[sheet].iter_rows(min_row=2, values_only=True)]


def cells_of(texts: Sequence[str], scratch: Scratch) -> list[Any]:
    """The cells of these texts in a workbook."""
    content = written(
        Workbook(plan(Column("name", "text")), scratch),
        [{"id": "x", "name": text} for text in texts],
    )
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cells[0] for cells in book["events"].iter_rows(min_row=2)]


FULL = row(
    name="Ann",
    amount="1499.00",
    count=3,
    is_test=False,
    day="2026-01-31",
    at="2026-01-31T22:30:00-05:00",
    answers='{"a": 1.10, "b": ["x"]}',
    aliases=["A", "B, C"],
)


def test_json_says_what_the_api_says_to_the_last_digit() -> None:
    content = written(JsonArray(plan()), [FULL], [row(amount="-0.005"), row()])
    rows = json.loads(content, parse_float=Decimal)
    assert [list(one) for one in rows] == [[column.name for column in COLUMNS]] * 3
    assert rows[0]["amount"] == Decimal("1499.00")
    assert b'"amount":1499.00,' in content
    assert b'"a": 1.10' in content
    assert rows[0]["answers"] == {"a": Decimal("1.10"), "b": ["x"]}
    assert rows[1]["amount"] == Decimal("-0.005")
    assert rows[2]["amount"] is None


def test_json_of_nothing_is_an_empty_array() -> None:
    assert json.loads(written(JsonArray(plan()), [])) == []
    assert written(JsonLines(plan()), []) == b""


def test_lines_of_json_are_one_object_each() -> None:
    content = written(JsonLines(plan()), [row(name="two\nlines")], [row(name="x")])
    assert [json.loads(line)["name"] for line in content.splitlines()] == ["two\nlines", "x"]


@pytest.mark.parametrize("file", [JsonArray, JsonLines])
def test_the_key_by_which_pages_go_stays_inside(file: Any) -> None:
    content = written(file(plan(Column("name", "text"))), [{"name": "x", "id": "7"}])
    assert b'{"name":"x"}' in content


def test_numbers_that_json_lacks_are_texts() -> None:
    content = written(JsonArray(plan()), [row(amount="NaN"), row(amount="-Infinity")])
    assert [one["amount"] for one in json.loads(content)] == ["NaN", "-Infinity"]


def test_csv_is_what_other_readers_read() -> None:
    file = Csv(plan(), has_bom=False, escapes_formulas=True)
    content = written(file, [FULL], [row(name=text) for text in TEXTS], [row()])
    lines = csv_rows(content)
    assert lines[0] == [column.name for column in COLUMNS]
    assert lines[1] == [
        FULL["id"], "Ann", "1499.00", "3", "false", "2026-01-31", "2026-01-31T22:30:00-05:00",
        '{"a": 1.10, "b": ["x"]}', '["A","B, C"]',
    ]  # fmt: skip
    assert [line[1] for line in lines[2:-1]] == TEXTS
    assert lines[-1] == [FULL["id"], *[""] * 8]
    assert content.endswith(b"\r\n")
    assert all(len(line) == len(COLUMNS) for line in lines)


def test_a_byte_order_mark_stands_first_where_it_is_asked_for() -> None:
    with_mark = written(Csv(plan(), has_bom=True, escapes_formulas=True), [FULL])
    without = written(Csv(plan(), has_bom=False, escapes_formulas=True), [FULL])
    assert with_mark == b"\xef\xbb\xbf" + without


def test_csv_defuses_what_a_spreadsheet_would_compute() -> None:
    column = Column("name", "text")
    rows = [{"id": "7", "name": text} for text in FORMULAS]
    safe = csv_rows(written(Csv(plan(column), has_bom=False, escapes_formulas=True), rows))
    exact = csv_rows(written(Csv(plan(column), has_bom=False, escapes_formulas=False), rows))
    assert [line[0] for line in safe[1:]] == [f"'{text}" for text in FORMULAS]
    assert [line[0] for line in exact[1:]] == FORMULAS


@pytest.mark.parametrize("text", ["-5", "+15551234567", "-12.50", "", "'", "a=b", "1-1", "[x]"])
def test_what_no_spreadsheet_computes_stays_as_it_is(text: str) -> None:
    assert not looks_like_formula(text)


def test_negative_numbers_stay_numbers(scratch: Scratch) -> None:
    rows = [row(amount="-12.50", count=-3)]
    (line,) = csv_rows(written(Csv(plan(), has_bom=False, escapes_formulas=True), rows))[1:]
    assert line[2:4] == ["-12.50", "-3"]
    (cells,) = sheet_rows(written(Workbook(plan(), scratch), rows))
    assert cells[2:4] == [-12.5, -3]


def test_a_workbook_has_cells_of_their_kind(scratch: Scratch) -> None:
    content = written(Workbook(plan(), scratch), [FULL], [row()])
    full, empty = sheet_rows(content)
    full[5:7] = map(str, full[5:7])
    assert full == [
        FULL["id"], "Ann", 1499.0, 3, False, "2026-01-31 00:00:00", "2026-01-31 22:30:00",
        '{"a": 1.10, "b": ["x"]}', '["A","B, C"]',
    ]  # fmt: skip
    assert empty == [FULL["id"], *[None] * 8]
    sheet = openpyxl.load_workbook(io.BytesIO(content))["events"]
    assert [cell.value for cell in sheet[1]] == [column.name for column in COLUMNS]
    assert sheet["C2"].number_format == "0.00"
    assert sheet["F2"].number_format == r"yyyy\-mm\-dd"
    assert sheet["G2"].number_format == r"yyyy\-mm\-dd\ hh:mm:ss"
    assert sheet["A1"].font.bold
    assert sheet.freeze_panes == "A2"


def test_texts_of_a_workbook_are_what_they_are(scratch: Scratch) -> None:
    # A reader of XML sees one line break for any; what is no character stays as its number.
    cells = cells_of(TEXTS, scratch)
    assert [openpyxl.utils.escape.unescape(cell.value) for cell in cells] == TEXTS
    assert {cell.data_type for cell in cells} == {"s"}


def test_no_cell_of_a_workbook_is_a_formula(scratch: Scratch) -> None:
    cells = cells_of(FORMULAS, scratch)
    assert [openpyxl.utils.escape.unescape(cell.value) for cell in cells] == FORMULAS
    assert {cell.data_type for cell in cells} == {"s"}
    # Also after somebody has edited the cell.
    assert all(cell.quotePrefix for cell in cells)


@pytest.mark.parametrize(
    "text",
    [
        "<r>quoted</r>",
        '<r></r></is></c><c r="C2"><f>1+1</f></c><c r="D2" t="inlineStr"><is><r></r>',
        "<r></row></sheetData></r>",
    ],
)
def test_no_text_gets_into_a_workbook_as_xml(text: str, scratch: Scratch) -> None:
    content = written(Workbook(plan(Column("name", "text")), scratch), [{"id": "7", "name": text}])
    assert sheet_rows(content) == [[text]]


@pytest.mark.parametrize(
    ("amount", "cell"),
    [
        ("999999999999.99", 999999999999.99),
        ("123456789012345.67", "123456789012345.67"),
        ("0.33333333333333333333", 0.3333333333333333),
        ("NaN", "NaN"),
        ("1.125", 1.125),
        ("0", 0),
    ],
)
def test_a_number_is_a_number_unless_cents_would_be_lost(
    amount: str, cell: object, scratch: Scratch
) -> None:
    assert sheet_rows(written(Workbook(plan(), scratch), [row(amount=amount)]))[0][2] == cell


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("day", "1899-12-31"),
        ("day", "infinity"),
        ("day", "0044-03-15 BC"),
        ("at", "1850-01-01T00:00:00+00:00"),
        ("at", "infinity"),
        ("count", 10**17),
    ],
)
def test_what_a_cell_cannot_hold_is_text(column: str, value: Any, scratch: Scratch) -> None:
    (cells,) = sheet_rows(written(Workbook(plan(), scratch), [row(**{column: value})]))
    names = [one.name for one in COLUMNS]
    assert cells[names.index(column)] == str(value)


def test_a_text_longer_than_a_cell_ends_with_an_ellipsis(scratch: Scratch) -> None:
    fits, long, wide = cells_of(["x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "🎯" * MAX_TEXT], scratch)
    assert fits.value == "x" * MAX_TEXT
    assert long.value == "x" * (MAX_TEXT - 1) + "…"
    assert wide.value == "🎯" * ((MAX_TEXT - 1) // 2) + "…"


def test_more_rows_than_a_sheet_holds_go_on_in_the_next_one(scratch: Scratch) -> None:
    rows = [row(count=number) for number in range(11)]
    content = written(Workbook(plan(), scratch, max_rows=5), rows[:3], rows[3:9], rows[9:])
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["events", "events 2", "events 3", "about this file"]
    assert [book[name].max_row for name in book.sheetnames[:3]] == [5, 5, 4]
    counted = [cells[3] for name in book.sheetnames[:3] for cells in sheet_rows(content, name)]
    assert counted == list(range(11))


def test_a_sheet_ends_before_the_archive_would_need_what_spreadsheets_repair(
    scratch: Scratch,
) -> None:
    rows = [row(count=number, name="x" * 10_000) for number in range(4)]
    content = written(Workbook(plan(), scratch, max_sheet_bytes=9_000), *[[one] for one in rows])
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert len(book.sheetnames) > 2
    counted = [cells[3] for name in book.sheetnames[:-1] for cells in sheet_rows(content, name)]
    assert counted == list(range(4))


def test_the_last_sheet_says_what_the_file_is(scratch: Scratch) -> None:
    content = written(Workbook(plan(), scratch), [FULL, FULL])
    told = openpyxl.load_workbook(io.BytesIO(content))["about this file"]
    said = dict(told.iter_rows(values_only=True))
    assert said["table"] == "events"
    assert said["times are those of"] == "America/New_York"
    assert said["rows"] == "2"


def test_a_workbook_is_a_sound_archive_and_a_part_of_one_is_none(scratch: Scratch) -> None:
    content = written(Workbook(plan(), scratch), [FULL])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {entry.create_version for entry in archive.infolist()} == {20}
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(content[: len(content) * 9 // 10]))


def refused(file: Format, rows: Sequence[Mapping[str, Any]]) -> int:
    """The status with which these rows are refused; nothing of them is left."""
    with pytest.raises(Refused) as caught:
        written(file, rows)
    return caught.value.answer.status_code


def test_a_workbook_ends_before_the_disk_is_full(folder: Path) -> None:
    scratch = Scratch(max_bytes=2**20, spare_bytes=2**60)
    with scratch.opened():
        assert refused(Workbook(plan(), scratch), [FULL]) == 507
        assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_disk_that_takes_no_more_is_an_answer(scratch: Scratch) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        assert refused(Workbook(plan(), scratch), [row(name="x" * 30_000)] * 3) == 507
        # The last row of a sheet is written with its end.
        assert refused(Workbook(plan(), scratch), [row(name="x" * 30_000)] * 2) == 507
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_one_workbook_takes_only_so_much_of_the_disk(scratch: Scratch) -> None:
    rows = [row(name="x" * 30_000)] * 40
    assert refused(Workbook(plan(), scratch), rows) == 422
    # What was refused is given back: the next one has its room.
    assert len(sheet_rows(written(Workbook(plan(), scratch), rows[:9]))) == 9


def test_without_a_folder_there_are_no_workbooks(folder: Path) -> None:
    scratch = Scratch(max_bytes=2**20, spare_bytes=0)
    folder.rmdir()
    with scratch.opened():
        assert refused(Workbook(plan(), scratch), [FULL]) == 507


def test_what_a_killed_gateway_left_is_removed_and_what_others_write_is_not(
    folder: Path, scratch: Scratch
) -> None:
    left = folder / "salesdash-workbooks-left"
    left.mkdir()
    (left / "sheet").write_bytes(b"x")
    file = Workbook(plan(), scratch)
    file.rows([FULL])
    with Scratch(max_bytes=1, spare_bytes=0).opened():
        assert not left.exists()
    assert len(sheet_rows(b"".join(file.end()))) == 1
    file.close()


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (None, None, "acme-events.csv"),
        (date(2026, 1, 1), None, "acme-events-from-2026-01-01.csv"),
        (None, date(2026, 1, 31), "acme-events-until-2026-01-31.csv"),
        (date(2026, 1, 1), date(2026, 1, 31), "acme-events-2026-01-01-to-2026-01-31.csv"),
    ],
)
def test_a_file_is_named_after_its_organization_table_and_days(
    first: date | None, last: date | None, name: str
) -> None:
    assert replace(plan(), start_date=first, end_date=last).file_name("csv") == name
