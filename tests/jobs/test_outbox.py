"""The outbox: once per key, tried until it is dead, wiped when it is out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.jobs.scene import NOW, queue_message
from tests.world import World

LATER = NOW + timedelta(days=400)


def test_the_same_key_is_one_message(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    first = queue_message(world, acme, "welcome")
    assert queue_message(world, acme, "welcome", to="other@example.test") == first
    assert queue_message(world, bolt, "welcome") != first
    platform = queue_message(world, None, "welcome")
    assert queue_message(world, None, "welcome") == platform
    assert len(claimed(world, "one", first, platform)) == 2


@pytest.mark.parametrize("key", ["token", "link", "password", "code"])
def test_a_payload_cannot_hold_a_secret(world: World, key: str) -> None:
    for organization in (world.organization("acme"), None):
        with pytest.raises(psycopg.errors.CheckViolation):
            queue_message(world, organization, **{key: "abc"})


def test_a_message_is_claimed_by_one_worker(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    assert [row["id"] for row in claimed(world, "one", message)] == [message]
    assert claimed(world, "two", message) == []


def test_after_its_last_attempt_a_message_is_dead_and_an_exception(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    now = NOW
    for attempt in range(1, 9):
        assert [row["attempt"] for row in claimed(world, "one", message, now=now)] == [attempt]
        state = fail(world, acme.id, message, attempt, now)
        assert state == ("dead" if attempt == 8 else "pending")
        now += timedelta(hours=2)
    assert claimed(world, "one", message, now=LATER) == []
    (found,) = world.rows(
        "select check_name, entity, row_ids from app.exceptions"
        " where organization_id = %s and state = 'open'",
        acme.id,
    )
    assert found == {
        "check_name": "undeliverable_message",
        "entity": "outbox",
        "row_ids": [message],
    }


def test_a_refused_message_is_dead_at_once(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    claimed(world, "one", message)
    assert fail(world, acme.id, message, 1, NOW, ", is_final => true") == "dead"


def test_a_sent_message_loses_its_secrets_but_not_its_record(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    claimed(world, "one", message)
    keep(world, acme.id, message, b"first")
    finish(world, acme.id, message, "resend")
    (row,) = world.rows("select * from app.outbox where id = %s", message)
    assert (row["state"], row["transport"], row["provider_message_id"]) == ("sent", "resend", "m1")
    assert (row["secret"], row["rendered"]) == (None, None)


def test_the_development_mailbox_keeps_what_it_would_have_sent(world: World) -> None:
    message = queue_message(world, None)
    claimed(world, "one", message)
    assert keep(world, None, message, b"first") == b"first"
    assert keep(world, None, message, b"second") == b"first"
    finish(world, None, message, "mailbox")
    with world.acting_as_role("gateway") as gateway:
        (row,) = gateway.rows(
            "select * from session.development_mailbox(message_id => %s)", message
        )
    assert (row["organization_id"], row["rendered"]) == (None, b"first")
    assert world.value("select secret from app.platform_outbox where id = %s", message) is None


def test_what_a_dead_sender_held_is_sent_again_by_another(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    claimed(world, "dead", message)
    keep(world, acme.id, message, b"first", worker="dead")
    now = NOW + timedelta(minutes=1)
    world.value("select jobs.release_stale(as_of => %s)", now)
    (again,) = claimed(world, "alive", message, now=now + timedelta(minutes=1))
    assert (again["attempt"], again["rendered"]) == (2, b"first")
    assert finish(world, acme.id, message, "resend", worker="dead") == "lost"


def test_a_message_is_not_sent_when_its_transaction_fails(world: World) -> None:
    acme = world.organization("acme")
    with world.connection.transaction() as doomed:
        queue_message(world, acme, "doomed")
        raise psycopg.Rollback(doomed)
    assert world.rows("select from app.outbox where organization_id = %s", acme.id) == []


def claimed(world: World, worker: str, *wanted: UUID, now: datetime = NOW) -> list[dict[str, Any]]:
    rows = world.rows("select * from jobs.claim_outbox(%s, array['email'], 1000, %s)", worker, now)
    return [row for row in rows if row["id"] in wanted]


def keep(
    world: World, organization_id: UUID | None, message: UUID, text: bytes, *, worker: str = "one"
) -> Any:
    return world.value(
        "select jobs.keep_rendered(%s, %s, %s, 1, %s)", organization_id, message, worker, text
    )


def finish(
    world: World,
    organization_id: UUID | None,
    message: UUID,
    transport: str,
    *,
    worker: str = "one",
) -> Any:
    return world.value(
        "select jobs.finish_outbox(%s, %s, %s, 1, %s, 'm1', %s)",
        organization_id,
        message,
        worker,
        transport,
        NOW,
    )


def fail(
    world: World,
    organization_id: UUID,
    message: UUID,
    attempt: int,
    now: datetime,
    more: str = "",
) -> Any:
    return world.value(
        f"select jobs.fail_outbox(%s, %s, 'one', %s, 'No.'{more}, as_of => %s)",
        organization_id,
        message,
        attempt,
        now,
    )
