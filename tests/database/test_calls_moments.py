"""Two people, or two deliveries, at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.world import ANSWERS, NOON, Organization, Row, World

AFTER = NOON + timedelta(hours=1)
PEOPLE = 8


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


def connect(database: Database) -> psycopg.Connection:
    connection = psycopg.connect(database.deployer_url)
    connection.execute("set role salesdash")
    connection.commit()
    return connection


def submit(connection: psycopg.Connection, call: Row, notes: str, outcome: str = "closed") -> None:
    connection.execute(
        "select app.record_form(%s, %s, %s, %s)",
        (
            call.organization_id,
            call.id,
            Jsonb({**ANSWERS[outcome], "notes": notes, "cash_collected": 100}),
            AFTER,
        ),
    )


def at_once(database: Database, act: Callable[[psycopg.Connection, int], Any]) -> list[Any]:
    """What each of PEOPLE got who acted in a transaction of their own, all together."""
    together = threading.Barrier(PEOPLE)

    def one(number: int) -> Any:
        with connect(database) as connection:
            together.wait(timeout=30)
            return act(connection, number)

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(one, range(PEOPLE)))


def versions(world: World, call: Row) -> list[dict[str, Any]]:
    return world.rows(
        "select version, is_active, notes from app.post_call_forms"
        " where event_id = %s order by version",
        call.id,
    )


def test_the_second_of_two_forms_waits_and_becomes_the_next_version(
    acme: Organization, database: Database, committed_world: World
) -> None:
    call = acme.event(closer=acme.closer())
    with connect(database) as first, connect(database) as second:
        submit(first, call, "first")
        waiting = threading.Thread(target=submit, args=(second, call, "second", "no_show"))
        waiting.start()
        wait_until(
            lambda: committed_world.value(
                "select %s = any (pg_blocking_pids(%s))",
                first.info.backend_pid,
                second.info.backend_pid,
            ),
            lambda: "the second form did not wait for the first",
        )
        assert versions(committed_world, call) == []
        first.commit()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
        second.commit()
    assert versions(committed_world, call) == [
        {"version": 1, "is_active": False, "notes": "first"},
        {"version": 2, "is_active": True, "notes": "second"},
    ]
    assert acme.state(call) == ("no_show", "no_show")


def test_many_forms_at_once_make_one_chain_and_lose_no_answer(
    acme: Organization, database: Database, committed_world: World
) -> None:
    call = acme.event(closer=acme.closer())
    at_once(database, lambda connection, number: submit(connection, call, f"note {number}"))
    found = versions(committed_world, call)
    assert [form["version"] for form in found] == list(range(1, PEOPLE + 1))
    assert [form["is_active"] for form in found] == [False] * (PEOPLE - 1) + [True]
    assert {form["notes"] for form in found} == {f"note {number}" for number in range(PEOPLE)}
    assert committed_world.value(
        "select count(*) from app.payments where organization_id = %s and deleted_at is null",
        acme.id,
    ) == 1  # fmt: skip


def test_a_form_and_a_cancellation_at_once_leave_what_either_order_leaves(
    acme: Organization, database: Database
) -> None:
    call = acme.event(closer=acme.closer())

    def act(connection: psycopg.Connection, number: int) -> None:
        if number % 2:
            submit(connection, call, "it took place")
        else:
            connection.execute(
                "select app.cancel_call(%s, %s, 'invitee', %s, actor => 'vendor')",
                (acme.id, call.id, NOON - timedelta(hours=1)),
            )

    at_once(database, act)
    assert acme.state(call) == ("completed", "closed")


def test_one_booking_delivered_many_times_at_once_is_one_call_of_one_lead(
    acme: Organization, database: Database, committed_world: World
) -> None:
    def act(connection: psycopg.Connection, _: int) -> Any:
        return connection.execute(
            "select app.book_call(organization_id => %s, scheduled_at => %s, email => %s,"
            " provider => 'calendly', provider_booking_id => 'booking-1')",
            (acme.id, NOON, "new@lead.test"),
        ).fetchone()

    assert len(set(at_once(database, act))) == 1
    assert committed_world.value(
        "select count(*) from app.events where organization_id = %s", acme.id
    ) == 1  # fmt: skip
    assert committed_world.value(
        "select count(*) from app.leads where organization_id = %s", acme.id
    ) == 1  # fmt: skip


def test_many_bookings_of_a_new_lead_at_once_are_of_one_lead(
    acme: Organization, database: Database, committed_world: World
) -> None:
    def act(connection: psycopg.Connection, number: int) -> None:
        connection.execute(
            "select app.book_call(organization_id => %s, scheduled_at => %s, email => %s)",
            (acme.id, NOON + timedelta(days=number), "  NEW@lead.test "),
        )

    at_once(database, act)
    assert committed_world.value(
        "select count(distinct lead_id) from app.events where organization_id = %s", acme.id
    ) == 1  # fmt: skip
    assert committed_world.value(
        "select count(*) from app.leads where organization_id = %s", acme.id
    ) == 1  # fmt: skip


def test_two_successors_at_once_never_branch_a_chain(
    acme: Organization, database: Database, committed_world: World
) -> None:
    call = acme.event(closer=acme.closer())
    later = [acme.event(scheduled_at=NOON + timedelta(days=n + 1)) for n in range(PEOPLE)]

    def act(connection: psycopg.Connection, number: int) -> Any:
        row = connection.execute(
            "select changed from app.reschedule_call(%s, %s, %s, %s, actor => 'vendor')",
            (acme.id, call.id, later[number].id, NOON),
        ).fetchone()
        return row and row[0]

    assert at_once(database, act).count(True) == 1
    assert committed_world.value(
        "select count(*) from app.events where rescheduled_from_id = %s", call.id
    ) == 1  # fmt: skip
