"""What a deploy does for repeatable files, so that they leave it to it: revokes, and drops."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from salesdash.deploy.tree import File, read_tree
from salesdash.home import ROOT

COMMENT = re.compile(r"--[^\n]*")
MAKES = re.compile(r"^create (?:or replace )?function ([\w.]+)\(", re.MULTILINE)
GRANTS = re.compile(
    r"^(?:grant|revoke) [\w ,]+ on (?:function|routine) (.*?) (?:to|from) [\w, ]+;",
    re.MULTILINE | re.DOTALL,
)
NAMES = re.compile(r"([\w.]+)\(")


class Grant(NamedTuple):
    """One function named by a grant or a revoke, and the file that says so."""

    path: str
    function: str


def made_in(files: tuple[File, ...]) -> dict[str, set[str]]:
    """The files that make a function of each name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        for name in MAKES.findall(COMMENT.sub("", file.text)):
            found[name].add(file.path)
    return found


def grants(files: tuple[File, ...]) -> Iterator[Grant]:
    """Every function that a grant or a revoke names."""
    for file in files:
        for functions in GRANTS.findall(COMMENT.sub("", file.text)):
            yield from (Grant(file.path, name) for name in NAMES.findall(functions))


def test_a_grant_on_a_function_stands_in_the_file_that_makes_it() -> None:
    """A migration's function belongs to no file: its grants are never taken back."""
    files = read_tree(ROOT / "db")
    made, given = made_in(files), list(grants(files))
    elsewhere = [grant for grant in given if made.get(grant.function, {grant.path}) != {grant.path}]
    assert not elsewhere, "\n".join(f"{path}: {name}" for path, name in elsewhere)
    assert {name.partition(".")[0] for _, name in given} >= {"api", "auth", "ingest", "jobs"}


def test_no_file_drops_a_function() -> None:
    """A deploy drops what its file makes no more, with what stands on it, and makes that again."""
    dropping = [
        file.path
        for file in read_tree(ROOT / "db")
        if re.search(r"^\s*drop function", file.text, re.MULTILINE | re.IGNORECASE)
    ]
    assert not dropping
