"""Finding what functions raise, in their source."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKENS = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<string>[eE]?'(?:[^']|'')*')
    | (?P<word>[A-Za-z_][A-Za-z_0-9.]*)
    | (?P<sign>\|\||:=|=>|<=|>=|<>|\S)
    """,
    re.VERBOSE | re.DOTALL,
)
SILENT = ("notice", "warning", "info", "log", "debug")


class Raise(NamedTuple):
    """One `raise` of an exception: its options as source text, NULL for those it does not give.

    condition: what follows `raise exception` before `using`, such as a format string.
    """

    condition: str
    errcode: str | None
    message: str | None


def tokens(source: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of everything but comments and blanks."""
    for found in TOKENS.finditer(source):
        if found.lastgroup and found.lastgroup != "comment":
            yield found.lastgroup, found.group()


def raises(source: str) -> Iterator[Raise]:
    """Every statement that raises an exception in a PL/pgSQL body; a bare `raise;` is none."""
    statement: list[str] | None = None
    for kind, text in tokens(source):
        if statement is None:
            if kind == "word" and text.lower() == "raise":
                statement = []
        elif text == ";":
            if statement and statement[0].lower() not in SILENT:
                yield _parse(statement)
            statement = None
        else:
            statement.append(text)


def _parse(statement: list[str]) -> Raise:
    lowered = [text.lower() for text in statement]
    start = 1 if lowered[0] == "exception" else 0
    end = lowered.index("using") if "using" in lowered else len(statement)
    return Raise(
        condition=" ".join(statement[start:end]),
        errcode=_option("errcode", lowered, statement, end),
        message=_option("message", lowered, statement, end),
    )


def _option(name: str, lowered: list[str], statement: list[str], start: int) -> str | None:
    """The expression after `name =`, up to the next comma outside parentheses."""
    for at in range(start, len(statement) - 1):
        if lowered[at] == name and statement[at + 1] in ("=", ":="):
            break
    else:
        return None
    expression, depth = [], 0
    for text in statement[at + 2 :]:
        if text == "," and depth == 0:
            break
        depth += {"(": 1, ")": -1}.get(text, 0)
        expression.append(text)
    return " ".join(expression)
