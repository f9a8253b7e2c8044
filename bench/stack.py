"""A throwaway system to measure: embedded Postgres, the deployed schema, the real PostgREST."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import psycopg

from salesdash.deploy import deploy
from salesdash.deploy.roles import Login
from salesdash.home import ROOT
from salesdash.postgres import PostgresServer, bootstrap, prepare, start, stop, wait_ready
from salesdash.postgres.cluster import remove
from salesdash.settings import load_settings
from salesdash.tokens import key_set
from salesdash.tools import find_postgrest

SETTINGS = (("shared_buffers", "2GB"), ("max_wal_size", "8GB"), ("work_mem", "32MB"))


@dataclass(frozen=True)
class Stack:
    """Where the parts answer. superuser_url loads data; jwt_secret signs tokens."""

    superuser_url: str
    deployer_url: str
    rest_url: str
    jwt_secret: str

    def token(self, user_id: str, session_id: str, role: str) -> str:
        """An access token as the gateway mints it."""
        claims = {
            "sub": user_id,
            "session_id": session_id,
            "role": role,
            "aud": "authenticated",
            "exp": int(time.time()) + 86_400,
        }
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_stack() -> Iterator[Stack]:
    """Start everything, hand it out, and leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="salesdash-bench-") as folder,
        contextlib.ExitStack() as exits,
    ):
        password, secret = secrets.token_hex(16), secrets.token_hex(32)
        server = PostgresServer(Path(folder), free_port(), password, password, SETTINGS)
        exits.callback(remove, server)
        log = exits.enter_context((Path(folder) / "log").open("wb"))
        process = start(prepare(server), log)
        exits.callback(stop, process)
        wait_ready(server, process)
        bootstrap(server)
        url = server.login_url("authenticator", password)
        deploy(server.deployer_url(), ROOT / "db", logins=[Login("authenticator", password)])
        port, admin_port = free_port(), free_port()
        rest = subprocess.Popen(
            [str(find_postgrest(load_settings()).path), str(ROOT / "postgrest.conf")],
            env={
                **os.environ,
                "PGRST_DB_URI": url,
                "PGRST_JWT_SECRET": key_set([secret]),
                "PGRST_SERVER_PORT": str(port),
                "PGRST_ADMIN_SERVER_PORT": str(admin_port),
                "PGRST_DB_POOL": "4",
            },
            stdout=log,
            stderr=log,
        )
        exits.callback(rest.wait)
        exits.callback(rest.terminate)
        _await(f"http://127.0.0.1:{admin_port}/ready")
        yield Stack(
            server.superuser_url("salesdash"),
            server.deployer_url(),
            f"http://127.0.0.1:{port}",
            secret,
        )


def _await(url: str, deadline_s: float = 60) -> None:
    ends_at = time.monotonic() + deadline_s
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{url} did not answer")
        time.sleep(0.05)


def run_as_superuser(stack: Stack, script: str, **values: int) -> None:
    """Run a script without triggers. values: what stands for :name in it."""
    for name, value in values.items():
        script = script.replace(f":{name}", str(value))
    with psycopg.connect(stack.superuser_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(script)
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute("vacuum (freeze, analyze)")
