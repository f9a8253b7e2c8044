"""Signing in with a password; and that no refusal tells why."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from salesdash.passwords import Cost, derive, made_at
from tests.fixtures.processes import JWT_SECRET
from tests.gateway.door import PASSWORD, PASSWORD_HASH, REFUSED, Door


def test_the_right_password_opens_a_session_as_clients_store_it(door: Door) -> None:
    acme = door.world.organization("acme")
    dana = door.person()
    door.world.execute("select app.add_member(%s, %s, 'admin')", acme.id, dana.user_id)
    answer = door.sign_in(f"  {dana.email.upper()} ")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 3600
    assert session["user"]["id"] == str(dana.user_id)
    assert session["user"]["aud"] == "authenticated"
    assert session["user"]["email"] == dana.email
    assert session["user"]["app_metadata"] == {"provider": "email", "providers": ["email"]}
    claims = jwt.decode(
        session["access_token"], JWT_SECRET, algorithms=["HS256"], audience="authenticated"
    )
    assert claims["sub"] == str(dana.user_id)
    assert claims["role"] == session["user"]["role"] == "org_admin"
    assert claims["email"] == dana.email
    assert claims["exp"] - claims["iat"] == 3600
    assert session["expires_at"] == claims["exp"]
    assert door.world.rows(
        "select host(address) as address from auth.sessions where id = %s", claims["session_id"]
    ) == [{"address": "127.0.0.1"}]


def test_signing_in_costs_one_hash(door: Door) -> None:
    door.session(door.person())
    assert door.hashes.since() == 1


def unknown(_door: Door) -> str:
    return "nobody@nowhere.test"


def wrong_password(door: Door) -> str:
    dana = door.person()
    door.set_hash(dana, derive("another password"))
    return dana.email


def without_password(door: Door) -> str:
    return door.person(password=None).email


def disabled(door: Door) -> str:
    dana = door.person()
    door.world.execute("update auth.users set disabled_at = now() where id = %s", dana.user_id)
    return dana.email


def unconfirmed(door: Door) -> str:
    dana = door.person()
    door.world.execute(
        "update auth.users set email_confirmed_at = null where id = %s", dana.user_id
    )
    return dana.email


def locked_out(door: Door) -> str:
    dana = door.person()
    for _ in range(10):
        door.sign_in(dana.email, "wrong password")
    return dana.email


def locked_out_address(door: Door) -> str:
    dana = door.person()
    door.world.execute(
        "insert into auth.attempts values ('sign_in_address',"
        " auth.attempt_subject('127.0.0.1'::inet), now(), 100, 0)"
    )
    return dana.email


@pytest.mark.parametrize(
    "scene",
    [
        unknown,
        wrong_password,
        without_password,
        disabled,
        unconfirmed,
        locked_out,
        locked_out_address,
    ],
)
def test_every_refusal_is_the_same_and_costs_one_hash(
    door: Door, scene: Callable[[Door], str]
) -> None:
    email = scene(door)
    door.hashes.since()
    answer = door.sign_in(email)
    assert (answer.status_code, answer.json()) == (400, REFUSED)
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"
    assert "retry-after" not in answer.headers
    assert door.hashes.since() == 1


def test_used_and_expired_links_and_wrong_codes_are_refused_alike(door: Door) -> None:
    dana = door.person()
    door.post("otp", {"email": dana.email})
    used = door.mail(dana.email)
    link = {"type": "magiclink", "token_hash": used.token_hash}
    assert door.post("verify", link).status_code == 200
    door.post("otp", {"email": dana.email})
    expired = door.mail(dana.email)
    door.world.execute(
        "update auth.one_time_tokens set created_at = now() - interval '2 hours',"
        " expires_at = now() - interval '1 second' where user_id = %s and used_at is null",
        dana.user_id,
    )
    for body in (
        link,
        {"type": "magiclink", "token_hash": expired.token_hash},
        {"type": "magiclink", "token_hash": "never-was"},
        {"type": "recovery", "token_hash": expired.token_hash},
        {"type": "email", "email": dana.email, "token": expired.code},
        {"type": "email", "email": "nobody@nowhere.test", "token": "123456"},
    ):
        door.hashes.since()
        answer = door.post("verify", body)
        assert (answer.status_code, answer.json()) == (400, REFUSED)
        assert door.hashes.since() == 1


def test_ten_wrong_passwords_lock_an_account_until_the_window_slides_on(door: Door) -> None:
    dana = door.person()
    for _ in range(10):
        assert door.sign_in(dana.email, "wrong password").status_code == 400
    assert door.sign_in(dana.email).status_code == 400
    door.world.execute(
        "update auth.attempts set window_started_at = window_started_at - interval '1 hour'"
    )
    assert door.sign_in(dana.email).status_code == 200


def test_a_right_password_forgets_the_wrong_ones_before_it(door: Door) -> None:
    dana = door.person()
    for _ in range(3):
        for _ in range(9):
            door.sign_in(dana.email, "wrong password")
        assert door.sign_in(dana.email).status_code == 200


def test_an_own_account_does_not_clear_what_was_counted_for_the_address(door: Door) -> None:
    mallory = door.person("mallory")
    for number in range(5):
        door.sign_in(f"victim{number}@nowhere.test", "guess")
        door.session(mallory)
    counted = door.world.value(
        "select current_count from auth.attempts where kind = 'sign_in_address'"
    )
    assert counted == 5


def test_many_at_once_from_one_address_get_in_and_none_is_counted(door: Door) -> None:
    people = [door.person() for _ in range(3)] * 8
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda person: door.sign_in(person.email), people))
    assert {answer.status_code for answer in answers} == {200}
    assert (
        door.world.value("select sum(current_count + previous_count) from auth.attempts") or 0
    ) == 0


def test_a_locked_address_does_not_lock_further_accounts(door: Door) -> None:
    email = locked_out_address(door)
    for _ in range(11):
        assert door.sign_in(email, "wrong password").status_code == 400
    door.world.execute("delete from auth.attempts where kind = 'sign_in_address'")
    assert door.sign_in(email).status_code == 200


def test_who_is_locked_out_gets_in_by_link(door: Door) -> None:
    dana = door.person()
    for _ in range(11):
        door.sign_in(dana.email, "wrong password")
    door.post("otp", {"email": dana.email})
    mail = door.mail(dana.email)
    answer = door.post("verify", {"type": "magiclink", "token_hash": mail.token_hash})
    assert answer.status_code == 200


def test_a_hash_of_another_cost_is_replaced_when_its_owner_signs_in(door: Door) -> None:
    dana = door.person()
    door.set_hash(dana, derive(PASSWORD, Cost(iterations=1, memory_kib=64)))
    door.session(dana)
    kept = door.world.value("select password_hash from auth.users where id = %s", dana.user_id)
    assert made_at(kept)
    door.session(dana)


def test_a_password_changed_meanwhile_opens_nothing(door: Door) -> None:
    dana = door.person()
    with door.world.acting_as_role("gateway") as gateway:
        seen = gateway.value(
            "select session.begin_password_sign_in(email => %s, address => '127.0.0.1')", dana.email
        )
    assert seen == PASSWORD_HASH
    door.set_hash(dana, derive("a new password"))
    with door.world.acting_as_role("gateway") as gateway:
        opened = gateway.rows(
            "select * from session.finish_password_sign_in(email => %s, password_hash => %s,"
            " new_password_hash => null, refresh_hash => sha256('x'), user_agent => null,"
            " address => null)",
            dana.email,
            seen,
        )
    assert opened == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"[]", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"{}", 400, "validation_failed"),
        (b'{"email": 1, "password": "x"}', 422, "validation_failed"),
        (b'{"email": "a@b.c", "password": "\\u0000"}', 422, "validation_failed"),
        (b'{"email": "a@b.c", "password": "\\ud800"}', 422, "validation_failed"),
        (b'{"email": "' + b"a" * 70_000 + b'"}', 413, "request_too_large"),
    ],
)
def test_malformed_requests_get_an_error_that_clients_can_read(
    door: Door, body: bytes, status: int, code: str
) -> None:
    answer = door.client.post("/auth/v1/token?grant_type=password", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"
    assert door.hashes.since() == 0


def test_other_grants_are_not_offered(door: Door) -> None:
    answer = door.post("token?grant_type=id_token", {})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_grant_type")
