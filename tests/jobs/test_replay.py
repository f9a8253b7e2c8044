"""A replay from the admin's request over HTTP to its end, by workers that are killed meanwhile."""

import signal
from pathlib import Path
from typing import Any

import httpx
from psycopg.types.json import Jsonb

from salesdash import wiring
from salesdash.settings import Settings
from tests.database.inbox import Inbox, open_inbox
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Rest, running
from tests.stripe_events import payment
from tests.world import World

STORED = 800


def store(inbox: Inbox, count: int) -> None:
    """So many dead deliveries, one payment and one customer each."""
    charge, _ = payment()
    inbox.organization.world.execute(
        """
        insert into app.webhook_events (organization_id, connection_id, provider, provider_event_id,
                                        event_type, occurred_at, body, status)
        select %(organization_id)s, %(connection_id)s, 'stripe', 'evt_' || n, 'charge.succeeded',
               now(),
               jsonb_set(jsonb_set(jsonb_set(%(body)s, '{data,object,id}', to_jsonb('ch_' || n)),
                         '{data,object,payment_intent}', to_jsonb('pi_' || n)),
                         '{data,object,customer}', to_jsonb('cus_' || n)), 'dead'
          from generate_series(1, %(count)s) as n
        """,
        organization_id=inbox.organization.id,
        connection_id=inbox.connection_id,
        body=Jsonb(charge),
        count=count,
    )


def test_a_killed_worker_leaves_no_gap_and_no_double(
    rest: Rest, system: Settings, committed_world: World, logs: Path
) -> None:
    world = committed_world
    acme = world.organization("acme")
    inbox = open_inbox(acme)
    store(inbox, STORED)
    headers = {"authorization": f"Bearer {world.token(acme.admin(), rest.jwt_secret)}"}
    asked = httpx.post(
        f"{rest.url}/rpc/replay_webhooks_since",
        json={"connection_id": str(inbox.connection_id), "since": "2020-01-01T00:00:00Z"},
        headers=headers,
        trust_env=False,
    )
    assert asked.status_code == 200, asked.text

    def run() -> dict[str, Any]:
        (row,) = httpx.get(
            f"{rest.url}/sync_runs?id=eq.{asked.json()['id']}&organization_id=eq.{acme.id}",
            headers=headers,
            trust_env=False,
        ).json()
        found: dict[str, Any] = row
        return found

    child = wiring.jobs_child(system)
    with running(child, logs / "first.log") as worker:
        wait_until(lambda: run()["progress_done"] > 0, lambda: str(run()), 120)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    interrupted = run()
    assert interrupted["state"] == "running"
    assert 0 < interrupted["progress_done"] < interrupted["progress_total"] == STORED
    world.execute("update app.sync_runs set heartbeat_at = now() - interval '1 hour'")
    with running(child, logs / "second.log"):
        wait_until(lambda: run()["state"] == "succeeded", lambda: str(run()), 120)
    assert run()["progress_done"] == run()["progress_total"] == STORED
    assert run()["counts"] == {"processed": STORED}
    assert len(inbox.rows("payments")) == STORED
    assert {row["status"] for row in inbox.rows("webhook_events")} == {"processed"}


def test_a_replay_that_waits_can_be_cancelled(rest: Rest, committed_world: World) -> None:
    world = committed_world
    acme = world.organization("acme")
    inbox = open_inbox(acme)
    with httpx.Client(
        base_url=rest.url,
        headers={"authorization": f"Bearer {world.token(acme.admin(), rest.jwt_secret)}"},
        trust_env=False,
    ) as client:
        asked = client.post(
            "/rpc/replay_webhooks_since",
            json={"connection_id": str(inbox.connection_id), "since": "2020-01-01"},
        )
        canceled = client.post("/rpc/cancel_sync", json={"id": asked.json()["id"]})
    assert canceled.json()["state"] == "cancelled"
