import base64
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salesdash.home import Home, HomeError, ProcessState, State, home_of, replace_file
from salesdash.settings import Settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state")


def test_nobody_else_can_look_inside(home: Home) -> None:
    before = os.umask(0)
    try:
        home.create().secrets()
        home.write_state(State(gateway_url="http://127.0.0.1:8000"))
    finally:
        os.umask(before)
    assert mode(home.path) == 0o700
    assert mode(home.logs) == 0o700
    assert mode(home.secrets_file) == 0o600
    assert mode(home.state_file) == 0o600


def test_an_open_folder_is_closed(home: Home) -> None:
    home.path.mkdir()
    home.path.chmod(0o755)
    home.create()
    assert mode(home.path) == 0o700


def test_secrets_are_made_once_whoever_asks_first(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = {str(secrets) for secrets in pool.map(lambda _: home.secrets(), range(16))}
    assert len(answers) == 1
    assert sorted(path.name for path in home.path.iterdir()) == ["logs", "secrets.json"]


def test_secrets_are_as_long_as_they_must_be(home: Home) -> None:
    secrets = home.secrets()
    assert len(secrets.jwt_secret) >= 32
    assert len(base64.b64decode(secrets.encryption_master_key)) == 32
    assert set(secrets.passwords) == {"postgres", "deployer", "authenticator", "gateway", "worker"}
    assert len(set(secrets.passwords.values())) == 5


def test_a_damaged_secrets_file_is_kept_and_named(home: Home) -> None:
    home.create()
    home.secrets_file.write_text('{"JWT_SECRET": "abc')
    with pytest.raises(HomeError, match=r"secrets\.json cannot be read"):
        home.secrets()
    assert home.secrets_file.read_text() == '{"JWT_SECRET": "abc'


def test_the_state_reads_back_as_it_was_written(home: Home) -> None:
    home.create()
    state = State(
        supervisor_pid=7,
        gateway_url="http://127.0.0.1:8000",
        database_url="postgresql://deployer:secret@127.0.0.1/x",
        ports={"gateway": 8000},
        processes=(ProcessState("gateway", 8, "running", 1, 123.5),),
        logins=({"email": "ada@acme.example", "role": "admin"},),
        connections=({"provider": "stripe", "id": "1"},),
    )
    home.write_state(state)
    assert home.read_state() == state


def test_no_state_file_means_an_empty_state(home: Home) -> None:
    assert home.read_state() == State()


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    replace_file(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_one_run_at_a_time(home: Home) -> None:
    assert home.holder() is None
    with home.locked():
        assert home.holder() == os.getpid()
        with pytest.raises(HomeError, match=f"already running here .process {os.getpid()}"):
            home.locked().__enter__()
    assert home.holder() is None


def test_a_killed_run_does_not_hold_the_folder(home: Home) -> None:
    code = (
        "import pathlib, sys, time\nfrom salesdash.home import Home\n"
        "with Home(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert home.holder() == process.pid
        process.kill()
        process.wait()
    assert home.holder() is None


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="choose another one with SALESDASH_HOME"):
        Home(tmp_path / "file" / "state").create()


def test_the_setting_chooses_the_folder(tmp_path: Path) -> None:
    assert home_of(Settings(salesdash_home=tmp_path / "x")).path == tmp_path / "x"
    assert home_of(Settings(salesdash_home=None)).path.name == ".salesdash"
