"""The worker retries deliveries that failed, and adds up what was counted."""

from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from tests.database.inbox import open_inbox
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Worker
from tests.stripe_events import payment, refund
from tests.world import World


def test_one_run_retries_links_settles_and_adds_up(worker: Worker, committed_world: World) -> None:
    world = committed_world
    inbox = open_inbox(world.organization("acme"))
    charge, _ = payment()
    broken = {**charge, "data": {"object": {**charge["data"]["object"], "currency": "xqz"}}}
    assert inbox.take(broken) == "queued"
    assert inbox.take(refund(charge, 100)) == "processed"
    world.execute(
        "update app.webhook_events set body = %s, next_attempt_at = now()"
        " where organization_id = %s and status = 'queued'",
        Jsonb(charge),
        inbox.organization.id,
    )
    # A session that was written down while its payment was, so that neither saw the other.
    world.insert(
        "payment_carriers",
        organization_id=inbox.organization.id,
        provider="stripe",
        kind="checkout_session",
        carrier_id="cs_1",
        payment_key=charge["data"]["object"]["payment_intent"],
        phone="2025550143",
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    # A call that was booked for a lead while it became part of another one.
    stays, goes = inbox.organization.lead("lee"), inbox.organization.lead("li")
    world.execute(
        "select app.merge_leads(%s, %s, array[%s]::uuid[], 'One person.')",
        inbox.organization.id,
        stays.id,
        goes.id,
    )
    call = inbox.organization.event(lead=goes)
    run_id = world.value(
        "insert into app.platform_runs (kind, max_attempts) values ('inbox-upkeep', 1) returning id"
    )

    def run() -> dict[str, Any]:
        (found,) = world.rows("select state, counts from app.platform_runs where id = %s", run_id)
        return found

    wait_until(lambda: run()["state"] in {"succeeded", "dead"}, lambda: str(run()))
    assert run()["state"] == "succeeded"
    assert run()["counts"]["retried"] >= 1
    assert run()["counts"]["counts_folded"] >= 2
    assert world.value("select lead_id from app.events where id = %s", call.id) == stays.id
    assert run()["counts"]["carriers_settled"] >= 1
    paid = inbox.row("payments")
    assert (paid["refund_amount"], paid["customer_phone"]) == (1, "2025550143")
    assert inbox.row("payment_carriers")["is_settled"]
    assert {row["status"] for row in inbox.rows("webhook_events")} == {"processed"}
    assert inbox.row("webhook_connections")["webhook_count"] == 2
    assert "failed_delivery" not in inbox.open_exceptions()
