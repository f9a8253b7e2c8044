import json
from base64 import urlsafe_b64decode
from pathlib import Path

import jwt
import pytest

from salesdash import wiring
from salesdash.home import Home
from salesdash.settings import Settings
from salesdash.tokens import anon_key, key_set

OUTSIDE = "postgresql://ops:pa%40ss@db.example:6432/sales?sslmode=require&options=-c%20role%3Dx"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state")


def bare(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


def test_another_login_keeps_the_server_and_drops_the_rest() -> None:
    url = wiring.login_url(OUTSIDE, "gateway", "p@ss/word")
    assert url == "postgresql://gateway:p%40ss%2Fword@db.example:6432/sales?sslmode=require"


def test_what_was_not_set_is_filled_in(home: Home) -> None:
    filled = wiring.fill(bare(), home)
    assert filled.required("database_url").startswith("postgresql://deployer:")
    assert filled.required("gateway_database_url").startswith("postgresql://gateway:")
    assert filled.required("jobs_database_url").startswith("postgresql://worker:")
    assert filled.required("pgrst_db_uri").startswith("postgresql://authenticator:")
    claims = jwt.decode(
        filled.required("anon_key"), filled.required("jwt_secret"), algorithms=["HS256"]
    )
    assert claims["role"] == "anon"
    assert wiring.fill(bare(), home) == filled


def test_what_was_set_stays(home: Home) -> None:
    given = bare(
        database_url=OUTSIDE,
        gateway_database_url="postgresql://g:1@db.example/sales",
        jwt_secret="s" * 32,
        anon_key="mine",
    )
    filled = wiring.fill(given, home)
    assert filled.database_url == OUTSIDE
    assert filled.gateway_database_url == "postgresql://g:1@db.example/sales"
    assert filled.jwt_secret == "s" * 32
    assert filled.anon_key == "mine"
    assert wiring.embedded_server(given, home) is None
    assert [login.role for login in wiring.generated_logins(given, home)] == [
        "authenticator",
        "worker",
    ]


def test_each_child_gets_its_own_login_and_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = wiring.fill(bare(), home)
    for name in ("PGPASSWORD", "PGRST_DB_URI", "DATABASE_URL", "WHOP_API_KEY"):
        monkeypatch.setenv(name, "leaked")
    logins = {
        role: wiring.login_url(filled.required("database_url"), role, password)
        for role, password in home.secrets().passwords.items()
    }
    children = {
        "gateway": wiring.gateway_child(filled),
        "worker": wiring.jobs_child(filled),
        "authenticator": wiring.postgrest_child(Path("/usr/bin/postgrest"), filled),
    }
    for role, child in children.items():
        values = set(child.env.values())
        assert "leaked" not in values
        assert {other for other, url in logins.items() if url in values} == {role}
        assert home.secrets().passwords[role] not in " ".join(child.argv)
    assert "JWT_SECRET" not in children["worker"].env
    assert "ENCRYPTION_MASTER_KEY" not in children["authenticator"].env


def test_postgrest_accepts_the_current_and_the_previous_secret(home: Home) -> None:
    filled = wiring.fill(bare(jwt_secret="n" * 40, jwt_secret_previous="o" * 40), home)
    child = wiring.postgrest_child(Path("/usr/bin/postgrest"), filled)
    keys = json.loads(child.env["PGRST_JWT_SECRET"])["keys"]
    secrets = [urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4)) for key in keys]
    assert secrets == [b"n" * 40, b"o" * 40]


def test_a_key_set_verifies_what_the_secret_signed() -> None:
    secret = "a secret with ümlauts, long enough"
    for key in jwt.PyJWKSet.from_json(key_set([secret])).keys:
        assert jwt.decode(anon_key(secret), key, algorithms=["HS256"])["role"] == "anon"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, True),
        ({"site_url": "https://sales.example.com"}, False),
        ({"resend_api_key": "re_1"}, False),
        ({"resend_api_key": "re_1", "salesdash_dev": True}, False),
        ({"site_url": "https://sales.example.com", "salesdash_dev": True}, True),
    ],
)
def test_the_mailbox_is_shown_on_this_machine_only(
    home: Home, given: dict[str, object], shown: bool
) -> None:
    assert wiring.fill(bare(**given), home).salesdash_dev is shown
