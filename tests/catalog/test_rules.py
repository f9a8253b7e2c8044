"""Rules about the schema itself: each is a query in rules/ that must find nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

RULES = Path(__file__).parent / "rules"


class Rule(NamedTuple):
    """A sentence about the schema, and the query whose rows (one text column) break it."""

    sentence: str
    query: str


def read_rules() -> Iterator[Rule]:
    """Rules are marked `-- rule: sentence`; each has one query."""
    for path in sorted(RULES.glob("*.sql")):
        for block in path.read_text().split("-- rule: ")[1:]:
            sentence, _, query = block.partition("\n")
            yield Rule(sentence, query)


ALL = list(read_rules())


@pytest.fixture
def words(db: psycopg.Connection) -> psycopg.Connection:
    """The owner's connection, in a transaction that has the views of rules/prelude.sql."""
    db.execute((RULES / "prelude.sql").read_bytes())
    return db


@pytest.mark.parametrize("rule", ALL, ids=[rule.sentence for rule in ALL])
def test_nothing_breaks_the_rule(words: psycopg.Connection, rule: Rule) -> None:
    found = sorted(str(line) for (line,) in words.execute(rule.query.encode()).fetchall())
    assert not found, f"{len(found)} break the rule that {rule.sentence}:\n  " + "\n  ".join(found)


def test_rules_are_sentences_said_once() -> None:
    sentences = [rule.sentence for rule in ALL]
    assert len(sentences) == len(set(sentences)) > 30
