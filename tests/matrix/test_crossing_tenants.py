"""Attempts to get a row, a reference or a fact from one organization into the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.matrix.conftest import Stage
from tests.matrix.expectations import Relation, reaches, read_relations
from tests.matrix.people import ACME, BETA, PEOPLE, Person, being, fixed
from tests.matrix.samples import sample_rows
from tests.matrix.scene import row_id

BOTH = Person(
    "admin of both",
    "authenticator",
    "org_admin",
    PEOPLE["mixed"].claims,
    member_of=frozenset((ACME, BETA)),
    admin_of=frozenset((ACME, BETA)),
)
NOWHERE = UUID("00000000-0000-7000-8000-000000000000")
WRITTEN = [r for r in read_relations().values() if r.letters["insert"] or r.letters["update"]]
OF_TENANTS = [relation for relation in WRITTEN if relation.name != "api.profiles"]


def state_of(connection: psycopg.Connection, query: sql.Composable, *values: object) -> str | None:
    """Run a statement in a savepoint that is rolled back; its SQLSTATE, None when it succeeds."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(query, values)
    except psycopg.Error as error:
        return error.sqlstate
    return None


@contextmanager
def admin_of_both(stage: Stage) -> Iterator[psycopg.Connection]:
    """Somebody who is owner or admin of both organizations, and so carries role org_admin."""
    with stage.connection.transaction(force_rollback=True):
        stage.connection.execute(
            "update app.organization_members set role = 'admin' where user_id = %s", (BOTH.user_id,)
        )
        with being(stage.connection, BOTH) as connection:
            yield connection


@pytest.mark.parametrize("relation", OF_TENANTS, ids=[r.name for r in OF_TENANTS])
def test_nobody_moves_a_row_to_another_organization(stage: Stage, relation: Relation) -> None:
    """Not even an admin of both, by the one column that would do it."""
    move = sql.SQL("update {} set organization_id = %s where organization_id = %s").format(
        sql.Identifier(*relation.name.split("."))
    )
    with admin_of_both(stage) as connection:
        assert state_of(connection, move, BETA, ACME) == "42501"


@pytest.mark.parametrize("relation", WRITTEN, ids=[r.name for r in WRITTEN])
def test_nobody_gives_a_row_another_id(stage: Stage, relation: Relation) -> None:
    key = "user_id" if relation.name == "api.profiles" else "id"
    change = sql.SQL("update {} set {} = %s").format(
        sql.Identifier(*relation.name.split(".")), sql.Identifier(key)
    )
    with admin_of_both(stage) as connection:
        assert state_of(connection, change, fixed("another")) == "42501"


def test_not_even_the_owner_of_all_tables_moves_a_row(stage: Stage) -> None:
    """What a definer might do by mistake: the trigger refuses it on every table."""
    moved = []
    for table in sorted({row.table for row in stage.rows if row.organization_id == ACME}):
        if table == "organizations":
            continue
        for column, value in (("organization_id", BETA), ("id", NOWHERE)):
            state = state_of(
                stage.connection,
                sql.SQL("update app.{} set {} = %s where organization_id = %s").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                value,
                ACME,
            )
            if state != "42501":
                moved.append(f"{table}.{column}: {state}")
    assert moved == []


def test_no_row_points_into_another_organization(stage: Stage) -> None:
    """Every reference between tenant tables, to a row that only the other organization has."""
    references = stage.connection.execute(
        """
        select c.relname, a.attname, o.relname
          from pg_constraint as k
          join pg_class as c on c.oid = k.conrelid and not c.relispartition
          join pg_class as o on o.oid = k.confrelid
          join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = k.conkey[2]
         where k.contype = 'f' and k.connamespace = 'app'::regnamespace
           and cardinality(k.conkey) = 2
         order by 1, 2
        """
    ).fetchall()
    assert len(references) > 60
    tables, states = {row.table for row in stage.rows}, dict[str, str | None]()
    for table, column, other in references:
        if table not in tables:
            continue
        only_there = fixed("only in beta", other)
        with stage.connection.transaction(force_rollback=True):
            stage.connection.execute("set local session_replication_role = replica")
            stage.connection.execute(
                sql.SQL(
                    "update app.{table} set id = %s{root} where organization_id = %s"
                    " and id = (select id from app.{table} where organization_id = %s limit 1)"
                ).format(
                    table=sql.Identifier(other),
                    root=sql.SQL(f", root_event_id = '{only_there}'" if other == "events" else ""),
                ),
                (only_there, BETA, BETA),
            )
            stage.connection.execute("set local session_replication_role = origin")
            # Only keys and checks, not what triggers would make of the row.
            stage.connection.execute(
                sql.SQL("alter table app.{} disable trigger user").format(sql.Identifier(table))
            )
            state = state_of(
                stage.connection,
                sql.SQL(
                    "update app.{} set {column} = %s where organization_id = %s"
                    " and (id = (select id from app.{} where organization_id = %s"
                    " order by {column} is null, id limit 1))"
                ).format(
                    sql.Identifier(table), sql.Identifier(table), column=sql.Identifier(column)
                ),
                only_there,
                ACME,
                ACME,
            )
        states[f"{table}.{column}"] = state
    # A few rows are refused earlier, by a check that knows which references belong together.
    assert {key: state for key, state in states.items() if state not in ("23503", "23514")} == {}
    assert list(states.values()).count("23503") > 60


def test_a_key_of_another_organization_is_free_in_ones_own(stage: Stage) -> None:
    """Names, positions and provider ids that the other has are no news: the row is simply taken."""
    with stage.connection.transaction(force_rollback=True):
        for table, columns in (
            ("sources", {"name": "Secret Campaign"}),
            ("packages", {"name": "Secret Offer", "currency": "USD"}),
            ("closers", {"name": "X", "email": "secret@beta.test"}),
            ("payees", {"name": "X", "external_id": "secret"}),
            ("custom_field_definitions", _definition("secret")),
        ):
            stage.connection.execute(_insert("app", table, columns), (BETA, *columns.values()))
            with being(stage.connection, PEOPLE["admin"]) as connection:
                state = state_of(
                    connection, _insert("api", table, columns), ACME, *columns.values()
                )
            assert state is None, table


@pytest.mark.parametrize("name", ["admin", "closer", "stranger", "mixed"])
def test_what_exists_elsewhere_cannot_be_told_from_what_does_not(stage: Stage, name: str) -> None:
    """Inserting under an id that the other organization has answers as under one of nobody's."""
    person = PEOPLE[name]
    told = []
    for relation in WRITTEN:
        if not relation.letters["insert"]:
            continue
        elsewhere = next(org for org in (BETA, ACME) if org not in person.admin_of)
        table = relation.name.split(".")[1]
        columns = next(
            columns
            for row, columns in sample_rows(relation.name, person)
            if row.organization_id == elsewhere
            and not reaches(person, relation.letters["insert"], row)
        )
        existing = next(
            (UUID(row.key) for row in stage.of(table) if row.organization_id == elsewhere), NOWHERE
        )
        if relation.columns is not None and "id" not in relation.columns:
            continue
        answers = []
        for key in (existing, NOWHERE):
            given = {**columns, "id": key}
            query = sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(*relation.name.split(".")),
                sql.SQL(", ").join(map(sql.Identifier, given)),
                sql.SQL(", ").join(sql.Placeholder() for _ in given),
            )
            with being(stage.connection, person) as connection:
                answers.append(state_of(connection, query, *given.values()))
        if answers[0] != answers[1] or answers[0] is None:
            told.append(f"{relation.name}: {answers}")
    assert told == []


def test_a_reference_into_another_organization_fails_like_one_to_nothing(stage: Stage) -> None:
    """Same code, same constraint, and a detail that holds only what the caller sent."""
    told = []
    with stage.connection.transaction(force_rollback=True):
        theirs = fixed("a lead of beta")
        stage.connection.execute(
            "insert into app.leads (organization_id, id, full_name) values (%s, %s, 'X')",
            (BETA, theirs),
        )
        for lead in (theirs, NOWHERE):
            with (
                being(stage.connection, PEOPLE["admin"]) as connection,
                pytest.raises(psycopg.errors.ForeignKeyViolation) as refusal,
                connection.transaction(),
            ):
                connection.execute(
                    "insert into api.custom_field_values"
                    " (organization_id, definition_id, lead_id, text_value)"
                    " values (%s, %s, %s, 'a')",
                    (ACME, row_id(ACME, "custom_field_definitions", "row"), lead),
                )
            told.append(
                (
                    refusal.value.diag.constraint_name,
                    (refusal.value.diag.message_detail or "").replace(str(lead), "the id"),
                )
            )
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["admin", "closer", "mixed", "reader", "analyst"])
def test_errors_of_a_filter_tell_nothing_about_hidden_rows(stage: Stage, name: str) -> None:
    """Policies are applied before a caller's own condition: it never sees what they hide."""
    with being(stage.connection, PEOPLE[name]) as connection:
        hidden = "beta.closer@" if name == "mixed" else "beta.%"
        if name == "mixed":
            hidden = "acme.%"
        connection.execute(
            "select count(*) from analytics.leads"
            " where 1 / (case when email like %s then 0 else 1 end) = 1",
            (hidden,),
        )


def _definition(name: str) -> dict[str, object]:
    return {"entity": "lead", "name": name, "label": "X", "field_type": "text"}


def _insert(schema: str, table: str, columns: dict[str, object]) -> sql.Composed:
    return sql.SQL("insert into {} (organization_id, {}) values (%s, {})").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns),
    )
