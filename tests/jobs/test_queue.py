"""The queue as workers use it: claims, heartbeats, ends, and what dead workers leave behind."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.jobs.scene import NOW, claim, queue_run, state_of
from tests.world import World


def test_a_run_is_claimed_once(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    first, second = claim(world, "one"), claim(world, "two")
    assert first is not None
    assert (first["organization_id"], first["id"], first["attempt"]) == (acme.id, run, 1)
    assert second is None


def test_runs_of_one_kind_do_not_run_side_by_side_in_one_organization(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    queue_run(world, acme)
    queue_run(world, acme)
    queue_run(world, bolt)
    claimed = [claim(world, f"worker {number}") for number in range(3)]
    assert {run["organization_id"] for run in claimed if run} == {acme.id, bolt.id}
    assert claimed[2] is None


def test_a_finished_run_keeps_its_counts_and_its_end(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "one")
    assert end(world, "finish_run", acme.id, run, 1, """, '{"opened": 3}'""") == "succeeded"
    row = state_of(world, run)
    assert (row["state"], row["counts"]["opened"], row["claimed_by"]) == ("succeeded", 3, None)
    assert row["finished_at"] == NOW


def test_a_failed_attempt_waits_longer_each_time_and_is_then_dead_and_an_exception(
    world: World,
) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme, max_attempts=3)
    waits, now = [], NOW
    for attempt in (1, 2):
        claim(world, "one", now)
        assert fail(world, acme.id, run, attempt, now) == "queued"
        available_at = state_of(world, run)["available_at"]
        assert claim(world, "one", now) is None
        waits.append((available_at - now).total_seconds())
        now = available_at
    assert 3.75 <= waits[0] <= 6.25
    assert 7.5 <= waits[1] <= 12.5
    claim(world, "one", now)
    assert fail(world, acme.id, run, 3, now) == "dead"
    (found,) = open_exceptions(world, acme.id)
    assert (found["check_name"], found["row_ids"]) == ("failed_sync", [run])


def test_a_later_success_of_the_same_job_resolves_the_exception(world: World) -> None:
    acme = world.organization("acme")
    broken = queue_run(world, acme, max_attempts=1)
    claim(world, "one")
    fail(world, acme.id, broken, 1, NOW)
    assert len(open_exceptions(world, acme.id)) == 1
    mended = queue_run(world, acme)
    claim(world, "one")
    end(world, "finish_run", acme.id, mended, 1)
    assert open_exceptions(world, acme.id) == []


def test_a_refusal_is_final_at_the_first_attempt(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "one")
    assert fail(world, acme.id, run, 1, NOW, ", is_final => true") == "failed"


def test_a_vendor_that_asks_for_a_pause_gets_it(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "one")
    fail(world, acme.id, run, 1, NOW, ", retry_after_seconds => 900")
    assert state_of(world, run)["available_at"] == NOW + timedelta(seconds=900)


def test_the_run_of_a_dead_worker_returns_with_its_cursor(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "dead")
    assert heartbeat(world, acme.id, run, "dead", 1, "page 7") == "running"
    assert release_stale(world, NOW + timedelta(seconds=29)) == 0
    assert release_stale(world, NOW + timedelta(seconds=31)) == 1
    again = claim(world, "alive", NOW + timedelta(minutes=1))
    assert again is not None
    assert (again["id"], again["cursor"], again["attempt"]) == (run, "page 7", 2)


def test_a_worker_that_was_thought_dead_changes_nothing_any_more(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "slow")
    later = NOW + timedelta(minutes=1)
    release_stale(world, later)
    claim(world, "slow", later)
    assert heartbeat(world, acme.id, run, "slow", 1, "page 9") == "lost"
    assert end(world, "finish_run", acme.id, run, 1, worker="slow") == "lost"
    row = state_of(world, run)
    assert (row["state"], row["attempts"], row["cursor"]) == ("running", 2, None)


def test_a_run_that_kills_every_worker_is_dead_in_the_end(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme, max_attempts=2)
    for minute in (0, 5):
        claim(world, "doomed", NOW + timedelta(minutes=minute))
        release_stale(world, NOW + timedelta(minutes=minute + 1))
    assert state_of(world, run)["state"] == "dead"


def test_a_worker_that_stops_gives_its_run_back_without_using_up_an_attempt(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme, max_attempts=1)
    claim(world, "stopping")
    assert end(world, "release_run", acme.id, run, 1, worker="stopping") == "queued"
    assert claim(world, "next") is not None
    assert end(world, "finish_run", acme.id, run, 2, worker="next") == "succeeded"


def test_the_platform_has_a_queue_of_its_own(world: World) -> None:
    run = world.insert("platform_runs", kind="housekeeping", available_at=NOW)
    claimed = claim(world, "one")
    assert claimed is not None
    assert (claimed["organization_id"], claimed["id"]) == (None, run)
    assert end(world, "finish_run", None, run, 1) == "succeeded"


def test_the_worker_reaches_the_queue_through_functions_only(world: World) -> None:
    acme = world.organization("acme")
    queue_run(world, acme)
    with world.acting_as_role("worker") as worker:
        assert worker.rows("select id from jobs.claim_run('one', %s)", NOW)
        for table in ("sync_runs", "platform_outbox", "outbox", "job_schedules"):
            with pytest.raises(Exception, match="permission denied") as refused:
                worker.rows(f"select 1 from app.{table}")
            assert getattr(refused.value, "sqlstate", None) == "42501"


def heartbeat(
    world: World, organization_id: UUID, run: UUID, worker: str, attempt: int, cursor: str
) -> Any:
    return world.value(
        "select jobs.heartbeat(%s, %s, %s, %s, cursor => %s, as_of => %s)",
        organization_id,
        run,
        worker,
        attempt,
        cursor,
        NOW,
    )


def end(
    world: World,
    function: str,
    organization_id: UUID | None,
    run: UUID,
    attempt: int,
    more: str = "",
    *,
    worker: str = "one",
) -> Any:
    return world.value(
        f"select jobs.{function}(%s, %s, %s, %s{more}, as_of => %s)",
        organization_id,
        run,
        worker,
        attempt,
        NOW,
    )


def fail(
    world: World, organization_id: UUID, run: UUID, attempt: int, now: datetime, more: str = ""
) -> Any:
    return world.value(
        f"select jobs.fail_run(%s, %s, 'one', %s, 'It broke.'{more}, as_of => %s)",
        organization_id,
        run,
        attempt,
        now,
    )


def release_stale(world: World, now: datetime) -> Any:
    return world.value("select jobs.release_stale(as_of => %s)", now)


def open_exceptions(world: World, organization_id: UUID) -> list[dict[str, Any]]:
    return world.rows(
        "select check_name, row_ids from app.exceptions"
        " where organization_id = %s and state = 'open'",
        organization_id,
    )
