"""What an import asks of the database: one Python function per SQL function, with its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

MET = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""Somebody else changed the same rows in this moment; the same again goes through."""


class Told(NamedTuple):
    """What is said about one field of one row."""

    row: int
    field: str
    sentence: str


class Report(NamedTuple):
    """What became of the rows of one call."""

    received: int
    inserted: int
    updated: int
    unchanged: int
    refused: int
    errors: Sequence[Told]
    notes: Sequence[Told]
    ignored: Sequence[str]


@contextmanager
def operator(database_url: str) -> Iterator[psycopg.Connection]:
    """The owner of everything, through the operator's login; every statement commits."""
    with psycopg.connect(
        database_url, connect_timeout=5, autocommit=True, options="-c timezone=UTC"
    ) as connection:
        connection.execute("set role salesdash")
        yield connection


def try_import(
    connection: psycopg.Connection,
    organization_id: UUID,
    entity: str,
    rows: Sequence[Mapping[str, object]],
    *,
    is_dry_run: bool,
    is_lenient: bool = False,
) -> Report:
    """Rows from outside become rows here, or are only tried."""
    for attempt in Retrying(
        retry=retry_if_exception_type(MET),
        stop=stop_after_attempt(5),
        wait=wait_random_exponential(max=5),
        reraise=True,
    ):
        with attempt, connection.transaction():
            connection.execute("set constraints all deferred")
            found = connection.execute(
                "select app.try_import(%s, %s, %s, %s, %s)",
                (organization_id, entity, Jsonb(list(rows)), is_dry_run, is_lenient),
            ).fetchone()
    said: dict[str, Any] = found[0] if found else {}
    return Report(
        received=said["received"],
        inserted=said["inserted"],
        updated=said["updated"],
        unchanged=said["unchanged"],
        refused=said["refused"],
        errors=[Told(**told) for told in said["errors"]],
        notes=[Told(**told) for told in said["notes"]],
        ignored=said["ignored"],
    )


def organization_id(connection: psycopg.Connection, slug: str) -> UUID | None:
    """The organization with this short name."""
    found = connection.execute(
        "select o.id from app.organizations as o where o.slug = %s and o.deleted_at is null",
        (slug,),
    ).fetchone()
    return found[0] if found else None


def import_fields(connection: psycopg.Connection, entity: str) -> list[tuple[str, str]]:
    """(header, example) of each field that a file of this kind may have."""
    return connection.execute(
        "select case when f.kind in ('ref', 'external_ref') and f.sample like '%%@%%'"
        "            then f.name || '_email' else f.name end, coalesce(f.sample, '')"
        "  from app.import_fields() as f where f.entity = %s",
        (entity,),
    ).fetchall()


def organization_ids(connection: psycopg.Connection) -> frozenset[str]:
    """Every living organization."""
    found = connection.execute("select o.id from app.organizations as o where o.deleted_at is null")
    return frozenset(str(row[0]) for row in found)


def move_in(
    connection: psycopg.Connection, entity: str, rows: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    """Rows of one table of a system that somebody moves here from."""
    found = connection.execute("select app.move_in(%s, %s)", (entity, Jsonb(list(rows)))).fetchone()
    return dict(found[0]) if found else {}
