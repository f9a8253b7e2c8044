"""Real worker processes: two at once, killed, cut off, stopped, and their mail."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from salesdash import wiring
from salesdash.sealing import seal_secret
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.ports import free_port, wait_until
from tests.fixtures.processes import MASTER_KEY, running, settings_for
from tests.vendors.fake_resend import API_KEY, FakeResend, serving
from tests.world import World

LINK = "https://sales.example/sign-in#token_hash=s3cret-0f-the-link"
Start = Callable[..., Any]


@pytest.fixture
def start(database: Database, tmp_path: Path) -> Start:
    """Starts a worker process; used as a context, which ends it."""
    started = 0

    @contextmanager
    def starting(**given: object) -> Iterator[tuple[Popen[bytes], Path]]:
        nonlocal started
        started += 1
        log = tmp_path / f"worker-{started}.log"
        settings: Settings = settings_for(database, **given)
        with running(wiring.jobs_child(settings), log) as process:
            yield process, log

    return starting


def wait(happened: Callable[[], Any], *logs: Path, deadline_s: float = 40) -> None:
    wait_until(
        lambda: bool(happened()),
        lambda: "\n".join(log.read_text()[-3000:] for log in logs),
        deadline_s,
    )


def make_due(world: World, organizations: int) -> list[object]:
    """New organizations whose nightly run was missed while nobody worked."""
    ids: list[object] = [world.organization("acme").id for _ in range(organizations)]
    world.execute(
        "update app.job_schedules set due_after = now() - interval '2 days'"
        " where organization_id = any (%s)",
        ids,
    )
    return ids


def test_two_workers_and_a_due_schedule_make_one_run(committed_world: World, start: Start) -> None:
    with start() as (_, first), start() as (_, second):
        wait(lambda: len(alive(committed_world)) == 2, first, second)
        ids = make_due(committed_world, 8)
        wait(
            lambda: committed_world.value(
                "select count(*) = 8 from app.sync_runs"
                " where organization_id = any (%s) and state = 'succeeded'",
                ids,
            ),
            first,
            second,
        )
        runs = committed_world.rows(
            "select organization_id, attempts from app.sync_runs where organization_id = any (%s)",
            ids,
        )
    assert sorted(str(run["organization_id"]) for run in runs) == sorted(map(str, ids))
    assert {run["attempts"] for run in runs} == {1}
    assert alive(committed_world) == set()


def test_the_run_of_a_killed_worker_goes_on_where_it_was(
    committed_world: World, database: Database, start: Start
) -> None:
    acme = committed_world.organization("acme")
    committed_world.execute(
        "update app.job_schedules set is_enabled = false where organization_id = %s", acme.id
    )
    closerless = acme.payment()

    def run() -> dict[str, Any]:
        rows = committed_world.rows(
            "select * from app.sync_runs where organization_id = %s", acme.id
        )
        return rows[0] if rows else {}

    with psycopg.connect(database.deployer_url) as blocker:
        blocker.execute("set role salesdash")
        # The last check waits for this row, whose key it wants to write as well.
        blocker.execute(
            "select app.record_exception(%s, 'unattributed_payment', %s, 'info', 'payments', '{}',"
            " 'Held by the test.', 'None.')",
            (acme.id, str(closerless.id)),
        )
        with start() as (process, log):
            committed_world.insert("sync_runs", organization_id=acme.id, kind="data-quality")
            wait(lambda: run()["cursor"] == "open_outcome", log)
            process.kill()
            process.wait()
            # The server notices that its client is gone, and the row is free again.
            wait(
                lambda: (
                    not committed_world.rows(
                        "select from pg_stat_activity where application_name = 'salesdash-jobs'"
                        " and datname = current_database()"
                    )
                ),
                log,
            )
        assert (run()["state"], run()["attempts"]) == ("running", 1)
        committed_world.execute(
            "update app.sync_runs set heartbeat_at = now() - interval '1 hour' where id = %s",
            run()["id"],
        )
        blocker.rollback()
    with start() as (_, log):
        wait(lambda: run()["state"] == "succeeded", log)
    assert run()["attempts"] == 2
    # Only the check that was not committed has been done by the second worker.
    assert run()["counts"]["opened"] == 1
    (found,) = committed_world.rows(
        "select check_name, row_ids from app.exceptions where organization_id = %s", acme.id
    )
    assert found == {"check_name": "unattributed_payment", "row_ids": [closerless.id]}


def test_a_worker_survives_the_loss_of_its_database(
    committed_world: World, database: Database, start: Start
) -> None:
    acme = committed_world.organization("acme")
    name = sql.Identifier(database.name)
    with start() as (process, log):
        wait(lambda: b"worker started" in log.read_bytes(), log)
        with psycopg.connect(
            database.superuser_url.replace(database.name, "postgres"), autocommit=True
        ) as superuser:
            superuser.execute(sql.SQL("alter database {} allow_connections false").format(name))
            try:
                superuser.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = %s and application_name = 'salesdash-jobs'",
                    (database.name,),
                )
                wait(lambda: b"database away" in log.read_bytes(), log)
            finally:
                superuser.execute(sql.SQL("alter database {} allow_connections true").format(name))
        run = committed_world.insert("sync_runs", organization_id=acme.id, kind="data-quality")
        wait(
            lambda: committed_world.value(
                "select state = 'succeeded' from app.sync_runs where id = %s", run
            ),
            log,
        )
        assert process.poll() is None


def test_a_worker_told_to_stop_leaves_nothing_behind(committed_world: World, start: Start) -> None:
    before = alive(committed_world)
    with start() as (process, log):
        wait(lambda: len(alive(committed_world) - before) == 1, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert alive(committed_world) == before


def test_without_a_resend_key_mail_stays_in_the_mailbox_and_no_log_tells_its_link(
    committed_world: World, start: Start
) -> None:
    message = enqueue(committed_world, "mailbox-1")
    with start() as (_, log):
        wait(lambda: sent(committed_world, message), log)
        written = log.read_text()
    assert sent(committed_world, message)["transport"] == "mailbox"
    assert "message handled" in written
    assert "s3cret-0f-the-link" not in written
    assert "ines@example.test" not in written


def test_with_a_resend_key_mail_goes_out_once_and_leaves_no_text(
    committed_world: World, start: Start
) -> None:
    fake = FakeResend(lambda: 0.0)
    fake.fail_next(503, "service_unavailable")
    message = enqueue(committed_world, "resend-1")
    with (
        serving(fake) as url,
        start(resend_api_key=API_KEY, resend_base_url=url) as (_, log),
    ):
        wait(lambda: sent(committed_world, message), log)
    (email,) = fake.sent
    assert (email["to"], email["idempotency_key"]) == (["ines@example.test"], f"outbox-{message}")
    assert LINK in email["text"]
    row = sent(committed_world, message)
    assert (row["transport"], row["provider_message_id"]) == ("resend", email["id"])
    assert (row["secret"], row["rendered"]) == (None, None)


def test_metrics_are_served_when_asked_for(start: Start) -> None:
    port = free_port()
    with start(jobs_metrics_port=port) as (_, log):
        wait(lambda: b"worker started" in log.read_bytes(), log)
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    assert "salesdash_runs_total" in answer.text


def alive(world: World) -> set[object]:
    return {row["worker_id"] for row in world.rows("select worker_id from app.worker_heartbeats")}


def enqueue(world: World, key: str) -> object:
    secret = seal_secret(
        SecretBox(MASTER_KEY),
        json.dumps({"link": LINK, "code": "042017"}),
        organization_id=None,
        kind="email",
    )
    return world.value(
        "select app.enqueue_outbox(null, 'email', %s::jsonb, %s, %s)",
        json.dumps({"template": "magiclink", "to": "ines@example.test"}),
        key,
        secret,
    )


def sent(world: World, message: object) -> dict[str, Any]:
    rows = world.rows("select * from app.platform_outbox where id = %s and state = 'sent'", message)
    return rows[0] if rows else {}
