"""Probes, metrics, and the pages that links open."""

import html.parser
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

import gateway.pages.links as pages
from gateway.pages.html import PAGES
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway
from tests.gateway.door import Door
from tests.world import World


class Elements(html.parser.HTMLParser):
    """All start tags of a document, with their attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def get(gateway: Gateway, path: str) -> httpx.Response:
    return httpx.get(f"{gateway.url}{path}", trust_env=False)


def test_readiness_names_what_is_missing(
    gateway: Gateway, database: Database, committed_world: World
) -> None:
    missing = get(gateway, "/readyz")
    assert missing.status_code == 503
    assert missing.json() == {
        "status": "not ready",
        "checks": {
            "database": "ready",
            "postgrest": "ready",
            "worker": "never seen",
            "partitions": "ready",
        },
    }
    committed_world.execute("insert into app.worker_heartbeats (worker_id) values ('w1')")
    assert get(gateway, "/readyz").status_code == 200
    committed_world.execute("update app.worker_heartbeats set seen_at = now() - interval '60 s'")
    assert "not seen for 60 s" in get(gateway, "/readyz").json()["checks"]["worker"]
    assert get(gateway, "/livez").status_code == get(gateway, "/healthz").status_code == 200


def test_readiness_warns_of_partitions_before_it_fails(
    gateway: Gateway, committed_world: World
) -> None:
    def drop(months: int) -> None:
        month = committed_world.value(
            "select to_char((now() at time zone 'UTC') + make_interval(months => %s), 'YYYY_MM')",
            months,
        )
        committed_world.execute(f"drop table app.webhook_events_{month}")

    committed_world.execute("insert into app.worker_heartbeats values ('w2', now(), now())")
    drop(2)
    warned = get(gateway, "/readyz")
    assert warned.status_code == 200
    assert warned.json()["checks"]["partitions"].startswith("warning: no webhook_events_")
    drop(1)
    missing = get(gateway, "/readyz")
    assert missing.status_code == 503
    assert missing.json()["checks"]["partitions"].startswith("missing: no webhook_events_")
    committed_world.execute("select app.ensure_partitions()")
    assert get(gateway, "/readyz").json()["checks"]["partitions"] == "ready"


def test_a_database_that_drops_its_connections_costs_no_request(
    gateway: Gateway, database: Database
) -> None:
    assert get(gateway, "/readyz").json()["checks"]["database"] == "ready"
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        dropped = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'salesdash-gateway' and datname = current_database()"
        ).fetchall()
    assert dropped
    assert get(gateway, "/readyz").json()["checks"]["database"] == "ready"


def test_metrics_count_requests_and_hashes_without_naming_anybody(gateway: Gateway) -> None:
    httpx.post(
        f"{gateway.url}/auth/v1/token?grant_type=password",
        json={"email": "nobody@nowhere.test", "password": "secret phrase"},
        trust_env=False,
    )
    metrics = get(gateway, "/metrics").text
    assert re.search(r"^salesdash_password_hashes_total 1\.0$", metrics, re.MULTILINE)
    assert 'salesdash_requests_total{area="auth",method="POST",status="400"} 1.0' in metrics
    assert "nobody" not in metrics


def test_the_log_holds_no_query_and_no_secret(gateway: Gateway, logs: Path) -> None:
    mark = uuid4().hex
    get(gateway, f"/auth/v1/verify?token={mark}&type=magiclink")
    httpx.post(
        f"{gateway.url}/auth/v1/token?grant_type=password&x={mark}",
        json={"email": f"{mark}@nowhere.test", "password": mark},
        headers={"authorization": f"Bearer {mark}", "x-request-id": f"request-{mark[:8]}"},
        trust_env=False,
    )
    log = logs / "gateway.log"
    wait_until(lambda: f"request-{mark[:8]}" in log.read_text(), lambda: log.read_text()[-500:])
    assert mark not in log.read_text()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_but_our_own_files(gateway: Gateway, path: str) -> None:
    answer = get(gateway, path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    elements = Elements(answer.text).found
    scripts = [attributes for tag, attributes in elements if tag == "script"]
    assert scripts
    for attributes in scripts:
        source = str(attributes["src"])
        script = get(gateway, source)
        assert script.headers["content-type"].startswith("text/javascript")
        for imported in re.findall(r'from "\./([^"]+)"', script.text):
            assert get(gateway, f"/assets/{imported}").status_code == 200
    for tag, attributes in elements:
        assert tag != "style"
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_everybody(gateway: Gateway, path: str) -> None:
    elements = Elements(get(gateway, path).text).found
    tags = [tag for tag, _ in elements]
    assert ("html", {"lang": "en"}) in elements
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    assert any(
        attributes.get("name") == "viewport" and "width=device-width" in str(attributes["content"])
        for tag, attributes in elements
        if tag == "meta"
    )
    labelled = {attributes["for"] for tag, attributes in elements if tag == "label"}
    for tag, attributes in elements:
        if tag == "input" and attributes.get("type") != "hidden":
            assert attributes["id"] in labelled
            assert "autocomplete" in attributes
    assert any(attributes.get("role") == "status" for _, attributes in elements)


@pytest.mark.parametrize("path", PAGES)
def test_a_script_finds_every_element_it_asks_for(path: str) -> None:
    document = pages._DOCUMENTS[path]
    present = {attributes.get("id") for _, attributes in Elements(document).found}
    script = pages._ASSETS[PAGES[path].script].read_text()
    asked = set(re.findall(r'\bat\("([^"]+)"\)', script))
    shown = {
        name
        for call in re.findall(r"\bshow\(([^)]*)\)", script)
        for name in re.findall(r'"([^"]+)"', call)
    }
    assert asked | shown <= present


def test_files_outside_the_pages_cannot_be_asked_for(gateway: Gateway) -> None:
    for name in ("html.py", "..%2fhtml.py", "../html.py", "%2e%2e/html.py"):
        assert get(gateway, f"/assets/{name}").status_code == 404


def test_what_is_nowhere_is_a_problem_document(gateway: Gateway) -> None:
    nowhere = get(gateway, "/nowhere")
    assert (nowhere.status_code, nowhere.json()["status"]) == (404, 404)
    assert nowhere.headers["content-type"] == "application/problem+json"
    wrong_method = httpx.post(f"{gateway.url}/sign-in", trust_env=False)
    assert wrong_method.status_code == 405
    auth = get(gateway, "/auth/v1/factors")
    assert (auth.status_code, auth.json()["error_code"]) == (404, "not_found")


def test_every_mailed_link_opens_one_of_the_pages(door: Door) -> None:
    dana = door.person()
    door.post("otp", {"email": dana.email})
    door.post("recover", {"email": dana.email})
    for mail in door.mails(dana.email):
        path = urlsplit(mail.link).path
        assert path in PAGES
        assert door.client.get(path).status_code == 200
        assert "token" not in urlsplit(mail.link).query
