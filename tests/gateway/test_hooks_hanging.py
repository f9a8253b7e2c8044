"""Somebody holds what deliveries of one organization change: they wait, nobody else's do."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from gateway.intake import ALONE
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.stripe_events import as_sent, payment
from tests.world import World

EMAIL = "lee@lead.test"
SENDERS = 16
"""More than the gateway has connections to the database."""


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def hanging(client: httpx.Client, committed_world: World) -> Endpoint:
    endpoint = open_endpoint(client, committed_world.organization("hanging"))
    endpoint.organization.lead("lee", email=EMAIL)
    return endpoint


@contextmanager
def held(database: Database, endpoint: Endpoint) -> Iterator[Callable[[], None]]:
    """Somebody else changes the leads of the organization, until what is handed out is called."""
    with psycopg.connect(database.deployer_url) as holder:
        holder.execute("set role salesdash")
        holder.execute(
            "select from app.leads where organization_id = %s for update",
            [endpoint.organization.id],
        )
        yield holder.rollback


def calls_that_wait(world: World) -> int:
    """How many sessions of this database wait for a lock."""
    count: int = world.value(
        "select count(distinct l.pid) from pg_locks as l"
        " join pg_stat_activity as a on a.pid = l.pid"
        " where not l.granted and a.datname = current_database()"
    )
    return count


def test_while_the_deliveries_of_an_organization_hang_others_are_taken(
    client: httpx.Client, database: Database, committed_world: World, hanging: Endpoint
) -> None:
    free = open_endpoint(client, committed_world.organization("free"))
    with held(database, hanging) as let_go, ThreadPoolExecutor(2 * SENDERS) as senders:
        bodies = [as_sent(payment(email=EMAIL)[0]) for _ in range(SENDERS)]
        sent = [senders.submit(hanging.post, body) for body in bodies]
        wait_until(
            lambda: calls_that_wait(committed_world) == ALONE,
            lambda: "not as many calls wait as may",
        )
        taken = list(senders.map(free.send, [payment()[0] for _ in range(SENDERS)]))
        assert taken == ["processed"] * SENDERS
        let_go()
        statuses = [one.result().status_code for one in sent]
    assert set(statuses) <= {200, 503}
    assert hanging.count("webhook_events") == statuses.count(200)


def test_a_delivery_that_waits_too_long_is_kept_and_tried_again(
    database: Database, committed_world: World, hanging: Endpoint
) -> None:
    retry = "select jobs.retry_webhook_events(100, now() + %s * interval '1 day')"
    with held(database, hanging):
        assert hanging.send(payment(email=EMAIL)[0]) == "queued"
        (kept,) = hanging.rows("webhook_events")
        assert kept["error"] == "Failed with 55P03 in app.record_processor_payments."
        assert hanging.count("exceptions") == hanging.count("payments") == 0
        committed_world.execute(retry, 1)
        assert hanging.count("payments") == 0
    committed_world.execute(retry, 2)
    assert [row["status"] for row in hanging.rows("webhook_events")] == ["processed"]
    assert hanging.count("payments") == 1
