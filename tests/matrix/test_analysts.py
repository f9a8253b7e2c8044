"""What a person with a database login of their own may try, and does not get."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.matrix.conftest import Stage
from tests.matrix.people import ACME, ANALYST_LOGIN, BETA, PEOPLE, being
from tests.matrix.scene import row_id

REFUSED = ("42501", "42883", "42809", "55000", "22023", "3F000")
"""Not allowed; no such function for this caller; a view that takes no writes; nowhere to create."""


@pytest.fixture
def analyst(stage: Stage) -> Iterator[psycopg.Connection]:
    """A real connection with the analyst's own password."""
    with psycopg.connect(stage.analyst_url, autocommit=True) as connection:
        yield connection


def organizations(connection: psycopg.Connection) -> set[object]:
    return {
        found
        for (found,) in connection.execute("select distinct organization_id from analytics.events")
    }


@pytest.mark.parametrize(
    "setting",
    [
        ("request.jwt.claims", f'{{"role":"super_admin","organization_id":"{BETA}"}}'),
        ("request.jwt.claims", f'{{"sub":"{PEOPLE["other admin"].user_id}"}}'),
        ("search_path", "app, auth, api"),
        ("app.organization_id", str(BETA)),
        ("statement_timeout", "0"),
    ],
)
def test_no_setting_shows_an_analyst_another_organization(
    analyst: psycopg.Connection, setting: tuple[str, str]
) -> None:
    assert organizations(analyst) == {ACME}
    analyst.execute("select set_config(%s, %s, false)", setting)
    assert organizations(analyst) == {ACME}


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"set role {role}"
            for role in ("salesdash", "authenticated", "super_admin", "worker", "deployer")
        ),
        "set session authorization deployer",
        "select * from app.events",
        "select * from app.analyst_logins",
        "select * from auth.users",
        "select auth.analyst_organization_id()",
        "select * from api.events",
        "select api.me()",
        "select ingest.accept_delivery()",
        "insert into analytics.sources (name) values ('x')",
        "update analytics.events set lead_name = 'x'",
        "delete from analytics.payments",
        "truncate analytics.payments",
        "create temporary table t (x int)",
        "create table t (x int)",
        "create table public.t (x int)",
        "create table analytics.t (x int)",
        "create view analytics.v as select 1",
        "create function analytics.f() returns int language sql return 1",
        "create schema s",
        "create role r",
        "alter role analyst bypassrls",
        f"alter role {ANALYST_LOGIN} bypassrls",
        "alter database postgres set x.y = 1",
        f"grant salesdash to {ANALYST_LOGIN}",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "select lo_import('/etc/passwd')",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "copy analytics.events to '/tmp/events'",
        "copy (select 1) to program 'true'",
        "select * from pg_authid",
        "select * from pg_user_mapping",
        "alter system set work_mem = '1GB'",
        "set session_replication_role = replica",
        "create extension dblink",
        "do $$ begin perform auth.claims(); end $$",
        "begin; lock table analytics.events in exclusive mode",
        "comment on view analytics.events is 'x'",
        "security label on table analytics.events is 'x'",
    ],
)
def test_an_analyst_is_refused(analyst: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        analyst.execute(statement.encode())
    assert refusal.value.sqlstate in REFUSED


def test_switching_policies_off_switches_the_answers_off(analyst: psycopg.Connection) -> None:
    analyst.execute("set row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        organizations(analyst)


def test_statistics_tell_an_analyst_nothing(stage: Stage, analyst: psycopg.Connection) -> None:
    """Most common values of a column are rows of everybody."""
    stage.connection.execute("analyze app.events")
    assert analyst.execute(
        "select count(*) from pg_stats where schemaname in ('app', 'auth')"
    ).fetchone() == (0,)


def test_other_sessions_tell_an_analyst_nothing(stage: Stage, analyst: psycopg.Connection) -> None:
    """Neither what the others run, nor a way to end it."""
    stage.connection.execute("select 'a secret'")
    shown = analyst.execute(
        "select pid, query from pg_stat_activity"
        " where pid <> pg_backend_pid() and usename is not null and usename <> session_user"
    ).fetchall()
    assert {query for _, query in shown} <= {"<insufficient privilege>"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select pg_terminate_backend(%s)", (stage.connection.info.backend_pid,))


def test_locks_that_an_analyst_takes_stop_nobody(stage: Stage, analyst: psycopg.Connection) -> None:
    """An analyst may take any advisory lock and read-lock any row: writers go on."""
    analyst.execute("begin")
    analyst.execute("select pg_advisory_lock(n) from generate_series(0, 100) as n")
    analyst.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (str(ACME),))
    analyst.execute("select count(*) from analytics.events")
    with being(stage.connection, PEOPLE["admin"]) as connection:
        connection.execute("set local lock_timeout = '2s'")
        connection.execute(
            "update api.events set notes = 'seen' where organization_id = %s", (ACME,)
        )
        connection.execute(
            "select * from api.submit_post_call_form(event_id => %s, organization_id => %s,"
            " form => '{\"call_occurred\": false}')",
            (row_id(ACME, "events", "other"), ACME),
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select * from analytics.events for update")
    analyst.execute("rollback")


def test_a_login_that_was_taken_back_sees_nothing(
    stage: Stage, analyst: psycopg.Connection
) -> None:
    stage.connection.execute("update app.analyst_logins set revoked_at = now()")
    try:
        assert organizations(analyst) == set()
    finally:
        stage.connection.execute("update app.analyst_logins set revoked_at = null")


def test_a_login_that_was_given_no_organization_sees_nothing(stage: Stage) -> None:
    with stage.connection.transaction(force_rollback=True):
        stage.connection.execute("delete from app.analyst_logins")
        with being(stage.connection, PEOPLE["analyst"]) as connection:
            assert organizations(connection) == set()
            assert connection.execute(
                "select count(*) from analytics.organizations"
            ).fetchone() == (0,)
