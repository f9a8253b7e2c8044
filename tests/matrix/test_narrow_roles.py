"""Whoever has one organization asks in a role of their own, which reads what the token's reads."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.matrix.conftest import Stage
from tests.matrix.expectations import read_relations
from tests.matrix.people import ACME, BETA, PEOPLE, Person, being, user_of
from tests.matrix.scene import row_id
from tests.matrix.test_reading_and_writing import Refused, rows_of, seen

NARROWED = {
    "closer": "closer_of_one",
    "setter": "member_of_one",
    "payee": "member_of_one",
    "admin": "admin_of_one",
    "owner": "admin_of_one",
    "other admin": "admin_of_one",
}
"""Who of the matrix asks in a role of their own. The others: no organization, or two, or all."""


def role_of(connection: psycopg.Connection) -> object:
    row = connection.execute("select current_user").fetchone()
    assert row
    return row[0]


@contextmanager
def being_broad(connection: psycopg.Connection, person: Person) -> Iterator[None]:
    """Back in the role of the token, until the end of the block."""
    with connection.transaction(force_rollback=True):
        connection.execute("select set_config('role', %s, true)", (person.role,))
        yield


@pytest.mark.parametrize("name", [name for name, one in PEOPLE.items() if one.role])
def test_a_request_runs_in_the_narrowest_role(stage: Stage, name: str) -> None:
    with being(stage.connection, PEOPLE[name]) as connection:
        assert role_of(connection) == NARROWED.get(name, PEOPLE[name].role)


@pytest.mark.parametrize("name", NARROWED)
def test_the_narrow_role_sees_what_the_role_of_the_token_sees(stage: Stage, name: str) -> None:
    compared = 0
    for relation in read_relations().values():
        rows = rows_of(stage, relation)
        with being(stage.connection, PEOPLE[name]) as connection:
            try:
                narrow = seen(connection, relation, rows)
            except Refused as refused:
                narrow = {str(refused)}
            with being_broad(connection, PEOPLE[name]):
                try:
                    broad = seen(connection, relation, rows)
                except Refused as refused:
                    broad = {str(refused)}
        assert narrow == broad, relation.name
        compared += len(narrow)
    assert compared > 10


@pytest.mark.parametrize(
    ("booked", "took", "sees"),
    [
        ("closer", "closer", True),
        ("closer", "another", True),
        ("another", "closer", True),
        ("closer", None, True),
        (None, "closer", True),
        ("another", "another", False),
        ("another", None, False),
        (None, None, False),
    ],
)
@pytest.mark.parametrize("comes", ["first", "last"])
def test_a_closer_sees_calls_they_are_booked_for_or_took(
    stage: Stage, booked: str | None, took: str | None, sees: bool, comes: str
) -> None:
    """comes: whether the id of the other closer is below or above theirs."""
    other = ("0" if comes == "first" else "f") * 8 + "-0000-7000-8000-000000000000"
    ids = {"closer": row_id(ACME, "closers", "closer"), "another": other}
    event = row_id(ACME, "events", "closer booked")
    with stage.connection.transaction(force_rollback=True):
        # Without triggers, which would let the form decide who took it.
        stage.connection.execute("set local session_replication_role = replica")
        stage.connection.execute(
            "update app.events set closer_id = %s, credited_closer_id = %s, setter_id = null,"
            " credited_setter_id = null where organization_id = %s and id = %s",
            (ids.get(booked or ""), ids.get(took or ""), ACME, event),
        )
        with being(stage.connection, PEOPLE["closer"]) as connection:
            assert role_of(connection) == "closer_of_one"
            found = connection.execute("select from api.events where id = %s", (event,)).fetchall()
    assert bool(found) is sees


@pytest.mark.parametrize(
    ("change", "role"),
    [
        (("insert into app.closers (organization_id, name, email, profile_id)"
          " values (%(acme)s, 'two', 'two@example.test', %(user)s)"), "member_of_one"),
        (("insert into app.setters (organization_id, name, email, profile_id)"
          " values (%(acme)s, 'too', 'too@example.test', %(user)s)"), "member_of_one"),
        (("insert into app.organization_members (organization_id, user_id, role)"
          " values (%(beta)s, %(user)s, 'member')"), "authenticated"),
        ("update app.closers set profile_id = null where profile_id = %(user)s", "member_of_one"),
    ],
    ids=["two entries", "closer and setter", "two organizations", "on no roster"],
)  # fmt: skip
def test_who_is_more_than_one_closer_is_narrowed_less(stage: Stage, change: str, role: str) -> None:
    with stage.connection.transaction(force_rollback=True):
        stage.connection.execute(
            change.encode(), {"acme": ACME, "beta": BETA, "user": user_of("closer")}
        )
        with being(stage.connection, PEOPLE["closer"]) as connection:
            assert role_of(connection) == role


def test_an_admin_beside_a_suspended_organization_sees_every_call_of_the_other(
    stage: Stage,
) -> None:
    """Their token says member, since in one of the two they are no admin."""
    calls = {row.key for row in stage.of("events") if row.organization_id == BETA}
    with stage.connection.transaction(force_rollback=True):
        stage.connection.execute(
            "update app.organizations set suspended_at = now() where id = %s", (ACME,)
        )
        stage.connection.execute(
            "insert into app.closers (organization_id, name, email, profile_id)"
            " values (%s, 'mixed', 'mixed@example.test', %s)",
            (BETA, user_of("mixed")),
        )
        with being(stage.connection, PEOPLE["mixed"]) as connection:
            assert role_of(connection) == "member_of_one"
            found = connection.execute("select id::text from api.events").fetchall()
    assert {key for (key,) in found} == calls


@pytest.mark.parametrize("name", ["closer", "admin"])
def test_settings_that_are_forged_show_less_and_nothing_else(stage: Stage, name: str) -> None:
    for setting, value in (
        ("app.only_organization_id", str(BETA)),
        ("app.only_organization_id", ""),
        ("app.only_closer_id", str(row_id(BETA, "closers", "closer"))),
    ):
        with being(stage.connection, PEOPLE[name]) as connection:
            allowed = connection.execute("select id from api.events").fetchall()
            connection.execute(
                sql.SQL("select set_config({}, {}, true)").format(
                    sql.Literal(setting), sql.Literal(value)
                )
            )
            found = connection.execute("select id from api.events").fetchall()
        assert set(found) <= set(allowed)
        assert setting == "app.only_closer_id" or found == []
