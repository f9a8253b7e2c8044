"""`salesdash org create` and `salesdash user create`."""

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from salesdash.cli import app
from salesdash.passwords import compare
from tests.fixtures.databases import Database


@pytest.fixture
def operator(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection:
    """The operator's environment, and a look at what came of it."""
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
    monkeypatch.setenv("SALESDASH_HOME", str(tmp_path))
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")
    connection = psycopg.connect(database.deployer_url, autocommit=True)
    connection.execute("set role salesdash")
    return connection


def salesdash(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


def test_an_organization_and_its_first_people(operator: psycopg.Connection) -> None:
    made = salesdash(
        "org", "create", "Acme GmbH", "--slug", "acme", "--timezone", "Europe/Berlin",
        "--currency", "eur", "--json",
    )  # fmt: skip
    organization_id = json.loads(made.stdout)["id"]
    assert operator.execute(
        "select name, timezone, currency from app.organizations where id = %s", (organization_id,)
    ).fetchone() == ("Acme GmbH", "Europe/Berlin", "EUR")

    person = salesdash(
        "user", "create", "Dana@acme.test", "--name", "Dana", "--org", "acme", "--role", "owner",
        "--closer", "--setter", "--json",
    )  # fmt: skip
    dana = json.loads(person.stdout)
    row = operator.execute(
        "select u.email, u.password_hash, m.role, c.name, s.name, p.full_name"
        "  from auth.users as u"
        "  join app.organization_members as m on m.user_id = u.id"
        "  join app.closers as c on c.profile_id = u.id"
        "  join app.setters as s on s.profile_id = u.id"
        "  join app.profiles as p on p.user_id = u.id"
        " where u.id = %s and u.email_confirmed_at is not null",
        (dana["id"],),
    ).fetchone()
    assert row is not None
    email, password_hash, *rest = row
    assert email == "Dana@acme.test"
    assert rest == ["owner", "Dana", "Dana", "Dana"]
    assert compare(dana["password"], password_hash)


def test_a_password_comes_from_standard_input_or_there_is_none(
    operator: psycopg.Connection,
) -> None:
    def kept(email: str) -> str | None:
        found = operator.execute(
            "select password_hash from auth.users where email = %s", (email,)
        ).fetchone()
        assert found is not None
        return found[0]

    given = salesdash("user", "create", "a@x.test", "--password-stdin", typed="correct horse\n")
    assert given.exit_code == 0
    assert "correct horse" not in given.output
    assert compare("correct horse", str(kept("a@x.test")))
    salesdash("user", "create", "b@x.test", "--no-password")
    assert kept("b@x.test") is None
    assert salesdash("user", "create", "c@x.test", "--password-stdin", typed="x\n").exit_code == 1


def test_a_super_admin_has_power_over_the_platform(operator: psycopg.Connection) -> None:
    made = json.loads(salesdash("user", "create", "r@x.test", "--super-admin", "--json").stdout)
    role = operator.execute("select auth.database_role(%s)", (made["id"],)).fetchone()
    assert role == ("super_admin",)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("user", "create", "taken@x.test"), "This address is taken already."),
        (("org", "create", "Again", "--slug", "taken"), "This slug is taken already."),
        (("org", "create", "X", "--slug", "x", "--currency", "XXX"), "currency is known"),
        (("org", "create", "X", "--slug", "x", "--timezone", "Mars/Olympus"), "timezone is known"),
        (("org", "create", "X", "--slug", "Not A Slug"), "slug is a slug"),
        (("user", "create", "no address"), "email is an address"),
        (("user", "create", "n@x.test", "--org", "nowhere"), "no organization with the slug"),
        (("user", "create", "n@x.test", "--closer"), "need --org"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    operator: psycopg.Connection, arguments: tuple[str, ...], sentence: str
) -> None:
    salesdash("user", "create", "taken@x.test")
    salesdash("org", "create", "Taken", "--slug", "taken")
    count = "select (select count(*) from auth.users), (select count(*) from app.organizations)"
    before = operator.execute(count).fetchone()
    refused = salesdash(*arguments)
    assert refused.exit_code == 1
    assert sentence in refused.output
    assert len(refused.output.strip().splitlines()) == 1
    assert operator.execute(count).fetchone() == before


def test_an_organization_is_suspended_and_resumed(operator: psycopg.Connection) -> None:
    salesdash("org", "create", "Paused", "--slug", "paused")

    def found() -> tuple[bool, int]:
        row = operator.execute(
            "select suspended_at is not null,"
            " (select count(*) from app.call_outcomes as c where c.organization_id = o.id)"
            "  from app.organizations as o where o.slug = 'paused'"
        ).fetchone()
        assert row
        return row

    assert found() == (False, 5)
    assert salesdash("org", "suspend", "paused", "--reason", "Unpaid.").exit_code == 0
    assert found() == (True, 5)
    again = salesdash("org", "suspend", "paused", "--reason", "Unpaid.")
    assert again.exit_code == 1
    assert "suspended" in again.output
    assert salesdash("org", "resume", "paused").exit_code == 0
    assert found() == (False, 5)
    logged = operator.execute(
        "select l.actor_kind from app.audit_logs as l"
        " where l.reason = 'Unpaid.' and l.table_name = 'organizations'"
    ).fetchall()
    assert logged == [("operator",)]
