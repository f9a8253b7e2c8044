import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from salesdash import logs

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.hunter22"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    (line,) = capsys.readouterr().err.splitlines()
    parsed: dict[str, object] = json.loads(line)
    return parsed


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gateway")
    logs.get_logger("hooks").info("delivery accepted", provider="stripe", count=2)
    line = printed(capsys)
    assert line["event"] == "delivery accepted"
    assert (line["process"], line["logger"], line["level"]) == ("gateway", "hooks", "info")
    assert (line["provider"], line["count"]) == ("stripe", 2)
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "name",
    ["api_key", "Authorization", "JWT_SECRET", "refresh_token", "password", "stripe-signature"],
)
def test_values_under_secret_names_are_left_out(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("gateway")
    logs.get_logger("hooks").info("refused", headers={name: "hunter22", "accept": "text/html"})
    assert printed(capsys)["headers"] == {name: logs.REDACTED, "accept": "text/html"}


@pytest.mark.parametrize(
    "text",
    [
        "cannot connect to postgresql://gateway:hunter22@127.0.0.1:5433/salesdash",
        f"odd header: Bearer {TOKEN}",
        "authorization was basic aHVudGVyMjI6aHVudGVyMjI=hunter22",
        f"link /verify#access_token={TOKEN}",
    ],
)
def test_secrets_inside_text_are_left_out(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gateway")
    logs.get_logger("hooks").warning(text, nested=[{"seen": (text,)}])
    line = capsys.readouterr().err
    assert "hunter22" not in line
    assert logs.REDACTED in line


def test_other_libraries_pass_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("jobs")
    logging.getLogger("apscheduler").warning(
        "no answer from %s", "https://key:hunter22@vendor.example/"
    )
    line = printed(capsys)
    assert line["event"] == f"no answer from https://key:{logs.REDACTED}@vendor.example/"
    assert line["logger"] == "apscheduler"


def test_a_traceback_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("jobs")
    try:
        raise ConnectionError("postgresql://worker:hunter22@127.0.0.1/x is down")
    except ConnectionError:
        logs.get_logger("jobs").exception("lost the database")
    line = printed(capsys)
    assert "ConnectionError" in str(line["exception"])
    assert "hunter22" not in str(line)


def test_bodies_are_counted_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gateway")
    logs.get_logger("hooks").info("refused", body=b"hunter22")
    assert printed(capsys)["body"] == "[8 bytes]"


def test_quieter_levels_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gateway", level="warning")
    logs.get_logger("hooks").info("nothing")
    assert capsys.readouterr().err == ""
