"""Personal links over HTTP: what a closer does without a login, and who may hand links out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from salesdash.sealing import open_secret
from salesdash.secretbox import SecretBox
from tests.fixtures.processes import MASTER_KEY, Gateway
from tests.portal import ago, hash_of, link_of, locked_payout
from tests.world import ANSWERS, Organization, Person, Row, World

PORTAL = "/functions/v1/portal-pcf"
STATEMENT = "/functions/v1/commission-statement"


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@dataclass(frozen=True)
class Scene:
    """Dana of acme, who has a call to report on."""

    client: httpx.Client = field(repr=False)
    jwt_secret: str = field(repr=False)
    acme: Organization
    dana: Person
    call: Row

    def ask(self, who: Person | None, name: str, **body: object) -> httpx.Response:
        """A function, as somebody who is signed in."""
        headers = {}
        if who is not None:
            token = self.acme.world.token(who, self.jwt_secret)
            headers["authorization"] = f"Bearer {token}"
        return self.client.post(f"/functions/v1/{name}", json=body, headers=headers)

    def submit(self, token: str, call: Row, **form: object) -> httpx.Response:
        body = {"token": token, "event_id": str(call.id), "form": form}
        return self.client.post(PORTAL, json=body)


@pytest.fixture
def scene(client: httpx.Client, gateway: Gateway, committed_world: World) -> Scene:
    committed_world.execute("truncate auth.attempts")
    acme = committed_world.organization("acme")
    dana = acme.closer("dana")
    call = acme.event(closer=dana, scheduled_at=ago(committed_world, "3 hours"))
    return Scene(client, gateway.jwt_secret, acme, dana, call)


def mailed(scene: Scene) -> list[tuple[dict[str, Any], str]]:
    """What was queued for people of acme: (payload, the link that the e-mail carries)."""
    rows = scene.acme.world.rows(
        "select organization_id, payload, secret from app.outbox"
        " where organization_id = %s order by id",
        scene.acme.id,
    )
    box = SecretBox(MASTER_KEY)
    return [
        (
            row["payload"],
            json.loads(
                open_secret(
                    box, row["secret"], organization_id=row["organization_id"], kind="email"
                )
            )["link"],
        )
        for row in rows
    ]


def token_of(url: str) -> str:
    parts = urlsplit(url)
    assert parts.query == ""
    (token,) = parse_qs(parts.fragment)["token"]
    return token


def test_a_closer_reports_on_a_call_without_a_login(scene: Scene) -> None:
    made = scene.ask(scene.acme.admin(), "create-portal-link", closerId=str(scene.dana.closer_id))
    assert made.status_code == 201, made.text
    url = made.json()["url"]
    assert urlsplit(url).path == "/portal"
    token = token_of(url)
    assert token not in json.dumps({**made.json(), "url": ""})
    listed = scene.client.get(PORTAL, headers={"x-portal-token": token})
    assert listed.headers["cache-control"] == "no-store"
    assert [call["event_id"] for call in listed.json()["pending"]] == [str(scene.call.id)]
    wrong = scene.submit(token, scene.call, call_occurred=True, cash_collected="1.005", hat="red")
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["errors"].keys() == {"cash_collected", "hat"}
    done = scene.submit(token, scene.call, **ANSWERS["closed"], cash_collected="1500.10")
    assert done.status_code == 200, done.text
    assert '"cash_collected": 1500.10' in done.text
    assert scene.acme.state(scene.call) == ("completed", "closed")
    after = scene.client.get(PORTAL, headers={"authorization": f"Portal {token}"}).json()
    assert after["pending"] == []
    assert after["recent"][0]["form"]["deal_closed"] is True
    again = scene.submit(token, scene.call, **ANSWERS["showed_offer"])
    assert (again.status_code, again.json()["version"]) == (200, 2)


def test_every_bad_link_gets_one_answer(scene: Scene) -> None:
    acme, dana = scene.acme, scene.dana
    expired, revoked = link_of(acme, dana, days=-1), link_of(acme, dana)
    acme.world.execute(
        "update app.closer_access_tokens set revoked_at = now() where id = %s", revoked.id
    )
    left = acme.closer("eli")
    gone = link_of(acme, left)
    acme.world.execute("delete from app.organization_members where user_id = %s", left.user_id)
    statement = link_of(acme, dana, scope="statement", snapshot=locked_payout(acme, dana))
    tokens = [link.token for link in (expired, revoked, gone, statement)]
    answers = [
        *(scene.client.get(PORTAL, headers={"x-portal-token": token}) for token in tokens),
        *(scene.submit(token, scene.call, **ANSWERS["closed"]) for token in tokens),
        scene.submit("never was", scene.call, **ANSWERS["closed"]),
        scene.submit("", scene.call, **ANSWERS["closed"]),
        scene.client.post(PORTAL, json={"token": {"not": "a text"}}),
        scene.client.get(PORTAL),
        scene.client.get(STATEMENT, headers={"x-portal-token": revoked.token}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"link_not_valid"}
    assert len({answer.text for answer in answers}) == 1
    assert acme.state(scene.call) == ("scheduled", None)


def test_a_token_in_the_address_is_refused_before_it_is_tried(scene: Scene) -> None:
    link = link_of(scene.acme, scene.dana)
    answer = scene.client.get(PORTAL, params={"token": link.token})
    assert (answer.status_code, answer.json()["code"]) == (400, "token_in_query")
    assert link.row()["last_used_at"] is None


def test_another_closers_call_does_not_exist(scene: Scene) -> None:
    acme = scene.acme
    eli = acme.closer("eli")
    his = acme.event(closer=eli, scheduled_at=ago(acme.world, "2 hours"))
    umbrella = acme.world.organization("umbrella")
    theirs = umbrella.event(closer=umbrella.closer("dana"), scheduled_at=ago(acme.world, "2 hours"))
    link = link_of(acme, scene.dana)
    refusals = [
        scene.submit(link.token, call, **ANSWERS["closed"])
        for call in (his, theirs, Row(acme.id, uuid4()))
    ]
    assert {answer.status_code for answer in refusals} == {404}
    assert {answer.json()["code"] for answer in refusals} == {"unknown_call"}
    assert len({answer.text for answer in refusals}) == 1
    assert acme.state(his) == umbrella.state(theirs) == ("scheduled", None)


def test_a_form_at_the_wrong_moment_is_a_conflict(scene: Scene) -> None:
    acme = scene.acme
    later = acme.event(closer=scene.dana, scheduled_at=ago(acme.world, "-2 days"))
    token = link_of(acme, scene.dana).token
    early = scene.submit(token, later, **ANSWERS["closed"])
    assert (early.status_code, early.json()["code"]) == (409, "not_now")
    canceled = scene.submit(token, later, **ANSWERS["lead_canceled"])
    assert canceled.json()["call_status"] == "canceled"


@pytest.mark.parametrize(
    "body",
    [
        {"event_id": "7", "form": {}},
        {"event_id": None, "form": {}},
        {"form": {"call_occurred": True}},
        {"event_id": str(uuid4()), "form": []},
        {"event_id": str(uuid4()), "form": "{}"},
        {"event_id": str(uuid4()), "form": {"notes": "a\0b"}},
        {"event_id": str(uuid4()), "form": {}, "closer_id": str(uuid4())},
    ],
)
def test_what_is_no_submission_is_refused_by_field(scene: Scene, body: dict[str, Any]) -> None:
    token = link_of(scene.acme, scene.dana).token
    answer = scene.client.post(PORTAL, json={"token": token, **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert answer.json()["errors"]


def test_what_is_no_object_or_too_large_is_refused(scene: Scene) -> None:
    for content in (b"[]", b"{", b"\xff", b'"token"'):
        assert scene.client.post(PORTAL, content=content).status_code == 400
    large = json.dumps({"token": "x", "form": {"notes": "x" * 300_000}}).encode()
    assert scene.client.post(PORTAL, content=large).status_code == 413


def test_guessing_stops_and_says_when_to_go_on(scene: Scene) -> None:
    link = link_of(scene.acme, scene.dana)
    scene.acme.world.execute(
        "insert into auth.attempts"
        " (kind, subject, window_started_at, current_count, previous_count)"
        " select 'sign_in_address', auth.attempt_subject('127.0.0.1'::inet),"
        " date_bin('15 minutes', now(), '2000-01-01Z'), 100, 0"
    )
    answer = scene.client.get(PORTAL, headers={"x-portal-token": link.token})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 0
    assert link.row()["last_used_at"] is None


def test_a_link_is_e_mailed_to_its_closer(scene: Scene) -> None:
    ada = scene.acme.admin()
    closer = str(scene.dana.closer_id)
    sent = scene.ask(ada, "send-portal-link", closer_id=closer, valid_days=7)
    assert sent.status_code == 200, sent.text
    assert sent.json()["sent_to"] == scene.dana.email
    ((payload, link),) = mailed(scene)
    assert (payload["template"], payload["to"]) == ("portal-link", scene.dana.email)
    assert token_of(link) not in json.dumps(payload) + sent.text
    assert scene.client.get(PORTAL, headers={"x-portal-token": token_of(link)}).is_success
    revoked = scene.ask(ada, "revoke-portal-link", linkId=sent.json()["id"])
    assert revoked.json()["revoked_at"] is not None
    assert not scene.client.get(PORTAL, headers={"x-portal-token": token_of(link)}).is_success


def test_a_statement_is_e_mailed_once_there_is_one(scene: Scene) -> None:
    ada = scene.acme.admin()
    payee = str(scene.dana.payee_id)
    early = scene.ask(ada, "send-commission-link", payeeId=payee)
    assert early.status_code == 409
    payout = locked_payout(scene.acme, scene.dana)
    sent = scene.ask(ada, "send-commission-link", payeeId=payee, snapshotId=str(payout.id))
    assert sent.status_code == 200, sent.text
    ((payload, link),) = mailed(scene)
    assert (payload["template"], payload["statement_name"]) == ("commission-link", "November")
    assert urlsplit(link).path == "/statement"
    headers = {"x-portal-token": token_of(link)}
    page = scene.client.get(STATEMENT, headers=headers)
    assert '"commission": 1250.00' in page.text
    assert scene.client.get(PORTAL, headers=headers).status_code == 404


def test_only_admins_hand_links_out(scene: Scene) -> None:
    acme, dana = scene.acme, scene.dana
    sam = acme.setter("sam")
    stranger = acme.world.organization("umbrella").admin()
    closer, payout = str(dana.closer_id), locked_payout(acme, dana)
    link = link_of(acme, dana)
    for name, body in (
        ("create-portal-link", {"closer_id": closer}),
        ("send-portal-link", {"closer_id": closer}),
        ("send-commission-link", {"closer_id": closer, "snapshot_id": str(payout.id)}),
        ("revoke-portal-link", {"link_id": str(link.id)}),
    ):
        found = [scene.ask(who, name, **body).status_code for who in (None, dana, sam, stranger)]
        assert found == [401, 403, 403, 404], name
        named = scene.ask(stranger, name, **body, organization_id=str(acme.id))
        assert named.status_code == 404
    assert link.get()[0] == "open"
    acme.world.execute("truncate auth.attempts")
    assert mailed(scene) == []
    assert (
        acme.world.value(
            "select count(*) from app.closer_access_tokens where organization_id = %s", acme.id
        )
        == 1
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"closer_id": "7"},
        {"valid_days": 0},
        {"valid_days": "7"},
        {"scope": "everything"},
        {"scope": ["pcf"]},
        {"token": "mine", "closer_id": str(uuid4())},
    ],
)
def test_what_is_no_link_is_refused_by_field(scene: Scene, body: dict[str, Any]) -> None:
    answer = scene.ask(scene.acme.admin(), "create-portal-link", **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


def test_tokens_are_in_no_table_and_no_view(scene: Scene) -> None:
    made = scene.ask(scene.acme.admin(), "create-portal-link", closer_id=str(scene.dana.closer_id))
    token = token_of(made.json()["url"])
    world = scene.acme.world
    (row,) = world.rows(
        "select * from app.closer_access_tokens where organization_id = %s", scene.acme.id
    )
    assert row["token_hash"] == hash_of(token)
    columns = world.rows(
        "select column_name from information_schema.columns"
        " where table_schema = 'api' and table_name = 'closer_access_tokens'"
    )
    assert "token_hash" not in {column["column_name"] for column in columns}
    trail = world.rows("select new_data::text from app.audit_logs where row_id = %s", row["id"])
    assert trail
    assert not [entry for entry in trail if hash_of(token).hex() in entry["new_data"]]


def test_other_allowed_origins_may_send_the_token(scene: Scene, gateway: Gateway) -> None:
    answer = scene.client.options(
        PORTAL,
        headers={
            "origin": gateway.url,
            "access-control-request-method": "GET",
            "access-control-request-headers": "x-portal-token",
        },
    )
    assert "x-portal-token" in answer.headers["access-control-allow-headers"].lower()
