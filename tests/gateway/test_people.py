"""People join by invitation, leave and are removed, over HTTP with the tokens that they have."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from salesdash.mailbox import QUERY, SealedLetter, open_letter
from salesdash.sealing import open_secret
from salesdash.secretbox import SecretBox
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import MASTER_KEY, Gateway, Worker
from tests.gateway.door import PASSWORD, PASSWORD_HASH
from tests.world import Organization, Person, World

NOT_VALID = {"valid": False}
REFUSED = (400, "invalid_credentials")


@dataclass(frozen=True)
class People:
    """Requests to the gateway by somebody, or by nobody."""

    client: httpx.Client
    gateway: Gateway
    world: World = field(repr=False)

    def token(self, who: Person) -> str:
        return self.world.token(who, self.gateway.jwt_secret)

    def call(
        self, function: str, who: Person | str | None = None, **body: object
    ) -> httpx.Response:
        """POST /functions/v1/<function>; who: a person, an access token, or nobody."""
        token = self.token(who) if isinstance(who, Person) else who
        headers = {"authorization": f"Bearer {token}"} if token else {}
        plain = {name: value if value is None or isinstance(value, bool | int) else str(value)
                 for name, value in body.items()}  # fmt: skip
        return self.client.post(f"/functions/v1/{function}", json=plain, headers=headers)

    def rest(
        self, who: Person | str | None, path: str, body: object = None, method: str | None = None
    ) -> httpx.Response:
        token = self.token(who) if isinstance(who, Person) else who
        headers = {"authorization": f"Bearer {token}"} if token else {}
        verb = method or ("GET" if body is None else "POST")
        return self.client.request(verb, f"/rest/v1/{path}", json=body, headers=headers)

    def sign_in(self, email: str) -> str:
        """The access token of a new session."""
        answer = self.client.post(
            "/auth/v1/token?grant_type=password", json={"email": email, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def with_password(self, person: Person) -> Person:
        self.world.execute(
            "update auth.users set password_hash = %s where id = %s", PASSWORD_HASH, person.user_id
        )
        return person

    def invited(
        self, who: Person, acme: Organization, **fields: object
    ) -> tuple[str, dict[str, Any]]:
        """(the token that only the e-mail holds, what the admin was told)."""
        answer = self.call(
            "send-invite-email", who, **{"organizationId": acme.id, "email": fresh(), **fields}
        )
        assert answer.status_code in {200, 201}, answer.text
        return self.newest_token(acme), answer.json()

    def newest_token(self, acme: Organization) -> str:
        """From the outbox, or from the mailbox if the worker was there already."""
        (row,) = self.world.rows(
            "select organization_id, id, payload ->> 'to' as recipient, sent_at, secret, rendered"
            " from app.outbox where organization_id = %s order by id desc limit 1",
            acme.id,
        )
        box, sealed = SecretBox(MASTER_KEY), row.pop("secret")
        if sealed is None:
            return token_of(open_letter(box, SealedLetter(**row)).link or "")
        secret = open_secret(box, sealed, organization_id=acme.id, kind="email")
        return token_of(json.loads(secret)["link"])


def token_of(link: str) -> str:
    assert urlsplit(link).path == "/accept-invitation"
    (token,) = parse_qs(urlsplit(link).fragment)["token"]
    return token


def fresh() -> str:
    return f"nia.{uuid4().hex[:8]}@example.test"


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code") if answer.is_error else None


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def people(client: httpx.Client, gateway: Gateway, committed_world: World) -> People:
    committed_world.execute("truncate auth.attempts")
    return People(client, gateway, committed_world)


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


def test_somebody_is_invited_joins_works_and_is_removed_while_signed_in(
    people: People, acme: Organization, worker: Worker, logs: Path
) -> None:
    olga, email = acme.owner(), fresh()
    closer_id = acme.world.insert("closers", organization_id=acme.id, name="Nia New")
    call = acme.event()
    acme.world.execute("update app.events set closer_id = %s where id = %s", closer_id, call.id)
    told = people.call("send-invite-email", olga, email=email, closerId=closer_id, expiresInDays=3)
    assert told.status_code == 201, told.text
    assert told.headers["cache-control"] == "no-store"

    rows: list[dict[str, Any]] = []

    def arrived() -> bool:
        rows[:] = [
            row for row in acme.world.rows(QUERY, max_rows=50, message_id=None)
            if row["recipient"] == email
        ]  # fmt: skip
        return bool(rows)

    wait_until(arrived, lambda: "the e-mail did not arrive in the development mailbox")
    letter = open_letter(SecretBox(MASTER_KEY), SealedLetter(**rows[0]))
    assert letter.subject == "You are invited to acme"
    assert letter.link is not None
    token = token_of(letter.link)

    seen = people.call("validate-invite", token=token)
    assert seen.json() == {
        "valid": True,
        "organization_name": "acme",
        "role": "member",
        "expires_at": seen.json()["expires_at"],
    }
    # What the page of the link sends.
    data = {"invitation_token": token, "full_name": "Nia New"}
    joined = people.client.post("/auth/v1/signup", json={"password": PASSWORD, "data": data})
    assert joined.status_code == 200, joined.text
    access = people.sign_in(email)
    assert [row["id"] for row in people.rest(access, "events?select=id").json()] == [str(call.id)]
    assert people.rest(access, "rpc/me", {}).json()[0]["closer_id"] == str(closer_id)

    removed = people.rest(olga, "rpc/remove_member", {"user_id": joined.json()["user"]["id"]})
    assert removed.status_code == 204, removed.text
    for path in ("events?select=id", "organizations"):
        refusal = people.rest(access, path)
        assert outcome(refusal) == (401, "PT401"), refusal.text
    assert people.client.get(
        "/auth/v1/user", headers={"authorization": f"Bearer {access}"}
    ).status_code == 403  # fmt: skip
    entry = people.rest(olga, f"closers?id=eq.{closer_id}&select=name,is_active").json()
    assert entry == [{"name": "Nia New", "is_active": True}]

    kept = acme.world.rows(
        "select old_data, new_data from app.audit_logs where organization_id = %s", acme.id
    )
    mail = acme.world.rows("select payload from app.outbox where organization_id = %s", acme.id)
    digest = hashlib.sha256(token.encode()).hexdigest()
    for place in (str(kept), str(mail), told.text, *(log.read_text() for log in logs.iterdir())):
        assert token not in place
        assert digest not in place


@pytest.mark.parametrize("function", ["validate-invite", "create-invited-user"])
def test_tokens_that_open_nothing_are_all_answered_alike(
    people: People, acme: Organization, function: str
) -> None:
    olga = acme.owner()
    used, told = people.invited(olga, acme)
    people.call("create-invited-user", token=used, password=PASSWORD)
    expired, told = people.invited(olga, acme)
    acme.world.execute(
        "update app.invitations set expires_at = now() - interval '1 s' where id = %s", told["id"]
    )
    revoked, told = people.invited(olga, acme)
    body = {"invitation_id": told["id"], "organization_id": str(acme.id)}
    assert people.rest(olga, "rpc/revoke_invitation", body).status_code == 204
    replaced, told = people.invited(olga, acme)
    good, _ = people.invited(olga, acme, invitationId=told["id"])
    answers = [
        people.call(function, token=token, password=PASSWORD)
        for token in ("never was", "", used, expired, revoked, replaced)
    ]
    told_apart = {(answer.status_code, answer.text) for answer in answers}
    assert len(told_apart) == 1
    if function == "validate-invite":
        assert answers[0].json() == NOT_VALID
        assert people.client.get("/functions/v1/validate-invite?token=x").json() == NOT_VALID
    else:
        assert outcome(answers[0]) == REFUSED
    assert people.call("validate-invite", token=good).json()["valid"] is True
    assert people.call("create-invited-user", token=good, password=PASSWORD).status_code == 201


def test_who_asks_for_too_many_tokens_hears_nothing_more(
    people: People, acme: Organization
) -> None:
    token, _ = people.invited(acme.owner(), acme)
    people.world.execute(
        "insert into auth.attempts"
        " (kind, subject, window_started_at, current_count, previous_count)"
        " values ('sign_in_address', auth.attempt_subject('127.0.0.1'::inet),"
        " date_bin('15 minutes', now(), '2000-01-01 00:00Z'), 101, 0)"
        " on conflict on constraint attempts_pkey do update set current_count = 101"
    )
    assert people.call("validate-invite", token=token).json() == NOT_VALID


def test_who_is_new_gets_a_session_and_a_name(people: People, acme: Organization) -> None:
    token, told = people.invited(acme.owner(), acme, becomes_setter=True)
    weak = people.call("create-invited-user", token=token, password="short")
    assert outcome(weak) == (422, "weak_password")
    assert outcome(people.call("create-invited-user", token=token)) == (422, "invalid_fields")
    made = people.call(
        "create-invited-user", invitationToken=token, password=PASSWORD, fullName="Nia"
    )
    assert made.status_code == 201, made.text
    session = made.json()["session"]
    assert made.json()["user"] == session["user"]
    assert (session["user"]["email"], session["user"]["user_metadata"]) == (
        told["email"],
        {"full_name": "Nia"},
    )
    (me,) = people.rest(session["access_token"], "rpc/me", {}).json()
    assert (me["organization_id"], me["role"]) == (str(acme.id), "member")
    assert me["setter_id"]
    assert me["payee_id"]


def test_an_invitation_that_is_sent_twice_in_one_moment_is_accepted_once(
    people: People, acme: Organization
) -> None:
    token, told = people.invited(acme.owner(), acme)
    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda _: people.call("create-invited-user", token=token, password=PASSWORD),
                range(2),
            )
        )
    assert {outcome(answer) for answer in answers} == {(201, None), REFUSED}
    count = "select count(*) from auth.users where email = %s"
    assert people.world.value(count, told["email"]) == 1


def test_who_exists_accepts_while_signed_in_or_with_their_password(
    people: People, acme: Organization, committed_world: World
) -> None:
    olga, beta = acme.owner(), committed_world.organization("beta")
    dana = people.with_password(beta.closer("dana"))
    eli = people.with_password(committed_world.person("eli"))
    token, _ = people.invited(olga, acme, email=dana.email, role="admin")
    access = people.sign_in(dana.email)
    assert outcome(people.call("create-invited-user", eli, token=token)) == REFUSED
    joined = people.call("create-invited-user", access, token=token)
    assert joined.status_code == 200, joined.text
    assert joined.json()["session"] is None
    assert {row["id"] for row in people.rest(access, "organizations?select=id").json()} == {
        str(acme.id),
        str(beta.id),
    }
    token, _ = people.invited(olga, acme, email=eli.email, becomes_closer=True)
    wrong = people.call("create-invited-user", token=token, password="another password")
    assert outcome(wrong) == REFUSED
    proved = people.call(
        "create-invited-user", people.gateway.anon_key, token=token, password=PASSWORD
    )
    assert proved.json()["user"]["id"] == str(eli.user_id)


def test_each_may_invite_what_their_role_allows(people: People, acme: Organization) -> None:
    beta = acme.world.organization("beta")
    for who, role, expected in (
        (acme.owner(), "owner", (201, None)),
        (acme.admin(), "member", (201, None)),
        (acme.admin(), "admin", (403, "42501")),
        (acme.closer(), "member", (403, "42501")),
        (acme.setter(), "member", (403, "42501")),
        (beta.owner(), "member", (404, "PT404")),
        (acme.world.super_admin(), "owner", (201, None)),
        (None, "member", (401, "42501")),
    ):
        answer = people.call(
            "send-invite-email", who, email=fresh(), role=role, organization_id=acme.id
        )
        assert outcome(answer) == expected, answer.text
    count = (
        "select count(*) from app.invitations where organization_id = %s and sent_at is not null"
    )
    assert acme.world.value(count, acme.id) == 3


def test_what_is_wrong_with_an_invitation_is_told_by_field(
    people: People, acme: Organization
) -> None:
    ada = acme.admin()
    for fields, named in (
        ({}, {"email"}),
        ({"email": "nobody"}, {"email"}),
        ({"email": fresh(), "expires_in_days": 90}, {"expires_in_days"}),
        (
            {"email": fresh(), "closer_id": "x", "becomesSetter": "yes"},
            {"closer_id", "becomes_setter"},
        ),
        ({"email": fresh(), "closer_id": uuid4()}, {"closer_id"}),
    ):
        answer = people.call("send-invite-email", ada, **fields)
        assert outcome(answer) == (422, "invalid_fields"), answer.text
        assert set(answer.json()["errors"]) == named
    _, told = people.invited(ada, acme)
    assert outcome(people.call("send-invite-email", ada, email=told["email"])) == (409, "PT409")


def test_power_that_is_taken_away_is_gone_with_the_next_request(
    people: People, acme: Organization
) -> None:
    olga, ada, dana = acme.owner(), acme.admin(), acme.closer()
    token = people.token(ada)
    body = {"user_id": str(ada.user_id), "role": "member", "organization_id": str(acme.id)}
    assert outcome(people.rest(dana, "rpc/set_member_role", body)) == (403, "42501")
    assert people.rest(token, "invitations").status_code == 200
    assert people.rest(olga, "rpc/set_member_role", body).status_code == 204
    assert outcome(people.rest(token, "invitations")) == (401, "PT401")
    assert people.rest(ada, "invitations").json() == []
    mine = {"organization_id": str(acme.id)}
    assert outcome(people.rest(olga, "rpc/leave_organization", mine)) == (409, "PT409")
    to = {**mine, "user_id": str(dana.user_id)}
    assert people.rest(olga, "rpc/transfer_ownership", to).status_code == 204
    assert people.rest(olga, "rpc/leave_organization", mine).status_code == 204
    assert outcome(people.rest(olga, "organizations")) == (401, "PT401")
    assert people.rest(dana, "invitations").status_code == 200


def test_super_admins_delete_people_whose_sessions_end_at_once(
    people: People, acme: Organization
) -> None:
    root, olga, dana = acme.world.super_admin(), acme.owner(), acme.closer()
    call, token = acme.event(closer=dana), people.token(dana)
    assert outcome(people.call("delete-auth-user", olga, userId=dana.user_id)) == (403, "42501")
    assert outcome(people.call("delete-auth-user", None, userId=dana.user_id)) == (401, "42501")
    only = people.call("delete-auth-user", root, user_id=olga.user_id)
    assert outcome(only) == (409, "PT409")
    assert str(acme.id) in only.json()["details"]
    assert people.rest(token, "events?select=id").json() == [{"id": str(call.id)}]
    gone = people.call("delete-auth-user", root, user_id=dana.user_id)
    assert gone.status_code == 204, gone.text
    assert outcome(people.rest(token, "events?select=id")) == (401, "PT401")
    assert people.rest(olga, "events?select=id").json() == [{"id": str(call.id)}]
    assert outcome(people.call("delete-auth-user", root, user_id=dana.user_id)) == (404, "PT404")
