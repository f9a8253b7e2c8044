"""Deliveries that are processed again: by id, and page after page of a connection."""

import copy
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.inbox import Inbox, open_inbox
from tests.fixtures.databases import Database
from tests.stripe_events import Event, payment, refund, refunded
from tests.world import Organization, Person, World

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


def replay(person: Person, inbox: Inbox, *ids: UUID) -> dict[UUID, str]:
    """What the person is answered, by id."""
    with inbox.organization.world.acting_as(person) as db:
        rows = db.rows(
            "select id, outcome from replay_webhooks(%s::uuid[], %s)",
            list(ids),
            inbox.organization.id,
        )
    return {row["id"]: row["outcome"] for row in rows}


def broken(event: Event) -> Event:
    """The same event in a currency that nobody knows yet."""
    spoiled = copy.deepcopy(event)
    spoiled["data"]["object"]["currency"] = "xqz"
    return spoiled


def mend(inbox: Inbox, stored: UUID, event: Event) -> None:
    """What was the cause of a failure is gone."""
    inbox.organization.world.execute(
        "update app.webhook_events set body = %s where id = %s", Jsonb(event), stored
    )


def settled(inbox: Inbox) -> dict[str, Any]:
    """The rows that deliveries leave, without ids and times of their own."""
    world = inbox.organization.world
    return {
        "payments": world.rows(
            "select provider_payment_id, amount, refund_amount, status, payment_date, event_id,"
            " attribution_method from app.payments where organization_id = %s order by 1",
            inbox.organization.id,
        ),
        "refunds": world.rows(
            "select provider_refund_id, kind, status, amount from app.payment_refunds"
            " where organization_id = %s order by 1, 2",
            inbox.organization.id,
        ),
        "credits": world.rows(
            "select role, share, closer_id from app.payment_credits where organization_id = %s"
            " order by 1, 2, 3",
            inbox.organization.id,
        ),
    }


# -- by id


def test_what_was_processed_stays_as_it_is(acme: Organization, inbox: Inbox) -> None:
    admin = acme.admin()
    charge, intent = payment()
    for event in (charge, intent, refund(charge, 100), refunded(charge, 100)):
        inbox.take(event)
    effects, stored = settled(inbox), inbox.rows("webhook_events")
    ids = [row["id"] for row in stored]
    assert replay(admin, inbox, *ids) == dict.fromkeys(ids, "processed")
    assert settled(inbox) == effects
    assert inbox.rows("webhook_events") == stored


def test_where_nothing_is_left_to_do_a_replay_waits_for_nobody(
    database: Database, committed_world: World
) -> None:
    acme = committed_world.organization("acme")
    admin, inbox = acme.admin(), open_inbox(acme)
    for event in payment(email="ada@example.com"):
        inbox.take(event)
    ids = [row["id"] for row in inbox.rows("webhook_events")]
    with psycopg.connect(database.superuser_url) as other:
        assert other.execute("select from app.payments for update").rowcount == 1
        committed_world.execute("set lock_timeout = '50ms'")
        assert replay(admin, inbox, *ids) == dict.fromkeys(ids, "processed")
    committed_world.execute("reset lock_timeout")


def test_a_refund_that_waited_is_linked_and_says_so(acme: Organization, inbox: Inbox) -> None:
    charge, _ = payment()
    inbox.take(refund(charge, 100))
    inbox.take(charge)
    waiting = inbox.rows("webhook_events")[0]
    assert waiting["payment_id"] is None
    assert replay(acme.admin(), inbox, waiting["id"]) == {waiting["id"]: "processed"}
    linked = inbox.rows("webhook_events")[0]
    assert linked["payment_id"] == inbox.row("payments")["id"]
    assert linked["steps"][: len(waiting["steps"])] == waiting["steps"]
    assert "replay" in [step["what"] for step in linked["steps"]]


def test_a_dead_delivery_that_succeeds_closes_its_exception(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    charge, _ = payment()
    inbox.take(broken(charge))
    world.execute("update app.webhook_events set status = 'dead', next_attempt_at = null")
    dead = inbox.row("webhook_events")["id"]
    admin = acme.admin()
    assert replay(admin, inbox, dead) == {dead: "failed"}
    row = inbox.row("webhook_events")
    assert (row["status"], inbox.row("exceptions")["state"]) == ("dead", "open")
    assert replay(admin, inbox, dead) == {dead: "failed"}
    assert inbox.row("webhook_events")["steps"] == row["steps"]
    mend(inbox, dead, charge)
    assert replay(admin, inbox, dead) == {dead: "processed"}
    row = inbox.row("webhook_events")
    assert (row["status"], row["error"]) == ("processed", None)
    assert row["payment_id"] == inbox.row("payments")["id"]
    assert "failed_delivery" not in inbox.open_exceptions()


def test_what_was_processed_and_fails_now_keeps_its_effects(
    acme: Organization, inbox: Inbox
) -> None:
    charge, _ = payment()
    inbox.take(charge)
    row = inbox.row("webhook_events")
    mend(inbox, row["id"], broken(charge))
    assert replay(acme.admin(), inbox, row["id"]) == {row["id"]: "failed"}
    now = inbox.row("webhook_events")
    assert (now["status"], now["error"], now["payment_id"]) == (
        "processed",
        None,
        row["payment_id"],
    )
    assert now["steps"][-1]["decided"] == "failed"


def test_a_connection_that_names_its_account_later_makes_no_second_payment(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    inbox.take(payment()[0])
    world.execute("update app.webhook_connections set provider_account = 'acct_later'")
    replay(acme.admin(), inbox, inbox.row("webhook_events")["id"])
    assert inbox.row("payments")["provider_account"] == "acct_later"


def test_deliveries_of_a_deleted_connection_can_be_replayed(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    charge, _ = payment()
    inbox.take(broken(charge))
    stored = inbox.row("webhook_events")["id"]
    world.execute("update app.webhook_connections set deleted_at = now(), is_active = false")
    mend(inbox, stored, charge)
    assert replay(acme.admin(), inbox, stored) == {stored: "processed"}


def test_every_id_is_answered_once_and_what_is_not_ours_is_unknown(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    bolt = open_inbox(world.organization("bolt"))
    charge, _ = payment()
    bolt.take(broken(charge))
    inbox.take(payment()[0])
    ours, theirs, nobodys = (
        inbox.row("webhook_events")["id"],
        bolt.row("webhook_events")["id"],
        uuid4(),
    )
    mend(bolt, theirs, charge)
    assert replay(acme.admin(), inbox, nobodys, ours, theirs, ours) == {
        nobodys: "unknown",
        ours: "processed",
        theirs: "unknown",
    }
    assert bolt.row("webhook_events")["status"] == "queued"


def test_a_call_names_at_most_a_thousand(acme: Organization, inbox: Inbox) -> None:
    admin = acme.admin()
    assert len(replay(admin, inbox, *(uuid4() for _ in range(1000)))) == 1000
    with refused("PT422"):
        replay(admin, inbox, *(uuid4() for _ in range(1001)))


def test_only_admins_replay(world: World, acme: Organization, inbox: Inbox) -> None:
    for person, code in ((acme.closer(), "42501"), (world.organization("bolt").admin(), "PT404")):
        with refused(code):
            replay(person, inbox)
        with world.acting_as(person) as db, refused(code):
            db.rows(
                "select * from replay_webhooks_since(%s, %s, %s)",
                inbox.connection_id,
                BEFORE,
                acme.id,
            )


# -- page after page


def ask(person: Person, inbox: Inbox, since: datetime = BEFORE) -> UUID:
    with inbox.organization.world.acting_as(person) as db:
        run: UUID = db.value(
            "select id from replay_webhooks_since(%s, %s, %s)",
            inbox.connection_id,
            since,
            inbox.organization.id,
        )
    return run


def claim(world: World) -> dict[str, Any] | None:
    rows = world.rows("select * from jobs.claim_run('one')")
    return rows[0] if rows else None


def step(inbox: Inbox, run: UUID, *, attempt: int = 1, batch: int = 2) -> list[dict[str, Any]]:
    with inbox.organization.world.acting_as_role("worker") as worker:
        return worker.rows(
            "select * from jobs.replay_webhook_events(%s, %s, 'one', %s, %s,"
            " clock_timestamp() + interval '1 minute')",
            inbox.organization.id,
            run,
            attempt,
            batch,
        )


def state_of(inbox: Inbox, run: UUID) -> dict[str, Any]:
    (row,) = [row for row in inbox.rows("sync_runs") if row["id"] == run]
    return row


def test_a_run_replays_page_after_page_and_a_dead_worker_costs_nothing(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    for _ in range(5):
        inbox.take(payment()[0])
    effects = settled(inbox)
    run = ask(acme.admin(), inbox)
    assert claim(world) is not None
    assert [row["replayed"] for row in step(inbox, run)] == [2]
    row = state_of(inbox, run)
    assert (row["progress_done"], row["progress_total"]) == (2, 5)
    assert row["counts"] == {"processed": 2}
    world.execute("select jobs.release_stale(as_of => now() + interval '1 hour')")
    assert step(inbox, run) == []
    world.execute("update app.sync_runs set available_at = now()")
    assert claim(world) is not None
    pages = list(itertools.chain.from_iterable(step(inbox, run, attempt=2) for _ in range(2)))
    assert [(page["replayed"], page["is_last"]) for page in pages] == [(2, False), (1, True)]
    row = state_of(inbox, run)
    assert (row["progress_done"], row["progress_total"]) == (5, 5)
    assert row["counts"] == {"processed": 5}
    assert settled(inbox) == effects


def test_a_run_leaves_alone_what_came_before_its_instant_and_after_its_start(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    for _ in range(4):
        inbox.take(broken(payment()[0]))
    day = datetime(2026, 3, 1, tzinfo=UTC)
    stored = inbox.rows("webhook_events")
    for days, row in enumerate(stored):
        world.execute(
            "update app.webhook_events set received_at = %s where id = %s",
            day + timedelta(days=days),
            row["id"],
        )
        mend(inbox, row["id"], payment()[0])
    run = ask(acme.admin(), inbox, day + timedelta(days=1))
    claim(world)
    assert [page["replayed"] for page in step(inbox, run, batch=1)] == [1]
    world.execute(
        "update app.webhook_events set received_at = now() + interval '1 day' where id = %s",
        stored[3]["id"],
    )
    for _ in range(2):
        step(inbox, run, batch=1)
    statuses = [row["status"] for row in inbox.rows("webhook_events")]
    assert statuses == ["queued", "processed", "processed", "queued"]


def test_deliveries_that_arrived_in_one_instant_are_all_replayed(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    for _ in range(5):
        inbox.take(broken(payment()[0]))
    for row in inbox.rows("webhook_events"):
        mend(inbox, row["id"], payment()[0])
    world.execute("update app.webhook_events set received_at = '2026-03-01T00:00Z'")
    run = ask(acme.admin(), inbox)
    claim(world)
    for _ in range(3):
        step(inbox, run)
    assert {row["status"] for row in inbox.rows("webhook_events")} == {"processed"}


def test_asking_twice_adds_no_second_run(acme: Organization, inbox: Inbox) -> None:
    admin = acme.admin()
    assert ask(admin, inbox) == ask(admin, inbox)
    assert ask(admin, inbox, BEFORE + timedelta(days=1)) != ask(admin, inbox)


@pytest.mark.parametrize("since", [None, datetime(2999, 1, 1, tzinfo=UTC)])
def test_a_replay_needs_an_instant_that_was(
    acme: Organization, inbox: Inbox, since: datetime | None
) -> None:
    with acme.world.acting_as(acme.admin()) as db, refused("PT422"):
        db.rows(
            "select * from replay_webhooks_since(%s, %s, %s)", inbox.connection_id, since, acme.id
        )


def test_a_connection_of_another_organization_is_unknown(world: World, inbox: Inbox) -> None:
    bolt = world.organization("bolt")
    with world.acting_as(bolt.admin()) as db, refused("PT404"):
        db.rows(
            "select * from replay_webhooks_since(%s, %s, %s)", inbox.connection_id, BEFORE, bolt.id
        )


def test_the_general_door_does_not_enqueue_replays(acme: Organization) -> None:
    admin = acme.admin()
    for statement in (
        "select * from request_sync('replay-webhooks')",
        "select * from create_schedule('replay-webhooks', interval_seconds => 3600)",
    ):
        with acme.world.acting_as(admin) as db, refused("PT422"):
            db.rows(statement)


# -- any order gives the same


@settings(max_examples=30)
@given(order=st.permutations(range(6)), times=st.integers(1, 2))
def test_replayed_in_any_order_the_story_ends_as_if_delivered_once(
    db: Any, order: list[int], times: int
) -> None:
    with db.transaction(force_rollback=True):
        world = World(db)
        charge, intent = payment(email="lee@lead.test")
        other, _ = payment(amount=500, email="lee@lead.test")
        story = [
            charge,
            intent,
            refund(charge, 100),
            refunded(charge, 100),
            other,
            refund(other, 500),
        ]
        once, again = (open_inbox(world.organization(name)) for name in ("once", "again"))
        for event in story:
            once.take(event)
        stored = []
        for event in story:
            again.take(broken(event))
            stored.append(again.rows("webhook_events")[-1]["id"])
            mend(again, stored[-1], event)
        admin = again.organization.admin()
        for _ in range(times):
            for number in order:
                replay(admin, again, stored[number])
        assert settled(again) == settled(once)


# -- exceptions


def dismiss(person: Person, acme: Organization, exception: UUID, reason: str | None) -> Any:
    with acme.world.acting_as(person) as db:
        return db.value(
            "select state from dismiss_exception(%s, %s, %s)", exception, reason, acme.id
        )


def test_an_admin_dismisses_an_exception_with_a_reason(
    world: World, acme: Organization, inbox: Inbox
) -> None:
    inbox.take(broken(payment()[0]))
    found = inbox.row("exceptions")["id"]
    admin = acme.admin()
    for reason in (None, "  "):
        with refused("PT422"):
            dismiss(admin, acme, found, reason)
    with refused("42501"):
        dismiss(acme.closer(), acme, found, "no")
    with refused("PT404"):
        dismiss(world.organization("bolt").admin(), acme, found, "no")
    with refused("PT404"):
        dismiss(admin, acme, uuid4(), "no")
    assert dismiss(admin, acme, found, " A test. ") == "dismissed"
    row = inbox.row("exceptions")
    assert (row["dismissed_by"], row["dismissed_reason"]) == (admin.user_id, "A test.")
    with refused("PT409"):
        dismiss(admin, acme, found, "again")
