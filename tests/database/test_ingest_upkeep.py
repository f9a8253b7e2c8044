"""Limits, retries, and counts of deliveries."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.inbox import Inbox, handed, open_inbox
from tests.stripe_events import payment
from tests.world import World

MINUTE = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"))


def limited(world: World, per_minute: int) -> Inbox:
    return open_inbox(world.organization("busy"), rate_limit_per_minute=per_minute)


def arrive(inbox: Inbox, seconds: float) -> int:
    """A delivery this long after MINUTE: 0 if it was taken, else the seconds it must wait."""
    try:
        inbox.organization.world.rows(
            "select status from ingest.record_deliveries(%s, %s)",
            Jsonb(handed([(inbox, payment()[0])])),
            MINUTE + timedelta(seconds=seconds),
        )
    except psycopg.Error as error:
        if error.sqlstate != "PT429":
            raise
        return int(error.diag.message_detail or "")
    return 0


def test_the_limit_is_exact_within_a_minute(world: World) -> None:
    inbox = limited(world, 5)
    assert [arrive(inbox, second) for second in range(5)] == [0] * 5
    # 5 in this minute; at 60 + x seconds, 5 * (60 - x) / 60 of them still count.
    assert arrive(inbox, 5) == 55 + 12
    assert len(inbox.rows("payments")) == len(inbox.rows("webhook_event_keys")) == 5


def test_the_last_minute_slides_out(world: World) -> None:
    inbox = limited(world, 6)
    assert [arrive(inbox, 30) for _ in range(6)] == [0] * 6
    assert arrive(inbox, 60) == 10
    assert arrive(inbox, 69.9) == 1
    assert arrive(inbox, 70) == 0
    assert arrive(inbox, 79.9) == 1
    assert arrive(inbox, 80) == 0
    assert arrive(inbox, 180) == 0


def test_what_was_told_to_wait_fits_after_that_time(world: World) -> None:
    inbox = limited(world, 4)
    at = 0.0
    for _ in range(20):
        wait = arrive(inbox, at)
        if wait:
            assert arrive(inbox, at + wait) == 0
            at += wait
        at += 3.7


def test_a_duplicate_counts_towards_the_limit(world: World) -> None:
    inbox = limited(world, 2)
    charge, _ = payment()
    assert [inbox.take(charge), inbox.take(charge)] == ["processed", "duplicate"]
    with pytest.raises(psycopg.Error) as raised:
        inbox.take(charge)
    assert raised.value.sqlstate == "PT429"


def test_connections_have_limits_of_their_own(world: World) -> None:
    one, other = limited(world, 1), limited(world, 1)
    assert [arrive(one, 0), arrive(other, 0)] == [0, 0]
    assert arrive(one, 1) > 0


# -- retries


def retry(inbox: Inbox, at: datetime) -> int:
    with inbox.organization.world.acting_as_role("worker") as worker:
        done: int = worker.value("select jobs.retry_webhook_events(100, %s)", at)
    return done


def test_a_failed_delivery_is_processed_when_its_cause_is_gone(world: World, inbox: Inbox) -> None:
    charge, _ = payment()
    broken = {**charge, "data": {"object": {**charge["data"]["object"], "currency": "xqz"}}}
    assert inbox.take(broken) == "queued"
    due = inbox.row("webhook_events")["next_attempt_at"]
    assert retry(inbox, due - timedelta(seconds=1)) == 0
    assert retry(inbox, due) == 1
    event = inbox.row("webhook_events")
    assert (event["status"], event["attempts"]) == ("queued", 2)
    assert event["next_attempt_at"] > due
    world.execute(
        "update app.webhook_events set body = %s where id = %s", Jsonb(charge), event["id"]
    )
    assert retry(inbox, event["next_attempt_at"]) == 1
    event = inbox.row("webhook_events")
    assert (event["status"], event["attempts"], event["error"]) == ("processed", 3, None)
    assert event["payment_id"] == inbox.row("payments")["id"]
    assert "failed_delivery" not in inbox.open_exceptions()


def test_after_eight_attempts_a_delivery_is_dead_and_critical(inbox: Inbox) -> None:
    inbox.take(payment(currency="xqz")[0])
    at = inbox.row("webhook_events")["next_attempt_at"]
    for _ in range(7):
        assert retry(inbox, at) == 1
        at += timedelta(days=1)
    event = inbox.row("webhook_events")
    assert (event["status"], event["attempts"], event["next_attempt_at"]) == ("dead", 8, None)
    assert inbox.row("exceptions")["severity"] == "critical"
    assert retry(inbox, at) == 0


def test_an_error_tells_nothing_of_the_payload(inbox: Inbox) -> None:
    world = inbox.organization.world
    world.execute(
        "alter table app.payments add constraint payments_nobody_pays"
        " check (customer_email is null) not valid"
    )
    assert inbox.take(payment(email="very.secret@lead.test")[0]) == "queued"
    world.execute("alter table app.payments rename column customer_email to email")
    assert inbox.take(payment(email="very.secret@lead.test")[0]) == "queued"
    errors = [str(row["error"]) for row in inbox.rows("webhook_events")]
    assert ["payments_nobody_pays" in errors[0], "42703" in errors[1]] == [True, True]
    assert "secret" not in f"{errors} {inbox.rows('exceptions')}"


# -- counts


def test_counts_are_added_up_once(world: World, inbox: Inbox) -> None:
    charge, _ = payment()
    bad, _ = payment(currency="xqz")
    for event in (charge, charge, bad):
        inbox.take(event)
    with world.acting_as_role("gateway") as gateway:
        gateway.rows("select ingest.record_rejections(%s, %s, %s)", [inbox.connection_id], [7], [3])
    for folded in (4, 0):
        with world.acting_as_role("worker") as worker:
            assert worker.value("select jobs.fold_connection_stats()") == folded
        connection = inbox.row("webhook_connections")
        assert [
            connection[name]
            for name in (
                "webhook_count",
                "duplicate_count",
                "failed_count",
                "rejected_count",
                "refused_count",
            )
        ] == [2, 1, 1, 7, 3]
        assert connection["last_webhook_at"] is not None


def test_refusals_alone_are_no_sign_of_life(world: World, inbox: Inbox) -> None:
    with world.acting_as_role("gateway") as gateway:
        gateway.rows("select ingest.record_rejections(%s, %s, %s)", [inbox.connection_id], [1], [0])
    world.execute("select jobs.fold_connection_stats()")
    connection = inbox.row("webhook_connections")
    assert connection["last_webhook_at"] is None
    assert connection["refused_since"] is None


def test_a_spell_of_refusals_lasts_until_a_pause(world: World, inbox: Inbox) -> None:
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def refused(*minutes: int) -> tuple[float, float]:
        """Minutes after noon at which the spell began, and of the latest refusal."""
        for minute in minutes:
            world.execute(
                "select ingest.record_rejections(%s, %s, %s, %s)",
                [inbox.connection_id],
                [0],
                [2],
                noon + timedelta(minutes=minute),
            )
        world.execute("select jobs.fold_connection_stats()")
        found = inbox.row("webhook_connections")
        since, last = found["refused_since"] - noon, found["last_refused_at"] - noon
        return since / timedelta(minutes=1), last / timedelta(minutes=1)

    assert refused(3) == (3, 3)
    assert refused(2, 10, 18) == (3, 18)
    assert refused(33) == (3, 33)
    assert refused(49) == (49, 49)
    assert refused(49, 60) == (49, 60)
    assert inbox.row("webhook_connections")["refused_count"] == 16


def test_counting_leaves_no_trace_in_the_audit(world: World, inbox: Inbox) -> None:
    inbox.take(payment()[0])
    world.execute("select jobs.fold_connection_stats()")
    audited = [
        row["action"]
        for row in inbox.rows("audit_logs")
        if row["table_name"] == "webhook_connections"
    ]
    assert audited == ["INSERT"]
