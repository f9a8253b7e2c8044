"""Personal links of a scene: made as an admin makes them, followed as the gateway follows them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.world import Organization, Person, Row, World

ADDRESS = "198.51.100.7"


@dataclass(frozen=True)
class Link:
    """Somebody's personal link, and what its holder can do with it."""

    world: World = field(repr=False)
    organization_id: UUID
    token: str
    id: UUID

    def get(self, *, address: str = ADDRESS) -> tuple[str, dict[str, Any]]:
        """(outcome, what the portal shows)."""
        return self._ask("session.portal_get(%s, %s)", address)

    def statement(self, *, address: str = ADDRESS) -> tuple[str, dict[str, Any]]:
        """(outcome, what the statement page shows)."""
        return self._ask("session.statement_get(%s, %s)", address)

    def submit(
        self, call: Row, *, address: str = ADDRESS, **form: object
    ) -> tuple[str, dict[str, Any]]:
        """(outcome, what came of the form)."""
        return self._ask("session.portal_submit(%s, %s, %s, %s)", call.id, Jsonb(form), address)

    def row(self) -> dict[str, Any]:
        """The link as the database keeps it."""
        (row,) = self.world.rows(
            "select * from app.closer_access_tokens where organization_id = %s and id = %s",
            self.organization_id,
            self.id,
        )
        return row

    def _ask(self, function: str, *arguments: object) -> tuple[str, dict[str, Any]]:
        (row,) = self.world.rows(f"select * from {function}", hash_of(self.token), *arguments)
        # The gateway's transaction ends here, and with it what it says of who is acting.
        self.world.execute("select set_config('app.access_link_id', '', true)")
        return row["outcome"], row["document"] or {}


def hash_of(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


def link_of(
    organization: Organization,
    person: Person,
    *,
    scope: str = "pcf",
    snapshot: Row | None = None,
    days: float = 30,
) -> Link:
    """A link of a closer or payee. days: how long it is still good; negative for an old one."""
    token = uuid4().hex
    link_id = organization.world.insert(
        "closer_access_tokens",
        organization_id=organization.id,
        closer_id=person.closer_id if scope == "pcf" else None,
        payee_id=person.payee_id,
        snapshot_id=snapshot and snapshot.id,
        scope=scope,
        token_hash=hash_of(token),
        expires_at=organization.world.value(
            "select now() + make_interval(secs => %s)", days * 86400
        ),
    )
    return Link(organization.world, organization.id, token, link_id)


def locked_payout(
    organization: Organization, person: Person, *, name: str = "November", state: str = "locked"
) -> Row:
    """A payout in which somebody has a part of 1,250.00."""
    world = organization.world
    snapshot = world.insert(
        "payout_snapshots",
        organization_id=organization.id,
        name=name,
        period_start="2026-11-01",
        period_end="2026-11-30",
        timezone=organization.timezone,
        state=state,
        currency=organization.currency,
        commission="1250.00",
        approved_at="2026-12-01T00:00:00Z" if state != "draft" else None,
        locked_at="2026-12-01T00:00:00Z" if state != "draft" else None,
    )
    world.insert(
        "payout_snapshot_summaries",
        organization_id=organization.id,
        snapshot_id=snapshot,
        dimension="payee",
        payee_id=person.payee_id,
        label=person.name,
        commission="1250.00",
    )
    return Row(organization.id, snapshot)


def ago(world: World, interval: str) -> datetime:
    """The moment that lies this long before now; a negative interval lies ahead."""
    moment: datetime = world.value("select now() - %s::interval", interval)
    return moment
