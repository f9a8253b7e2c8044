import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt
import pytest
import typer
from typer.testing import CliRunner

from salesdash.cli import app
from salesdash.home import ROOT, Home, ProcessState, State
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings


def every_command() -> Iterator[list[str]]:
    def walk(command: object, path: list[str]) -> Iterator[list[str]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, [*path, name])

    yield from walk(typer.main.get_command(app), [])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine where nothing was started."""
    ours = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"SALESDASH_HOME": str(tmp_path / "state"), "SALESDASH_ENV_FILE": ""}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state")


def salesdash(
    environment: Mapping[str, str], *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "salesdash", *arguments],
        env=environment,
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "path", list(every_command()), ids=lambda path: " ".join(path) or "salesdash"
)
def test_every_command_explains_itself(path: list[str]) -> None:
    for flag in ("--help", "-h"):
        result = CliRunner().invoke(app, [*path, flag])
        assert result.exit_code == 0, result.output
        assert "Usage:" in result.output
    command = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]  # type: ignore[attr-defined]
    assert command.help, f"{' '.join(path)} has no help text"


def test_an_unknown_command_is_an_error(environment: dict[str, str]) -> None:
    assert salesdash(environment, "fly").returncode == 2


def test_a_wrong_setting_is_one_sentence_and_a_failure(environment: dict[str, str]) -> None:
    for command in ("up", "down", "status", "doctor"):
        done = salesdash(environment | {"GATEWAY_PORT": "eighty"}, command)
        assert done.returncode == 1
        assert done.stderr.startswith("error: GATEWAY_PORT is not valid")
        assert len(done.stderr.splitlines()) == 1


def test_status_before_the_first_start(environment: dict[str, str]) -> None:
    done = salesdash(environment, "status", "--json")
    assert done.returncode == 3
    status = json.loads(done.stdout)
    assert status["running"] is False
    assert status["processes"] == status["logins"] == status["connections"] == []
    assert {"gateway_url", "rest_url", "database_url", "anon_key"} <= set(status)
    assert salesdash(environment, "status").returncode == 3


def test_status_does_not_believe_an_old_state_file(environment: dict[str, str], home: Home) -> None:
    home.create()
    stale = ProcessState("gateway", os.getpid(), "running", 0, 1.0)
    home.write_state(State(supervisor_pid=os.getpid(), processes=(stale,)))
    done = salesdash(environment, "status", "--json")
    assert done.returncode == 3
    (process,) = json.loads(done.stdout)["processes"]
    assert (process["state"], process["pid"]) == ("stopped", None)


def test_down_with_nothing_running_is_no_error(environment: dict[str, str]) -> None:
    done = salesdash(environment, "down")
    assert (done.returncode, done.stdout) == (0, "Not running.\n")


def test_down_ends_what_a_killed_run_left_behind(environment: dict[str, str], home: Home) -> None:
    code = (
        "import psutil, signal; print(psutil.Process().create_time(), flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as orphan:
        assert orphan.stdout is not None
        started_at = float(orphan.stdout.readline())
        home.create()
        home.write_state(
            State(processes=(ProcessState("jobs", orphan.pid, "running", 0, started_at),))
        )
        done = salesdash(environment, "down")
        assert done.stdout == "Stopped jobs, left behind by an earlier run.\n"
        assert orphan.wait(10) < 0


def test_generated_keys_fit_together(environment: dict[str, str]) -> None:
    done = salesdash(environment, "keys", "generate", "--json")
    keys = json.loads(done.stdout)
    assert jwt.decode(keys["ANON_KEY"], keys["JWT_SECRET"], algorithms=["HS256"])["role"] == "anon"
    assert SecretBox(keys["ENCRYPTION_MASTER_KEY"]).current_key_id
    lines = salesdash(environment, "keys", "generate").stdout.splitlines()
    assert [line.partition("=")[0] for line in lines] == list(keys)
    assert lines[0] != f"JWT_SECRET={keys['JWT_SECRET']}"
    Settings(
        _env_file=None,
        jwt_secret=keys["JWT_SECRET"],
        encryption_master_key=keys["ENCRYPTION_MASTER_KEY"],
    )


def test_a_token_needs_a_started_system(environment: dict[str, str]) -> None:
    done = salesdash(environment, "token")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Nothing was started here yet")


def test_a_token_names_the_known_logins(environment: dict[str, str], home: Home) -> None:
    home.create()
    login = {"email": "ada@acme.example", "password": "x", "role": "admin"}
    home.write_state(State(gateway_url="http://127.0.0.1:1", anon_key="key", logins=(login,)))
    done = salesdash(environment, "token", "nobody@acme.example")
    assert done.returncode == 1
    assert "ada@acme.example" in done.stderr
    done = salesdash(environment, "token", "admin")
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_a_taken_port_stops_the_start(environment: dict[str, str]) -> None:
    ports = {"GATEWAY_PORT": "9", "POSTGREST_PORT": "9"}
    done = salesdash(environment | ports, "up")
    assert done.returncode == 1
    assert done.stderr == (
        "error: GATEWAY_PORT and POSTGREST_PORT are both 9: choose different ports.\n"
    )


def test_a_missing_postgrest_stops_the_start(environment: dict[str, str], tmp_path: Path) -> None:
    done = salesdash(environment | {"POSTGREST_BIN": str(tmp_path / "nothing")}, "up")
    assert done.returncode == 1
    assert done.stderr.startswith("error: POSTGREST_BIN names ")


def test_the_doctor_names_what_is_wrong_and_how_to_mend_it(environment: dict[str, str]) -> None:
    sick = {
        "SITE_URL": "http://sales.example.com",
        "CALENDLY_API_KEY": "hunter22",
        "POSTGREST_BIN": "/nowhere/postgrest",
        "ANON_KEY": "hunter22",
        "JWT_SECRET": "s" * 32,
    }
    done = salesdash(environment | sick, "doctor", "--json")
    assert done.returncode == 1
    assert "hunter22" not in done.stdout
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    bad = {check for check, finding in findings.items() if finding["outcome"] == "bad"}
    assert bad == {"SITE_URL", "CALENDLY_API_KEY", "PostgREST", "ANON_KEY"}
    assert all(findings[check]["mend"] for check in bad)


def test_the_doctor_finds_nothing_wrong_with_a_fresh_checkout(
    environment: dict[str, str],
) -> None:
    done = salesdash(environment, "doctor")
    assert done.returncode == 0, done.stdout
    assert "nothing was started here yet" in done.stdout


def test_an_unreachable_database_is_bad(environment: dict[str, str]) -> None:
    outside = {"DATABASE_URL": "postgresql://deployer:hunter22@127.0.0.1:9/salesdash"}
    done = salesdash(environment | outside, "doctor", "--json")
    assert done.returncode == 1
    assert "hunter22" not in done.stdout
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert findings["database"]["outcome"] == "bad"
