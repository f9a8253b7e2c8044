"""Grants are what the files say: those given earlier are taken back before a file runs again.

`create or replace function` keeps the grants of the function it replaces, and a table keeps its
own: a grant that was deleted from a file would live on.
"""

from collections.abc import Iterable

import psycopg

_REVOKE = """
    select format('revoke all on %%s %%s from %%s', a.kind, a.identity,
                  case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
      from (
            select 'routine' as kind, p.oid::regprocedure::text as identity, g.grantee
              from unnest(%(functions)s::text[]) as f (identity)
              join pg_proc as p on p.oid = to_regprocedure(f.identity)
             cross join aclexplode(p.proacl) as g
             where g.grantee <> p.proowner
            union
            select 'table', c.oid::regclass::text, g.grantee
              from unnest(%(tables)s::text[]) as t (identity)
              join pg_class as c on c.oid = to_regclass(t.identity)
             cross join lateral (
                    select a.grantee from aclexplode(c.relacl) as a
                     union
                    select e.grantee from pg_attribute as a, aclexplode(a.attacl) as e
                     where a.attrelid = c.oid
                  ) as g
             where g.grantee <> c.relowner
           ) as a
"""


def take_back(
    connection: psycopg.Connection, *, functions: Iterable[str], tables: Iterable[str]
) -> None:
    """Revoke from everybody but the owner what is granted on these.

    functions: as `schema.name(argument types)`; tables: as `schema.name`.
    """
    found = connection.execute(
        _REVOKE,
        {"functions": list(functions), "tables": list(tables)},
    )
    for (statement,) in found.fetchall():
        connection.execute(statement)
