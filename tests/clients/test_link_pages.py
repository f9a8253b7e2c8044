"""A person at the link pages: the pages' own scripts, in a document, against a real gateway."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

import gateway.pages.links as pages
from gateway.pages.html import PAGES
from salesdash.passwords import derive
from tests.clients.conftest import APPLICATION, PASSWORD, Scene
from tests.clients.nodejs import nodejs
from tests.gateway.door import Mail, queued_mails
from tests.world import Person


@pytest.fixture
def dana(scene: Scene) -> Person:
    """Somebody with a password."""
    person = scene.world.person("dana")
    scene.world.execute(
        "update auth.users set password_hash = %s where id = %s", derive(PASSWORD), person.user_id
    )
    return person


def at(project: Path, address: str, form: str | None = None, **values: str) -> dict[str, Any]:
    """What a page shows after it was opened, and after a form of it was sent."""
    script = pages._ASSETS[PAGES[urlsplit(address).path].script]
    given = {"address": address, "script": str(script), "form": form, "values": values}
    done = subprocess.run(
        nodejs("node", "press.mjs", json.dumps(given)),
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ask(scene: Scene, path: str, email: str) -> Mail:
    """The e-mail that somebody gets who asks for it."""
    httpx.post(f"{scene.gateway.url}/auth/v1/{path}", json={"email": email}, trust_env=False)
    return queued_mails(scene.world, email)[-1]


def can_sign_in(scene: Scene, email: str, password: str) -> bool:
    answer = httpx.post(
        f"{scene.gateway.url}/auth/v1/token?grant_type=password",
        json={"email": email, "password": password},
        trust_env=False,
    )
    return answer.status_code == 200


def test_a_sign_in_link_waits_for_the_button(scene: Scene, project: Path, dana: Person) -> None:
    link = ask(scene, "otp", dana.email).link
    opened = at(project, link)
    assert opened["shown"] == ["confirm"]
    assert "token" not in opened["location"]
    pressed = at(project, link, "#confirm-form")
    assert pressed["shown"] == ["signed-in"]
    assert pressed["text"]["who"] == dana.email
    again = at(project, link, "#confirm-form")
    assert (again["shown"], again["isError"]) == (["ask"], True)


def test_a_link_for_an_application_leads_there(scene: Scene, project: Path, dana: Person) -> None:
    link = ask(scene, f"otp?redirect_to={APPLICATION}/welcome", dana.email).link
    pressed = at(project, link, "#lead-on form")
    assert pressed["shown"] == ["lead-on"]
    assert pressed["submitted"]["action"] == "/auth/v1/verify"
    led = httpx.post(
        f"{scene.gateway.url}/auth/v1/verify",
        data=pressed["submitted"]["fields"],
        trust_env=False,
    )
    assert led.headers["location"].startswith(f"{APPLICATION}/welcome#access_token=")


def test_the_page_asks_for_a_link(scene: Scene, project: Path, dana: Person) -> None:
    address = f"{scene.gateway.url}/sign-in"
    asked = at(project, address, "#ask-form", email=dana.email)
    assert asked["shown"] == ["ask"]
    assert not asked["isError"]
    assert len(queued_mails(scene.world, dana.email)) == 1
    nobody = at(project, address, "#ask-form", email="nobody@nowhere.test")
    assert nobody["status"] == asked["status"]


def test_a_new_password_is_set(scene: Scene, project: Path, dana: Person) -> None:
    link = ask(scene, "recover", dana.email).link
    assert at(project, link)["shown"] == ["set"]
    done = at(project, link, "#set-form", password="a brand new password")
    assert done["shown"] == ["done"]
    assert can_sign_in(scene, dana.email, "a brand new password")
    again = at(project, link, "#set-form", password="yet another one")
    assert (again["shown"], again["isError"]) == (["ask"], True)
    assert not can_sign_in(scene, dana.email, "yet another one")


def test_an_invitation_is_accepted(scene: Scene, project: Path) -> None:
    email, token = f"nia.{uuid4().hex[:8]}@example.test", uuid4().hex
    scene.world.execute(
        "insert into app.invitations (organization_id, email, token_hash, expires_at)"
        " values (%s, %s, %s, now() + interval '1 day')",
        scene.organization_id,
        email,
        hashlib.sha256(token.encode()).digest(),
    )
    address = f"{scene.gateway.url}/accept-invitation"
    assert at(project, address)["shown"] == ["missing"]
    link = f"{address}#token={token}"
    opened = at(project, link)
    assert (opened["shown"], opened["isError"]) == (["accept"], False)
    assert opened["text"]["organization"] == scene.world.value(
        "select name from app.organizations where id = %s", scene.organization_id
    )
    done = at(project, link, "#accept-form", full_name="Nia", password=PASSWORD)
    assert done["shown"] == ["done"]
    assert done["text"]["who"] == email
    assert can_sign_in(scene, email, PASSWORD)
    assert at(project, link)["isError"]
    again = at(project, link, "#accept-form", full_name="Nia", password=PASSWORD)
    assert (again["shown"], again["isError"]) == (["accept"], True)
