"""Webhook endpoints of an organization, at the real gateway."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox
from tests.fixtures.processes import MASTER_KEY
from tests.stripe_events import SECRET, Event, as_sent, signature
from tests.world import Organization

Signer = Callable[[bytes], Mapping[str, str]]
"""The headers by which a provider vouches for a body."""


def signed_by_stripe(body: bytes) -> Mapping[str, str]:
    """Stripe's headers, made by Stripe's own library."""
    return {"content-type": "application/json; charset=utf-8", "stripe-signature": signature(body)}


@dataclass(frozen=True)
class Endpoint:
    """Where one provider delivers. client: whose base URL is the gateway."""

    client: httpx.Client = field(repr=False)
    organization: Organization
    id: UUID
    provider: str = "stripe"
    signed: Signer = field(default=signed_by_stripe, repr=False)

    @property
    def path(self) -> str:
        return f"/hooks/{self.provider}/{self.id}"

    def post(
        self, body: bytes, *, header: str | None = None, path: str | None = None
    ) -> httpx.Response:
        """Deliver these bytes, signed. header: the Stripe-Signature instead of a good one."""
        headers = self.signed(body) if header is None else {"stripe-signature": header}
        return self.client.post(
            path or self.path,
            content=body,
            headers={name: value.encode("latin-1") for name, value in headers.items()},
        )

    def send(self, event: Event) -> str:
        """Deliver a genuine event, which is accepted; the status that is answered."""
        answer = self.post(as_sent(event))
        assert answer.status_code == 200, answer.text
        status: str = answer.json()["status"]
        return status

    def rows(self, table: str, order: str = "id") -> list[dict[str, object]]:
        """The organization's rows of app.<table>."""
        return self.organization.world.rows(
            f"select * from app.{table} where organization_id = %s order by {order}",
            self.organization.id,
        )

    def count(self, table: str) -> int:
        """How many rows the organization has in app.<table>."""
        return len(self.rows(table))


def open_endpoint(
    client: httpx.Client,
    organization: Organization,
    *,
    provider: str = "stripe",
    signed: Signer = signed_by_stripe,
    secret: str = SECRET,
    rate_limit_per_minute: int = 10_000,
) -> Endpoint:
    """A new connection, its secret sealed as the gateway seals it."""
    connection_id = organization.world.value("select uuidv7()")
    organization.world.insert(
        "webhook_connections",
        organization_id=organization.id,
        id=connection_id,
        name=f"{provider} {connection_id}",
        connection_type=provider,
        webhook_secret=sealed(secret, organization.id, connection_id),
        rate_limit_per_minute=rate_limit_per_minute,
    )
    return Endpoint(client, organization, connection_id, provider, signed)


def sealed(secret: str, organization_id: UUID, connection_id: UUID) -> bytes:
    """A signing secret as the database keeps it."""
    return seal_connection_secret(
        SecretBox(MASTER_KEY), secret, organization_id=organization_id, connection_id=connection_id
    )
