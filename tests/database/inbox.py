"""An inbox in the transaction of a test: deliveries handed over as the gateway does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.stripe_events import Event
from tests.world import Organization


@dataclass(frozen=True)
class Inbox:
    """A connection of an organization, behind the gateway."""

    organization: Organization
    connection_id: UUID

    def take(self, event: Event) -> str:
        """Hand over one verified delivery; the status that is answered."""
        (status,) = take_together([(self, event)])
        return status

    def rows(self, table: str, order: str = "id") -> list[dict[str, Any]]:
        """The organization's rows of app.<table>."""
        return self.organization.world.rows(
            f"select * from app.{table} where organization_id = %s order by {order}",
            self.organization.id,
        )

    def row(self, table: str) -> dict[str, Any]:
        """The organization's only row of app.<table>."""
        (found,) = self.rows(table)
        return found

    def open_exceptions(self) -> set[str]:
        """The names of the checks that have something open."""
        return {row["check_name"] for row in self.rows("exceptions") if row["state"] == "open"}


def take_together(deliveries: Sequence[tuple[Inbox, Event]]) -> list[str]:
    """Hand over verified deliveries in one call; the status of each, in their order."""
    world = deliveries[0][0].organization.world
    with world.acting_as_role("gateway") as gateway:
        recorded = gateway.rows(
            "select status from ingest.record_deliveries(%s)", Jsonb(handed(deliveries))
        )
    return [row["status"] for row in recorded]


def handed(deliveries: Sequence[tuple[Inbox, Event]]) -> list[dict[str, Any]]:
    """What ingest.record_deliveries is given."""
    return [
        {
            "organization_id": str(inbox.organization.id),
            "connection_id": str(inbox.connection_id),
            "is_late": False,
            "body": event,
        }
        for inbox, event in deliveries
    ]


def open_inbox(
    organization: Organization,
    *,
    provider: str = "stripe",
    rate_limit_per_minute: int = 10_000,
    **columns: object,
) -> Inbox:
    """A new connection, of Stripe unless another provider is named."""
    connection_id = organization.world.insert(
        "webhook_connections",
        organization_id=organization.id,
        name=provider,
        connection_type=provider,
        rate_limit_per_minute=rate_limit_per_minute,
        **columns,
    )
    return Inbox(organization, connection_id)


REFUND = ("provider_refund_id", "kind", "status", "amount", "amount_base", "refunded_at")


def ending(inbox: Inbox, columns: Sequence[str]) -> dict[str, Any]:
    """What deliveries about one payment ended in: its columns, refunds, credits and exceptions."""
    paid, refunds = inbox.row("payments"), inbox.rows("payment_refunds")
    assert all(row["payment_id"] == paid["id"] for row in refunds)
    return {
        "payment": {name: paid[name] for name in columns},
        "refunds": sorted([str(row[name]) for name in REFUND] for row in refunds),
        "credits": sorted(
            (row["role"], row["share"], row["amount_base"]) for row in inbox.rows("payment_credits")
        ),
        "exceptions": inbox.open_exceptions(),
    }
