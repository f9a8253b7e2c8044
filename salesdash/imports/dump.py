"""A dump of another system's tables: plain `pg_dump` SQL, or a directory of CSV files.

Tables are read one at a time, as streams, in the order in which they are asked for: of a dump the
places of its COPY blocks are noted first.
Source: PostgreSQL documentation, "COPY", text format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from salesdash.imports.files import FileUnreadable, chunks

COPY = re.compile(rb'^COPY "?(?:(\w+)"?\.)?"?(\w+)"? \((.+)\) FROM stdin;\s*$')
ESCAPED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
SINGLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
CSV_ROWS = 500

Row = dict[str, str]


class Block(NamedTuple):
    """Where the rows of a table begin. columns: their names, in order."""

    offset: int
    columns: tuple[str, ...]


class Dump:
    """The tables of a dump. names: those that are there; users are `auth.users`."""

    def __init__(self, path: Path) -> None:
        """Raise FileUnreadable for what is neither a directory nor a plain dump."""
        self._path = path
        self._blocks = {} if path.is_dir() else _blocks(path)
        self._files = _csv_files(path) if path.is_dir() else {}
        self.names = frozenset(self._blocks) | frozenset(self._files)
        if not self.names:
            raise FileUnreadable(f"{path} holds no tables: a plain pg_dump or CSV files do.")

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table; what is NULL or empty is left out of its row."""
        if table in self._files:
            for chunk in chunks(self._files[table], size=CSV_ROWS, renamed={}):
                yield from chunk.rows
        elif table in self._blocks:
            block = self._blocks[table]
            with self._path.open("rb") as raw:
                raw.seek(block.offset)
                for line in raw:
                    text = line.decode().rstrip("\r\n")
                    if text == r"\.":
                        return
                    cells = zip(block.columns, text.split("\t"), strict=False)
                    yield {name: _cell(cell) for name, cell in cells if cell not in ("", r"\N")}


def _blocks(path: Path) -> dict[str, Block]:
    found: dict[str, Block] = {}
    try:
        with path.open("rb") as raw:
            inside = False
            for line in raw:
                if inside:
                    inside = line.rstrip(b"\r\n") != rb"\."
                elif match := COPY.match(line):
                    schema, table, columns = (
                        part.decode() if part else "" for part in match.groups()
                    )
                    name = f"auth.{table}" if schema == "auth" else table
                    found[name] = Block(
                        raw.tell(),
                        tuple(column.strip().strip('"') for column in columns.split(",")),
                    )
                    inside = True
    except (OSError, UnicodeError) as error:
        raise FileUnreadable(f"{path} cannot be read: {error}.") from None
    return found


def _csv_files(path: Path) -> dict[str, Path]:
    """`events.csv`, and `events_rows.csv` as Supabase names its exports; users are `users.csv`."""
    names = {file: file.stem.removesuffix("_rows") for file in sorted(path.glob("*.csv"))}
    return {"auth.users" if name == "users" else name: file for file, name in names.items()}


def _cell(cell: str) -> str:
    return ESCAPED.sub(_unescaped, cell) if "\\" in cell else cell


def _unescaped(match: re.Match[str]) -> str:
    octal, hexadecimal, single = match.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) if octal else int(hexadecimal, 16))
    return SINGLE.get(single, single)
