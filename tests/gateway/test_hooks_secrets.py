"""Nothing of a secret, a card or a person gets where it has no business, whatever goes wrong."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.fixtures.cluster import LOGINS, Cluster
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway, Worker
from tests.fuzz.markers import Markers
from tests.senders import SENDERS
from tests.world import Organization, Person, World

SETTINGS = "/functions/v1/webhook-connections"
OWNERS_ALONE = {"webhook_events.body"}
"""What holds all that a provider says, cards included; the API shows it masked."""


@dataclass
class Story:
    """What was sent, and everything that was answered."""

    client: httpx.Client
    organization: Organization
    admin: Person
    token: str
    markers: Markers = field(default_factory=Markers)
    secrets: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver, and keep what is answered. What vouches for the body is secret, too."""
        self.markers.secrets.update(
            value for name, value in headers.items() if "signature" in name or "token" in name
        )
        answer = self.client.post(
            path, content=body, headers={name: value.encode() for name, value in headers.items()}
        )
        self.answers.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")
        word = answer.json()["status" if answer.is_success else "code"]
        self.outcomes.add(f"{answer.status_code} {word}")

    def manage(self, path: str, **fields: object) -> dict[str, Any]:
        """Ask for a change of connections as the admin."""
        answer = self.client.post(
            path, json=fields, headers={"authorization": f"Bearer {self.token}"}
        )
        self.answers.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    def read(self, path: str) -> str:
        """What the admin reads there."""
        answer = self.client.get(path, headers={"authorization": f"Bearer {self.token}"})
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.text


@pytest.fixture(scope="module")
def story(
    talkative: Database, gateway: Gateway, worker: Worker, committed_world: World
) -> Iterator[Story]:
    """Every payload of every provider, and everything that can go wrong with one."""
    acme = committed_world.organization("acme")
    admin = acme.admin()
    token = committed_world.token(admin, gateway.jwt_secret)
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as client:
        story = Story(client, acme, admin, token)
        story.markers.secrets.update((token, gateway.jwt_secret, gateway.master_key))
        with watched(talkative, story):
            for provider in SENDERS:
                open_connection(story, provider)
                deliver_everything(story, provider)
            retry(story)
        yield story


@pytest.fixture(scope="module")
def talkative(database: Database) -> Database:
    """The database, of which the server logs what servers log unless they are told otherwise.

    Ours leaves statements out; one that somebody else runs may not.
    """
    command = sql.SQL("alter role {} in database {} set log_min_error_statement = 'error'")
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        for login in LOGINS:
            name = sql.Identifier(database.name)
            connection.execute(command.format(sql.Identifier(login), name))
    return database


@contextmanager
def watched(database: Database, story: Story) -> Iterator[None]:
    """Look over everybody's shoulder meanwhile: the statements that other sessions run."""
    done = threading.Event()

    def watch() -> None:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            while not done.is_set():
                rows = connection.execute(
                    "select query from pg_stat_activity where datname = %s", [database.name]
                )
                story.statements.update(query for (query,) in rows)
                done.wait(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def open_connection(story: Story, provider: str) -> None:
    """As the admin: made, refused, rotated, and given a key."""
    secret, markers = SENDERS[provider].new_secret(), story.markers
    markers.secrets.add(secret)
    fields = {"name": provider, "connection_type": provider, "rate_limit_per_minute": 10_000}
    made = story.manage(SETTINGS, **fields, webhook_secret=markers.secret())
    one = f"{SETTINGS}/{made['id']}"
    story.manage(f"{one}/secret", webhook_secret=secret)
    story.manage(f"{one}/api-key", api_key=markers.secret("key_"))
    story.manage(f"{one}/secret", webhook_secret=[markers.secret()])
    story.manage(f"{SETTINGS}/{uuid4()}/secret", webhook_secret=markers.secret())
    story.manage(SETTINGS, name="", connection_type="none", webhook_secret=markers.secret())
    story.secrets[provider], story.paths[provider] = secret, f"/hooks/{provider}/{made['id']}"


def deliver_everything(story: Story, provider: str) -> None:
    """Genuine, forged, unreadable, unstorable, meaningless; and twice."""
    sender, markers, path = SENDERS[provider], story.markers, story.paths[provider]

    def post(body: bytes, *, secret: str = story.secrets[provider], to: str = path) -> None:
        story.post(to, body, sender.sign(body, secret))

    post(json.dumps({"email": f"{markers.name()}@lead.test"}).encode())
    for number, payload in enumerate(sender.payloads):
        body = markers.hidden(payload.read_bytes())
        post(body)
        if number > 5:
            continue
        post(body)
        post(body, secret=markers.secret())
        post(body, to=f"/hooks/{provider}/{uuid4()}")
        story.post(path, body, {})
        post(body[: len(body) // 2])
        post(b"\xff" + body)
        try:
            document = json.loads(body)
        except ValueError:
            continue
        for spoiled in (b"1e-99999", b"1e999999", b'"\\ud800"', b"NaN", b"[" * 900 + b"]" * 900):
            post(body.replace(b"{", b'{"spoiled": ' + spoiled + b", ", 1))
            post(body.rstrip()[:-1] + b', "spoiled": ' + spoiled + b"}")
        for name in ("amount", "total", "amount_captured", "currency", "created", "data", "id"):
            post(json.dumps(with_new_id(strange(document, name))).encode())


def strange(value: Any, name: str) -> Any:
    """The document with a strange value for every key of this name."""
    if isinstance(value, dict):
        return {key: "?" if key == name else strange(each, name) for key, each in value.items()}
    return [strange(each, name) for each in value] if isinstance(value, list) else value


def with_new_id(document: Any) -> Any:
    """The payload as an event of its own."""
    return {**document, "id": f"evt_{uuid4().hex}"} if document.get("id") != "?" else document


def retry(story: Story) -> None:
    """Let the worker try again what failed, until it is given up."""
    world = story.organization.world
    for _ in range(8):
        world.execute(
            "update app.webhook_events set next_attempt_at = now() where status = 'queued'"
        )
        run_id = world.value(
            "insert into app.platform_runs (kind, max_attempts) values ('inbox-upkeep', 1)"
            " returning id"
        )
        done = "select state in ('succeeded', 'dead') from app.platform_runs where id = %s"
        wait_until(lambda: world.value(done, run_id), lambda: "the worker did not retry")  # noqa: B023


def found(text: str, markers: set[str]) -> set[str]:
    """Those of the markers that are in it."""
    return {marker for marker in markers if marker in text}


def test_the_story_has_every_kind_of_answer(story: Story) -> None:
    """Otherwise what follows proves little."""
    statuses = {"processed", "queued", "ignored", "duplicate"}
    assert story.outcomes == {
        *(f"200 {status}" for status in statuses),
        *(f"400 {code}" for code in ("not_json", "not_an_event", "not_storable")),
        "401 not_genuine",
        "404 unknown_connection",
    }
    assert len(story.markers.card) > 50
    assert len(story.markers.person) > 50
    assert "dead" in {row["status"] for row in rows(story, "webhook_events")}


def test_no_log_tells_of_secrets_cards_or_people(
    story: Story, logs: Path, cluster: Cluster
) -> None:
    told = story.markers.secrets | story.markers.card | story.markers.person
    for log in (*logs.glob("*.log"), cluster.home / "postgres.log"):
        text = log.read_text(errors="replace")
        assert not found(text, told), [
            line[:400] for line in text.splitlines() if found(line, told)
        ][:5]


def test_no_answer_tells_of_secrets_cards_or_people(story: Story) -> None:
    told = story.markers.secrets | story.markers.card | story.markers.person
    assert not [answer for answer in story.answers if found(answer, told)]


def test_no_statement_holds_a_value(story: Story) -> None:
    assert any("record_deliveries" in statement for statement in story.statements)
    told = story.markers.secrets | story.markers.card | story.markers.person
    assert not [statement for statement in story.statements if found(statement, told)]


def test_no_server_setting_lets_values_into_the_log(talkative: Database) -> None:
    for url in (talkative.gateway_url, talkative.worker_url, talkative.authenticator_url):
        with psycopg.connect(url) as connection:
            for name, value in (
                ("log_parameter_max_length_on_error", "0"),
                ("log_statement", "none"),
                ("log_min_duration_statement", "-1"),
            ):
                assert connection.execute(f"show {name}").fetchone() == (value,), name


def test_the_database_keeps_secrets_and_cards_in_one_place(story: Story) -> None:
    world = story.organization.world
    secret = story.markers.secrets | {each.encode().hex() for each in story.markers.secrets}
    hidden = secret | story.markers.card
    places: set[str] = set()
    for table in world.rows(
        "select c.oid::regclass::text as name, n.nspname || '.' || c.relname as path"
        "  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname in ('app', 'auth') and c.relkind in ('r', 'p') and not c.relispartition"
    ):
        for row in world.rows(f"select to_jsonb(t) as row from {table['path']} as t"):
            for column, value in row["row"].items():
                if found(json.dumps(value, ensure_ascii=False), hidden):
                    places.add(f"{table['path'].removeprefix('app.')}.{column}")
    assert places == OWNERS_ALONE


def test_what_explains_a_delivery_names_nobody(story: Story) -> None:
    told = story.markers.secrets | story.markers.card | story.markers.person
    for row in rows(story, "webhook_events"):
        explained = f"{row['error']} {row['steps']}"
        assert not found(explained, told), explained
    for row in rows(story, "exceptions"):
        said = f"{row['sentence']} {row['remedy']} {row['details']}"
        assert not found(said, story.markers.secrets | story.markers.card), said


def test_admins_read_every_view_without_secrets_and_cards(story: Story) -> None:
    described = json.loads(story.read("/rest/v1/"))
    views = [path for path in described["paths"] if not path.startswith("/rpc/")]
    assert "/webhook_events" in views
    hidden = story.markers.secrets | story.markers.card
    for view in sorted(set(views) - {"/"}):
        columns = described["definitions"][view[1:]]["properties"]
        named = (
            f"organization_id=eq.{story.organization.id}" if "organization_id" in columns else ""
        )
        assert not found(story.read(f"/rest/v1{view}?{named}"), hidden), view


def rows(story: Story, table: str) -> list[dict[str, Any]]:
    return story.organization.world.rows(
        f"select * from app.{table} where organization_id = %s", story.organization.id
    )
