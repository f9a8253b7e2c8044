"""Sums and counts in a request: over what the caller may see, within the limits of their role."""

import concurrent.futures
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from salesdash.tokens import ReaderClaims, mint_reader_key
from tests.edge.requests import Api, outcome
from tests.fixtures.databases import Database
from tests.fixtures.processes import Gateway, Rest
from tests.world import Organization, Person, World

CASH = "payments?select=currency,amount.sum(),id.count()"


@pytest.fixture(scope="module")
def api(rest: Rest, committed_world: World) -> Api:
    return Api(rest, committed_world)


@pytest.fixture(scope="module")
def acme(committed_world: World) -> Organization:
    """Three payments: one that Dana closed, one that Eli closed, one that is nobody's."""
    made = committed_world.organization("acme")
    committed_world.organization("beta").payment(amount=Decimal("9000.00"))
    return made


@pytest.fixture(scope="module")
def people(acme: Organization) -> dict[str, Person]:
    dana, eli = acme.closer("dana"), acme.closer("eli")
    acme.payment(closer=dana, amount=Decimal("100.10"))
    acme.payment(closer=eli, amount=Decimal("200.20"))
    acme.payment(amount=Decimal("300.30"))
    for closer in (dana, dana, eli):
        acme.event(closer=closer)
    return {"dana": dana, "eli": eli, "admin": acme.admin(), "sam": acme.setter("sam")}


@pytest.fixture(scope="module")
def keyed(acme: Organization, rest: Rest) -> Iterator[httpx.Client]:
    """Requests with a key of Acme."""
    made = acme.reader_key()
    key = mint_reader_key(
        ReaderClaims(made.key_id, made.organization_id),
        rest.jwt_secret,
        issuer="x",
        now=int(time.time()),
    )
    headers = {"authorization": f"Bearer {key}", "accept-profile": "analytics"}
    with httpx.Client(base_url=rest.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


def sums(answer: httpx.Response) -> list[tuple[Any, ...]]:
    assert answer.status_code == 200, answer.text
    return [
        tuple(row.values())
        for row in httpx.Response(200, text=answer.text).json(parse_float=Decimal)
    ]


def test_a_sum_is_over_what_the_caller_sees(
    api: Api, keyed: httpx.Client, people: dict[str, Person]
) -> None:
    for who, wanted in (
        ("admin", [("USD", Decimal("600.60"), 3)]),
        ("dana", [("USD", Decimal("100.10"), 1)]),
        ("sam", []),
    ):
        assert sums(api.send(people[who], "GET", CASH)) == wanted, who
    assert sums(keyed.get(CASH)) == [("USD", Decimal("600.60"), 3)]
    root = api.world.super_admin()
    (everything,) = sums(api.send(root, "GET", CASH))
    assert everything == ("USD", Decimal("9600.60"), 4)
    assert outcome(api.send(None, "GET", CASH)) == (401, "42501")


def test_calls_are_counted_by_whatever_groups_them(
    api: Api, keyed: httpx.Client, people: dict[str, Person]
) -> None:
    grouped = "events?select=closer_id,id.count()&order=closer_id"
    mine = {str(people["dana"].closer_id): 2, str(people["eli"].closer_id): 1}
    assert dict(sums(api.send(people["admin"], "GET", grouped))) == mine
    assert dict(sums(keyed.get(grouped))) == mine
    assert sums(api.send(people["dana"], "GET", grouped)) == [(str(people["dana"].closer_id), 2)]
    assert sums(api.send(people["sam"], "GET", grouped)) == []


@pytest.fixture
def hurried(database: Database) -> Iterator[None]:
    """A view that never ends, for whoever may ask for it, and limits of tenths of seconds.

    The proper limits are those of the roles (tests/deploy/test_roles.py).
    """
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute(
            """
            alter function auth.admit_request() rename to admit_request_proper;
            create function auth.admit_request() returns void language plpgsql
            set search_path = '' as $$ begin
                perform auth.admit_request_proper();
                perform set_config('statement_timeout', '400ms', true);
            end $$;
            create function analytics.asleep() returns integer language sql volatile
            return (select 1 from pg_sleep(60));
            create view analytics.endless as
                select analytics.asleep() as amount from generate_series(1, 100);
            grant execute on function auth.admit_request(), analytics.asleep()
                to anon, authenticated, org_admin, super_admin, reader;
            grant select on analytics.endless to authenticated, org_admin, reader;
            notify pgrst, 'reload schema';
            """
        )
        yield
        superuser.execute(
            """
            drop view analytics.endless;
            drop function auth.admit_request(), analytics.asleep();
            alter function auth.admit_request_proper() rename to admit_request;
            """
        )


def test_what_takes_too_long_ends_with_its_reason_and_others_are_served_meanwhile(
    api: Api, keyed: httpx.Client, people: dict[str, Person], hurried: None
) -> None:
    endless = "endless?select=amount.sum()"
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(keyed.get, endless) for _ in range(6)]
        served = [api.send(people["admin"], "GET", CASH) for _ in range(5)]
        answers = [one.result() for one in asked]
    assert [answer.status_code for answer in served] == [200] * 5
    outcomes = {outcome(answer) for answer in answers}
    assert (500, "57014") in outcomes
    assert outcomes <= {(500, "57014"), (429, "PT429")}
    assert sums(keyed.get(CASH)) == [("USD", Decimal("600.60"), 3)]


def test_at_the_gateway_one_person_has_five_connections_at_most(
    api: Api, gateway: Gateway, people: dict[str, Person], hurried: None, database: Database
) -> None:
    token = api.world.token(people["admin"], api.rest.jwt_secret)

    asleep = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event = 'PgSleep'"
    )
    seen = set()
    with (
        psycopg.connect(database.superuser_url, autocommit=True) as superuser,
        httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as client,
        concurrent.futures.ThreadPoolExecutor(7) as pool,
    ):
        headers = {"authorization": f"Bearer {token}", "accept-profile": "analytics"}
        endless = "/rest/v1/endless?select=amount.sum()"
        asked = [pool.submit(client.get, endless, headers=headers) for _ in range(7)]
        while not all(one.done() for one in asked):
            seen |= {count for (count,) in superuser.execute(asleep)}
    assert max(seen) == 5
    assert {outcome(one.result()) for one in asked} == {(500, "57014")}
