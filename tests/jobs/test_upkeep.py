"""Housekeeping takes what is old and done, and nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.jobs.scene import NOW, queue_message
from tests.world import World


@pytest.mark.parametrize(("table", "days"), [("sync_runs", 90), ("platform_runs", 7)])
def test_finished_runs_go_after_their_time_and_waiting_ones_stay(
    world: World, table: str, days: int
) -> None:
    owner = {"organization_id": world.organization("acme").id} if table == "sync_runs" else {}
    old, young, waiting = (
        world.insert(table, kind="data-quality", created_at=NOW - timedelta(days=days + 2), **owner)
        for _ in range(3)
    )
    for run, age in ((old, days + 1), (young, days - 1)):
        world.execute(
            f"update app.{table} set state = 'succeeded', finished_at = %s where id = %s",
            NOW - timedelta(days=age),
            run,
        )
    housekeeping(world)
    left = {row["id"] for row in world.rows(f"select id from app.{table}")}
    assert {young, waiting} <= left
    assert old not in left


def test_sign_in_mails_go_after_a_month_and_waiting_ones_stay(world: World) -> None:
    old, waiting = queue_message(world, None, "old"), queue_message(world, None, "waiting")
    world.execute(
        "update app.platform_outbox set updated_at = %s where id = any (%s)",
        NOW - timedelta(days=31),
        [old, waiting],
    )
    world.execute(
        "update app.platform_outbox set state = 'sent', sent_at = %s, transport = 'mailbox'"
        " where id = %s",
        NOW - timedelta(days=31),
        old,
    )
    housekeeping(world)
    left: set[UUID] = {row["id"] for row in world.rows("select id from app.platform_outbox")}
    assert waiting in left
    assert old not in left


def housekeeping(world: World) -> None:
    with world.acting_as_role("worker") as worker:
        assert worker.value("select jobs.housekeeping(%s)", NOW) >= 1
