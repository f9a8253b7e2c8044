"""What the last deploy did: which files it ran, what each of them made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from salesdash.deploy.session import OWNER

TABLES = f"""
create schema if not exists deploy authorization {OWNER};
comment on schema deploy is 'Bookkeeping of deploys; no part of the product.';
set local role {OWNER};
create table if not exists deploy.repeatables (
    path       text        not null,
    sha256     text        not null,
    applied_at timestamptz not null default now(),
    constraint repeatables_pkey primary key (path)
);
create table if not exists deploy.objects (
    type     text not null,
    identity text not null,
    path     text not null,
    constraint objects_pkey primary key (type, identity),
    constraint objects_path_fkey
        foreign key (path) references deploy.repeatables (path) on delete cascade
);
create table if not exists deploy.migrations_seen (
    singleton boolean not null default true,
    names     text[]  not null,
    constraint migrations_seen_pkey primary key (singleton),
    constraint migrations_seen_is_one_row check (singleton)
);
"""


class Name(NamedTuple):
    """A database object as Postgres identifies it: `drop <type> <identity>` drops it."""

    type: str
    identity: str


@dataclass(frozen=True)
class Record:
    """The memory of a database.

    files: SHA-256 by path. objects: path by object. migrations: those applied at the last run.
    """

    files: dict[str, str]
    objects: dict[Name, str]
    migrations: tuple[str, ...]


def ensure_tables(connection: psycopg.Connection) -> None:
    """Create the bookkeeping tables if they are missing; the login must own the database."""
    if not tables_exist(connection):
        with connection.transaction():
            connection.execute(TABLES)


def tables_exist(connection: psycopg.Connection) -> bool:
    """Has a deploy been here?"""
    row = connection.execute("select to_regclass('deploy.migrations_seen') is not null").fetchone()
    return row == (True,)


def load(connection: psycopg.Connection) -> Record:
    """What the last deploy noted; nothing on a database without bookkeeping."""
    if not tables_exist(connection):
        return Record({}, {}, ())
    files = connection.execute("select path, sha256 from deploy.repeatables").fetchall()
    objects = connection.execute("select type, identity, path from deploy.objects").fetchall()
    seen = connection.execute("select names from deploy.migrations_seen").fetchone()
    return Record(
        dict(files),
        {Name(kind, identity): path for kind, identity, path in objects},
        tuple(seen[0]) if seen else (),
    )


def forget(connection: psycopg.Connection, paths: Iterable[str]) -> None:
    """Remove these files, and the objects they made, from the record."""
    connection.execute("delete from deploy.repeatables where path = any (%s)", (list(paths),))


def note(
    connection: psycopg.Connection, files: Mapping[str, str], objects: Mapping[Name, str]
) -> None:
    """Record which files ran and what they made; they must have been forgotten before.

    files: SHA-256 by path. objects: path by object.
    """
    connection.execute(
        """
        insert into deploy.repeatables (path, sha256)
        select f.path, f.sha256 from unnest(%s::text[], %s::text[]) as f (path, sha256)
        """,
        (list(files), list(files.values())),
    )
    connection.execute(
        """
        insert into deploy.objects (type, identity, path)
        select o.type, o.identity, o.path
          from unnest(%s::text[], %s::text[], %s::text[]) as o (type, identity, path)
        """,
        (
            [name.type for name in objects],
            [name.identity for name in objects],
            list(objects.values()),
        ),
    )


def note_migrations(connection: psycopg.Connection, names: tuple[str, ...]) -> None:
    """Record which migrations are applied now."""
    connection.execute(
        """
        insert into deploy.migrations_seen (names) values (%s)
        on conflict (singleton) do update set names = excluded.names
        """,
        (list(names),),
    )
