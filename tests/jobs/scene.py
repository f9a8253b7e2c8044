"""Words for scenes of jobs and messages, on top of tests.world."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.world import Organization, World

NOW = datetime(2030, 3, 10, 16, 0, tzinfo=UTC)
"""Later than anything that other tests leave behind."""


def queue_run(
    world: World, organization: Organization, kind: str = "data-quality", **columns: object
) -> UUID:
    """A run that is due at NOW."""
    return world.insert(
        "sync_runs", organization_id=organization.id, kind=kind, available_at=NOW, **columns
    )


def claim(world: World, worker: str, now: datetime = NOW) -> dict[str, Any] | None:
    """What this worker gets from the queue."""
    rows = world.rows("select * from jobs.claim_run(%s, %s)", worker, now)
    return rows[0] if rows else None


def state_of(world: World, run: UUID) -> dict[str, Any]:
    """The whole row of a run."""
    return world.rows("select * from app.sync_runs where id = %s", run)[0]


def queue_message(
    world: World, organization: Organization | None, key: str = "key", **payload: object
) -> UUID:
    """A message in the outbox of an organization, or of the platform."""
    made: UUID = world.value(
        "select app.enqueue_outbox(%s, 'email', %s::jsonb, %s, %s)",
        organization and organization.id,
        json.dumps(payload or {"template": "invite", "to": "ines@example.test"}),
        key,
        b"sealed",
    )
    return made
