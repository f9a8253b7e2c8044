"""Rows that somebody might try to add: in each organization, and in somebody else's name."""

from collections.abc import Iterator
from uuid import UUID

from tests.matrix.people import ACME, BETA, Person, fixed, user_of
from tests.matrix.scene import STAFF, Row, row_id


def sample_rows(relation: str, person: Person) -> Iterator[tuple[Row, dict[str, object]]]:
    """(whose it would be, its columns). A view that takes no direct insert gets a bare key."""
    schema, table = relation.split(".")
    if relation == "api.profiles" or table in ("organizations", "user_roles", "metric_catalog"):
        key = {"metric_catalog": "metric", "profiles": "user_id"}.get(table, "id")
        yield Row(table, None, "new", "new"), {key: str(fixed("new", table))}
        return
    if table == "platform_audit_logs":
        yield Row(table, None, "new", "new"), {"table_name": "x"}
        return
    for org in (ACME, BETA):
        if relation == "api.dashboard_layouts":
            yield from _layouts(org, person)
            continue
        if relation == "api.post_call_forms":
            yield from _forms(org)
            continue
        columns = _columns(table, org) if schema == "api" else {}
        yield Row(table, org, "new", "new"), {"organization_id": org, **columns}


def _layouts(org: UUID, person: Person) -> Iterator[tuple[Row, dict[str, object]]]:
    """One's own, the organization's default, and somebody else's."""
    colleague = STAFF[org]["other"]
    for tag, user in (("own", person.name), ("colleague's", colleague), ("default", None)):
        mine = org in person.member_of or person.role == "super_admin"
        whose = user if user != person.name or mine else "somebody who belongs elsewhere"
        yield (
            Row("dashboard_layouts", org, "new", f"new {tag}", user=whose),
            {
                "organization_id": org,
                "user_id": user and (person.user_id if user == person.name else user_of(user)),
                "name": "new",
                "layout": '{"widgets": []}',
            },
        )


def _forms(org: UUID) -> Iterator[tuple[Row, dict[str, object]]]:
    """About the closer's own call, and about somebody else's."""
    for tag, whose in (("closer booked", "closer"), ("setter set", None), ("other", None)):
        yield (
            Row("post_call_forms", org, "new", f"new of {tag}", closer=whose and STAFF[org][whose]),
            {
                "organization_id": org,
                "event_id": row_id(org, "events", tag),
                "call_occurred": False,
            },
        )


def _columns(table: str, org: UUID) -> dict[str, object]:
    """What a valid new row needs beside its organization."""
    definition = row_id(org, "custom_field_definitions", "row")
    return {
        "portal_settings": {},
        "closers": {"name": "New"},
        "setters": {"name": "New"},
        "payees": {"name": "New"},
        "sources": {"name": "New"},
        "traffic_types": {"name": "New"},
        "call_types": {"name": "New"},
        "call_outcomes": {"name": "New", "call_status": "canceled"},
        "opportunity_statuses": {"name": "New"},
        "packages": {"name": "New", "currency": "USD"},
        "source_rules": {
            "position": 99,
            "field": "utm_source",
            "operator": "is_present",
            "value": "",
            "source_id": row_id(org, "sources", "row"),
        },
        "custom_field_definitions": {
            "entity": "lead",
            "name": "new",
            "label": "New",
            "field_type": "text",
        },
        "custom_field_options": {"definition_id": definition, "value": "new", "label": "New"},
        "custom_field_values": {
            "definition_id": row_id(org, "custom_field_definitions", "event"),
            "event_id": row_id(org, "events", "other"),
            "text_value": "new",
        },
        "fx_rates": {
            "day": "2026-01-03",
            "from_currency": "EUR",
            "to_currency": "USD",
            "rate": "1.2",
        },
        "leads": {"full_name": "New"},
    }.get(table, {})
