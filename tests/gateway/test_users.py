"""The signed-in person, signing out, and what super admins do with users."""

from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from salesdash.tokens import AccessClaims, mint_access_token
from tests.fixtures.processes import JWT_SECRET
from tests.gateway.door import PASSWORD, Door


def put(door: Door, session: dict[str, Any], body: dict[str, Any]) -> httpx.Response:
    return door.client.put("/auth/v1/user", json=body, headers=bearer(session))


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {session['access_token']}"}


def is_over(door: Door, session: dict[str, Any]) -> bool:
    answer = door.user(session)
    return (answer.status_code, answer.json().get("code")) == (403, "session_not_found")


def admin(
    door: Door, session: dict[str, Any], method: str, path: str = "", body: object = None
) -> httpx.Response:
    return door.client.request(
        method, f"/auth/v1/admin/users{path}", json=body, headers=bearer(session)
    )


@pytest.fixture
def root(door: Door) -> dict[str, Any]:
    """A super admin's session."""
    person = door.person("root")
    door.world.execute("select app.grant_super_admin(%s)", person.user_id)
    return door.session(person)


def test_what_people_say_about_themselves_is_merged(door: Door) -> None:
    session = door.session(door.person())
    put(door, session, {"data": {"nickname": "Dee", "theme": {"dark": True}}})
    answer = put(door, session, {"data": {"nickname": None, "age": 30}})
    assert answer.json()["user_metadata"] == {
        "full_name": "dana",
        "theme": {"dark": True},
        "age": 30,
    }


def test_a_new_password_ends_the_other_sessions(door: Door) -> None:
    dana = door.person()
    here, there = door.session(dana), door.session(dana)
    door.hashes.since()
    assert put(door, here, {"password": "a new password"}).status_code == 200
    assert door.hashes.since() == 1
    assert door.user(here).status_code == 200
    assert is_over(door, there)
    assert door.sign_in(dana.email, PASSWORD).status_code == 400
    door.session(dana, "a new password")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "short"}, "weak_password"),
        ({"password": "x" * 1025}, "validation_failed"),
        ({"email": "other@example.test"}, "email_change_disabled"),
        ({"data": []}, "validation_failed"),
        ({"data": {"big": "x" * 9000}}, "validation_failed"),
        ({"data": {"nul": "\x00"}}, "validation_failed"),
    ],
)
def test_other_changes_are_refused(door: Door, body: dict[str, Any], code: str) -> None:
    answer = put(door, door.session(door.person()), body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_values_that_the_database_could_not_keep_are_refused(door: Door) -> None:
    session = door.session(door.person())
    for value in ("NaN", "1e999", r'"\ud800"'):
        answer = door.client.put(
            "/auth/v1/user", content=f'{{"data": {{"x": {value}}}}}', headers=bearer(session)
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_signing_out_ends_this_session_the_others_or_all(door: Door) -> None:
    dana = door.person()
    one, two, three = (door.session(dana) for _ in range(3))
    stranger = door.session(door.person("eli"))
    assert door.post("logout?scope=others", token=two["access_token"]).status_code == 204
    assert [is_over(door, session) for session in (one, two, three)] == [True, False, True]
    four = door.session(dana)
    assert door.post("logout?scope=local", token=two["access_token"]).status_code == 204
    assert [is_over(door, session) for session in (two, four)] == [True, False]
    five = door.session(dana)
    assert door.post("logout", token=five["access_token"]).status_code == 204
    assert [is_over(door, session) for session in (four, five)] == [True, True]
    assert not is_over(door, stranger)
    again = door.post("logout", token=five["access_token"])
    assert (again.status_code, again.json()["code"]) == (403, "session_not_found")
    odd = door.post("logout?scope=everywhere", token=stranger["access_token"])
    assert (odd.status_code, odd.json()["code"]) == (422, "validation_failed")


def test_only_genuine_living_tokens_count(door: Door) -> None:
    dana = door.person()
    session = door.session(dana)
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    mine = AccessClaims(dana.user_id, claims["session_id"], "authenticated", dana.email)
    foreign = mine._replace(user_id=uuid4())
    now = claims["iat"]
    tokens = {
        "forged": mint_access_token(mine, "x" * 32, issuer="x", now=now),
        "expired": mint_access_token(mine, JWT_SECRET, issuer="x", now=now - 7200),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "anonymous": jwt.encode({"role": "anon"}, JWT_SECRET),
        "garbage": "a.b.c",
        "of somebody else's session": mint_access_token(foreign, JWT_SECRET, issuer="x", now=now),
    }
    codes = {
        name: door.user({"access_token": token}).json()["code"] for name, token in tokens.items()
    }
    assert codes == {
        "forged": "bad_jwt",
        "expired": "bad_jwt",
        "unsigned": "bad_jwt",
        "anonymous": "bad_jwt",
        "garbage": "bad_jwt",
        "of somebody else's session": "session_not_found",
    }
    assert door.client.get("/auth/v1/user").json()["code"] == "no_authorization"


def test_super_admins_make_find_change_and_remove_people(door: Door, root: dict[str, Any]) -> None:
    email = f"new.{uuid4().hex[:8]}@example.test"
    made = admin(
        door,
        root,
        "POST",
        body={
            "email": email,
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"full_name": "New"},
        },
    ).json()
    assert (made["email"], made["user_metadata"]) == (email, {"full_name": "New"})
    listed = admin(door, root, "GET", "?page=1&per_page=2")
    assert listed.json()["users"][0]["id"] == made["id"]
    assert len(listed.json()["users"]) == 2
    assert int(listed.headers["x-total-count"]) == door.world.value(
        "select count(*) from auth.users where deleted_at is null"
    )
    session = door.sign_in(email).json()

    path = f"/{made['id']}"
    assert admin(door, root, "GET", path).json()["id"] == made["id"]
    admin(door, root, "PUT", path, {"ban_duration": "876000h"})
    assert is_over(door, session)
    assert door.sign_in(email).status_code == 400
    admin(door, root, "PUT", path, {"ban_duration": "none", "password": "a new password"})
    assert door.sign_in(email, "a new password").status_code == 200

    assert admin(door, root, "DELETE", path).status_code == 200
    assert admin(door, root, "GET", path).json()["code"] == "user_not_found"
    assert admin(door, root, "DELETE", path).status_code == 404
    assert door.sign_in(email, "a new password").status_code == 400


def test_a_removed_person_may_leave_an_empty_row(door: Door, root: dict[str, Any]) -> None:
    dana = door.person()
    session = door.session(dana)
    answer = admin(door, root, "DELETE", f"/{dana.user_id}", {"should_soft_delete": True})
    assert answer.status_code == 200
    assert is_over(door, session)
    (left,) = door.world.rows("select * from auth.users where id = %s", dana.user_id)
    assert dana.email not in str(left)
    assert (left["password_hash"], left["user_metadata"]) == (None, {})


def test_who_is_needed_stays_and_the_answer_says_so(door: Door, root: dict[str, Any]) -> None:
    acme, olga = door.world.organization("acme"), door.person("olga")
    door.world.execute("select app.add_member(%s, %s, 'owner')", acme.id, olga.user_id)
    door.world.execute("delete from app.user_roles where user_id <> %s", root["user"]["id"])
    alone = f"/{root['user']['id']}"
    for answer in (
        admin(door, root, "DELETE", f"/{olga.user_id}"),
        admin(door, root, "DELETE", f"/{olga.user_id}", {"should_soft_delete": True}),
        admin(door, root, "DELETE", alone),
        admin(door, root, "PUT", alone, {"ban_duration": "876000h"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert admin(door, root, "GET", f"/{olga.user_id}").status_code == 200


def test_an_address_is_taken_once(door: Door, root: dict[str, Any]) -> None:
    dana = door.person()
    answer = admin(door, root, "POST", body={"email": dana.email.upper()})
    assert (answer.status_code, answer.json()["code"]) == (422, "email_exists")
    assert "constraint" not in answer.text


def test_nobody_gets_power_through_attributes(door: Door, root: dict[str, Any]) -> None:
    for body in ({"role": "super_admin"}, {"app_metadata": {"role": "x"}}, {"ban_duration": "1h"}):
        answer = admin(door, root, "PUT", f"/{door.person().user_id}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"email": "x@example.test", "password": PASSWORD}),
        ("GET", "/{id}", None),
        ("PUT", "/{id}", {"password": PASSWORD}),
        ("DELETE", "/{id}", None),
    ],
)
def test_nobody_else_may(door: Door, method: str, path: str, body: object) -> None:
    acme = door.world.organization("acme")
    ada, victim = door.person("ada"), door.person("victim")
    door.world.execute("select app.add_member(%s, %s, 'owner')", acme.id, ada.user_id)
    session = door.session(ada)
    door.hashes.since()
    answer = admin(door, session, method, path.format(id=victim.user_id), body)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_admin")
    assert door.hashes.since() == 0
    door.post("logout", token=session["access_token"])
    assert admin(door, session, method, path.format(id=victim.user_id), body).status_code == 403


def test_power_that_was_taken_away_is_gone_at_once(door: Door, root: dict[str, Any]) -> None:
    door.world.execute("delete from app.user_roles where user_id = %s", root["user"]["id"])
    assert admin(door, root, "GET").json()["code"] == "not_admin"


def test_what_super_admins_do_is_on_record_under_their_name(
    door: Door, root: dict[str, Any]
) -> None:
    dana = door.person()
    admin(door, root, "DELETE", f"/{dana.user_id}")
    actors = door.world.rows(
        "select actor_id::text as id from app.platform_audit_logs"
        " where table_name = 'profiles' and action = 'DELETE' and row_id = %s",
        dana.user_id,
    )
    assert actors == [{"id": root["user"]["id"]}]
