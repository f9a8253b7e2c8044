"""Standing at the door of /auth/v1: the gateway's own application on the module's database."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from gateway.auth.redirects import Redirects
from salesdash.passwords import derive
from salesdash.sealing import open_secret
from salesdash.secretbox import SecretBox
from tests.fixtures.processes import MASTER_KEY
from tests.world import Person, World

PASSWORD = "correct horse battery"
PASSWORD_HASH = derive(PASSWORD)
REFUSED = {
    "code": "invalid_credentials",
    "error_code": "invalid_credentials",
    "msg": "Invalid login credentials",
}


@dataclass
class Hashes:
    """How many Argon2id were computed since the last look."""

    count: int = 0

    def note(self) -> None:
        self.count += 1

    def since(self) -> int:
        seen, self.count = self.count, 0
        return seen


@dataclass(frozen=True)
class Mail:
    """What the newest e-mail to somebody carries."""

    template: str
    link: str
    code: str

    @property
    def fragment(self) -> dict[str, str]:
        """The parts of the link that no server sees."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.link).fragment).items()}

    @property
    def token_hash(self) -> str:
        return self.fragment["token_hash"]


@dataclass(frozen=True)
class Door:
    """client: the application; hashes: counts its Argon2id; world: committed scenes."""

    client: httpx.Client
    hashes: Hashes
    world: World = field(repr=False)

    def person(self, name: str = "dana", *, password: str | None = PASSWORD) -> Person:
        """Somebody who can sign in."""
        person = self.world.person(name)
        if password is not None:
            self.set_hash(person, PASSWORD_HASH if password == PASSWORD else derive(password))
        return person

    def set_hash(self, person: Person, password_hash: str) -> None:
        self.world.execute(
            "update auth.users set password_hash = %s where id = %s", password_hash, person.user_id
        )

    def post(self, path: str, body: object = None, *, token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"/auth/v1/{path}", json=body, headers=headers)

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("token?grant_type=password", {"email": email, "password": password})

    def session(self, person: Person, password: str = PASSWORD) -> dict[str, Any]:
        """A session of somebody, who gets in."""
        answer = self.sign_in(person.email, password)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, token: str) -> httpx.Response:
        return self.post("token?grant_type=refresh_token", {"refresh_token": token})

    def user(self, session: dict[str, Any]) -> httpx.Response:
        return self.client.get(
            "/auth/v1/user", headers={"authorization": f"Bearer {session['access_token']}"}
        )

    def mails(self, email: str) -> list[Mail]:
        """What was queued for an address, oldest first."""
        return queued_mails(self.world, email)

    def mail(self, email: str) -> Mail:
        """The newest e-mail to an address."""
        return self.mails(email)[-1]


def queued_mails(world: World, email: str) -> list[Mail]:
    """Sign-in mails in the outbox for an address, opened with the master key, oldest first."""
    rows = world.rows(
        "select payload, secret from app.platform_outbox where payload ->> 'to' = %s order by id",
        email,
    )
    opened = [
        json.loads(
            open_secret(SecretBox(MASTER_KEY), row["secret"], organization_id=None, kind="email")
        )
        for row in rows
    ]
    return [
        Mail(row["payload"]["template"], secret["link"], secret["code"])
        for row, secret in zip(rows, opened, strict=True)
    ]


def led_to(answer: httpx.Response) -> tuple[str, dict[str, str], dict[str, str]]:
    """(the address without query and fragment, its query, its fragment) of a redirect."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    fragment = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
    return f"{parts.scheme}://{parts.netloc}{parts.path}", query, fragment


def allows(site_url: str, origins: tuple[str, ...], url: str) -> bool:
    """Whether a link may lead to this URL."""
    return Redirects(site_url, origins).allowed(url) == url
