"""Becoming a user."""

import hashlib
from uuid import UUID, uuid4

import httpx
import pytest

from tests.gateway.door import PASSWORD, REFUSED, Door


def invite(door: Door, email: str, **columns: object) -> tuple[str, UUID]:
    """(the token of an invitation, the organization it is for)."""
    organization_id = columns.pop("organization_id", None) or door.world.organization("acme").id
    token = uuid4().hex
    door.world.execute(
        "insert into app.invitations (organization_id, email, role, token_hash, expires_at,"
        " becomes_closer, becomes_setter)"
        " values (%s, %s, %s, %s, now() + %s::interval, %s, %s)",
        organization_id,
        email,
        columns.get("role", "member"),
        hashlib.sha256(token.encode()).digest(),
        columns.get("lifetime", "1 day"),
        columns.get("becomes_closer", False),
        columns.get("becomes_setter", False),
    )
    assert isinstance(organization_id, UUID)
    return token, organization_id


def accept(door: Door, token: str, password: str = PASSWORD, **body: object) -> httpx.Response:
    data = {"invitation_token": token, "full_name": "Nia New"}
    return door.post("signup", {"password": password, "data": data, **body})


def fresh() -> str:
    return f"nia.{uuid4().hex[:8]}@example.test"


def test_without_an_invitation_nobody_signs_up(door: Door) -> None:
    answer = door.post("signup", {"email": fresh(), "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (422, "signup_disabled")


def test_the_invited_person_joins_as_what_the_invitation_says(door: Door) -> None:
    email = fresh()
    token, organization_id = invite(door, email, becomes_closer=True, becomes_setter=True)
    door.hashes.since()
    session = accept(door, token).json()
    assert door.hashes.since() == 1
    assert session["user"]["email"] == email
    assert session["user"]["user_metadata"] == {"full_name": "Nia New"}
    user_id = session["user"]["id"]
    assert door.world.rows(
        "select organization_id, role from app.organization_members where user_id = %s", user_id
    ) == [{"organization_id": organization_id, "role": "member"}]
    for table in ("closers", "setters"):
        assert door.world.rows(
            f"select name, email from app.{table} where profile_id = %s", user_id
        ) == [{"name": "Nia New", "email": email}]
    assert door.sign_in(email).status_code == 200
    assert accept(door, token).status_code == 400


def test_who_exists_already_proves_it_with_their_password(door: Door) -> None:
    dana = door.person()
    token, organization_id = invite(door, dana.email, role="admin")
    door.hashes.since()
    assert accept(door, token, "another password").json() == REFUSED
    assert door.hashes.since() == 1
    session = accept(door, token).json()
    assert door.hashes.since() == 1
    assert session["user"]["id"] == str(dana.user_id)
    assert session["user"]["role"] == "org_admin"
    assert (
        door.world.value(
            "select accepted_by from app.invitations where organization_id = %s", organization_id
        )
        == dana.user_id
    )
    assert door.sign_in(dana.email, "another password").status_code == 400


def test_an_invitation_makes_nobody_less_than_they_are(door: Door) -> None:
    acme = door.world.organization("acme")
    dana = door.person()
    door.world.execute("select app.add_member(%s, %s, 'owner')", acme.id, dana.user_id)
    token, _ = invite(door, dana.email, organization_id=acme.id, role="member")
    accept(door, token)
    assert (
        door.world.value(
            "select role from app.organization_members where user_id = %s", dana.user_id
        )
        == "owner"
    )


@pytest.mark.parametrize(
    "spoil",
    [
        "expires_at = now() - interval '1 second'",
        "revoked_at = now()",
        "accepted_at = now()",
    ],
)
def test_a_spoilt_invitation_is_refused_like_an_unknown_one(door: Door, spoil: str) -> None:
    token, organization_id = invite(door, fresh())
    door.world.execute(
        f"update app.invitations set {spoil} where organization_id = %s", organization_id
    )
    for tried in (token, "never was"):
        door.hashes.since()
        answer = accept(door, tried)
        assert (answer.status_code, answer.json()) == (400, REFUSED)
        assert door.hashes.since() == 1


def test_an_invitation_is_for_its_address_alone(door: Door) -> None:
    email = fresh()
    token, _ = invite(door, email)
    assert accept(door, token, email=fresh()).status_code == 400
    assert accept(door, token, email=email.upper()).status_code == 200


def test_a_weak_password_spends_nothing(door: Door) -> None:
    token, _ = invite(door, fresh())
    answer = accept(door, token, "short")
    assert answer.json()["code"] == "weak_password"
    assert answer.json()["weak_password"] == {"reasons": ["length"]}
    assert accept(door, token).status_code == 200
