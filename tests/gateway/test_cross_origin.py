"""Which other origins may call, and that PostgREST's own answer to that question never shows."""

import httpx
import pytest

from gateway.cors import REQUEST_HEADERS
from salesdash.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.processes import Gateway, settings_for

APP = "https://app.test"
PATHS = ("/auth/v1/token", "/rest/v1/events", "/functions/v1/anything")


@pytest.fixture(scope="module")
def system(database: Database) -> Settings:
    """One more origin may call."""
    given = settings_for(database)
    return given.model_copy(update={"allowed_origins": (given.site_url, APP)})


def preflight(gateway: Gateway, path: str, origin: str, **asked: str) -> httpx.Response:
    return httpx.options(
        f"{gateway.url}{path}",
        headers={
            "origin": origin,
            "access-control-request-method": asked.get("method", "POST"),
            "access-control-request-headers": asked.get("headers", ", ".join(REQUEST_HEADERS)),
        },
        trust_env=False,
    )


@pytest.mark.parametrize("path", PATHS)
def test_an_allowed_origin_may_ask_with_the_headers_that_clients_send(
    gateway: Gateway, path: str
) -> None:
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        answer = preflight(gateway, path, APP, method=method)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == APP
        assert method in answer.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin", ["https://evil.test", "http://app.test", "https://app.test:8443", "null"]
)
def test_another_origin_may_not(gateway: Gateway, path: str, origin: str) -> None:
    asked = preflight(gateway, path, origin)
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    called = httpx.get(f"{gateway.url}{path}", headers={"origin": origin}, trust_env=False)
    assert "access-control-allow-origin" not in called.headers


def test_other_headers_and_methods_may_not_be_sent(gateway: Gateway) -> None:
    assert preflight(gateway, PATHS[1], APP, headers="x-evil").status_code == 400
    assert preflight(gateway, PATHS[1], APP, method="TRACE").status_code == 400


def test_answers_and_refusals_name_the_allowed_origin_once(gateway: Gateway) -> None:
    for path in ("/auth/v1/user", "/rest/v1/", "/rest/v1/events", "/functions/v1/nothing"):
        answer = httpx.get(f"{gateway.url}{path}", headers={"origin": APP}, trust_env=False)
        assert answer.headers.get_list("access-control-allow-origin") == [APP]
        assert "content-range" in answer.headers["access-control-expose-headers"]
        assert "origin" in answer.headers["vary"].lower()


def test_pages_and_probes_answer_no_other_origin(gateway: Gateway) -> None:
    for path in ("/sign-in", "/healthz", "/readyz"):
        assert preflight(gateway, path, APP).status_code == 405
        answer = httpx.get(f"{gateway.url}{path}", headers={"origin": APP}, trust_env=False)
        assert "access-control-allow-origin" not in answer.headers
