"""Admins make read-only keys, which read analytics: at the gateway, and straight at PostgREST."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from salesdash.settings import Settings
from salesdash.tokens import ReaderClaims, mint_reader_key
from tests.edge.requests import outcome
from tests.fixtures.databases import Database
from tests.fixtures.processes import JWT_SECRET, Gateway, settings_for
from tests.world import Organization, Person, World

PREVIOUS = "the secret before, which is accepted for a while"
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def system(database: Database) -> Settings:
    """While the signing secret is rotated."""
    return settings_for(database, jwt_secret_previous=PREVIOUS)


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    made = committed_world.organization("acme")
    made.event(closer=made.closer())
    made.payment()
    return made


@pytest.fixture
def make(client: httpx.Client, gateway: Gateway, committed_world: World) -> Ask:
    """Make a key as somebody; without a person, as nobody."""

    def ask(person: Person | None, **fields: object) -> httpx.Response:
        token = committed_world.token(person, gateway.jwt_secret) if person else None
        return client.post(
            f"{gateway.url}/functions/v1/api-keys",
            json=fields,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    return ask


@pytest.fixture
def read(client: httpx.Client, gateway: Gateway) -> Ask:
    """Send a request with a key: through the gateway, or straight to PostgREST."""

    def ask(
        key: str, path: str = "events", *, method: str = "GET", straight: bool = False, **more: Any
    ) -> httpx.Response:
        base = gateway.rest.url if straight else f"{gateway.url}/rest/v1"
        headers = {
            "authorization": f"Bearer {key}",
            "accept-profile": "analytics",
            "content-profile": "analytics",
            **more.pop("headers", {}),
        }
        return client.request(method, f"{base}/{path}", headers=headers, **more)

    return ask


def organizations(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {row["organization_id"] for row in answer.json()}


def test_a_key_is_shown_once_and_reads_one_organization(
    make: Ask, read: Ask, acme: Organization, committed_world: World
) -> None:
    committed_world.organization("beta").event()
    ada = acme.admin()
    made = make(ada, name=" Metabase ")
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    told = made.json()
    key = told.pop("key")
    assert told["name"] == "Metabase"
    assert told["last4"] == key[-4:]
    for straight in (False, True):
        assert organizations(read(key, straight=straight)) == {str(acme.id)}
        assert organizations(read(key, "payments", straight=straight)) == {str(acme.id)}
    row = committed_world.rows("select * from app.api_keys where id = %s", told["id"])[0]
    assert row["created_by"] == ada.user_id
    kept = committed_world.value(
        "select (select string_agg(k::text, '') from app.api_keys as k)"
        " || (select string_agg(a::text, '') from app.audit_logs as a)"
    )
    assert told["id"] in kept
    assert key.split(".")[2] not in kept


def test_a_key_alone_as_apikey_will_do(
    client: httpx.Client, gateway: Gateway, make: Ask, acme: Organization
) -> None:
    key = make(acme.admin(), name="Sheets").json()["key"]
    answer = client.get(
        f"{gateway.url}/rest/v1/events",
        headers={"apikey": key, "accept-profile": "analytics"},
    )
    assert organizations(answer) == {str(acme.id)}


@pytest.mark.parametrize("straight", [False, True])
def test_a_key_gets_csv(make: Ask, read: Ask, acme: Organization, straight: bool) -> None:
    key = make(acme.admin(), name=f"CSV {straight}").json()["key"]
    answer = read(
        key,
        "payments?select=id,amount,currency,payment_day&order=id",
        straight=straight,
        headers={"accept": "text/csv"},
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert list(row) == ["id", "amount", "currency", "payment_day"]
    assert row["currency"] == "USD"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "sources", {}),
        ("PATCH", "sources?id=not.is.null", {}),
        ("DELETE", "payments?id=not.is.null", {}),
        ("GET", "events", {"accept-profile": "api"}),
        ("GET", "api_keys", {"accept-profile": "api"}),
        ("POST", "rpc/me", {"content-profile": "api"}),
        ("POST", "rpc/core_metrics", {"content-profile": "api"}),
        ("POST", "rpc/create_api_key", {"content-profile": "api"}),
    ],
)
def test_a_key_does_nothing_but_read_analytics(
    make: Ask, read: Ask, acme: Organization, method: str, path: str, headers: dict[str, str]
) -> None:
    key = make(acme.admin(), name="BI").json()["key"]
    before = acme.world.value("select count(*) from app.sources") or 0
    answer = read(key, path, method=method, headers=headers, json={"name": "x"})
    assert outcome(answer)[0] in {401, 403, 404, 405}, answer.text
    assert acme.world.value("select count(*) from app.sources") == before
    assert len(read(key).json()) == 1


def test_a_key_makes_no_keys_and_is_no_session(
    client: httpx.Client, gateway: Gateway, make: Ask, acme: Organization
) -> None:
    key = make(acme.admin(), name="BI").json()["key"]
    bearer = {"authorization": f"Bearer {key}"}
    more = client.post(
        f"{gateway.url}/functions/v1/api-keys", json={"name": "More"}, headers=bearer
    )
    assert outcome(more) == (403, "42501")
    assert client.get(f"{gateway.url}/auth/v1/user", headers=bearer).status_code in {401, 403}


def test_a_key_that_is_revoked_is_refused_on_the_next_request(
    client: httpx.Client,
    gateway: Gateway,
    make: Ask,
    read: Ask,
    acme: Organization,
    committed_world: World,
) -> None:
    ada, other = acme.admin(), committed_world.organization("beta").admin()
    made = make(ada, name="BI").json()

    def revoke(person: Person) -> httpx.Response:
        return client.post(
            f"{gateway.url}/functions/v1/revoke-api-key",
            json={"keyId": made["id"]},
            headers={
                "authorization": f"Bearer {committed_world.token(person, gateway.jwt_secret)}"
            },
        )

    assert outcome(make(ada, name="BI")) == (409, "PT409")
    assert outcome(revoke(other)) == (404, "PT404")
    assert read(made["key"]).status_code == 200
    assert revoke(ada).json()["revoked_at"] is not None
    for straight in (False, True):
        assert outcome(read(made["key"], straight=straight)) == (401, "PT401")
    assert make(ada, name="BI").status_code == 201


@pytest.mark.parametrize("state", ["suspended_at", "deleted_at"])
def test_a_key_of_an_organization_that_is_out_of_use_reads_nothing(
    make: Ask, read: Ask, acme: Organization, state: str
) -> None:
    key = make(acme.admin(), name="BI").json()["key"]
    acme.world.execute(f"update app.organizations set {state} = now() where id = %s", acme.id)
    assert outcome(read(key)) == (401, "PT401")


def test_a_key_says_what_was_signed_and_nothing_else(
    make: Ask, read: Ask, acme: Organization, committed_world: World
) -> None:
    made = make(acme.admin(), name="BI").json()
    beta = committed_world.organization("beta")
    beta.event()
    claims = jwt.decode(made["key"], JWT_SECRET, algorithms=["HS256"])
    assert claims.keys() == {"iss", "role", "key_id", "organization_id", "iat"}
    for changed, secret in (
        ({}, "a secret that somebody made up, long enough"),
        ({"key_id": str(uuid4())}, JWT_SECRET),
        ({"organization_id": str(beta.id)}, JWT_SECRET),
        ({"organization_id": None}, JWT_SECRET),
        ({"role": "org_admin"}, JWT_SECRET),
        ({"role": "super_admin"}, JWT_SECRET),
        ({"exp": int(time.time()) - 3600}, JWT_SECRET),
    ):
        forged = jwt.encode({**claims, **changed}, secret, algorithm="HS256")
        for straight in (False, True):
            assert read(forged, straight=straight).status_code == 401, changed
    assert read(made["key"]).status_code == 200


def test_a_key_lives_as_long_as_the_secret_that_signed_it_is_accepted(
    read: Ask, acme: Organization
) -> None:
    row = acme.reader_key()
    claims = ReaderClaims(row.key_id, row.organization_id)
    for secret, status in ((JWT_SECRET, 200), (PREVIOUS, 200), ("an older one " * 4, 401)):
        key = mint_reader_key(claims, secret, issuer="x", now=int(time.time()))
        for straight in (False, True):
            assert read(key, straight=straight).status_code == status


def test_only_admins_make_keys(make: Ask, acme: Organization, committed_world: World) -> None:
    root = committed_world.super_admin()
    assert outcome(make(None, name="x"))[0] == 401
    assert outcome(make(acme.closer("eli"), name="x")) == (403, "42501")
    elsewhere = committed_world.organization("beta").admin()
    assert outcome(make(elsewhere, name="x", organizationId=str(acme.id))) == (404, "PT404")
    assert make(root, name="x", organization_id=str(acme.id)).status_code == 201


@pytest.mark.parametrize(
    "fields",
    [{}, {"name": " "}, {"name": 5}, {"name": "x" * 101}, {"name": "x", "role": "org_admin"}],
)
def test_what_cannot_be_is_named(make: Ask, acme: Organization, fields: dict[str, object]) -> None:
    assert outcome(make(acme.admin(), **fields)) == (422, "invalid_fields")


def test_keys_of_one_organization_ask_four_things_at_once(
    make: Ask, read: Ask, acme: Organization, committed_world: World, database: Database
) -> None:
    """So that whoever asks what takes long leaves connections for everybody else."""
    key = make(acme.admin(), name="Busy").json()["key"]
    second = make(acme.admin(), name="Busy too").json()["key"]
    other = make(committed_world.organization("beta").admin(), name="BI").json()["key"]
    with psycopg.connect(database.deployer_url) as busy:
        busy.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s || ' reads ', n))"
            " from generate_series(1, 3) as n",
            (str(acme.id),),
        )
        assert read(key).status_code == 200
        busy.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s || ' reads ', 4))", (str(acme.id),)
        )
        for refused in (read(key), read(second, straight=True)):
            assert outcome(refused) == (429, "PT429")
        assert read(other).status_code == 200
    assert read(key).status_code == 200
