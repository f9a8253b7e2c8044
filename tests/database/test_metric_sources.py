"""How fresh the numbers are."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.world import Organization, Person, World

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def acme(world: World) -> Organization:
    """A connection that fails since an hour, one that was never used, and a sync that runs."""
    acme = world.organization("acme")
    busy = connection(acme, "Stripe EU", "stripe")
    connection(acme, "Whop", "whop")
    connection(acme, "Old", "whop", is_active=False)
    delivered(acme, busy, NOW - 3 * HOUR, "processed")
    delivered(acme, busy, NOW - 2 * HOUR, "ignored")
    delivered(acme, busy, NOW - HOUR, "queued")
    delivered(acme, busy, NOW + HOUR, "processed")
    ran(acme, "sync-close", NOW - 5 * HOUR, "succeeded")
    ran(acme, "sync-close", NOW - 4 * HOUR, "failed")
    ran(acme, "data-quality", NOW - HOUR, "succeeded")
    return acme


def connection(acme: Organization, name: str, kind: str, **columns: object) -> object:
    return acme.world.insert(
        "webhook_connections",
        organization_id=acme.id,
        name=name,
        connection_type=kind,
        provider_account=name,
        **columns,
    )


def delivered(acme: Organization, connection_id: object, at: datetime, status: str) -> None:
    acme.world.insert(
        "webhook_events",
        organization_id=acme.id,
        connection_id=connection_id,
        provider="stripe",
        provider_event_id=f"evt_{uuid4().hex}",
        event_type="charge.succeeded",
        body="{}",
        status=status,
        received_at=at,
    )


def ran(acme: Organization, kind: str, at: datetime, state: str) -> None:
    acme.world.insert("sync_runs", organization_id=acme.id, kind=kind, state=state, finished_at=at)


def ask(acme: Organization, who: Person, **given: object) -> list[tuple[Any, ...]]:
    arguments = {"as_of": NOW, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with acme.world.acting_as(who) as db:
        rows = db.rows(f"select * from api.metric_sources({names})", **arguments)
    columns = ("source", "fed_by", "name", "last_success_at", "last_failure_at")
    return [tuple(row[column] for column in columns) for row in rows]


def test_each_source_tells_when_it_last_succeeded(acme: Organization) -> None:
    assert ask(acme, acme.admin()) == [
        ("stripe", "deliveries", "Stripe EU", NOW - 2 * HOUR, NOW - HOUR),
        ("whop", "deliveries", "Whop", None, None),
        ("sync-close", "sync", None, NOW - 5 * HOUR, NOW - 4 * HOUR),
    ]


def test_members_learn_how_fresh_numbers_are_and_no_names(acme: Organization) -> None:
    found = ask(acme, acme.closer())
    assert [(row[0], row[2]) for row in found] == [
        ("stripe", None),
        ("whop", None),
        ("sync-close", None),
    ]
    assert found[0][3] == NOW - 2 * HOUR


def test_strangers_learn_nothing(acme: Organization, world: World) -> None:
    stranger = world.organization("other").admin()
    assert ask(acme, stranger) == []
    with pytest.raises(psycopg.Error) as error:
        ask(acme, stranger, organization_id=acme.id)
    assert error.value.sqlstate == "PT404"
