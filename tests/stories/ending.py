"""How a story ends: the rows that count, with what they are of in place of ids."""

import json
import re
from typing import Any

from tests.stories.telling import Stage

Rows = dict[str, list[dict[str, Any]]]

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

NAMES = """
    select id, 'closer ' || name as name from app.closers where organization_id = %(id)s
    union all select id, 'setter ' || name from app.setters where organization_id = %(id)s
    union all select id, 'payee ' || name from app.payees where organization_id = %(id)s
    union all select id, 'source ' || name from app.sources where organization_id = %(id)s
    union all select id, 'package ' || name from app.packages where organization_id = %(id)s
    union all select id, 'type ' || name from app.call_types where organization_id = %(id)s
    union all
    select id, 'connection ' || name from app.webhook_connections where organization_id = %(id)s
    union all
    select id, 'lead ' || coalesce(email, phone, 'nameless') from app.leads
     where organization_id = %(id)s
    union all
    select id, 'call ' || calendly_invitee_uuid from app.events where organization_id = %(id)s
    union all
    select f.id, 'form of ' || e.calendly_invitee_uuid
      from app.post_call_forms as f
      join app.events as e on e.organization_id = f.organization_id and e.id = f.event_id
     where f.organization_id = %(id)s
    union all
    select p.id, coalesce(p.provider_payment_id, 'claim of ' || e.calendly_invitee_uuid)
      from app.payments as p
      left join app.events as e on e.organization_id = p.organization_id and e.id = p.event_id
     where p.organization_id = %(id)s
    union all
    select d.id, 'deal of ' || coalesce(e.calendly_invitee_uuid, p.provider_payment_id)
      from app.deals as d
      left join app.events as e
        on e.organization_id = d.organization_id and e.id = d.origin_event_id
      left join app.payments as p
        on p.organization_id = d.organization_id and p.id = d.origin_payment_id
     where d.organization_id = %(id)s
"""

TABLES = {
    "leads": "true",
    "lead_identities": "true",
    "lead_touches": "true",
    "events": "true",
    "post_call_forms": "t.is_active",
    "payments": "true",
    "payment_refunds": "true",
    "payment_credits": "true",
    "payment_carriers": "true",
    "deals": "t.status <> 'void'",
    "deal_installments": "exists (select from app.deals as d where d.organization_id ="
    " t.organization_id and d.id = t.deal_id and d.status <> 'void')",
    "exceptions": "t.state = 'open'",
}
"""What of each table counts. Voided deals, forms that no longer rule and exceptions that are
resolved are history: they say what was believed meanwhile, and that depends on what came first."""

WRITING = {
    "id", "organization_id", "created_at", "updated_at", "first_seen_at", "last_seen_at",
    "version", "is_settled",
}  # fmt: skip
"""Columns that tell of the writing, not of the story."""


def as_text(value: object) -> str:
    """A canonical text, by which rows are put in order."""
    return json.dumps(value, sort_keys=True)


def ending(stage: Stage) -> Rows:
    """The rows of each table that count, in an order that does not depend on their ids."""
    names = {str(row["id"]): row["name"] for row in stage.world.rows(NAMES, id=stage.acme.id)}

    def named(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("attribution_method") == "manual":
            row = {**row, "attribution_steps": "what the person saw when they decided"}
        kept = {column: value for column, value in row.items() if column not in WRITING}
        text = ID.sub(lambda found: names.get(found[0], found[0]), as_text(kept))
        plain: dict[str, Any] = json.loads(text)
        return plain

    return {
        table: sorted(
            (
                named(row["row"])
                for row in stage.world.rows(
                    f"select to_jsonb(t) as row from app.{table} as t"
                    f" where t.organization_id = %s and {counts}",
                    stage.acme.id,
                )
            ),
            key=as_text,
        )
        for table, counts in TABLES.items()
    }


def differences(expected: Rows, found: Rows) -> list[str]:
    """What only one of two endings has, row by row; what rows have in common is left out."""
    told: list[str] = []
    for table, rows in expected.items():
        missing = [row for row in rows if row not in found[table]]
        extra = [row for row in found[table] if row not in rows]
        if len(missing) != len(extra):
            told += [f"{table} lacks {as_text(row)}" for row in missing]
            told += [f"{table} has {as_text(row)}" for row in extra]
            continue
        for wanted, got in zip(missing, extra, strict=True):
            told += [
                f"{table}.{column} is {as_text(got[column])}, not {as_text(value)}"
                for column, value in wanted.items()
                if got[column] != value
            ]
    return told
