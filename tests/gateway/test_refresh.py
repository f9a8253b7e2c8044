"""Refresh tokens: each is used once, two tabs do not fight, and a stolen one ends the session."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt

from gateway.auth.secrets import successor, token_hash
from tests.gateway.door import Door


def is_refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, "refresh_token_not_found")


def role_of(session: dict[str, Any]) -> str:
    role: str = jwt.decode(session["access_token"], options={"verify_signature": False})["role"]
    return role


def age_use(door: Door, token: str) -> None:
    """Let a used token have been used 11 seconds ago."""
    door.world.execute(
        "update auth.refresh_tokens set used_at = used_at - interval '11 seconds'"
        " where token_hash = %s",
        token_hash(token),
    )


def test_a_refresh_gives_a_new_token_and_moves_the_end_of_the_session(door: Door) -> None:
    session = door.session(door.person())
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    door.world.execute(
        "update auth.sessions set expires_at = now() + interval '1 minute' where id = %s",
        claims["session_id"],
    )
    refreshed = door.refresh(session["refresh_token"]).json()
    assert refreshed["refresh_token"] != session["refresh_token"]
    assert refreshed["user"]["id"] == session["user"]["id"]
    assert door.user(refreshed).status_code == 200
    assert door.world.value(
        "select expires_at > now() + interval '29 days' from auth.sessions where id = %s",
        claims["session_id"],
    )


def test_two_tabs_get_the_same_successor(door: Door) -> None:
    session = door.session(door.person())
    first = door.refresh(session["refresh_token"]).json()["refresh_token"]
    again = door.refresh(session["refresh_token"]).json()["refresh_token"]
    assert again == first
    assert door.refresh(again).status_code == 200


def test_a_slow_tab_is_led_to_the_token_to_use_now(door: Door) -> None:
    token = oldest = door.session(door.person())["refresh_token"]
    for _ in range(3):
        token = door.refresh(token).json()["refresh_token"]
    assert door.refresh(oldest).json()["refresh_token"] == token


def test_presented_at_once_by_many_it_has_one_successor(door: Door) -> None:
    token = door.session(door.person())["refresh_token"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(door.refresh, [token] * 16))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_presented_again_later_it_ends_the_whole_session(door: Door) -> None:
    session = door.session(door.person())
    current = door.refresh(session["refresh_token"]).json()
    age_use(door, session["refresh_token"])
    assert is_refused(door.refresh(session["refresh_token"]))
    assert is_refused(door.refresh(current["refresh_token"]))
    assert door.user(current).json()["code"] == "session_not_found"


def test_another_session_of_the_same_person_goes_on(door: Door) -> None:
    dana = door.person()
    stolen, other = door.session(dana), door.session(dana)
    door.refresh(stolen["refresh_token"])
    age_use(door, stolen["refresh_token"])
    assert is_refused(door.refresh(stolen["refresh_token"]))
    assert door.refresh(other["refresh_token"]).status_code == 200


def test_unknown_expired_and_disabled_are_refused(door: Door) -> None:
    dana = door.person()
    session = door.session(dana)
    assert is_refused(door.refresh("never was"))
    door.world.execute("update auth.users set disabled_at = now() where id = %s", dana.user_id)
    assert is_refused(door.refresh(session["refresh_token"]))
    door.world.execute("update auth.users set disabled_at = null where id = %s", dana.user_id)
    door.world.execute(
        "update auth.sessions set created_at = now() - interval '2 days',"
        " expires_at = now() - interval '1 second' where user_id = %s",
        dana.user_id,
    )
    assert is_refused(door.refresh(session["refresh_token"]))


def test_the_token_carries_the_power_of_now(door: Door) -> None:
    dana = door.person()
    session = door.session(dana)
    assert role_of(session) == "authenticated"
    door.world.execute("select app.grant_super_admin(%s)", dana.user_id)
    refreshed = door.refresh(session["refresh_token"]).json()
    assert role_of(refreshed) == refreshed["user"]["role"] == "super_admin"


def test_the_database_holds_no_token(door: Door) -> None:
    session = door.session(door.person())
    current = door.refresh(session["refresh_token"]).json()["refresh_token"]
    rows = door.world.rows("select t::text as row from auth.refresh_tokens as t")
    kept = "\n".join(row["row"] for row in rows)
    for token in (session["refresh_token"], current):
        assert token not in kept
        assert token_hash(token).hex() in kept


def test_a_successor_needs_both_the_token_and_the_nonce() -> None:
    nonce = bytes(32)
    assert successor("a", [nonce]) == successor("a", [nonce])
    assert successor("a", [nonce]) != successor("b", [nonce])
    assert successor("a", [nonce]) != successor("a", [b"\1" * 32])
    assert successor("a", [nonce, nonce]) == successor(successor("a", [nonce]), [nonce])
