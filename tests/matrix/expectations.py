"""Reading expected.yaml, and what its letters mean for one caller and one row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from tests.matrix.people import ACME, NAMES, Person
from tests.matrix.scene import Row

FILE = Path(__file__).with_name("expected.yaml")
LETTERS = frozenset("S O A M C T P K N U self default default-A anon".split())  # noqa: SIM905
VERBS = ("select", "insert", "update", "delete")


@dataclass(frozen=True)
class Relation:
    """What the file says about one view. letters: by verb; columns: those that may be written."""

    name: str
    letters: Mapping[str, frozenset[str]]
    columns: frozenset[str] | None


@dataclass(frozen=True)
class Routine:
    """What the file says about one function.

    letters: who gets in. arguments: by name, for the call that is tried.
    """

    name: str
    letters: frozenset[str]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _letters(text: str) -> frozenset[str]:
    letters = frozenset(text.split())
    if not letters <= LETTERS:
        raise ValueError(f"unknown letters: {sorted(letters - LETTERS)}")
    return letters


def read_relations() -> dict[str, Relation]:
    """Every view of the file, by its name with schema."""
    return {
        name: Relation(
            name,
            {verb: _letters(said.get(verb, "")) for verb in VERBS},
            frozenset(said["columns"].split()) if "columns" in said else None,
        )
        for name, said in yaml.safe_load(FILE.read_text())["relations"].items()
    }


def read_routines() -> dict[str, Routine]:
    """Every function of the file, by its name with schema."""
    said = yaml.safe_load(FILE.read_text())["functions"]
    return {
        name: Routine(name, _letters(line["execute"]), line.get("with", {}))
        for name, line in said.items()
    }


def reaches(person: Person, letters: frozenset[str], row: Row) -> bool:
    """May this caller do with this row what these letters may?"""
    org = row.organization_id
    shared = _organizations_of(row.user) if org is None and row.user else {org}
    holds = {
        "S": person.role == "super_admin",
        "O": bool(person.owner_of & shared),
        "A": bool(person.admin_of & shared),
        "M": org in person.member_of,
        "C": row.closer == person.name,
        "T": row.setter == person.name,
        "P": row.payee == person.name,
        "self": row.user == person.name,
        "default": row.user is None and (org in person.member_of or person.role == "super_admin"),
        "default-A": row.user is None and (org in person.admin_of or person.role == "super_admin"),
        "K": person.role == "reader" and org in (ACME, None),
        "N": person.name == "analyst" and org in (ACME, None),
        "U": person.user_id is not None,
        "anon": True,
    }
    return any(holds[letter] for letter in letters)


def _organizations_of(name: str) -> set[UUID | None]:
    """Organizations that a user of the scene belongs to."""
    from tests.matrix.people import PEOPLE  # noqa: PLC0415
    from tests.matrix.scene import STAFF  # noqa: PLC0415

    found = set(PEOPLE[name].member_of) if name in PEOPLE else set()
    return {*found, *(org for org in NAMES if name in STAFF[org].values())}
