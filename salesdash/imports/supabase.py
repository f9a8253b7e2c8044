"""Moving here from the original Supabase system: its 35 tables, and what becomes of each.

Tables come in an order in which every reference is there before it is needed. Ids stay where they
are free, so the same dump again changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from decimal import Decimal
from itertools import groupby, islice
from typing import NamedTuple, TypeVar
from uuid import UUID

import psycopg

from salesdash.imports import database
from salesdash.imports.database import Told
from salesdash.imports.dump import Dump, Row

ROWS_PER_CALL = 1000

Item = TypeVar("Item")


class Outcome(NamedTuple):
    """What became of a table of the dump. reason: why it was left out, else empty."""

    table: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    left_out: int = 0
    reason: str = ""
    told: tuple[Told, ...] = ()


class Source(NamedTuple):
    """A table that is taken over, as rows of an entity that app.import_rows takes."""

    table: str
    entity: str
    converted: Callable[[Row], Row] = lambda row: row


def _without(*columns: str) -> Callable[[Row], Row]:
    return lambda row: {name: value for name, value in row.items() if name not in columns}


def _form(row: Row) -> Row:
    """A later answer implies the earlier ones; where the lead did not come it is a no-show."""
    said = dict(row)
    answers = ("call_occurred", "lead_showed", "offer_made", "deal_closed")
    true = {name for name in answers if said.get(name, "").lower() in ("t", "true", "1", "yes")}
    for position, name in enumerate(answers):
        if true & set(answers[position:]):
            true.add(name)
    if "lead_showed" not in true:
        true = set()
        said.setdefault("non_occurrence_reason", "lead_no_show")
    said.update({name: "true" if name in true else "false" for name in answers})
    return said


SOURCES = (
    Source("sources", "sources"),
    Source("traffic_types", "traffic_types"),
    Source("call_types", "call_types"),
    Source("call_outcomes", "call_outcomes"),
    Source("opportunity_statuses", "opportunity_statuses"),
    Source("packages", "packages"),
    Source("closers", "closers"),
    Source("setters", "setters"),
    Source("leads", "leads"),
    Source("events", "events"),
    Source("post_call_forms", "post_call_forms", _form),
    Source("payments", "payments", _without("net_revenue", "source")),
)
FIRST = ("organizations", "auth.users", "profiles", "organization_members", "webhook_connections")
SETTINGS = (
    "organization_integrations",
    "integrations",
    "portal_settings",
    "metric_definitions",
    "dashboard_layouts",
    "invitations",
    "setter_activities",
    "custom_field_definitions",
    "custom_field_options",
    "custom_field_values",
    "form_configs",
)
"""After the records: history is not measured by a form that is asked now."""
MOVED_IN = (*FIRST, *SETTINGS)
LEFT_OUT = {
    "user_roles": "no power here but super_admin, which only an operator grants",
    "closer_access_tokens": "only their hashes are kept, and other ones: send new links",
    "rate_limits": "counts of the last minutes",
    "calendly_webhook_audit": "deliveries that were processed there; their calls are taken over",
    "audit_logs": "this trail says what happened here, and theirs holds secrets: keep the dump",
    "payout_snapshots": "paid by other numbers than the ledger here: the report has their totals",
    "payout_snapshot_details": "summed in the report beside their snapshots",
    "payout_snapshot_summaries": "in the report, row by row",
}
"""Tables that stay behind, and why; how many rows they have is in the report."""
PARENTS = {
    "custom_field_options": "custom_field_definitions",
    "custom_field_values": "custom_field_definitions",
    "payout_snapshot_details": "payout_snapshots",
    "payout_snapshot_summaries": "payout_snapshots",
    "closer_access_tokens": "closers",
}
"""Tables whose rows may leave their organization to the row that they belong to."""
PARENT_KEYS = {
    "custom_field_definitions": (
        "definition_id",
        "custom_field_definition_id",
        "field_definition_id",
        "custom_field_id",
        "field_id",
    ),
    "payout_snapshots": ("snapshot_id", "payout_snapshot_id"),
    "closers": ("closer_id",),
}
RECORDS_SHOWN = 20
HANDLED = {"organization_id", "updated_at", "profile_id", "pcf_submitted"}
"""Columns that mean something without being a field of their row here."""
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,12})?")


def organization_of(dump: Dump, given: str) -> UUID | None:
    """The id of an organization of the dump, by that id or by its slug."""
    for row in dump.rows("organizations"):
        if given.lower() in (row.get("id", "").lower(), row.get("slug", "").lower()):
            return UUID(row["id"])
    return None


def move(
    connection: psycopg.Connection, dump: Dump, *, only: UUID | None, is_dry_run: bool
) -> Iterator[Outcome]:
    """Take over every table of a dump. only: the id of the one organization that moves.

    A dry run does all of it in one transaction and undoes it, so rows find what they name.
    """
    with connection.transaction(force_rollback=True) if is_dry_run else nullcontext():
        yield from _moved(connection, dump, only)


def _moved(connection: psycopg.Connection, dump: Dump, only: UUID | None) -> Iterator[Outcome]:
    people: dict[str, str] = {}
    for table in FIRST:
        yield _move_in(connection, dump, table, only=only, people=people)
    for source in SOURCES:
        yield _import(connection, dump, source, only=only)
    _link_rosters(connection, dump, only=only, people=people)
    for table in SETTINGS:
        yield _move_in(connection, dump, table, only=only, people=people)
    for table in ("custom_field_options", "custom_field_definitions"):
        for ended in _batched(row for _, row in _rows(dump, table, only)):
            database.move_in(connection, "custom_field_ends", ended)
    for table, reason in LEFT_OUT.items():
        told = tuple(_told_of(dump, table, only))
        count = sum(1 for _ in _rows(dump, table, only))
        yield Outcome(table, left_out=count, reason=reason, told=told)
    known = {source.table for source in SOURCES} | set(MOVED_IN) | set(LEFT_OUT)
    for table in sorted(dump.names - known):
        if not table.startswith("auth."):
            count = sum(1 for _ in dump.rows(table))
            yield Outcome(table, left_out=count, reason="no table of the original system")


def _rows(dump: Dump, table: str, only: UUID | None) -> Iterator[tuple[int, Row]]:
    """The rows of a table with their numbers, each with its organization."""
    parent = PARENTS.get(table)
    organizations = (
        {row.get("id", ""): row.get("organization_id", "") for row in dump.rows(parent)}
        if parent
        else {}
    )
    members = {
        row.get("user_id")
        for row in dump.rows("organization_members" if table == "user_roles" else "")
        if _belongs(row, "organization_members", only)
    }
    for number, row in enumerate(dump.rows(table), 1):
        owned = row
        if parent and "organization_id" not in row:
            owned = row | {"organization_id": organizations.get(_parent(row, parent), "")}
        if _belongs(owned, table, only) or row.get("user_id") in members:
            yield number, owned


def _batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(items)
    while batch := list(islice(left, ROWS_PER_CALL)):
        yield batch


def _belongs(row: Row, table: str, only: UUID | None) -> bool:
    key = "id" if table == "organizations" else "organization_id"
    return only is None or table in ("auth.users", "profiles") or row.get(key) == str(only)


def _move_in(
    connection: psycopg.Connection,
    dump: Dump,
    table: str,
    *,
    only: UUID | None,
    people: dict[str, str],
) -> Outcome:
    entity = {"auth.users": "users", "profiles": "users"}.get(table, table)
    rows = _completed(dump, table, only)
    if entity == "users":
        rows = _people(dump, table, only, known=frozenset(people))
    total = Outcome(table)
    ignored: set[str] = set()
    for batch in _batched(rows):
        said = database.move_in(
            connection, entity, [{**row, **_users_of(row, people)} for _, row in batch]
        )
        people.update(said["user_ids"])
        ignored.update(said["ignored"])
        told = (Told(**told) for told in (*said["errors"], *said["notes"]))
        total = total._replace(
            inserted=total.inserted + said["inserted"],
            updated=total.updated + said["updated"],
            unchanged=total.unchanged + said["unchanged"],
            refused=total.refused + said["refused"],
            told=(*total.told, *(t._replace(row=batch[t.row - 1][0]) for t in told)),
        )
    return total._replace(told=(*total.told, *_without_meaning(ignored)))


def _completed(
    dump: Dump, table: str, only: UUID | None
) -> Iterable[tuple[int, Mapping[str, object]]]:
    """Rows in the order in which they are taken, with what the rows beside them tell of them."""
    rows = _rows(dump, table, only)
    if table == "integrations":
        listed = list(rows)
        return [
            (
                number,
                row
                | {
                    "others": [
                        other
                        for n, other in listed
                        if n != number
                        and other.get("organization_id") == row.get("organization_id")
                    ]
                },
            )
            for number, row in listed
        ]
    if table == "custom_field_definitions":
        records: defaultdict[str, list[str]] = defaultdict(list)
        for value in dump.rows("custom_field_values"):
            named = records[_parent(value, table)]
            if len(named) < RECORDS_SHOWN and "record_id" in value:
                named.append(value["record_id"])
        chosen = {_parent(option, table) for option in dump.rows("custom_field_options")}
        return (
            (
                number,
                row
                | {
                    "record_ids": records.get(row.get("id", ""), []),
                    "has_options": row.get("id") in chosen,
                },
            )
            for number, row in rows
        )
    if table == "form_configs":
        return sorted(rows, key=lambda item: item[1].get("created_at", ""))
    return rows


def _parent(row: Row, table: str) -> str:
    """The id of the row of this table that a row belongs to."""
    return next((row[key] for key in PARENT_KEYS[table] if key in row), "")


def _told_of(dump: Dump, table: str, only: UUID | None) -> Iterator[Told]:
    """What is left to do about rows that stay behind."""
    sums = _sums(dump) if table == "payout_snapshots" else {}
    told: Mapping[str, Callable[[Row], tuple[str, str]]] = {
        "user_roles": lambda row: (
            "role",
            f"{row.get('role')} of person {row.get('user_id')} is not taken over.",
        ),
        "closer_access_tokens": lambda row: (
            "closer_id",
            f"Send closer {row.get('closer_id')} a new link.",
        ),
        "payout_snapshots": lambda row: (
            "name",
            f"{_cells(row)}; its details: {_counted(sums.get(row.get('id', ''), {}))}",
        ),
        "payout_snapshot_summaries": lambda row: ("snapshot_id", _cells(row)),
    }
    if table in told:
        for number, row in _rows(dump, table, only):
            yield Told(number, *told[table](row))


def _sums(dump: Dump) -> defaultdict[str, dict[str, Decimal]]:
    """What the details of each payout snapshot add up to, for every column of numbers."""
    sums: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in dump.rows("payout_snapshot_details"):
        total = sums[_parent(row, "payout_snapshots")]
        total["rows"] = total.get("rows", Decimal()) + 1
        for column, cell in row.items():
            if NUMBER.fullmatch(cell) and not column.endswith("id"):
                total[column] = total.get(column, Decimal()) + Decimal(cell)
    return sums


def _counted(sums: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{name} {total}" for name, total in sums.items()) or "none"


def _cells(row: Row) -> str:
    return ", ".join(
        f"{name} {cell}" for name, cell in row.items() if name not in ("id", "organization_id")
    )


def _people(
    dump: Dump, table: str, only: UUID | None, *, known: frozenset[str]
) -> Iterator[tuple[int, Row]]:
    """Ids, addresses and names, and nothing else of a user; names are in the profiles."""
    names = {_user_id(row): row["full_name"] for row in dump.rows("profiles") if "full_name" in row}
    members = {row.get("user_id") for _, row in _rows(dump, "organization_members", only)}
    for number, row in _rows(dump, table, only):
        user = _user_id(row)
        if user not in known and (only is None or user in members):
            email, name = row.get("email", ""), names.get(user, "")
            yield number, {"id": user, "email": email, "full_name": name}


def _user_id(row: Row) -> str:
    return row.get("user_id", row.get("id", ""))


def _users_of(row: Mapping[str, object], people: Mapping[str, str]) -> Row:
    named = {key: str(row[key]) for key in ("user_id", "invited_by") if key in row}
    return {key: people.get(user, user) for key, user in named.items()}


def _link_rosters(
    connection: psycopg.Connection, dump: Dump, *, only: UUID | None, people: Mapping[str, str]
) -> None:
    linked = [
        row | {"profile_id": people[row["profile_id"]]}
        for _, row in _rows(dump, "closers", only)
        if row.get("profile_id") in people
    ]
    database.move_in(connection, "roster_links", linked)


def _import(
    connection: psycopg.Connection,
    dump: Dump,
    source: Source,
    *,
    only: UUID | None,
) -> Outcome:
    total = Outcome(source.table)
    ignored: set[str] = set()
    known = database.organization_ids(connection)
    for numbered in _batched(_rows(dump, source.table, only)):
        by_organization = sorted(
            numbered, key=lambda item: (item[1].get("organization_id", ""), item[0])
        )
        for organization, rows in groupby(
            by_organization, lambda item: item[1].get("organization_id", "")
        ):
            listed = list(rows)
            if organization not in known:
                told = tuple(
                    Told(number, "organization_id", "There is no such organization.")
                    for number, _ in listed
                )
                total = total._replace(refused=total.refused + len(told), told=(*total.told, *told))
                continue
            report = database.try_import(
                connection,
                UUID(organization),
                source.entity,
                [source.converted(row) for _, row in listed],
                is_dry_run=False,
                is_lenient=True,
            )
            ignored.update(report.ignored)
            told = tuple(
                t._replace(row=listed[t.row - 1][0]) for t in (*report.errors, *report.notes)
            )
            total = total._replace(
                inserted=total.inserted + report.inserted,
                updated=total.updated + report.updated,
                unchanged=total.unchanged + report.unchanged,
                refused=total.refused + report.refused,
                told=(*total.told, *told),
            )
    return total._replace(told=(*total.told, *_without_meaning(ignored - HANDLED)))


def _without_meaning(columns: Iterable[str]) -> tuple[Told, ...]:
    return tuple(Told(0, column, "There is no such column here.") for column in sorted(columns))
