"""What repeatable files can make (views, functions, triggers, policies), as the catalog has it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL

from salesdash.deploy.bookkeeping import Name

# Where the things that a repeatable file can make are in the catalog, by a word that a file which
# makes or grants one has to use.
_KINDS = {
    "function": SQL("""
        select 'pg_proc'::regclass::oid as classid, p.oid, p.ctid, p.xmin, p.pronamespace as schema
          from pg_proc as p"""),
    "view": SQL("""
        select 'pg_class'::regclass::oid as classid, c.oid, c.ctid, c.xmin, c.relnamespace as schema
          from pg_class as c where c.relkind in ('v', 'm')"""),
    "policy": SQL("""
        select 'pg_policy'::regclass::oid as classid, p.oid, p.ctid, p.xmin,
               c.relnamespace as schema
          from pg_policy as p join pg_class as c on c.oid = p.polrelid"""),
    "trigger": SQL("""
        select 'pg_trigger'::regclass::oid as classid, t.oid, t.ctid, t.xmin,
               c.relnamespace as schema
          from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
         where not t.tgisinternal and t.tgparentid = 0"""),
}
_CANDIDATES = SQL(" union all ").join(_KINDS.values())

_LIVE = SQL("""
    select i.type, i.identity, c.classid, c.oid, p.polrelid::regclass::text
      from ({}) as c
      left join pg_policy as p on c.classid = 'pg_policy'::regclass and p.oid = c.oid
      join pg_namespace as n on n.oid = c.schema
     cross join pg_identify_object(c.classid, c.oid, 0) as i
     where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'deploy', 'sqitch')
       and not exists (
            select from pg_depend as d
             where d.classid = c.classid and d.objid = c.oid and d.deptype = 'e')
""").format(_CANDIDATES)

_TOUCHED = SQL("""
    select c.classid, c.oid, c.ctid::text
      from ({}) as c
     where c.xmin = pg_current_xact_id_if_assigned()::xid
""")

# (what depends, on what), rules read as their views, row types as their relations.
_EDGES = """
    select distinct
           case when r.oid is not null then 'pg_class'::regclass::oid else d.classid end,
           coalesce(r.ev_class, d.objid),
           case when t.oid is not null then 'pg_class'::regclass::oid else d.refclassid end,
           coalesce(nullif(t.typrelid, 0), e.typrelid, d.refobjid)
      from pg_depend as d
      left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
      left join pg_type as t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
       and (t.typrelid <> 0 or t.typelem <> 0)
      left join pg_type as e on e.oid = t.typelem
     where d.deptype in ('n', 'a', 'i')
       and d.classid in ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_policy'::regclass,
                         'pg_trigger'::regclass, 'pg_rewrite'::regclass)
       and d.refclassid in ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
       and d.refobjid >= 16384
"""


class Row(NamedTuple):
    """The address of an object in the catalog: oid of the catalog, oid in it."""

    classid: int
    oid: int


@dataclass(frozen=True)
class Catalog:
    """The objects that exist, those that depend on each directly, and each policy's table."""

    names: dict[Row, Name]
    dependants: dict[Name, frozenset[Name]]
    tables: dict[Name, str]

    @cached_property
    def objects(self) -> frozenset[Name]:
        """The names alone."""
        return frozenset(self.names.values())

    def with_dependants(self, roots: Iterable[Name]) -> frozenset[Name]:
        """Those of roots that exist, with everything that depends on them, directly or not."""
        found: set[Name] = set()
        waiting = [root for root in roots if root in self.objects]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.dependants.get(name, ()))
        return frozenset(found)

    def newest_first(self, names: frozenset[Name]) -> tuple[Name, ...]:
        """An order in which these can be dropped: dependants before what they depend on.

        Functions that call each other in a circle have none; they come in any order, and the
        drop of the first says why it fails.
        """
        graph = {
            name: sorted(self.dependants.get(name, frozenset()) & names) for name in sorted(names)
        }
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError:
            return tuple(sorted(names))


def load(connection: psycopg.Connection) -> Catalog:
    """Read the catalog; takes no lock on any table of ours."""
    names: dict[Row, Name] = {}
    tables: dict[Name, str] = {}
    for kind, identity, classid, oid, table in connection.execute(_LIVE):
        name = names[Row(classid, oid)] = Name(kind, identity)
        if table is not None:
            tables[name] = table
    dependants: defaultdict[Name, set[Name]] = defaultdict(set)
    for classid, oid, refclassid, refoid in connection.execute(_EDGES):
        dependant, on = names.get(Row(classid, oid)), names.get(Row(refclassid, refoid))
        if dependant and on and dependant != on:
            dependants[on].add(dependant)
    return Catalog(
        names,
        {name: frozenset(who) for name, who in dependants.items()},
        tables,
    )


def touched(connection: psycopg.Connection, text: str) -> dict[Row, str]:
    """What this transaction has made or changed, each with the place of its catalog row.

    text: statements; kinds of objects that they do not even mention are left out.
    The place is another one after every change, so two calls tell what happened between them.
    """
    words = text.lower().replace("procedure", "function").replace("routine", "function")
    kinds = [query for word, query in _KINDS.items() if word in words]
    if not kinds:
        return {}
    query = _TOUCHED.format(SQL(" union all ").join(kinds))
    return {Row(classid, oid): ctid for classid, oid, ctid in connection.execute(query)}


def identify(connection: psycopg.Connection, rows: Iterable[Row]) -> dict[Row, Name]:
    """The names of those of these objects that exist."""
    wanted = list(rows)
    found = connection.execute(
        """
        select r.classid, r.oid, i.type, i.identity
          from unnest(%s::oid[], %s::oid[]) as r (classid, oid)
         cross join pg_identify_object(r.classid, r.oid, 0) as i
         where i.identity is not null
        """,
        ([row.classid for row in wanted], [row.oid for row in wanted]),
    )
    return {Row(classid, oid): Name(kind, identity) for classid, oid, kind, identity in found}
