"""/rest/v1 through the gateway is PostgREST, byte for byte."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from gateway.passthrough import MAX_BODY_BYTES
from salesdash import wiring
from salesdash.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway, running, wait_for
from tests.world import Organization, Person, World


@pytest.fixture(scope="module")
def acme(committed_world: World) -> Organization:
    """An organization with a few sources."""
    made = committed_world.organization("acme")
    for name in ("Ads", "Börse & Co", "100% free"):
        made.source(name)
    return made


@pytest.fixture(scope="module")
def ada(acme: Organization) -> Person:
    """Its admin."""
    return acme.admin()


@pytest.fixture
def client(gateway: Gateway, committed_world: World, ada: Person) -> Iterator[httpx.Client]:
    """Requests of the admin through the gateway."""
    token = committed_world.token(ada, gateway.jwt_secret)
    with httpx.Client(
        base_url=f"{gateway.url}/rest/v1",
        headers={"apikey": gateway.anon_key, "authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    ) as made:
        yield made


@pytest.mark.parametrize(
    "path",
    [
        "/sources?select=id,name&order=name",
        "/sources?name=eq.B%C3%B6rse%20%26%20Co&select=name",
        "/sources?name=eq.100%25%20free&select=name",
        '/sources?name=in.("Ads","a,b")&select=name',
        "/sources?and=(name.eq.Ads,id.not.is.null)&select=name",
        "/",
        "/nothing",
        "/sources?nothing=eq.1",
    ],
)
def test_an_answer_is_what_postgrest_says(
    client: httpx.Client, gateway: Gateway, path: str
) -> None:
    through = client.get(path)
    direct = httpx.get(
        f"{gateway.rest.url}{path}",
        headers={"authorization": client.headers["authorization"]},
        trust_env=False,
    )
    assert (through.status_code, through.content) == (direct.status_code, direct.content)
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert through.headers.get("content-range") == direct.headers.get("content-range")


def test_headers_of_postgrest_work_both_ways(client: httpx.Client) -> None:
    counted = client.get("/sources", headers={"prefer": "count=exact", "range": "0-0"})
    assert counted.status_code == 206
    assert counted.headers["content-range"] == "0-0/3"
    single = client.get(
        "/sources?name=eq.Ads", headers={"accept": "application/vnd.pgrst.object+json"}
    )
    assert single.json()["name"] == "Ads"
    csv = client.get("/sources?select=name&name=eq.Ads", headers={"accept": "text/csv"})
    assert csv.text == "name\nAds"
    head = client.head("/sources", headers={"prefer": "count=exact"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-range"] == "0-2/3"


def test_rows_are_written_and_removed(client: httpx.Client, acme: Organization) -> None:
    made = client.post(
        "/sources",
        json={"organization_id": str(acme.id), "name": "Mail"},
        headers={"prefer": "return=representation"},
    )
    assert made.status_code == 201
    (row,) = made.json()
    changed = client.patch(f"/sources?id=eq.{row['id']}", json={"name": "Post"})
    assert changed.status_code == 204
    many = client.post(
        "/sources",
        content=iter(
            [b"[", json.dumps({"organization_id": str(acme.id), "name": "S"}).encode(), b"]"]
        ),
        headers={"content-type": "application/json", "prefer": "return=minimal"},
    )
    assert many.status_code == 201
    assert client.get("/sources?name=in.(Post,S)&select=name").json() == [
        {"name": "Post"},
        {"name": "S"},
    ]
    assert client.delete("/sources?name=in.(Post,S)").status_code == 204


@pytest.mark.parametrize(
    ("profile", "status"), [("public", 200), ("api", 200), ("app", 406), ("auth", 406)]
)
def test_the_schema_that_clients_call_public_is_ours(
    client: httpx.Client, profile: str, status: int
) -> None:
    assert client.get("/sources", headers={"accept-profile": profile}).status_code == status
    answer = client.patch(
        "/sources?name=eq.nothing", json={"name": "x"}, headers={"content-profile": profile}
    )
    assert answer.status_code == (204 if status == 200 else status)


def test_a_request_with_only_an_apikey_speaks_as_that_key(
    client: httpx.Client, gateway: Gateway
) -> None:
    url = f"{gateway.url}/rest/v1/sources"
    own = client.headers["authorization"].removeprefix("Bearer ")
    answers = {
        key: httpx.get(url, headers={"apikey": key} if key else {}, trust_env=False).status_code
        for key in (own, gateway.anon_key, "garbage", "")
    }
    assert answers == {own: 200, gateway.anon_key: 401, "garbage": 401, "": 401}


def test_too_much_is_refused_whether_announced_or_not(client: httpx.Client) -> None:
    piece = b" " * (1024 * 1024)
    pieces = MAX_BODY_BYTES // len(piece) + 1
    announced = client.post("/sources", content=piece * pieces)
    streamed = client.post("/sources", content=(piece for _ in range(pieces)))
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_large_answer_streams_through_whole(
    client: httpx.Client, acme: Organization, committed_world: World
) -> None:
    committed_world.execute(
        "insert into app.sources (organization_id, name)"
        " select %s, 'stream ' || n || repeat('x', 100) from generate_series(1, 250) as n",
        acme.id,
    )
    twenty = ",".join(f"name{n}:name" for n in range(20))
    rows = client.get(f"/sources?select={twenty}&name=like.stream*").json()
    assert len({row["name19"] for row in rows}) == 250
    assert {len(set(row.values())) for row in rows} == {1}
    assert {len(row) for row in rows} == {20}
    committed_world.execute("delete from app.sources where name like 'stream %%'")


def test_a_request_id_goes_through_and_comes_back(client: httpx.Client) -> None:
    assert client.get("/sources", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == (
        "abc-1"
    )
    made = client.get("/sources", headers={"x-request-id": "not one"})
    assert made.headers["x-request-id"].isalnum()
    assert len(made.headers.get_list("x-request-id")) == 1


def test_without_postgrest_the_answer_says_try_again_and_then_all_is_well(
    client: httpx.Client, gateway: Gateway, postgrest_program: Path, system: Settings, logs: Path
) -> None:
    os.kill(gateway.rest.pid, signal.SIGSTOP)
    os.kill(gateway.rest.pid, signal.SIGKILL)

    def is_away() -> bool:
        return client.get("/sources").status_code == 503

    wait_until(is_away, lambda: "PostgREST still answers")
    answer = client.get("/sources")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "rest_unavailable"
    ready = httpx.get(f"{gateway.url}/readyz", trust_env=False)
    assert ready.status_code == 503
    assert ready.json()["checks"]["postgrest"] != "ready"
    log = logs / "postgrest-again.log"
    with running(wiring.postgrest_child(postgrest_program, system), log) as process:
        wait_for(f"{system.postgrest_admin_url}/ready", process, log)
        assert client.get("/sources").status_code == 200


def test_the_gateway_s_login_reaches_functions_and_no_table(database: Database) -> None:
    with psycopg.connect(database.gateway_url, autocommit=True) as connection:
        tables = connection.execute(
            "select c.oid::regclass::text from pg_class as c"
            " where c.relkind in ('r', 'p', 'v') and c.relnamespace::regnamespace::text"
            " in ('app', 'auth', 'api', 'analytics')"
            " and has_table_privilege(c.oid, 'select, insert, update, delete')"
        ).fetchall()
        functions = connection.execute(
            "select distinct p.pronamespace::regnamespace::text from pg_proc as p"
            " where p.pronamespace::regnamespace::text"
            " in ('app', 'auth', 'api', 'analytics', 'jobs', 'session', 'ingest')"
            " and has_schema_privilege(p.pronamespace, 'usage')"
            " and has_function_privilege(p.oid, 'execute')"
        ).fetchall()
    assert tables == []
    assert {schema for (schema,) in functions} <= {"session", "ingest"}
    assert ("session",) in functions
