"""`salesdash up` from nothing: the real processes, their deaths, and the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import psutil
import psycopg
import pytest

from salesdash import wiring
from salesdash.home import ROOT, Home
from salesdash.settings import Settings
from tests.fixtures.ports import free_port, wait_until

DEADLINE_S = 90.0
PREVIOUS = "the secret that was replaced last week"


class Installation:
    """A state folder of its own on free ports, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "state")
        ours = {name.upper() for name in Settings.model_fields}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ours},
            "SALESDASH_ENV_FILE": "",
            "SALESDASH_HOME": str(self.home.path),
            "GATEWAY_PORT": str(free_port()),
            "POSTGREST_PORT": str(free_port()),
            "POSTGREST_ADMIN_PORT": str(free_port()),
            "POSTGRES_PORT": str(free_port()),
            "JWT_SECRET_PREVIOUS": PREVIOUS,
            "DEMO": "0",
        }
        self.output = folder / "output"

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run `salesdash up` until everything is ready; it is ended if the block leaves it."""
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "salesdash", "up"],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until(lambda: self.is_ready(process), self.said, DEADLINE_S)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(DEADLINE_S)

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.said()
        return "Ctrl-C stops everything" in self.said()

    def said(self) -> str:
        return self.output.read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "salesdash", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return answer

    def pids(self) -> dict[str, int]:
        return {
            process.name: process.pid
            for process in self.home.read_state().processes
            if process.pid is not None
        }

    def answers(self, token: str) -> int:
        """The HTTP status of a REST request with this token."""
        url = self.home.read_state().rest_url
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(f"{url}/", headers=headers, trust_env=False).status_code


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("up"))
    yield installation
    installation.run("down")
    server = wiring.embedded_server(Settings(_env_file=None, database_url=None), installation.home)
    assert server is not None
    shutil.rmtree(server.base)


def test_everything_runs_from_nothing(installation: Installation) -> None:
    with installation.up() as process:
        status = installation.status()
        assert status["running"] is True
        assert status["supervisor_pid"] == process.pid
        assert [each["name"] for each in status["processes"]] == [
            "postgres",
            "postgrest",
            "jobs",
            "gateway",
        ]
        assert {each["state"] for each in status["processes"]} == {"running"}
        ready = httpx.get(f"{status['gateway_url']}/readyz", trust_env=False)
        assert ready.status_code == 200
        assert f"VITE_SUPABASE_PUBLISHABLE_KEY={status['anon_key']}" in installation.said()
        with psycopg.connect(status["database_url"]) as connection:
            row = connection.execute("select session_user, to_regclass('app.events')").fetchone()
        assert row == ("deployer", "app.events")

        doctor = installation.run("doctor", "--json")
        bad = [each for each in json.loads(doctor.stdout) if each["outcome"] == "bad"]
        assert (bad, doctor.returncode) == ([], 0)

        again = installation.run("up")
        assert again.returncode == 1
        assert again.stderr.startswith("error: Sales Dash is already running here")

        # A token signed with the previous secret is still good, one signed with another is not.
        claims = {"role": "anon"}
        assert installation.answers(status["anon_key"]) == 200
        assert installation.answers(jwt.encode(claims, PREVIOUS, "HS256")) == 200
        assert installation.answers(jwt.encode(claims, "x" * 40, "HS256")) == 401

        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
    assert "database system is shut down" in (installation.home.logs / "postgres.log").read_text()
    assert installation.pids() == {}
    assert installation.run("status").returncode == 3


@pytest.mark.parametrize("victim", ["postgres", "postgrest", "gateway", "jobs"])
def test_everything_recovers_from_a_kill(installation: Installation, victim: str) -> None:
    with installation.up():
        before = installation.pids()
        url = installation.home.read_state().gateway_url
        os.kill(before[victim], signal.SIGKILL)

        def recovered() -> bool:
            after = installation.pids()
            if after.get(victim) in {None, before[victim]} or len(after) < len(before):
                return False
            if f"{victim} is running again" not in installation.said():
                return False
            try:
                return httpx.get(f"{url}/readyz", trust_env=False, timeout=10).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(recovered, installation.said, DEADLINE_S)
        after = installation.pids()
        assert {name: pid for name, pid in after.items() if name != victim} == {
            name: pid for name, pid in before.items() if name != victim
        }
        assert f"{victim} stopped by itself (killed by SIGKILL)" in installation.said()
        assert installation.answers(installation.status()["anon_key"]) == 200
        assert installation.run("down").stdout == "Stopped.\n"


def test_a_killed_supervisor_leaves_nothing_in_the_way(installation: Installation) -> None:
    with installation.up() as process:
        left = [psutil.Process(pid) for pid in installation.pids().values()]
        process.kill()
        process.wait()
        gone, alive = psutil.wait_procs(left, DEADLINE_S)
        assert (len(gone), alive) == (4, [])
        assert installation.run("status").returncode == 3
    with installation.up():
        assert installation.status()["running"] is True


def test_a_taken_port_is_one_sentence(installation: Installation) -> None:
    with installation.up():
        other = Installation(installation.output.parent / "other")
        other.output.parent.mkdir()
        other.environment["GATEWAY_PORT"] = installation.environment["GATEWAY_PORT"]
        refused = other.run("up")
    port = installation.environment["GATEWAY_PORT"]
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: Port {port} on 127.0.0.1 is taken by process ")
    assert len(refused.stderr.splitlines()) == 1


def test_an_outside_server_is_used_as_it_is(installation: Installation) -> None:
    with installation.up():
        other = Installation(installation.output.parent / "guest")
        other.output.parent.mkdir()
        other.environment["DATABASE_URL"] = installation.status()["database_url"]
        with other.up():
            status = other.status()
            names = [each["name"] for each in status["processes"]]
            assert (names, status["running"]) == (["postgrest", "jobs", "gateway"], True)
            assert status["database_url"] == other.environment["DATABASE_URL"]
            assert other.answers(status["anon_key"]) == 200
        assert installation.status()["running"] is True


def test_an_unreachable_outside_server_is_one_sentence(tmp_path: Path) -> None:
    lost = Installation(tmp_path)
    lost.environment["DATABASE_URL"] = f"postgresql://deployer:x@127.0.0.1:{free_port()}/salesdash"
    refused = lost.run("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: The database cannot be reached")
    assert len(refused.stderr.splitlines()) == 1
