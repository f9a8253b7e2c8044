"""`salesdash up` from nothing: the real processes, their deaths, and the end."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import psutil
import psycopg
import pytest

from tests.fixtures.installation import DEADLINE_S, Installation
from tests.fixtures.ports import free_port, wait_until

PREVIOUS = "the secret that was replaced last week"


def answers(installation: Installation, token: str) -> int:
    """The HTTP status of a REST request with this token."""
    url = installation.home.read_state().rest_url
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{url}/", headers=headers, trust_env=False).status_code


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One state folder for the whole file; between the tests nothing or everything runs in it."""
    installation = Installation(
        tmp_path_factory.mktemp("up"), DEMO="1", JWT_SECRET_PREVIOUS=PREVIOUS
    )
    yield installation
    installation.run("down")
    installation.remove()


@pytest.fixture(scope="module")
def running(installation: Installation) -> Iterator[Installation]:
    """The same, with everything running."""
    with installation.up():
        yield installation


def test_everything_runs_from_nothing(running: Installation) -> None:
    status = running.status()
    assert status["running"] is True
    assert status["supervisor_pid"] == running.home.holder()
    names = [each["name"] for each in status["processes"]]
    assert names == ["postgres", "postgrest", "jobs", "gateway"]
    assert {each["state"] for each in status["processes"]} == {"running"}
    assert httpx.get(f"{status['gateway_url']}/readyz", trust_env=False).status_code == 200
    assert f"VITE_SUPABASE_PUBLISHABLE_KEY={status['anon_key']}" in running.said()
    with psycopg.connect(status["database_url"]) as connection:
        row = connection.execute("select session_user, to_regclass('app.events')").fetchone()
    assert row == ("deployer", "app.events")


def test_the_demo_logins_sign_in(running: Installation) -> None:
    status = running.status()
    assert {login["role"] for login in status["logins"]} >= {"admin", "closer", "setter"}
    for login in status["logins"]:
        assert {"email", "password", "role", "organization_id", "user_id"} <= set(login)
    for connection in status["connections"]:
        assert {"provider", "id", "organization_id", "secret"} <= set(connection)
    assert "stripe" in {connection["provider"] for connection in status["connections"]}
    for role in ("admin", "closer", "setter"):
        token = running.run("token", role).stdout.strip()
        login = next(each for each in status["logins"] if each["role"] == role)
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["sub"] == login["user_id"]
        assert answers(running, token) == 200


def test_the_doctor_finds_nothing(running: Installation) -> None:
    doctor = running.run("doctor", "--json")
    bad = [each for each in json.loads(doctor.stdout) if each["outcome"] != "good"]
    assert (bad, doctor.returncode) == ([], 0)


def test_a_token_of_the_previous_secret_is_still_good(running: Installation) -> None:
    assert answers(running, running.status()["anon_key"]) == 200
    assert answers(running, jwt.encode({"role": "anon"}, PREVIOUS, "HS256")) == 200
    assert answers(running, jwt.encode({"role": "anon"}, "x" * 40, "HS256")) == 401


def test_a_second_run_is_refused(running: Installation) -> None:
    again = running.run("up")
    assert again.returncode == 1
    assert again.stderr.startswith("error: Sales Dash is already running here")


def test_a_taken_port_is_one_sentence(running: Installation, tmp_path: Path) -> None:
    other = Installation(tmp_path)
    port = other.environment["GATEWAY_PORT"] = running.environment["GATEWAY_PORT"]
    refused = other.run("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: Port {port} on 127.0.0.1 is taken by process ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("victim", ["postgres", "postgrest", "gateway", "jobs"])
def test_everything_recovers_from_a_kill(running: Installation, victim: str) -> None:
    before = running.pids()
    url = running.home.read_state().gateway_url
    os.kill(before[victim], signal.SIGKILL)

    def recovered() -> bool:
        after = running.pids()
        if after.get(victim) in {None, before[victim]} or len(after) < len(before):
            return False
        if f"{victim} is running again" not in running.said():
            return False
        try:
            return httpx.get(f"{url}/readyz", trust_env=False, timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(recovered, running.said, DEADLINE_S)
    after = running.pids()
    others = set(before) - {victim}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert f"{victim} stopped by itself (killed by SIGKILL)" in running.said()
    assert answers(running, running.home.read_state().anon_key or "") == 200


def test_ctrl_c_stops_everything_in_order(running: Installation) -> None:
    logins = running.status()["logins"]
    supervisor = psutil.Process(running.home.holder())
    processes = [psutil.Process(pid) for pid in running.pids().values()]
    os.killpg(supervisor.pid, signal.SIGINT)
    wait_until(lambda: running.home.holder() is None, running.said, DEADLINE_S)
    gone, alive = psutil.wait_procs(processes, DEADLINE_S)
    assert (len(gone), alive) == (4, [])
    assert "database system is shut down" in (running.home.logs / "postgres.log").read_text()
    assert running.run("status").returncode == 3
    assert running.status()["logins"] == logins


def test_a_killed_supervisor_leaves_nothing_in_the_way(installation: Installation) -> None:
    with installation.up() as process:
        assert "demo organizations are loaded" not in installation.said()
        left = [psutil.Process(pid) for pid in installation.pids().values()]
        process.kill()
        process.wait()
        gone, alive = psutil.wait_procs(left, DEADLINE_S)
        assert (len(gone), alive) == (4, [])
        assert installation.run("status").returncode == 3
    with installation.up() as process:
        assert installation.status()["running"] is True
        assert installation.run("down").stdout == "Stopped.\n"
        assert process.wait(DEADLINE_S) == 0


def test_a_deleted_state_folder_starts_anew_and_serves_as_an_outside_server(
    installation: Installation, tmp_path: Path
) -> None:
    before = installation.home.secrets()
    shutil.rmtree(installation.home.path)
    installation.environment["DEMO"] = "0"
    with installation.up():
        assert installation.home.secrets() != before
        guest = Installation(tmp_path)
        guest.environment["DATABASE_URL"] = installation.status()["database_url"]
        with guest.up():
            status = guest.status()
            names = [each["name"] for each in status["processes"]]
            assert (names, status["running"]) == (["postgrest", "jobs", "gateway"], True)
            assert status["database_url"] == guest.environment["DATABASE_URL"]
            assert answers(guest, status["anon_key"]) == 200


def test_an_unreachable_outside_server_is_one_sentence(tmp_path: Path) -> None:
    lost = Installation(tmp_path)
    lost.environment["DATABASE_URL"] = f"postgresql://deployer:x@127.0.0.1:{free_port()}/salesdash"
    refused = lost.run("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: The database cannot be reached")
    assert len(refused.stderr.splitlines()) == 1
