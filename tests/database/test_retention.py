"""Months of the inbox and the audit trail: made ahead, dropped when nobody has to keep them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.acting import refused
from tests.database.inbox import Inbox, open_inbox
from tests.fixtures.databases import Database
from tests.stripe_events import payment
from tests.world import World

LATER = datetime(2031, 5, 10, tzinfo=UTC)
"""Long after every month that the deploy has made."""


def months(world: World, table: str = "webhook_events") -> set[str]:
    return {
        row["month"]
        for row in world.rows(
            "select right(partition_name, 7) as month from app.monthly_partitions()"
            " where table_name = %s",
            table,
        )
    }


def upkeep(world: World, as_of: datetime) -> list[str]:
    """What the worker does at night; the names of what it dropped."""
    with world.acting_as_role("worker") as worker:
        worker.value("select jobs.ensure_partitions(%s)", as_of)
        dropped = []
        while name := worker.value("select jobs.drop_expired_partition(%s)", as_of):
            dropped.append(name)
    return dropped


def state(world: World, as_of: datetime) -> str:
    with world.acting_as_role("gateway") as gateway:
        found: str = gateway.value("select session.partition_state(%s)", as_of)
    return found


def id_at(world: World, at: datetime) -> UUID:
    """An id as it was made at that instant."""
    made: UUID = world.value("select uuidv7(%s - clock_timestamp())", at)
    return made


def store(inbox: Inbox, at: datetime) -> None:
    world = inbox.organization.world
    world.insert(
        "webhook_events",
        organization_id=inbox.organization.id,
        id=id_at(world, at),
        connection_id=inbox.connection_id,
        provider="stripe",
        provider_event_id="evt",
        event_type="x",
        body="{}",
        status="processed",
    )


def test_three_months_are_made_ahead(world: World) -> None:
    upkeep(world, LATER)
    assert {"2031_05", "2031_06", "2031_07", "2031_08"} <= months(world)
    assert "2031_09" not in months(world)
    assert "2031_08" in months(world, "audit_logs")
    assert state(world, LATER) == "ready"


def test_bodies_go_after_400_days_and_the_trail_after_seven_years(world: World) -> None:
    before, trail = months(world), months(world, "audit_logs")
    newest = max(before)
    ends = datetime.strptime(newest, "%Y_%m").replace(tzinfo=UTC) + timedelta(days=31)
    assert upkeep(world, ends.replace(day=1) + timedelta(days=400, seconds=-1)) == [
        f"webhook_events_{month}" for month in sorted(before) if month != newest
    ]
    upkeep(world, ends.replace(day=1) + timedelta(days=400))
    assert newest not in months(world)
    assert trail <= months(world, "audit_logs")
    upkeep(world, ends.replace(year=ends.year + 7, day=2))
    assert trail.isdisjoint(months(world, "audit_logs"))


def test_periods_are_the_platforms_and_stand_in_one_place(world: World) -> None:
    world.execute("update app.retention_periods set keep_for = '5 years'")
    assert upkeep(world, LATER) == []
    with refused("23514"):
        world.execute("update app.retention_periods set keep_for = '1 day'")
    with world.acting_as(world.super_admin()) as db, refused("42501"):
        db.rows("select * from app.retention_periods")


def test_an_event_whose_body_is_gone_is_still_a_duplicate(world: World) -> None:
    inbox = open_inbox(world.organization("acme"))
    charge, _ = payment()
    inbox.take(charge)
    upkeep(world, LATER)
    assert inbox.rows("webhook_events") == []
    assert inbox.take(charge) == "duplicate"
    assert len(inbox.rows("payments")) == 1


def test_rows_that_found_no_month_are_reported_and_moved(world: World) -> None:
    inbox = open_inbox(world.organization("acme"))
    store(inbox, datetime(2024, 2, 29, 23, 59, tzinfo=UTC))
    now: datetime = world.value("select now()")
    assert state(world, now) == "warning: rows in webhook_events_default"
    with world.acting_as_role("worker") as worker:
        assert worker.value("select jobs.ensure_partitions(%s)", now) == 1
    assert state(world, now) == "ready"
    assert "2024_02" in months(world)
    assert len(inbox.rows("webhook_events")) == 1
    assert "webhook_events_2024_02" in upkeep(world, now)
    assert inbox.rows("webhook_events") == []


@pytest.mark.parametrize(
    ("months_later", "found"), [(1, "ready"), (2, "warning"), (3, "missing"), (9, "missing")]
)
def test_a_worker_that_stays_away_is_noticed_a_month_ahead(
    world: World, months_later: int, found: str
) -> None:
    first = datetime(2031, 1, 15, tzinfo=UTC)
    upkeep(world, first)
    assert state(world, first.replace(month=1 + months_later)).split(":")[0] == found


@contextmanager
def connected(database: Database, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.deployer_url, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        yield connection


def test_who_reads_the_inbox_is_not_held_up(database: Database) -> None:
    with (
        connected(database, "salesdash") as reader,
        connected(database, "worker") as worker,
    ):
        for change in ("jobs.drop_expired_partition(%s)", "jobs.ensure_partitions(%s)"):
            query = f"select {change}".encode()
            with reader.transaction():
                reader.execute("select count(*) from app.webhook_events")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    worker.execute(query, (LATER,))
            assert worker.execute(query, (LATER,)).fetchone() != (None,)
