"""What a person with a database login of their own may try, and does not get."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.analysts import analyst_login
from tests.fixtures.cluster import Cluster
from tests.fixtures.databases import Database, clone
from tests.matrix.conftest import Stage
from tests.matrix.people import ACME, ANALYST_LOGIN, BETA, PEOPLE, being
from tests.matrix.scene import row_id

REFUSED = ("42501", "42883", "42809", "55000", "22023", "3F000", "0A000", "42704")
"""Not allowed; no such function for this caller; a view that takes no writes; nowhere to create;
one's own name stays; no such option."""


@pytest.fixture
def analyst(stage: Stage) -> Iterator[psycopg.Connection]:
    """A real connection with the analyst's own password."""
    with psycopg.connect(stage.analyst_url, autocommit=True) as connection:
        yield connection


def organizations(connection: psycopg.Connection) -> set[object]:
    """Whose rows there are, and whose sums."""
    return {
        found
        for (found,) in connection.execute(
            "select organization_id from analytics.events"
            " union select organization_id from analytics.daily_closer_activity"
            " union select organization_id from analytics.daily_setter_activity"
        )
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
            for role in (
                "salesdash",
                "authenticated",
                "super_admin",
                "worker",
                "deployer",
                "reader",
                "authenticator",
                "gateway",
                "postgres",
                "analyst",
                "pg_read_all_data",
                "pg_read_all_stats",
                "pg_signal_backend",
                "pg_monitor",
            )
        ),
        "set session authorization deployer",
        "select set_config('session_authorization', 'deployer', false)",
        "select set_config('role', 'salesdash', false)",
        "select * from app.events",
        "select * from app.analyst_logins",
        "select * from auth.users",
        "select auth.analyst_organization_id()",
        "select app.summed_organization_ids()",
        "select * from app.days_since_summed('closer')",
        "select * from app.metric_sums",
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
        "select pg_advisory_lock(n) from generate_series(1, 100000) as n",
        "select pg_advisory_xact_lock_shared(1, 2)",
        "select pg_try_advisory_lock(1)",
        "select pg_logical_emit_message(true, 'x', 'y')",
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
        "begin; lock table analytics.events in row exclusive mode",
        "comment on view analytics.events is 'x'",
        "create function pg_temp.f() returns int language sql return 1",
        "create temporary view v as select 1",
        "create aggregate pg_temp.a (int) (sfunc = int4pl, stype = int)",
        "create policy p on app.events using (true)",
        "alter table app.events disable row level security",
        "alter view analytics.events set (security_invoker = false)",
        "create publication p for all tables",
        "create foreign data wrapper w",
        "create language plperlu",
        "load 'pg_trgm'",
        "begin; prepare transaction 'x'",
        "select dblink('dbname=postgres', 'select 1')",
        f"alter role {ANALYST_LOGIN} rename to somebody_else",
        f"alter role {ANALYST_LOGIN} connection limit 1000",
        f"alter role {ANALYST_LOGIN} createrole",
        f"alter role {ANALYST_LOGIN} valid until 'infinity'",
        "alter role gateway password 'x'",
        "alter role analyst set statement_timeout = 0",
        "alter role all set statement_timeout = 0",
        "grant analyst to gateway",
        f"grant {ANALYST_LOGIN} to gateway",
        f"grant gateway to {ANALYST_LOGIN}",
        "set temp_file_limit = -1",
        "set log_statement = 'none'",
        "copy (select 1) to '/tmp/x'",
        "copy pg_catalog.pg_class to program 'true'",
        "select pg_read_binary_file('/etc/passwd')",
        "select pg_stat_file('/etc/passwd')",
        "select * from pg_ls_logdir()",
        "select * from pg_ls_tmpdir()",
        "select * from pg_hba_file_rules",
        "select * from pg_file_settings",
        "select * from pg_statistic",
        "select * from pg_shadow",
        "select * from pg_backend_memory_contexts",
        "select * from pg_shmem_allocations",
        "select * from pg_stat_get_wal_receiver(), pg_show_replication_origin_status()",
        "select pg_reload_conf()",
        "select pg_switch_wal()",
        "select pg_create_restore_point('x')",
        "select pg_promote()",
        "select pg_stat_reset()",
        "select pg_log_backend_memory_contexts(pg_backend_pid())",
        "select pg_create_physical_replication_slot('x')",
        "select pg_clear_relation_stats('app', 'events')",
        "select jobs.access_channel()",
        "select ingest.connection_channel()",
        "select app.announcement_channel('webhook_connections')",
        "select app.create_analyst_login(null, 'x', 'x', 1, '1 minute')",
        "select session.refresh_session()",
        "select * from app.announcement_channels",
        "select * from api.api_keys",
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
    """An analyst takes no lock but those of reading: writers go on."""
    analyst.execute("begin")
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


@pytest.mark.parametrize(
    "statement",
    [
        "select organization_id from events where 1 / (organization_id = %(own)s)::int = 1",
        (
            "select organization_id from events"
            " where (case when organization_id = %(own)s then '1' else 'x' end)::int = 1"
        ),
        (
            "select organization_id from events group by rollup (organization_id)"
            " having organization_id is not null"
        ),
        (
            "with recursive r as (select organization_id from events union"
            " select organization_id from r) select organization_id from r"
        ),
        "select e.organization_id from leads as l right join events as e on true",
        "select (to_jsonb(e) ->> 'organization_id')::uuid from events as e",
        "select o.organization_id from events, lateral (select organization_id from leads) as o",
        (
            "select organization_id from events"
            " where %(other)s = any (array[organization_id]) or organization_id = %(own)s"
        ),
    ],
)
def test_no_question_reaches_past_the_policy(analyst: psycopg.Connection, statement: str) -> None:
    """An error would tell of a row that is not theirs: what leaks is asked after the policy."""
    analyst.execute("set search_path = analytics")
    found = analyst.execute(statement.encode(), {"own": ACME, "other": BETA}).fetchall()
    assert {row[0] for row in found} == {ACME}


def test_a_cursor_outlives_its_transaction_and_shows_no_more(analyst: psycopg.Connection) -> None:
    analyst.execute("begin")
    analyst.execute(
        "declare held cursor with hold for select organization_id from analytics.events"
    )
    analyst.execute("commit")
    assert {found for (found,) in analyst.execute("fetch all from held")} == {ACME}


def test_estimates_tell_nothing_of_what_others_write(
    stage: Stage, analyst: psycopg.Connection
) -> None:
    """EXPLAIN guesses from statistics of every row there is: of texts there must be none.

    Otherwise the estimate jumps where a common value of somebody else begins.
    """
    analyst.execute("set search_path = analytics")
    for table in ("events", "leads", "closers", "organizations", "payments"):
        stage.connection.execute(f"analyze app.{table}".encode())
    written = analyst.execute(
        "select a.attrelid::regclass::text, a.attname from pg_attribute as a"
        " where a.attrelid = any (array['events', 'leads', 'closers', 'organizations',"
        "       'payments']::regclass[]) and a.atttypid = 'text'::regtype"
        "   and a.attname ~ 'name|email|phone|notes|utm|description'"
    ).fetchall()
    assert len(written) > 12
    for view, column in written:
        estimates = {
            analyst.execute(
                sql.SQL("explain (format json) select from {} where {} < {}").format(
                    sql.Identifier(view), sql.Identifier(column), sql.Literal(guess)
                )
            ).fetchone()[0][0]["Plan"]["Plan Rows"]  # type: ignore[index]
            for guess in ("!", "acme", "b", "beta", "m", "z", "~")
        }
        assert len(estimates) == 1, (view, column, estimates)


def test_the_catalog_names_no_tenant(stage: Stage, analyst: psycopg.Connection) -> None:
    """What every login of a cluster can read: roles, databases, settings of roles, sessions."""
    told = " ".join(
        str(row)
        for query in (
            "select rolname, rolconfig from pg_roles",
            "select datname from pg_database",
            "select setconfig from pg_db_role_setting",
            "select usename, application_name, query from pg_stat_activity where usename <> user",
            "select name, setting from pg_settings",
            "select description from pg_description union select description from pg_shdescription",
            "select relname, reltuples, relpages from pg_class",
            "select relname, n_live_tup, last_analyze from pg_stat_all_tables",
            "select * from pg_stats",
            "select * from pg_locks",
        )
        for row in analyst.execute(query.encode())
    ).lower()
    names = [
        str(name).lower()
        for (name,) in stage.connection.execute(
            "select name from app.organizations union select name from app.closers"
            " union select lead_email from app.events where lead_email is not null"
        )
    ]
    assert names
    for name in [*names, str(ACME), str(BETA)]:
        assert name not in told, name


def test_an_analyst_ends_their_own_statements_and_nobody_elses(
    stage: Stage, database: Database, analyst: psycopg.Connection
) -> None:
    with (
        analyst_login(database, BETA) as colleague,
        psycopg.connect(colleague.url, autocommit=True) as other,
        psycopg.connect(stage.analyst_url, autocommit=True) as second,
    ):
        for function in ("pg_cancel_backend", "pg_terminate_backend"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(f"select {function}(%s)".encode(), (other.info.backend_pid,))
        assert organizations(other) == {BETA}
        ended = analyst.execute("select pg_terminate_backend(%s)", (second.info.backend_pid,))
        assert ended.fetchone() == (True,)


def test_a_login_may_change_its_own_password_and_defaults_and_gains_nothing(
    database: Database, stage: Stage
) -> None:
    """Postgres lets every role do that. What holds does not rest on it, and rotating undoes it."""
    with analyst_login(database, ACME) as login:
        with psycopg.connect(login.url, autocommit=True) as own:
            own.execute("set default_transaction_read_only = off")
            for change in (
                "password 'sesame'",
                "set statement_timeout = 0",
                "set search_path = app",
                "set row_security = off",
                "reset all",
            ):
                own.execute(sql.SQL("alter role {} {}").format(login.identifier, sql.SQL(change)))
        with psycopg.connect(login.url, password="sesame", autocommit=True) as own:
            assert own.execute("show default_transaction_read_only").fetchone() == ("off",)
            assert own.execute("show temp_file_limit").fetchone() == ("2GB",)
            assert organizations(own) == {ACME}
            with pytest.raises(psycopg.Error) as refusal:
                own.execute("insert into analytics.sources (name) values ('x')")
            assert refusal.value.sqlstate in REFUSED


@pytest.mark.parametrize("other", ["postgres", "template1"])
def test_other_databases_of_the_server_are_closed(stage: Stage, other: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(stage.analyst_url, dbname=other)


def test_a_login_of_one_database_sees_nothing_in_another(
    database: Database, cluster: Cluster, template: str
) -> None:
    """Roles belong to the cluster, rows about them to a database."""
    with (
        clone(cluster, template) as elsewhere,
        analyst_login(database, ACME) as login,
        psycopg.connect(login.url, dbname=elsewhere.name) as stranger,
    ):
        assert stranger.execute("select count(*) from organizations").fetchone() == (0,)
        assert stranger.execute("select count(*) from metric_catalog").fetchone() != (None,)


def test_whoever_is_no_analyst_gains_nothing_from_a_row(stage: Stage) -> None:
    """A login in the table that is not of the group has no right on the schema."""
    with stage.connection.transaction(force_rollback=True):
        stage.connection.execute("update app.analyst_logins set login_name = 'gateway'")
        with (
            being(stage.connection, PEOPLE["gateway"]) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            connection.transaction(),
        ):
            organizations(connection)
