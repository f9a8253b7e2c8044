"""Failures are limited per address, and stand in nobody else's way."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest

from gateway.addresses import BURST, FailureLimit, network_of
from gateway.app import create_app
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway, settings_for
from tests.gateway.conftest import serving
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.stripe_events import as_sent, payment, signature
from tests.world import World


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    return open_endpoint(client, committed_world.organization("acme"))


def knock(client: httpx.Client, address: str) -> httpx.Response:
    """A delivery to a connection that does not exist, from an address."""
    path = f"/hooks/stripe/{uuid4()}"
    return client.post(path, content=b"{}", headers={"x-forwarded-for": address})


def exhaust(client: httpx.Client, address: str) -> httpx.Response:
    """Knock until it is answered that it was too often; that answer."""
    for _ in range(3 * BURST):
        answer = knock(client, address)
        if answer.status_code == 429:
            return answer
        assert answer.status_code == 404
    raise AssertionError("never too often")


def test_an_address_that_fails_too_often_is_told_to_wait(client: httpx.Client) -> None:
    answer = exhaust(client, "203.0.113.7")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "too_many_failures"
    assert int(answer.headers["retry-after"]) >= 1
    assert knock(client, "203.0.113.8").status_code == 404


def test_forged_signatures_count_as_failures(endpoint: Endpoint) -> None:
    body = as_sent(payment()[0])
    headers = {
        "stripe-signature": signature(body, secret="whsec_forged"),
        "x-forwarded-for": "203.0.113.20",
    }
    for _ in range(BURST):
        answer = endpoint.client.post(endpoint.path, content=body, headers=headers)
        assert answer.status_code == 401
    exhausted = [knock(endpoint.client, "203.0.113.20").status_code for _ in range(BURST // 2)]
    assert 429 in exhausted


def test_genuine_deliveries_pass_whatever_else_comes_from_their_address(
    endpoint: Endpoint, committed_world: World
) -> None:
    shared = "198.51.100.9"
    exhaust(endpoint.client, shared)
    new = open_endpoint(endpoint.client, committed_world.organization("new"))

    def passes(at: Endpoint) -> bool:
        body = as_sent(payment()[0])
        headers = {**at.signed(body), "x-forwarded-for": shared}
        return at.client.post(at.path, content=body, headers=headers).status_code == 200

    wait_until(lambda: passes(new), lambda: "the gateway did not hear of the new connection")
    for _ in range(20):
        knock(endpoint.client, shared)
        assert passes(endpoint)
        assert passes(new)


def test_what_is_refused_at_once_is_not_looked_up(database: Database) -> None:
    app = create_app(settings_for(database))
    app.state.hooks.failures = FailureLimit(burst=1, per_s=1e-9)
    with (
        serving(app) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
        psycopg.connect(database.deployer_url) as connection,
    ):
        assert knock(client, "203.0.113.30").status_code == 404
        connection.execute("set role salesdash")
        connection.execute("lock table app.webhook_connections in access exclusive mode")
        # Whatever looked a connection up now would wait for us.
        assert [knock(client, "203.0.113.30").status_code for _ in range(9)] == [429] * 9
        connection.rollback()


def test_an_ipv6_sender_is_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of(None) == ""


def test_tokens_come_back_with_time() -> None:
    limit = FailureLimit(burst=3, per_s=0.5)
    assert [limit.take("a", 0) for _ in range(4)] == [0, 0, 0, 2]
    assert limit.take("b", 0) == 0
    assert limit.take("a", 1.0) == 1
    assert [limit.take("a", 2.0), limit.take("a", 2.0)] == [0, 2]
    limit.give_back("a", 2.0)
    assert [limit.take("a", 2.0), limit.take("a", 2.0)] == [0, 2]
    assert [limit.take("a", 1000) for _ in range(4)] == [0, 0, 0, 2]


def test_memory_is_bounded_and_the_well_behaved_leave_nothing() -> None:
    limit = FailureLimit(burst=3, remembered=100)
    for number in range(1000):
        limit.take(str(number), 0)
    assert len(limit) == 100
    assert limit.take("999", 0) == 0
    quiet = FailureLimit(burst=3)
    quiet.take("a", 0)
    quiet.give_back("a", 0)
    assert len(quiet) == 0
