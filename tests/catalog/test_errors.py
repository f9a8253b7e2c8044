"""What functions raise reaches the HTTP status line: a constant ASCII sentence, a known code.

PostgREST copies the message of a PT error into the status line as it is. Whatever varies, and
above all whatever a caller sent, would let that caller write headers; it belongs into DETAIL.
"""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.catalog.raises import Raise, raises

ROOT = Path(__file__).parents[2]
ERRORS_MD = ROOT / "docs" / "errors.md"
REFUSALS = ("problem", "AuthRefused")
"""What the gateway makes its errors with: (status, code, sentence)."""
CODE = re.compile(r"'([0-9A-Z]{5})'")
SENTENCE = re.compile(r"'(?:[\x20-\x26\x28-\x7e]|'')+[.!?]'")


class Found(NamedTuple):
    """Where something is raised, and what."""

    function: str
    what: Raise


@pytest.fixture
def found(db: psycopg.Connection) -> list[Found]:
    """Every raise of every function of ours."""
    functions = db.execute(
        """
        select p.oid::regprocedure::text, p.prosrc from pg_proc as p
          join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
         where p.pronamespace::regnamespace::text
               in ('api', 'analytics', 'app', 'auth', 'ingest', 'session', 'jobs')
        """
    ).fetchall()
    return [Found(name, what) for name, source in functions for what in raises(source)]


def lines(found: list[Found]) -> str:
    return "\n  ".join(sorted(f"{function}: {what}" for function, what in found))


def test_everything_raised_has_a_constant_code(found: list[Found]) -> None:
    wrong = [f for f in found if not f.what.errcode or not CODE.fullmatch(f.what.errcode)]
    assert not wrong, f"no constant code:\n  {lines(wrong)}"


def test_every_message_is_one_constant_ascii_sentence(found: list[Found]) -> None:
    wrong = [f for f in found if not f.what.message or not SENTENCE.fullmatch(f.what.message)]
    assert not wrong, f"not a constant sentence:\n  {lines(wrong)}"


def test_no_message_is_a_format(found: list[Found]) -> None:
    wrong = [f for f in found if f.what.condition]
    assert not wrong, f"raise with a format string:\n  {lines(wrong)}"


def test_every_code_is_documented(found: list[Found]) -> None:
    documented = set(re.findall(r"^\| `([0-9A-Z]{5})` \|", ERRORS_MD.read_text(), re.MULTILINE))
    used = {f.what.errcode.strip("'") for f in found if f.what.errcode}
    assert used <= documented, f"docs/errors.md lacks {sorted(used - documented)}"


def test_every_code_of_the_gateway_is_documented() -> None:
    used = {
        argument.value
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in REFUSALS
        for argument in node.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    documented = set(re.findall(r"`([a-z_]+)`", ERRORS_MD.read_text()))
    assert len(used) > 20
    assert used <= documented, f"docs/errors.md lacks {sorted(used - documented)}"


def test_there_is_something_to_read(found: list[Found]) -> None:
    assert len(found) > 50


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "raise exception using errcode = 'PT404', message = 'No such row.', detail = f(1, 2);",
            Raise("", "'PT404'", "'No such row.'"),
        ),
        (
            "raise exception using message = 'It''s ' || name, errcode = 'PT409';",
            Raise("", "'PT409'", "'It''s ' || name"),
        ),
        (
            "raise exception using errcode = v_code, message = format('%s', x);",
            Raise("", "v_code", "format ( '%s' , x )"),
        ),
        ("raise 'Oh % no;', name;", Raise("'Oh % no;' , name", None, None)),
        ("-- raise exception 'x';\nraise sqlstate 'PT422';", Raise("sqlstate 'PT422'", None, None)),
    ],
)
def test_the_reader_understands_what_it_reads(source: str, expected: Raise) -> None:
    assert list(raises(source)) == [expected]


@pytest.mark.parametrize(
    "source", ["raise notice 'hello %', name;", "exception when others then raise; end"]
)
def test_notices_and_raising_again_are_no_errors(source: str) -> None:
    assert list(raises(source)) == []
