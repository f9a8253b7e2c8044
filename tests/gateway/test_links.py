"""Links and codes by e-mail."""

import base64
import hashlib

import httpx
import pytest

from tests.gateway.conftest import APP, SITE
from tests.gateway.door import PASSWORD, Door, allows, led_to

VERIFIER = "a-verifier-of-the-asking-client-which-is-long-enough"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


def follow(door: Door, link: dict[str, str]) -> httpx.Response:
    """Press the button of the page that a link opens."""
    return door.client.post("/auth/v1/verify", data=link)


def exchange(door: Door, code: str, verifier: str = VERIFIER) -> httpx.Response:
    return door.post("token?grant_type=pkce", {"auth_code": code, "code_verifier": verifier})


def test_a_link_opens_our_page_and_is_worth_one_session(door: Door) -> None:
    dana = door.person(password=None)
    assert door.post("otp", {"email": dana.email.upper()}).json() == {}
    mail = door.mail(dana.email)
    assert mail.template == "magiclink"
    assert mail.link.startswith(f"{SITE}/sign-in#")
    link = {"token_hash": mail.token_hash, "type": "magiclink"}
    answer = door.post("verify", link)
    assert door.user(answer.json()).json()["email"] == dana.email
    assert door.post("verify", link).status_code == 400


def test_a_link_confirms_the_address(door: Door) -> None:
    dana = door.person()
    door.world.execute(
        "update auth.users set email_confirmed_at = null where id = %s", dana.user_id
    )
    door.post("resend", {"type": "signup", "email": dana.email})
    mail = door.mail(dana.email)
    assert mail.template == "signup"
    door.post("verify", {"type": "signup", "token_hash": mail.token_hash})
    door.session(dana)
    sent = len(door.mails(dana.email))
    door.post("resend", {"type": "signup", "email": dana.email})
    assert len(door.mails(dana.email)) == sent


@pytest.mark.parametrize("path", ["otp", "recover"])
def test_an_unknown_address_gets_the_same_answer_and_no_mail(door: Door, path: str) -> None:
    dana = door.person()
    known = door.post(path, {"email": dana.email})
    unknown = door.post(path, {"email": "nobody@nowhere.test"})
    assert (unknown.status_code, unknown.json()) == (known.status_code, known.json()) == (200, {})
    assert len(door.mails(dana.email)) == 1
    assert door.mails("nobody@nowhere.test") == []
    assert door.world.value("select count(*) from auth.users where email like 'nobody%%'") == 0


def test_too_many_requests_are_refused_for_known_and_unknown_alike(door: Door) -> None:
    dana = door.person()
    answers = {}
    for email in (dana.email, "nobody@nowhere.test"):
        for _ in range(10):
            assert door.post("otp", {"email": email}).status_code == 200
        refused = door.post("otp", {"email": email})
        answers[email] = (refused.status_code, refused.json(), refused.headers["retry-after"])
    assert len(door.mails(dana.email)) == 10
    assert answers[dana.email] == answers["nobody@nowhere.test"]
    assert answers[dana.email][0] == 429


def test_a_code_dies_of_five_wrong_guesses(door: Door) -> None:
    dana = door.person()
    door.post("otp", {"email": dana.email})
    code = door.mail(dana.email).code
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        door.post("verify", {"type": "email", "email": dana.email, "token": wrong})
    answer = door.post("verify", {"type": "email", "email": dana.email, "token": code})
    assert answer.status_code == 400


def test_a_code_is_bound_to_its_address(door: Door) -> None:
    dana, eli = door.person("dana"), door.person("eli")
    for person in (dana, eli):
        door.post("otp", {"email": person.email})
    body = {"type": "email", "email": eli.email, "token": door.mail(dana.email).code}
    assert door.post("verify", body).status_code == 400
    body["token"] = door.mail(eli.email).code
    assert door.post("verify", body).status_code == 200


def test_a_newer_code_takes_the_place_of_the_older(door: Door) -> None:
    dana = door.person()
    for _ in range(2):
        door.post("otp", {"email": dana.email})
    older, newer = door.mails(dana.email)
    body = {"type": "email", "email": dana.email}
    if older.code != newer.code:
        assert door.post("verify", {**body, "token": older.code}).status_code == 400
    assert door.post("verify", {**body, "token": newer.code}).status_code == 200
    link = {"type": "magiclink", "token_hash": older.token_hash}
    assert door.post("verify", link).status_code == 200


def test_the_database_and_the_queue_hold_neither_link_nor_code_in_clear(door: Door) -> None:
    dana = door.person()
    door.post("otp", {"email": dana.email})
    mail = door.mail(dana.email)
    rows = door.world.rows(
        "select t::text as row from auth.one_time_tokens as t"
        " union all select o::text from app.platform_outbox as o"
    )
    kept = "\n".join(row["row"] for row in rows)
    assert mail.token_hash not in kept
    assert mail.token_hash.encode().hex() not in kept
    assert hashlib.sha256(mail.code.encode()).hexdigest() not in kept


def test_a_followed_link_leads_on_with_a_session(door: Door) -> None:
    dana = door.person()
    door.post(f"otp?redirect_to={APP}/welcome%3Fteam=1", {"email": dana.email})
    mail = door.mail(dana.email)
    assert mail.fragment["redirect_to"] == f"{APP}/welcome?team=1"
    answer = follow(door, mail.fragment)
    target, query, fragment = led_to(answer)
    assert (target, query) == (f"{APP}/welcome", {"team": "1"})
    assert fragment["type"] == "magiclink"
    assert fragment["token_type"] == "bearer"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert door.user(fragment).status_code == 200
    assert door.refresh(fragment["refresh_token"]).status_code == 200


def test_a_followed_link_of_a_pkce_client_leads_on_with_a_code(door: Door) -> None:
    dana = door.person()
    door.post(
        f"otp?redirect_to={APP}/welcome",
        {"email": dana.email, "code_challenge": CHALLENGE, "code_challenge_method": "s256"},
    )
    mail = door.mail(dana.email)
    answer = door.client.get(
        "/auth/v1/verify",
        params={"token": mail.token_hash, "type": "magiclink", "redirect_to": f"{APP}/welcome"},
    )
    target, query, fragment = led_to(answer)
    assert (target, list(query), fragment) == (f"{APP}/welcome", ["code"], {})
    session = exchange(door, query["code"])
    assert session.json()["user"]["id"] == str(dana.user_id)
    assert exchange(door, query["code"]).status_code == 400


def test_a_code_without_its_verifier_is_worth_nothing_and_spent(door: Door) -> None:
    dana = door.person()
    for method, challenge in (("s256", CHALLENGE), ("plain", VERIFIER)):
        door.post(
            "otp",
            {"email": dana.email, "code_challenge": challenge, "code_challenge_method": method},
        )
        _, query, _ = led_to(follow(door, door.mail(dana.email).fragment))
        door.hashes.since()
        assert exchange(door, query["code"], "another verifier").status_code == 400
        assert door.hashes.since() == 1
        assert exchange(door, query["code"]).status_code == 400


def test_a_bad_link_leads_back_with_the_reason_and_costs_one_hash(door: Door) -> None:
    target, query, fragment = led_to(
        follow(door, {"token_hash": "x", "type": "magiclink", "redirect_to": f"{APP}/welcome"})
    )
    assert target == f"{APP}/welcome"
    assert query["error_code"] == fragment["error_code"] == "invalid_credentials"
    assert "access_token" not in fragment
    assert door.hashes.since() == 1


def test_no_link_leads_to_a_stranger(door: Door) -> None:
    dana = door.person()
    door.post("otp?redirect_to=https://evil.test/", {"email": dana.email})
    mail = door.mail(dana.email)
    assert "redirect_to" not in mail.fragment
    link = {**mail.fragment, "redirect_to": "https://evil.test/"}
    target, _, fragment = led_to(follow(door, link))
    assert target == f"{SITE}/sign-in"
    assert "access_token" in fragment


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/",
        "https://app.test.evil.test/",
        "https://evil.test\\@app.test/",
        "https://app.test@evil.test/",
        "https://evil.test@app.test/",
        "http://app.test/",
        "https://app.test:8443/",
        "//app.test/",
        "javascript://app.test/%0aalert(1)",
        "data:text/html,app.test",
        "https://app.test /",
        "https://app.test\t/",
        "https://\u0430pp.test/",
        "https://app.test:port/",
        "/welcome",
        "",
        "https://app.test/" + "a" * 3000,
    ],
)
def test_a_link_never_leads_to(url: str) -> None:
    assert not allows(SITE, (APP,), url)


@pytest.mark.parametrize(
    "url", [SITE, f"{SITE}/a?b=c#d", APP, f"{APP}:443/x", "HTTPS://APP.TEST/x"]
)
def test_a_link_may_lead_to(url: str) -> None:
    assert allows(SITE, (APP,), url)


def test_a_forgotten_password_is_replaced_and_ends_other_sessions(door: Door) -> None:
    dana = door.person()
    old = door.session(dana)
    door.post("recover", {"email": dana.email})
    mail = door.mail(dana.email)
    assert mail.template == "recovery"
    assert mail.link.startswith(f"{SITE}/new-password#")
    proof = door.post("verify", {"type": "recovery", "token_hash": mail.token_hash}).json()
    answer = door.client.put(
        "/auth/v1/user",
        json={"password": "a new password"},
        headers={"authorization": f"Bearer {proof['access_token']}"},
    )
    assert answer.status_code == 200
    assert door.user(old).json()["code"] == "session_not_found"
    assert door.user(proof).status_code == 200
    assert door.sign_in(dana.email, PASSWORD).status_code == 400
    door.session(dana, "a new password")


def test_a_new_password_makes_earlier_links_worthless(door: Door) -> None:
    dana = door.person()
    door.post("otp", {"email": dana.email})
    session = door.session(dana)
    door.client.put(
        "/auth/v1/user",
        json={"password": "a new password"},
        headers={"authorization": f"Bearer {session['access_token']}"},
    )
    link = {"type": "magiclink", "token_hash": door.mail(dana.email).token_hash}
    assert door.post("verify", link).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("otp", {}, 422, "validation_failed"),
        ("otp", {"email": "no address"}, 400, "email_address_invalid"),
        ("otp", {"phone": "+1"}, 422, "phone_provider_disabled"),
        (
            "otp",
            {"email": "a@b.c", "code_challenge": "x", "code_challenge_method": "s512"},
            422,
            "validation_failed",
        ),
        ("resend", {"email": "a@b.c", "type": "email_change"}, 422, "validation_failed"),
        ("verify", {"type": "sms", "token": "1"}, 400, "validation_failed"),
        ("verify", {"type": "email"}, 400, "validation_failed"),
        ("verify", {"type": "email", "token": "1"}, 422, "validation_failed"),
    ],
)
def test_malformed_requests_are_refused(
    door: Door, path: str, body: dict[str, str], status: int, code: str
) -> None:
    answer = door.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
