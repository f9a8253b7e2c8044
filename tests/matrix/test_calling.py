"""Every function, every caller: who gets in, and that nobody else changes anything."""

import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.matrix.conftest import Stage
from tests.matrix.expectations import Routine, reaches, read_routines
from tests.matrix.people import ACME, BETA, PEOPLE, Person, being, user_of
from tests.matrix.scene import Row, fingerprint, row_id

ROUTINES = read_routines()
REFUSED = ("42501", "PT401", "PT404")
"""Not allowed, nobody, no such thing for this caller. Arguments name rows that exist."""

CALLED_ABOUT = Row("call", ACME, "", "call", closer="closer", setter="setter", payee="payee")

everybody = pytest.mark.parametrize("person", PEOPLE.values(), ids=list(PEOPLE))


def value_of(said: Any, organization: UUID) -> object:
    """An argument as the file says it: ids of the scene by table and tag."""
    if isinstance(said, list) and said and all(isinstance(part, str) for part in said):
        return [value_of(part, organization) for part in said]
    if isinstance(said, dict | list):
        return Jsonb(said)
    if said == "acme":
        return organization
    if isinstance(said, str) and "/" in said:
        table, tag = said.split("/", 1)
        return user_of(tag) if table == "user" else row_id(organization, table, tag)
    return said


def call(
    stage: Stage, routine: Routine, *, organization: UUID = ACME
) -> tuple[sql.Composed, dict[str, object]]:
    """The statement that calls it with the file's arguments, and their values."""
    (takes,) = stage.connection.execute(  # type: ignore[misc]
        "select p.proargnames[1:p.pronargs] from pg_proc as p where p.oid = %s::regproc",
        (routine.name,),
    ).fetchone()
    given = {name: value_of(said, organization) for name, said in routine.arguments.items()}
    if "organization_id" in (takes or ()):
        given.setdefault("organization_id", organization)
    return (
        sql.SQL("select * from {}({})").format(
            sql.Identifier(*routine.name.split(".")),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in given
            ),
        ),
        given,
    )


def answer(
    connection: psycopg.Connection, query: sql.Composed, given: dict[str, object]
) -> str | None:
    """Call it in a savepoint. None for an answer, else the SQLSTATE."""
    try:
        with connection.transaction():
            connection.execute(query, given).fetchall()
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_every_function_has_its_line(stage: Stage) -> None:
    functions = {
        name
        for (name,) in stage.connection.execute(
            """
            select p.oid::regproc::text from pg_proc as p
             where p.pronamespace::regnamespace::text in ('api', 'analytics')
               and p.prorettype <> 'trigger'::regtype
               -- What takes a row of a view is a column of it.
               and not (p.pronargs = 1 and exists (
                        select from pg_type as t
                         where t.oid = p.proargtypes[0] and t.typrelid <> 0))
            """
        )
    }
    assert functions == set(ROUTINES)


@everybody
def test_each_gets_into_exactly_the_functions_that_are_theirs(stage: Stage, person: Person) -> None:
    wrong = []
    for routine in ROUTINES.values():
        query, given = call(stage, routine)
        with being(stage.connection, person) as connection:
            state = answer(connection, query, given)
        got_in, may = state not in REFUSED, reaches(person, routine.letters, CALLED_ABOUT)
        if got_in != may:
            wrong.append(f"{routine.name}: {'gets in' if got_in else 'is refused'} ({state})")
    assert not wrong, f"{person.name}:\n  " + "\n  ".join(wrong)


@everybody
def test_who_is_refused_has_changed_nothing(stage: Stage, person: Person) -> None:
    forbidden = [
        call(stage, routine)
        for routine in ROUTINES.values()
        if not reaches(person, routine.letters, CALLED_ABOUT)
    ]
    with stage.connection.transaction(force_rollback=True):
        before = fingerprint(stage.connection)
        with being(stage.connection, person, keep=True) as connection:
            for query, given in forbidden:
                answer(connection, query, given)
        after = fingerprint(stage.connection)
    assert {table for table in before if before[table] != after[table]} == set()


def test_every_call_of_the_file_does_something_for_somebody(stage: Stage) -> None:
    """Otherwise a mistake in the file's arguments would pass for a refusal, or for getting in."""
    broken = []
    for routine in ROUTINES.values():
        query, given = call(stage, routine)
        states = set()
        for person in PEOPLE.values():
            if reaches(person, routine.letters, CALLED_ABOUT):
                with being(stage.connection, person) as connection:
                    states.add(answer(connection, query, given))
        if states.isdisjoint({None, "PT409"}):
            broken.append(f"{routine.name}: {states}")
    assert broken == []


@pytest.mark.parametrize("name", ["admin", "owner", "closer", "setter", "payee"])
def test_the_other_organization_does_not_exist_for_anybody(stage: Stage, name: str) -> None:
    """The same call about the other organization: PT404, as for one that does not exist at all.

    What super admins alone may do is refused to others whatever they name.
    """
    person, told = PEOPLE[name], []
    nowhere = UUID("00000000-0000-7000-8000-000000000000")
    for routine in ROUTINES.values():
        states = []
        for organization in (BETA, nowhere):
            query, given = call(stage, routine, organization=BETA)
            if "organization_id" not in given:
                break
            given["organization_id"] = organization
            with being(stage.connection, person) as connection:
                states.append(answer(connection, query, given))
        refusal = "42501" if set(routine.letters) == {"S"} else "PT404"
        if states and states != [refusal, refusal]:
            told.append(f"{routine.name}: {states}")
    assert told == []


def test_arguments_of_the_file_are_what_they_look_like() -> None:
    """Dates of the file are dates, and every id names a row of the scene."""
    assert value_of(datetime.date(2026, 1, 1), ACME) == datetime.date(2026, 1, 1)
    assert value_of("events/other", ACME) == value_of("events/other", BETA)
    assert value_of("closers/other", ACME) != value_of("closers/other", BETA)
