"""Moving here from a system of the seed's schema: its 35 tables, and what becomes of each.

Tables come in an order in which every reference is there before it is needed. Ids stay where they
are free, so the same dump again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import psycopg

from salesdash.imports import database
from salesdash.imports.database import Told
from salesdash.imports.dump import Dump, Row

ROWS_PER_CALL = 1000


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
MOVED_IN = (*FIRST, "setter_activities")
LEFT_OUT = {
    "user_roles": "no power here but super_admin, which only an operator grants",
    "organization_integrations": "keys are sealed with another master key: enter them again",
    "integrations": "deprecated in the seed",
    "closer_access_tokens": "links of another system open nothing here: send new ones",
    "invitations": "links of another system open nothing here: invite again",
    "rate_limits": "counts of the last minutes",
    "calendly_webhook_audit": "deliveries that were processed there; their calls are taken over",
    "audit_logs": "history of another system: keep the dump for it",
    "payout_snapshots": "reports of another system's numbers: keep them as they were paid",
    "payout_snapshot_details": "as payout_snapshots",
    "payout_snapshot_summaries": "as payout_snapshots",
    "form_configs": "other rules of validation: publish the fields with rpc/publish_form_config",
    "custom_field_definitions": "values there have no type: define the fields here",
    "custom_field_options": "as custom_field_definitions",
    "custom_field_values": "as custom_field_definitions",
    "metric_definitions": "expressions of another catalog: define them here",
    "portal_settings": "other settings: choose them here",
    "dashboard_layouts": "layouts of another frontend",
}
"""Tables that stay behind, and why; how many rows they have is in the report."""


def move(
    connection: psycopg.Connection, dump: Dump, *, only: UUID | None, is_dry_run: bool
) -> Iterator[Outcome]:
    """Take over every table of a dump. only: the id of the one organization that moves.

    A dry run tries each table by itself, on what is there already.
    """
    people: dict[str, str] = {}
    if not is_dry_run:
        for table in FIRST:
            yield _move_in(connection, dump, table, only=only, people=people)
    for source in SOURCES:
        yield _import(connection, dump, source, only=only, is_dry_run=is_dry_run)
    if not is_dry_run:
        _link_rosters(connection, dump, only=only, people=people)
        yield _move_in(connection, dump, "setter_activities", only=only, people=people)
    for table, reason in LEFT_OUT.items():
        yield Outcome(table, left_out=sum(1 for _ in dump.rows(table)), reason=reason)
    known = {source.table for source in SOURCES} | set(MOVED_IN) | set(LEFT_OUT)
    for table in sorted(dump.names - known):
        if not table.startswith("auth."):
            count = sum(1 for _ in dump.rows(table))
            yield Outcome(table, left_out=count, reason="no table of the seed")


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
    rows = [row | _user_of(row, people) for row in dump.rows(table) if _belongs(row, table, only)]
    if entity == "users":
        rows = [row for row in _people(dump, rows) if row["id"] not in people]
    if only is not None and entity == "users":
        members = {
            row.get("user_id")
            for row in dump.rows("organization_members")
            if _belongs(row, "organization_members", only)
        }
        rows = [row for row in rows if row.get("id") in members]
    said = database.move_in(connection, entity, rows)
    people.update(said["user_ids"])
    return Outcome(
        table,
        inserted=said["inserted"],
        unchanged=said["unchanged"],
        refused=said["refused"],
        told=tuple(Told(**told) for told in said["errors"]),
    )


def _people(dump: Dump, rows: list[Row]) -> list[Row]:
    """Ids, addresses and names, and nothing else of a user; names are in the profiles."""
    names = {_user_id(row): row["full_name"] for row in dump.rows("profiles") if "full_name" in row}
    return [
        {
            "id": _user_id(row),
            "email": row.get("email", ""),
            "full_name": names.get(_user_id(row), ""),
        }
        for row in rows
    ]


def _user_id(row: Row) -> str:
    return row.get("user_id", row.get("id", ""))


def _user_of(row: Row, people: Mapping[str, str]) -> Row:
    return {"user_id": people.get(row["user_id"], row["user_id"])} if "user_id" in row else {}


def _link_rosters(
    connection: psycopg.Connection, dump: Dump, *, only: UUID | None, people: Mapping[str, str]
) -> None:
    linked = [
        row | {"profile_id": people[row["profile_id"]]}
        for row in dump.rows("closers")
        if _belongs(row, "closers", only) and row.get("profile_id") in people
    ]
    database.move_in(connection, "roster_links", linked)


def _import(
    connection: psycopg.Connection,
    dump: Dump,
    source: Source,
    *,
    only: UUID | None,
    is_dry_run: bool,
) -> Outcome:
    total = Outcome(source.table)
    known = database.organization_ids(connection)
    for numbered in _batches(dump, source, only):
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
                is_dry_run=is_dry_run,
                is_lenient=True,
            )
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
    return total


def _batches(dump: Dump, source: Source, only: UUID | None) -> Iterator[list[tuple[int, Row]]]:
    batch: list[tuple[int, Row]] = []
    for number, row in enumerate(dump.rows(source.table), 1):
        if _belongs(row, source.table, only):
            batch.append((number, row))
        if len(batch) == ROWS_PER_CALL:
            yield batch
            batch = []
    if batch:
        yield batch
