"""The gateway's application in this process, so that its password hashes can be counted."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.auth.passwords import PasswordHasher
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import settings_for
from tests.gateway.door import Door, Hashes
from tests.world import World

SITE = "http://sales.test"
APP = "https://app.test"


@pytest.fixture(scope="module")
def autoconfirm() -> bool:
    """Whether anybody may sign up; a module may override it."""
    return False


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The application on a port of its own, by the server that the gateway uses; its URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, name="gateway under test")
    thread.start()
    try:
        wait_until(lambda: server.started, lambda: "the application did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="module")
def _client(database: Database, autoconfirm: bool) -> Iterator[tuple[httpx.Client, Hashes]]:
    hashes = Hashes()
    app = create_app(
        settings_for(
            database,
            site_url=SITE,
            allowed_origins=(SITE, APP),
            auth_autoconfirm=autoconfirm,
        ),
        hasher=PasswordHasher(on_hash=hashes.note),
    )
    with (
        serving(app) as url,
        httpx.Client(base_url=url, trust_env=False, follow_redirects=False, timeout=30) as client,
    ):
        yield client, hashes


@pytest.fixture
def door(_client: tuple[httpx.Client, Hashes], committed_world: World) -> Door:
    """The door of /auth/v1, with nobody's attempts counted and no hash computed yet."""
    client, hashes = _client
    committed_world.execute("truncate auth.attempts")
    hashes.since()
    return Door(client, hashes, committed_world)
