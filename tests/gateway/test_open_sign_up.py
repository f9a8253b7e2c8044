"""Becoming a user where the operator lets anybody in (AUTH_AUTOCONFIRM=1)."""

from uuid import uuid4

import pytest

from tests.gateway.door import PASSWORD, Door


@pytest.fixture(scope="module")
def autoconfirm() -> bool:
    """Anybody may sign up."""
    return True


def test_anybody_signs_up_and_has_no_power(door: Door) -> None:
    email = f"nia.{uuid4().hex[:8]}@example.test"
    answer = door.post(
        "signup", {"email": email, "password": PASSWORD, "data": {"full_name": "Nia"}}
    )
    session = answer.json()
    assert session["user"]["email"] == email
    assert session["user"]["role"] == "authenticated"
    assert session["user"]["email_confirmed_at"] is not None
    assert door.user(session).status_code == 200
    again = door.post("signup", {"email": email, "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (422, "user_already_exists")


def test_the_settings_say_so(door: Door) -> None:
    offered = door.client.get("/auth/v1/settings").json()
    assert offered["mailer_autoconfirm"] is True
    assert offered["disable_signup"] is False
    assert offered["external"] == {"email": True, "phone": False, "anonymous_users": False}
