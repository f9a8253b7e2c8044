"""Limits of connections: exact however many send at once, and closed when they cannot be kept."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from threading import Barrier, local

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from gateway.app import create_app
from tests.database.inbox import Inbox, handed, open_inbox
from tests.fixtures.databases import Database
from tests.fixtures.processes import Gateway, settings_for
from tests.gateway.conftest import serving
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.stripe_events import as_sent, fresh, payment
from tests.world import World

MINUTE = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SENDERS = 8


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


class Senders:
    """Many sessions of the gateway's login that hand deliveries over at once."""

    def __init__(self, database: Database) -> None:
        self._url = database.gateway_url
        self._mine = local()
        self._together = Barrier(SENDERS)

    def deliver(self, inbox: Inbox, count: int, at: datetime) -> Counter[str]:
        """count deliveries of one instant from SENDERS sessions: how many were taken, or not."""

        def some(number: int) -> list[str]:
            with psycopg.connect(self._url, autocommit=True) as session:
                self._together.wait(30)
                return [
                    self._one(session, inbox, at)
                    for _ in range(count // SENDERS + (number < count % SENDERS))
                ]

        with ThreadPoolExecutor(SENDERS) as pool:
            return Counter(each for answers in pool.map(some, range(SENDERS)) for each in answers)

    def _one(self, session: psycopg.Connection, inbox: Inbox, at: datetime) -> str:
        try:
            session.execute(
                "select ingest.record_deliveries(%s, %s)",
                [Jsonb(handed([(inbox, payment()[0])])), at],
            )
        except psycopg.Error as error:
            return error.sqlstate or "gone"
        return "taken"


def opened(world: World, per_minute: int) -> Inbox:
    return open_inbox(world.organization("busy"), rate_limit_per_minute=per_minute)


def stored(inbox: Inbox) -> Sequence[int]:
    """Rows of what was taken: dedupe keys, events, payments."""
    return [
        len(inbox.rows(table)) for table in ("webhook_event_keys", "webhook_events", "payments")
    ]


@pytest.mark.parametrize("limit", [1, 7, 25])
def test_of_many_senders_at_once_exactly_the_limit_is_taken(
    database: Database, committed_world: World, limit: int
) -> None:
    inbox = opened(committed_world, limit)
    answers = Senders(database).deliver(inbox, limit + 20, MINUTE)
    assert answers == {"taken": limit, "PT429": 20}
    assert stored(inbox) == [limit] * 3


def test_up_to_the_limit_nothing_is_refused(database: Database, committed_world: World) -> None:
    inbox = opened(committed_world, 30)
    assert Senders(database).deliver(inbox, 30, MINUTE) == {"taken": 30}


def test_another_connection_is_unaffected(database: Database, committed_world: World) -> None:
    busy, calm = opened(committed_world, 5), opened(committed_world, 20)
    senders = Senders(database)
    assert senders.deliver(busy, 16, MINUTE) == {"taken": 5, "PT429": 11}
    assert senders.deliver(calm, 20, MINUTE) == {"taken": 20}


def test_the_next_minute_lets_through_what_has_slid_out(
    database: Database, committed_world: World
) -> None:
    inbox = opened(committed_world, 12)
    senders = Senders(database)
    assert senders.deliver(inbox, 16, MINUTE + timedelta(seconds=50))["taken"] == 12
    # A quarter of the last minute has slid out: 12 * 45 / 60 of it still counts.
    assert senders.deliver(inbox, 16, MINUTE + timedelta(seconds=75))["taken"] == 3
    assert senders.deliver(inbox, 16, MINUTE + timedelta(seconds=119))["taken"] == 8
    assert stored(inbox) == [23] * 3


@settings(max_examples=15)
@given(
    limit=st.integers(1, 8),
    pauses=st.lists(st.integers(0, 400), min_size=1, max_size=40),
)
def test_windows_slide_as_documented(world: World, limit: int, pauses: list[int]) -> None:
    """Against the rule itself, in exact numbers; pauses: tenths of seconds between deliveries."""
    inbox = open_inbox(world.organization("model"), rate_limit_per_minute=limit)
    hits: Counter[int] = Counter()
    at = Fraction(0)
    for pause in pauses:
        at += Fraction(pause, 10)
        minute, elapsed = divmod(at, 60)
        used = hits[minute - 1] * (60 - elapsed) / 60 + hits[minute]
        fits = used + 1 <= limit
        taken, wait = True, 0
        try:
            with world.connection.transaction():
                world.execute(
                    "select ingest.record_deliveries(%s, %s)",
                    Jsonb(handed([(inbox, fresh("invoice.paid"))])),
                    MINUTE + timedelta(seconds=float(at)),
                )
        except psycopg.Error as error:
            if error.sqlstate != "PT429":
                raise
            taken, wait = False, int(error.diag.message_detail or "")
        assert taken is fits
        hits[minute] += taken
        if not taken:
            assert 1 <= wait <= 120
            assert wait >= ceil(60 - elapsed) or hits[minute] < limit


def test_over_http_too_no_minute_takes_more_than_the_limit(
    client: httpx.Client, committed_world: World
) -> None:
    endpoint = open_endpoint(client, committed_world.organization("http"), rate_limit_per_minute=9)
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(lambda _: endpoint.post(as_sent(payment()[0])), range(30)))
    taken = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(a.headers["retry-after"]) >= 1 for a in answers if a.status_code == 429)
    minutes = Counter(row["received_at"].minute for row in endpoint.rows("webhook_events"))
    assert sum(minutes.values()) == len(taken) >= 9
    assert max(minutes.values()) <= 9


# -- a limiter that cannot say anything


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    return open_endpoint(client, committed_world.organization("closed"))


def is_closed(endpoint: Endpoint) -> bool:
    answer = endpoint.post(as_sent(payment()[0]))
    if answer.status_code != 503:
        return False
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    return [endpoint.count(table) for table in ("webhook_event_keys", "payments")] == [0, 0]


@pytest.mark.parametrize("right", ["select", "insert", "update"])
def test_without_rights_on_the_limits_nothing_is_taken(
    endpoint: Endpoint, committed_world: World, right: str
) -> None:
    committed_world.execute(f"revoke {right} on app.rate_limits from salesdash")
    try:
        assert is_closed(endpoint)
    finally:
        committed_world.execute(f"grant {right} on app.rate_limits to salesdash")
    assert endpoint.send(payment()[0]) == "processed"


def test_while_the_limits_are_locked_nothing_is_taken(
    database: Database, endpoint: Endpoint
) -> None:
    with psycopg.connect(database.deployer_url) as connection:
        connection.execute("set role salesdash")
        connection.execute("lock table app.rate_limits in access exclusive mode")
        assert is_closed(endpoint)
    assert endpoint.send(payment()[0]) == "processed"


def test_refusals_are_counted_apart_from_forgeries(
    database: Database, committed_world: World
) -> None:
    with (
        serving(create_app(settings_for(database))) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        endpoint = open_endpoint(client, committed_world.organization("closed"))
        forged = {"stripe-signature": "t=1,v1=00"}
        client.post(endpoint.path, content=b"{}", headers=forged)
        committed_world.execute("revoke insert on app.rate_limits from salesdash")
        try:
            assert is_closed(endpoint)
            assert is_closed(endpoint)
        finally:
            committed_world.execute("grant insert on app.rate_limits to salesdash")
    counted = committed_world.rows(
        "select sum(rejected)::integer as rejected, sum(refused)::integer as refused"
        " from app.connection_stats where organization_id = %s",
        endpoint.organization.id,
    )
    assert counted == [{"rejected": 1, "refused": 2}]
