"""What an admin does through the API's functions, and what is left behind."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.world import Organization, Person, Row, World


def ask(world: World, who: Person, function: str, **arguments: Any) -> list[dict[str, Any]]:
    """Call a function of the API; the rows that it answers."""
    named = ", ".join(f"{name} => %({name})s" for name in arguments)
    with world.acting_as(who) as db:
        return db.rows(f"select * from api.{function}({named})", **arguments)


def ask_one(world: World, who: Person, function: str, **arguments: Any) -> dict[str, Any]:
    """The same of a function that answers one row."""
    (row,) = ask(world, who, function, **arguments)
    return row


def payment(acme: Organization, payment_id: UUID) -> dict[str, Any]:
    """The payment as it is now."""
    (row,) = acme.world.rows(
        "select * from app.payments where organization_id = %s and id = %s", acme.id, payment_id
    )
    return row


def credits_of(acme: Organization, payment_id: UUID) -> dict[UUID, Decimal]:
    """How much of a payment each closer and setter is credited with."""
    return {
        row["closer_id"] or row["setter_id"]: row["amount_base"]
        for row in acme.world.rows(
            "select * from app.payment_credits where organization_id = %s and payment_id = %s",
            acme.id,
            payment_id,
        )
    }


def open_exceptions(acme: Organization, about: UUID) -> set[str]:
    """The checks that have something open about a row."""
    return {
        row["check_name"]
        for row in acme.world.rows(
            "select check_name from app.exceptions"
            " where organization_id = %s and dedupe_key = %s and state = 'open'",
            acme.id,
            str(about),
        )
    }


def identities(acme: Organization, lead: Row) -> set[tuple[str, str]]:
    """What a lead is known by."""
    return {
        (row["kind"], row["value"])
        for row in acme.world.rows(
            "select kind, value from app.lead_identities"
            " where organization_id = %s and lead_id = %s",
            acme.id,
            lead.id,
        )
    }
