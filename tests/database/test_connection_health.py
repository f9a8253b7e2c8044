"""How the deliveries of a connection go, and when somebody must look."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.inbox import Inbox, open_inbox
from tests.world import Organization, World

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


def stored(
    inbox: Inbox,
    received_at: datetime,
    *,
    status: str = "processed",
    lag: timedelta | None = timedelta(seconds=2),
    **columns: object,
) -> UUID:
    """A delivery in the inbox."""
    return inbox.organization.world.insert(
        "webhook_events",
        organization_id=inbox.organization.id,
        connection_id=inbox.connection_id,
        provider="stripe",
        provider_event_id=f"evt_{uuid4().hex}",
        event_type="charge.succeeded",
        body="{}",
        status=status,
        received_at=received_at,
        occurred_at=None if lag is None else received_at - lag,
        **columns,
    )


def counted(inbox: Inbox, received_at: datetime, **counts: int) -> None:
    """Deliveries that the gateway counted."""
    inbox.organization.world.insert(
        "connection_stats",
        organization_id=inbox.organization.id,
        connection_id=inbox.connection_id,
        received_at=received_at,
        **counts,
    )


def every(pause: timedelta, count: int, *, until: datetime = NOW) -> Iterable[datetime]:
    """So many instants, so far apart, of which the last is until."""
    return (until - pause * n for n in range(count))


def health(inbox: Inbox, as_of: datetime = NOW) -> dict[str, Any]:
    (row,) = inbox.organization.world.rows(
        "select * from app.connection_health(%s, %s, %s)",
        inbox.organization.id,
        inbox.connection_id,
        as_of,
    )
    return row


def fold(inbox: Inbox) -> None:
    with inbox.organization.world.acting_as_role("worker") as worker:
        worker.value("select jobs.fold_connection_stats(as_of => %s)", NOW)


def check(inbox: Inbox, name: str, as_of: datetime) -> str | None:
    """The state of what this check has found of the connection, after it has run."""
    world = inbox.organization.world
    world.rows(
        "select * from app.run_data_quality_check(%s, %s, %s)", inbox.organization.id, name, as_of
    )
    found = [row for row in inbox.rows("exceptions") if row["check_name"] == name]
    assert all(row["row_ids"] == [inbox.connection_id] for row in found)
    return found[0]["state"] if found else None


def test_counts_say_how_deliveries_of_a_day_and_a_week_stand(inbox: Inbox) -> None:
    for age in (HOUR, 23 * HOUR, 25 * HOUR, 6 * DAY, 8 * DAY):
        for status in ("processed", "ignored", "queued", "dead"):
            stored(inbox, NOW - age, status=status, is_late=status == "dead")
    stored(inbox, NOW + HOUR)
    now = health(inbox)
    words = ("processed", "queued", "ignored", "dead", "late")
    assert [now[f"{word}_24h"] for word in words] == [2] * 5
    assert [now[f"{word}_7d"] for word in words] == [4] * 5
    assert now["failure_rate_7d"] == Decimal("0.5")
    assert now["last_event_at"] == NOW - HOUR


def test_what_is_not_stored_is_counted_by_hours_before_and_after_it_is_added_up(
    inbox: Inbox,
) -> None:
    for age in (timedelta(), HOUR, 2 * DAY, 8 * DAY):
        counted(inbox, NOW - age, duplicates=1, rejected=2, refused=3)
    before = health(inbox)
    fold(inbox)
    assert health(inbox) == before
    words = ("duplicates", "rejected", "refused")
    assert [before[f"{word}_24h"] for word in words] == [2, 4, 6]
    assert [before[f"{word}_7d"] for word in words] == [3, 6, 9]
    assert len(inbox.rows("connection_hours")) == 4
    counted(inbox, NOW, duplicates=5)
    fold(inbox)
    assert len(inbox.rows("connection_hours")) == 4
    assert health(inbox)["duplicates_24h"] == 7


def test_lag_is_that_of_the_last_deliveries(inbox: Inbox) -> None:
    assert health(inbox)["lag_p50_seconds"] is None
    for number, at in enumerate(every(HOUR, 101)):
        stored(inbox, at, lag=timedelta(seconds=100 - number))
    stored(inbox, NOW, lag=None)
    now = health(inbox)
    assert (now["lag_p50_seconds"], now["lag_p95_seconds"]) == (50, 95)
    for at in every(timedelta(seconds=1), 200):
        stored(inbox, at, lag=timedelta(seconds=-3))
    assert health(inbox)["lag_p95_seconds"] == 0


@pytest.mark.parametrize(
    ("gap", "silent_after"),
    [(timedelta(minutes=5), DAY), (6 * HOUR, 30 * HOUR), (2 * DAY, 10 * DAY)],
)
def test_silence_is_measured_by_a_connections_own_rhythm(
    inbox: Inbox, gap: timedelta, silent_after: timedelta
) -> None:
    for at in every(gap, 30):
        stored(inbox, at)
    assert health(inbox)["usual_gap_seconds"] == gap.total_seconds()
    assert health(inbox)["silent_after_seconds"] == silent_after.total_seconds()
    assert not health(inbox, NOW + silent_after)["is_silent"]
    assert health(inbox, NOW + silent_after + timedelta(seconds=1))["is_silent"]


def test_a_pause_that_was_there_before_is_no_alarm(inbox: Inbox) -> None:
    for at in (*every(HOUR, 15), *every(HOUR, 15, until=NOW - 3 * DAY)):
        stored(inbox, at)
    assert health(inbox)["silent_after_seconds"] == (3 * DAY - 14 * HOUR).total_seconds()


def test_a_connection_without_a_rhythm_is_never_silent(inbox: Inbox) -> None:
    for at in every(HOUR, 19):
        stored(inbox, at)
    now = health(inbox, NOW + 300 * DAY)
    assert (now["silent_after_seconds"], now["is_silent"]) == (None, False)


def test_a_silent_connection_is_an_exception_until_it_speaks(world: World, inbox: Inbox) -> None:
    for at in every(HOUR, 30):
        stored(inbox, at)
    name = "silent_connection"
    assert check(inbox, name, NOW + DAY) is None
    assert check(inbox, name, NOW + DAY + HOUR) == "open"
    counted(inbox, NOW + DAY + HOUR, duplicates=1)
    assert check(inbox, name, NOW + DAY + 2 * HOUR) == "resolved"
    assert check(inbox, name, NOW + 3 * DAY) == "open"
    world.execute("update app.webhook_connections set is_active = false")
    assert check(inbox, name, NOW + 3 * DAY) == "resolved"


def test_refusals_are_an_exception_within_an_hour_and_heal(world: World, inbox: Inbox) -> None:
    def review(at: datetime) -> int:
        with world.acting_as_role("worker") as worker:
            listed: int = worker.value("select jobs.review_connections(%s)", at)
        return listed

    def state() -> list[str]:
        return [
            row["state"]
            for row in inbox.rows("exceptions")
            if row["check_name"] == "connection_refusals"
        ]

    for minutes in range(0, 21, 5):
        at = NOW + timedelta(minutes=minutes)
        counted(inbox, at, refused=3)
        fold(inbox)
        assert review(at) == (1 if minutes == 20 else 0)
    assert state() == ["open"]
    assert review(NOW + timedelta(minutes=34)) == 1
    assert review(NOW + timedelta(minutes=35)) == 0
    assert state() == ["resolved"]


def test_forgeries_are_no_refusals(inbox: Inbox) -> None:
    for minutes in range(0, 61, 5):
        counted(inbox, NOW + timedelta(minutes=minutes), rejected=100)
    fold(inbox)
    assert check(inbox, "connection_refusals", NOW + HOUR) is None


def test_admins_see_the_health_of_their_own_connections(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    bolt = world.organization("bolt")
    others = open_inbox(bolt)
    for box in (inbox, others):
        for at in every(timedelta(minutes=1), 25, until=world.value("select now()")):
            stored(box, at)
    seen = "select id, processed_24h, is_silent, refused_since from connection_health"
    for person, ids in (
        (acme.admin(), {inbox.connection_id}),
        (bolt.owner(), {others.connection_id}),
        (acme.closer(), set()),
        (world.super_admin(), {inbox.connection_id, others.connection_id}),
    ):
        with world.acting_as(person) as db:
            rows = [
                row
                for row in db.rows(seen)
                if row["id"] in {inbox.connection_id, others.connection_id}
            ]
        assert {row["id"] for row in rows} == ids
        assert all(row["processed_24h"] == 25 and not row["is_silent"] for row in rows)
