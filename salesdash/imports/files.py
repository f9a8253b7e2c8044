"""A CSV file, read as a stream of chunks, whatever its delimiter and byte order mark."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SNIFFED_BYTES = 65_536
DELIMITERS = ",;\t|"
csv.field_size_limit(1 << 20)

Cells = dict[str, str]


class FileUnreadable(Exception):
    """The file is no table of text. The message is one sentence for the person who named it."""


class Chunk(NamedTuple):
    """Rows that follow each other in a file.

    numbers: of each row, from 1 after the header. read_bytes: how far the file has been read.
    """

    numbers: Sequence[int]
    rows: Sequence[Cells]
    read_bytes: int


def chunks(
    path: Path, *, size: int, encoding: str = "utf-8-sig", renamed: Mapping[str, str]
) -> Iterator[Chunk]:
    """The rows of a file, size at a time; memory does not grow with the file.

    renamed: headers of the file, in lower case, and what they are called instead.
    Raises FileUnreadable for a file that is not in the encoding or has no header.
    """
    try:
        with path.open("rb") as raw:
            dialect = _dialect(raw.read(SNIFFED_BYTES).decode(encoding, "ignore"))
            raw.seek(0)
            text = io.TextIOWrapper(raw, encoding=encoding, newline="")
            reader = csv.reader(text, dialect)
            header = [renamed.get(name.strip().lower(), name) for name in next(reader, [])]
            if not any(header):
                raise FileUnreadable(f"{path} has no header.")
            numbers: list[int] = []
            rows: list[Cells] = []
            for number, cells in enumerate(reader, 1):
                if not any(cells):
                    continue
                numbers.append(number)
                rows.append(_row(header, cells))
                if len(rows) == size:
                    yield Chunk(numbers, rows, raw.tell())
                    numbers, rows = [], []
            yield Chunk(numbers, rows, raw.tell())
    except UnicodeError:
        raise FileUnreadable(f"{path} is not {encoding}: name its --encoding.") from None
    except csv.Error as error:
        raise FileUnreadable(f"{path} is no CSV file: {error}.") from None
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from None


def _row(header: Sequence[str], cells: Sequence[str]) -> Cells:
    """Empty cells are left out; cells beyond the header are kept, so that they are named.

    A NUL, which no text of Postgres holds, is left out of its cell.
    """
    names = [*header, *(f"column {n + 1}" for n in range(len(header), len(cells)))]
    return {
        name: cell.replace("\0", "")
        for name, cell in zip(names, cells, strict=False)
        if cell.strip()
    }


def _dialect(sample: str) -> type[csv.Dialect]:
    """Commas unless the header says otherwise; quotes double themselves."""
    first = sample.split("\n", 1)[0]

    class Sniffed(csv.excel):
        delimiter = ","

    try:
        Sniffed.delimiter = csv.Sniffer().sniff(first, DELIMITERS).delimiter
    except csv.Error:
        Sniffed.delimiter = max(DELIMITERS, key=first.count)
    return Sniffed
