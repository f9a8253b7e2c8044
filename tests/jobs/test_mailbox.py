"""The development mailbox, as a page and as a command; and where neither exists."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.pages.mailbox import ROUTES
from salesdash.home import ROOT
from salesdash.sealing import seal_rendered, seal_secret
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import MASTER_KEY, Gateway, Worker, settings_for
from tests.world import World

TO = "ines@example.test"
LINK = "http://127.0.0.1:8000/sign-in#token_hash=abc&type=magiclink"


@pytest.fixture(scope="module")
def system(database: Database) -> Settings:
    """A developer's machine."""
    return settings_for(database, salesdash_dev=True)


@pytest.fixture(scope="module")
def letter(worker: Worker, committed_world: World) -> Any:
    """One e-mail that the real worker has put into the mailbox; answers its id."""
    secret = seal_secret(
        SecretBox(MASTER_KEY),
        json.dumps({"link": LINK, "code": "042017"}),
        organization_id=None,
        kind="email",
    )
    message = committed_world.value(
        "select app.enqueue_outbox(null, 'email', %s::jsonb, 'letter', %s)",
        json.dumps({"template": "magiclink", "to": TO, "minutes": 60}),
        secret,
    )
    wait_until(
        lambda: committed_world.value(
            "select state = 'sent' from app.platform_outbox where id = %s", message
        ),
        lambda: "the worker did not handle the message",
    )
    return message


def test_the_page_shows_what_would_have_been_sent(gateway: Gateway, letter: Any) -> None:
    listed = get(gateway, "/dev/mail")
    assert listed.status_code == 200
    assert TO in listed.text
    assert f"/dev/mail/{letter}" in listed.text
    shown = get(gateway, f"/dev/mail/{letter}")
    assert 'href="http://127.0.0.1:8000/sign-in#token_hash=abc&amp;type=magiclink"' in shown.text
    assert "042017" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8000"},
        {"x-forwarded-for": "203.0.113.7"},
        {"host": ""},
    ],
)
def test_the_page_does_not_exist_for_anybody_else(
    gateway: Gateway, letter: Any, headers: dict[str, str]
) -> None:
    for path in ("/dev/mail", f"/dev/mail/{letter}"):
        assert get(gateway, path, headers).status_code in {400, 404}


def test_unknown_letters_do_not_exist(gateway: Gateway) -> None:
    for path in ("/dev/mail/nonsense", "/dev/mail/0198c0de-0000-7000-8000-000000000001"):
        assert get(gateway, path).status_code == 404


@pytest.mark.parametrize(
    "given", [{"salesdash_dev": False}, {"salesdash_dev": True, "resend_api_key": "re_1"}]
)
def test_the_page_does_not_exist_outside_development(
    database: Database, given: dict[str, object]
) -> None:
    app = Starlette(routes=ROUTES)
    app.state.settings = settings_for(database, **given)

    async def ask() -> int:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/dev/mail")).status_code

    assert asyncio.run(ask()) == 404


def test_an_organizations_letter_is_shown_too(gateway: Gateway, committed_world: World) -> None:
    acme = committed_world.organization("acme")
    message = committed_world.insert(
        "outbox", organization_id=acme.id, kind="email", dedupe_key="invitation"
    )
    rendered = seal_rendered(
        SecretBox(MASTER_KEY),
        json.dumps(
            {"to": TO, "sender": "x@y.test", "subject": "<i>Hi</i>", "text": "Hello", "html": ""}
        ),
        organization_id=acme.id,
        message_id=message,
    )
    committed_world.execute(
        "update app.outbox set state = 'sent', sent_at = now(), transport = 'mailbox',"
        " rendered = %s where id = %s",
        rendered,
        message,
    )
    shown = get(gateway, f"/dev/mail/{message}")
    assert "&lt;i&gt;Hi&lt;/i&gt;" in shown.text
    assert "<i>Hi</i>" not in shown.text


def test_the_command_lists_and_shows(database: Database, letter: Any, tmp_path: Path) -> None:
    (listed,) = [x for x in mail(database, tmp_path, "list", "--to", TO, "--json") if x["link"]]
    assert (listed["id"], listed["to"], listed["link"]) == (str(letter), TO, LINK)
    shown = mail(database, tmp_path, "show", str(letter), "--json")
    assert "042017" in shown["text"]
    text = run_mail(database, tmp_path, "show", str(letter)).stdout
    assert f"To: {TO}" in text
    assert LINK in text.splitlines()


@pytest.mark.parametrize("which", ["0198c0de-0000-7000-8000-000000000001", "nonsense"])
def test_the_command_has_one_sentence_for_what_it_cannot_find(
    database: Database, tmp_path: Path, which: str
) -> None:
    result = run_mail(database, tmp_path, "show", which)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


def get(gateway: Gateway, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(f"{gateway.url}{path}", headers=headers, trust_env=False)


def mail(database: Database, home: Path, *arguments: str) -> Any:
    result = run_mail(database, home, *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def run_mail(database: Database, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SALESDASH_HOME": str(home / "state"),
        "SALESDASH_ENV_FILE": "",
        "DATABASE_URL": database.deployer_url,
        "ENCRYPTION_MASTER_KEY": MASTER_KEY,
    }
    return subprocess.run(
        [sys.executable, "-m", "salesdash", "mail", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
