import os
from pathlib import Path

import pytest

from salesdash import tools
from salesdash.home import ROOT
from salesdash.settings import Settings


def program(folder: Path, name: str, answer: str, code: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def no_npm_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    nowhere = tmp_path / "node_modules" / "postgrest"
    monkeypatch.setattr(tools, "NPM_BINARY", nowhere)
    return nowhere


def test_the_setting_wins_over_path_and_npm(tmp_path: Path, no_npm_package: Path) -> None:
    chosen = program(tmp_path / "a", "mine", "PostgREST 14.1")
    program(tmp_path / "b", "postgrest", "PostgREST 13.0.0")
    program(no_npm_package.parent, "postgrest", "PostgREST 12.0.2")
    found = tools.find_postgrest(Settings(postgrest_bin=chosen), search_path=str(tmp_path / "b"))
    assert found == tools.PostgREST(chosen, "14.1")
    found = tools.find_postgrest(Settings(postgrest_bin=None), search_path=str(tmp_path / "b"))
    assert found.version == "13.0.0"
    found = tools.find_postgrest(Settings(postgrest_bin=None), search_path=str(tmp_path))
    assert found == tools.PostgREST(no_npm_package, "12.0.2")


def test_a_missing_program_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(tools.ToolMissing, match=r"not installed: run `make up` or `npm ci`"):
        tools.find_postgrest(Settings(postgrest_bin=None), search_path=str(tmp_path))


def test_a_wrong_choice_is_reported_not_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "b", "postgrest", "PostgREST 13.0.0")
    with pytest.raises(tools.ToolMissing, match="POSTGREST_BIN names"):
        tools.find_postgrest(
            Settings(postgrest_bin=tmp_path / "nothing"), search_path=str(tmp_path / "b")
        )


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        ("PostgREST 11.2.2", 0, "is PostgREST 11.2.2, and version 12 or newer is needed"),
        ("nginx version: 1.24", 0, "is not PostgREST"),
        ("PostgREST 12.0.2", 1, "is not PostgREST"),
    ],
)
def test_the_version_is_asked_for(tmp_path: Path, answer: str, code: int, sentence: str) -> None:
    chosen = program(tmp_path / "a", "postgrest", answer, code)
    with pytest.raises(tools.ToolMissing, match=sentence):
        tools.find_postgrest(Settings(postgrest_bin=chosen))


def test_a_program_of_another_system_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "postgrest"
    broken.write_bytes(b"\x00\x01\x02")
    broken.chmod(0o755)
    with pytest.raises(tools.ToolMissing, match="does not run here"):
        tools.find_postgrest(Settings(postgrest_bin=broken))


def test_npm_can_come_from_a_wheel_of_the_lock_file() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text()
    requirement = tools.locked_requirement(lock, tools.NPM_WHEEL)
    first, *others = requirement.splitlines()
    assert first.startswith(f"{tools.NPM_WHEEL}==")
    assert others
    assert all(line.strip().startswith("--hash=sha256:") for line in others)
    assert not requirement.rstrip().endswith("\\")


def test_the_packaged_postgrest_is_the_tested_one() -> None:
    packaged = ROOT / "node_modules" / tools.NPM_PACKAGE / "postgrest"
    assert os.access(packaged, os.X_OK)
    found = tools.find_postgrest(Settings(postgrest_bin=packaged))
    assert found.version == tools.TESTED_POSTGREST
