"""`salesdash analyst …`: logins of the real server, made by the operator who deploys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from psycopg import sql
from typer.testing import CliRunner

from salesdash.cli import analyst as analyst_commands
from salesdash.cli import app
from tests.fixtures.databases import Database
from tests.world import Organization, World


@pytest.fixture(autouse=True)
def operator(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The operator's environment; roles belong to the cluster, so what is left is dropped."""
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
    monkeypatch.setenv("SALESDASH_HOME", str(tmp_path))
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")
    yield
    for login in json.loads(salesdash("list", "--json").stdout):
        salesdash("revoke", login["login"])


@pytest.fixture(scope="module")
def acme(committed_world: World) -> Organization:
    made = committed_world.organization("acme")
    made.event(closer=made.closer())
    committed_world.organization("beta").event()
    return made


def salesdash(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["analyst", *arguments])


def slug_of(world: World, organization: Organization) -> str:
    return str(world.value("select slug from app.organizations where id = %s", organization.id))


@pytest.fixture
def made(acme: Organization, committed_world: World) -> dict[str, Any]:
    slug = slug_of(committed_world, acme)
    result = salesdash("create", "--organization", slug, "--name", "Metabase", "--json")
    assert result.exit_code == 0, result.output
    created: dict[str, Any] = json.loads(result.stdout)
    return created


def seen(connection: psycopg.Connection) -> set[object]:
    return {found for (found,) in connection.execute("select organization_id from events")}


def role_of(world: World, login: str) -> dict[str, Any] | None:
    rows = world.rows("select * from pg_roles where rolname = %s", login)
    return rows[0] if rows else None


def test_a_login_reads_one_organization_and_begins_within_its_limits(
    made: dict[str, Any], acme: Organization, committed_world: World
) -> None:
    with psycopg.connect(made["url"], autocommit=True) as analyst:
        assert seen(analyst) == {acme.id}
        settings = {
            name: analyst.execute("select current_setting(%s)", (name,)).fetchone()
            for name in (
                "search_path", "default_transaction_read_only", "statement_timeout", "TimeZone",
                "idle_in_transaction_session_timeout", "idle_session_timeout", "temp_file_limit",
            )
        }  # fmt: skip
    assert settings == {
        "search_path": ("analytics",),
        "default_transaction_read_only": ("on",),
        "statement_timeout": ("5min",),
        "TimeZone": ("UTC",),
        "idle_in_transaction_session_timeout": ("1min",),
        "idle_session_timeout": ("1h",),
        "temp_file_limit": ("2GB",),
    }
    role = role_of(committed_world, made["login"])
    assert role
    assert role["rolconnlimit"] == 5
    powers = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert not any(role[power] for power in powers)


def test_neither_name_nor_password_is_told_to_others(
    made: dict[str, Any], committed_world: World, database: Database
) -> None:
    assert "acme" not in made["login"]
    assert "metabase" not in made["login"].lower()
    with psycopg.connect(database.superuser_url) as superuser:
        kept = superuser.execute(
            "select rolpassword from pg_authid where rolname = %s", (made["login"],)
        ).fetchone()
    assert kept
    assert kept[0].startswith("SCRAM-SHA-256$")
    written = committed_world.value(
        "select count(*) from app.audit_logs as a where a.new_data::text like %s",
        f"%{made['password']}%",
    )
    assert written == 0
    assert made["password"] not in salesdash("list").output


def test_what_was_made_and_taken_back_is_in_the_organizations_trail(
    made: dict[str, Any], acme: Organization, committed_world: World
) -> None:
    salesdash("rotate", made["login"])
    salesdash("revoke", made["login"])
    trail = committed_world.rows(
        "select a.action, a.actor_kind, i.new_data ->> 'name' as name,"
        "       a.new_data ->> 'rotated_at' is not null as rotated,"
        "       a.new_data ->> 'revoked_at' is not null as revoked"
        "  from app.audit_logs as i"
        "  join app.audit_logs as a"
        "    on a.organization_id = i.organization_id and a.row_id = i.row_id"
        " where i.organization_id = %s and i.new_data ->> 'login_name' = %s order by a.id",
        acme.id,
        made["login"],
    )
    assert [(row["action"], row["rotated"], row["revoked"]) for row in trail] == [
        ("INSERT", False, False),
        ("UPDATE", True, False),
        ("UPDATE", False, True),
    ]
    assert {(row["actor_kind"], row["name"]) for row in trail} == {("operator", "Metabase")}


def test_a_new_password_ends_the_old_one_and_its_sessions(
    made: dict[str, Any], acme: Organization
) -> None:
    with psycopg.connect(made["url"], autocommit=True) as living:
        rotated = json.loads(salesdash("rotate", made["login"], "--json").stdout)
        with pytest.raises(psycopg.OperationalError):
            living.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(made["url"])
    with psycopg.connect(rotated["url"]) as analyst:
        assert seen(analyst) == {acme.id}


def test_a_new_password_comes_with_the_first_defaults(
    made: dict[str, Any], acme: Organization
) -> None:
    """Whatever somebody who had the old one set for the sessions to come."""
    with psycopg.connect(made["url"], autocommit=True) as own:
        own.execute("set default_transaction_read_only = off")
        role = sql.Identifier(made["login"])
        database = sql.Identifier(own.info.dbname)
        for setting in ("statement_timeout = 0", "search_path = nowhere", "role = analyst"):
            for where in (sql.SQL(""), sql.SQL("in database {}").format(database)):
                own.execute(
                    sql.SQL("alter role {} {} set {}").format(role, where, sql.SQL(setting))
                )
    rotated = json.loads(salesdash("rotate", made["login"], "--json").stdout)
    with psycopg.connect(rotated["url"]) as analyst:
        assert seen(analyst) == {acme.id}
        assert analyst.execute("show statement_timeout").fetchone() == ("5min",)


def test_whoever_is_connected_cannot_take_the_login_back(
    made: dict[str, Any], acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session of the old password may set another one until it ends, and so it ends first."""
    with psycopg.connect(made["url"], autocommit=True) as thief:
        end_sessions = analyst_commands._end_sessions

        def at_the_last_moment(login: str) -> int:
            thief.execute("set default_transaction_read_only = off")
            thief.execute(
                sql.SQL("alter role {} password 'sesame'").format(sql.Identifier(made["login"]))
            )
            return end_sessions(login)

        monkeypatch.setattr(analyst_commands, "_end_sessions", at_the_last_moment)
        rotated = json.loads(salesdash("rotate", made["login"], "--json").stdout)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(made["url"], password="sesame")
    with psycopg.connect(rotated["url"]) as analyst:
        assert seen(analyst) == {acme.id}


def test_a_login_that_is_revoked_is_gone_at_once(
    made: dict[str, Any], committed_world: World
) -> None:
    with psycopg.connect(made["url"], autocommit=True) as living:
        assert salesdash("revoke", made["login"]).exit_code == 0
        with pytest.raises(psycopg.OperationalError):
            living.execute("select 1")
    assert role_of(committed_world, made["login"]) is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(made["url"])
    again = salesdash("revoke", made["login"])
    assert again.exit_code == 1
    assert len(again.output.strip().splitlines()) == 1


def test_from_the_moment_of_revoking_the_policies_answer_nothing(
    made: dict[str, Any], acme: Organization, database: Database
) -> None:
    """Also in a session that is not ended yet, and in a transaction that goes on."""
    with (
        psycopg.connect(made["url"]) as living,
        psycopg.connect(database.deployer_url, autocommit=True) as deployer,
    ):
        assert seen(living) == {acme.id}
        deployer.execute("select app.revoke_analyst_login(%s)", (made["login"],))
        assert seen(living) == set()
        living.rollback()
        deployer.execute("select app.end_analyst_sessions(%s)", (made["login"],))
        deployer.execute("select app.drop_analyst_role(%s)", (made["login"],))


def test_what_an_analyst_left_behind_does_not_keep_the_role(
    made: dict[str, Any], committed_world: World
) -> None:
    with psycopg.connect(made["url"], autocommit=True) as analyst:
        analyst.execute("set default_transaction_read_only = off")
        analyst.execute("alter default privileges grant select on tables to public")
    assert salesdash("revoke", made["login"]).exit_code == 0
    assert role_of(committed_world, made["login"]) is None


def test_a_role_that_another_database_keeps_stays_locked(
    made: dict[str, Any], committed_world: World, database: Database
) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        login = sql.Identifier(made["login"])
        superuser.execute(sql.SQL("grant connect on database postgres to {}").format(login))
        try:
            told = salesdash("revoke", made["login"])
            role = role_of(committed_world, made["login"])
            assert (told.exit_code, bool(role and role["rolcanlogin"])) == (0, False)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(made["url"])
        finally:
            superuser.execute(sql.SQL("revoke all on database postgres from {}").format(login))
            superuser.execute(sql.SQL("drop role if exists {}").format(login))


def test_no_more_connections_than_were_allowed(acme: Organization, committed_world: World) -> None:
    slug = slug_of(committed_world, acme)
    one = json.loads(
        salesdash(
            "create", "--organization", slug, "--name", "One", "--connections", "1", "--json"
        ).stdout
    )
    with psycopg.connect(one["url"], autocommit=True) as first:
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            psycopg.connect(one["url"])
        first.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            first.execute(
                sql.SQL("alter role {} connection limit -1").format(sql.Identifier(one["login"]))
            )


def test_a_list_tells_whose_they_are(made: dict[str, Any], committed_world: World) -> None:
    with psycopg.connect(made["url"]):
        (row,) = [
            row
            for row in json.loads(salesdash("list", "--json").stdout)
            if row["login"] == made["login"]
        ]
    assert (row["name"], row["sessions"]) == ("Metabase", 1)
    assert row["login"] in salesdash("list", "--organization", row["organization"]).output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "--organization", "nowhere", "--name", "x"), "no organization with the slug"),
        (("rotate", "analyst_000000000000"), "No such analyst login"),
        (("revoke", "worker"), "No such analyst login"),
        (("list", "--organization", "nowhere"), "no organization with the slug"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    refused = salesdash(*arguments)
    assert refused.exit_code == 1
    assert sentence in refused.output
    assert len(refused.output.strip().splitlines()) == 1


def test_a_password_itself_never_comes_to_the_database(
    acme: Organization, database: Database
) -> None:
    with (
        psycopg.connect(database.deployer_url) as deployer,
        pytest.raises(psycopg.Error) as refusal,
    ):
        deployer.execute(
            "select app.create_analyst_login(%s, 'x', 'open sesame', 1, '1 minute')", (acme.id,)
        )
    assert refusal.value.sqlstate == "PT422"


def test_only_the_deployer_makes_logins(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.gateway_url)
    refused = salesdash("create", "--organization", "acme", "--name", "x")
    assert refused.exit_code == 1
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
