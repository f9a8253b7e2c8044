"""Every view, every caller, select, insert, update, delete: who sees and changes which rows.

Everything is tried on the scene's rows, as PostgREST would: the caller's login, role and claims.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.matrix.conftest import Stage
from tests.matrix.expectations import VERBS, Relation, reaches, read_relations
from tests.matrix.people import ACME, BETA, PEOPLE, Person, being
from tests.matrix.samples import sample_rows
from tests.matrix.scene import STAFF, Row, fingerprint

RELATIONS = read_relations()
REFUSED = ("42501", "55000", "PT401", "PT404", "PT409", "PT422")
"""SQLSTATEs of a refusal: no right, no door; a view that takes no writes; a trigger's no."""

TABLE_OF = {
    "api.my_credits": "payment_credits",
    "api.integrations": "organization_integrations",
    "api.calendly_webhook_audit": "webhook_events",
    "api.connection_health": "webhook_connections",
    "api.duplicate_candidates": "events",
    "analytics.bookings": "events",
    "analytics.cash_movements": "payments",
    "analytics.cash_credits": "payment_credits",
    "analytics.data_freshness": "webhook_connections",
}
KEY_OF = {
    "profiles": "user_id",
    "metric_catalog": "metric",
    "analytics.cash_credits": "credit_id",
    "analytics.daily_closer_activity": "organization_id",
    "analytics.daily_setter_activity": "organization_id",
}
"""By view where its key is another than its table's; of sums, the organization that is summed."""

everybody = pytest.mark.parametrize("person", PEOPLE.values(), ids=list(PEOPLE))


class Refused(Exception):
    """The database refused the statement. The message is its SQLSTATE."""


def table_of(relation: Relation) -> str:
    return TABLE_OF.get(relation.name, relation.name.split(".")[1])


def rows_of(stage: Stage, relation: Relation) -> list[Row]:
    """The scene's rows that the view is about."""
    rows = stage.of(table_of(relation))
    if relation.name == "api.calendly_webhook_audit":
        return [row for row in rows if row.tag == "calendly"]
    if relation.name == "analytics.data_freshness":
        return rows + stage.of("sync_cursors")
    if relation.name in ("analytics.daily_closer_activity", "analytics.daily_setter_activity"):
        return [days_of(org) for org in (ACME, BETA)]
    if relation.name == "api.duplicate_candidates":
        return [
            later_of_pair(rows, org, who) for org in (ACME, BETA) for who in ("closer", "setter")
        ]
    return rows


def later_of_pair(rows: Iterable[Row], organization: UUID, who: str) -> Row:
    """The scene's two calls of one lead, who is the closer's or the setter's, start together."""
    return max(
        (r for r in rows if r.organization_id == organization and r.tag.startswith(who)),
        key=lambda row: row.key,
    )


def days_of(organization: UUID) -> Row:
    """What is summed up by day is of everybody who has something to sum up."""
    staff = STAFF[organization]
    return Row(
        "days",
        organization,
        str(organization),
        "days",
        closer=staff["closer"],
        setter=staff["setter"],
    )


def key_of(relation: Relation) -> str:
    return KEY_OF.get(relation.name) or KEY_OF.get(table_of(relation), "id")


def view(relation: Relation) -> sql.Identifier:
    return sql.Identifier(*relation.name.split("."))


def key_columns(relation: Relation, rows: Iterable[Row]) -> sql.Composable:
    """(organization, key) of a row as text, to be compared with the scene's."""
    key = sql.Identifier(key_of(relation))
    if table_of(relation) == "organizations":
        return sql.SQL("id::text, id::text")
    if any(row.organization_id for row in rows):
        return sql.SQL("organization_id::text, {}::text").format(key)
    return sql.SQL("null::text, {}::text").format(key)


def names(rows: Iterable[Row], found: Iterable[tuple[str | None, str]]) -> set[str]:
    """The names of the rows that were found; what is none of the scene's shows as it is."""
    known = {(str(r.organization_id) if r.organization_id else None, r.key): r.name for r in rows}
    return {known.get(pair, f"unknown {pair}") for pair in found}


@contextmanager
def refusals(connection: psycopg.Connection) -> Iterator[None]:
    """A savepoint; a refusal of the database becomes Refused, anything else fails as it is."""
    try:
        with connection.transaction():
            yield
    except psycopg.Error as error:
        if error.sqlstate in REFUSED:
            raise Refused(error.sqlstate) from error
        raise


def seen(connection: psycopg.Connection, relation: Relation, rows: list[Row]) -> set[str]:
    query = sql.SQL("select {} from {} where {} is not null").format(
        key_columns(relation, rows), view(relation), sql.Identifier(key_of(relation))
    )
    with refusals(connection):
        return names(rows, connection.execute(query).fetchall())


def updated(connection: psycopg.Connection, relation: Relation, rows: list[Row]) -> set[str]:
    """Set one column to itself in every row; the rows that this touched."""
    with refusals(connection):
        (column,) = connection.execute(  # type: ignore[misc]
            """
            select quote_ident(a.attname) from pg_attribute as a
             where a.attrelid = %(view)s::regclass and a.attnum > 0
             order by has_column_privilege(%(view)s::regclass, a.attnum, 'update') desc,
                      a.attname in ('organization_id', 'id', 'user_id'), a.attnum limit 1
            """,
            {"view": relation.name},
        ).fetchone()
    query = sql.SQL("update {} set {column} = {column}").format(
        view(relation), column=sql.SQL(column)
    )
    return touched(connection, relation, rows, query, one_by_one=bool(relation.letters["update"]))


def deleted(connection: psycopg.Connection, relation: Relation, rows: list[Row]) -> set[str]:
    """Delete each row; the rows that this touched."""
    query = sql.SQL("delete from {}").format(view(relation))
    return touched(connection, relation, rows, query, one_by_one=bool(relation.letters["delete"]))


def touched(
    connection: psycopg.Connection,
    relation: Relation,
    rows: list[Row],
    query: sql.Composable,
    *,
    one_by_one: bool,
) -> set[str]:
    """Run a statement for all rows, or for each. Raises Refused when every one was refused.

    A row that others point to counts as touched: it is only they who are in the way.
    """
    keys = key_columns(relation, rows)
    if not one_by_one:
        with refusals(connection):
            everything = sql.SQL("{} returning {}").format(query, keys)
            return names(rows, connection.execute(everything).fetchall())
    query = sql.SQL("{} where ({keys}) is not distinct from (%s, %s) returning {keys}").format(
        query, keys=keys
    )
    done: set[str] = set()
    refused = None
    for row in rows:
        values = (row.organization_id and str(row.organization_id), row.key)
        try:
            with refusals(connection):
                done |= names(rows, connection.execute(query, values).fetchall())
        except psycopg.errors.ForeignKeyViolation:
            done.add(row.name)
        except Refused as error:
            if str(error) == "PT409":
                done.add(row.name)
            else:
                refused = error
    if refused and not done:
        raise refused
    return done


def inserted(
    connection: psycopg.Connection, relation: Relation, person: Person
) -> tuple[set[str], set[str]]:
    """Insert a sample row of each kind; (those that were taken, those that should have been)."""
    taken, wanted = set(), set()
    for row, columns in sample_rows(relation.name, person):
        if reaches(person, relation.letters["insert"], row):
            wanted.add(row.name)
        query = sql.SQL("insert into {} ({}) values ({})").format(
            view(relation),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
        )
        try:
            with refusals(connection):
                connection.execute(query, columns)
        except Refused:
            continue
        except psycopg.errors.UniqueViolation:
            # There is one of them already: whoever hears so was let in.
            pass
        taken.add(row.name)
    return taken, wanted


def test_every_view_has_its_line(stage: Stage) -> None:
    views = {
        name
        for (name,) in stage.connection.execute(
            """
            select c.oid::regclass::text from pg_class as c
             where c.relkind in ('v', 'm', 'r', 'p', 'f')
               and c.relnamespace::regnamespace::text in ('api', 'analytics')
            """
        )
    }
    assert views == set(RELATIONS)


def test_every_view_has_rows_of_everybody_to_be_seen(stage: Stage) -> None:
    """A letter that no row of the scene satisfies would be believed without being tried."""
    untried = [
        f"{relation.name}: {verb} {letter}"
        for relation in RELATIONS.values()
        for verb in VERBS
        for letter in relation.letters[verb]
        if verb != "insert"
        and not any(
            reaches(person, frozenset([letter]), row)
            for person in PEOPLE.values()
            for row in rows_of(stage, relation)
        )
    ]
    assert untried == []


@everybody
def test_each_sees_exactly_the_rows_that_are_theirs_to_see(stage: Stage, person: Person) -> None:
    wrong = []
    with being(stage.connection, person) as connection:
        for relation in RELATIONS.values():
            rows = rows_of(stage, relation)
            wanted = {r.name for r in rows if reaches(person, relation.letters["select"], r)}
            try:
                found = seen(connection, relation, rows)
            except Refused:
                found = set()
            wrong += [f"{relation.name}: sees {name}" for name in sorted(found - wanted)]
            wrong += [f"{relation.name}: misses {name}" for name in sorted(wanted - found)]
    assert not wrong, f"{person.name}:\n  " + "\n  ".join(wrong)


@pytest.mark.parametrize("name", ["anon", "link holder", "gateway", "worker", "reader", "analyst"])
def test_those_who_have_no_right_are_refused_rather_than_shown_nothing(
    stage: Stage, name: str
) -> None:
    person = PEOPLE[name]
    letter = {"reader": "K", "analyst": "N"}.get(name)
    open_doors = []
    with being(stage.connection, person) as connection:
        for relation in RELATIONS.values():
            if letter not in relation.letters["select"]:
                try:
                    seen(connection, relation, rows_of(stage, relation))
                except Refused as refusal:
                    if str(refusal) != "42501":
                        open_doors.append(f"{relation.name}: {refusal}")
                else:
                    open_doors.append(relation.name)
    assert open_doors == []


@everybody
def test_each_changes_exactly_the_rows_that_are_theirs_to_change(
    stage: Stage, person: Person
) -> None:
    wrong = []
    for verb, attempt in (("update", updated), ("delete", deleted)):
        for relation in RELATIONS.values():
            rows = rows_of(stage, relation)
            wanted = {r.name for r in rows if reaches(person, relation.letters[verb], r)}
            with being(stage.connection, person) as connection:
                try:
                    found = attempt(connection, relation, rows)
                except Refused:
                    found = set()
            wrong += [f"{relation.name}: {verb}s {name}" for name in sorted(found - wanted)]
            wrong += [f"{relation.name}: cannot {verb} {name}" for name in sorted(wanted - found)]
    assert not wrong, f"{person.name}:\n  " + "\n  ".join(wrong)


@everybody
def test_each_adds_rows_exactly_where_they_may(stage: Stage, person: Person) -> None:
    wrong = []
    for relation in RELATIONS.values():
        with being(stage.connection, person) as connection:
            taken, wanted = inserted(connection, relation, person)
        wrong += [f"{relation.name}: adds {name}" for name in sorted(taken - wanted)]
        wrong += [f"{relation.name}: cannot add {name}" for name in sorted(wanted - taken)]
    assert not wrong, f"{person.name}:\n  " + "\n  ".join(wrong)


@everybody
def test_what_is_refused_leaves_every_row_as_it_was(stage: Stage, person: Person) -> None:
    """All the writes that a caller may not do, one after the other; nothing has changed then."""
    with stage.connection.transaction(force_rollback=True):
        before = fingerprint(stage.connection)
        with being(stage.connection, person, keep=True) as connection:
            for relation in RELATIONS.values():
                rows = rows_of(stage, relation)
                for verb, attempt in (("update", updated), ("delete", deleted)):
                    if not relation.letters[verb]:
                        try:
                            attempt(connection, relation, rows)
                        except Refused:
                            continue
                if not relation.letters["insert"]:
                    inserted(connection, relation, person)
        after = fingerprint(stage.connection)
    assert {table for table in before if before[table] != after[table]} == set()


def test_columns_that_may_be_written_are_those_of_the_file(stage: Stage) -> None:
    wrong = []
    for relation in RELATIONS.values():
        for verb in ("insert", "update"):
            granted = {
                (role, column)
                for role, column in stage.connection.execute(
                    """
                    select r.role, a.attname
                      from unnest('{authenticated,org_admin,super_admin}'::text[]) as r (role)
                      join pg_attribute as a on a.attrelid = %(view)s::regclass and a.attnum > 0
                     where has_column_privilege(r.role, a.attrelid, a.attnum, %(verb)s)
                    """,
                    {"view": relation.name, "verb": verb},
                ).fetchall()
            }
            columns = {column for _, column in granted}
            if not relation.letters[verb]:
                continue
            if relation.columns is not None and columns != relation.columns:
                wrong.append(f"{relation.name}: {verb} of {sorted(columns ^ relation.columns)}")
    assert wrong == []


def test_organizations_of_the_scene_are_alike(stage: Stage) -> None:
    """The same tags in both, so that every refusal has something that it refuses."""
    per = {
        org: {(r.table, r.tag) for r in stage.rows if r.organization_id == org}
        for org in (ACME, BETA)
    }
    different = {table for table, _ in per[ACME] ^ per[BETA]}
    assert different == {"organization_members"}
