"""What analysts run for too long is ended from outside, whatever they set, and nothing else is."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.analysts import AnalystLogin, analyst_login
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Worker, settings_for
from tests.world import Organization, World

LIMIT = timedelta(minutes=5)
END = "select * from jobs.end_analyst_statements(%(limit)s, clock_timestamp() + %(later)s)"
UNLIMITED = (
    "set statement_timeout = 0",
    "set idle_in_transaction_session_timeout = 0",
    "set transaction_timeout = 0",
    "set idle_session_timeout = 0",
)
STUBBORN = """
do $$ begin
    loop
        begin
            perform pg_sleep(60);
        exception when query_canceled then null;
        end;
    end loop;
end $$
"""


@pytest.fixture(scope="module")
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def login(database: Database, acme: Organization) -> Iterator[AnalystLogin]:
    with analyst_login(database, acme.id) as made:
        yield made


@pytest.fixture
def analyst(login: AnalystLogin) -> Iterator[psycopg.Connection]:
    """A session that has taken back all its limits."""
    connection = psycopg.connect(login.url, autocommit=True)
    for setting in UNLIMITED:
        connection.execute(setting.encode())
    yield connection
    connection.close()


class Running:
    """A statement that an analyst is waiting for. error: what became of it."""

    def __init__(self, world: World, analyst: psycopg.Connection, statement: str) -> None:
        self.error: psycopg.Error | None = None
        self.thread = threading.Thread(target=self._run, args=(analyst, statement), daemon=True)
        self.thread.start()
        wait_until(
            lambda: world.value(
                "select state = 'active' and wait_event = 'PgSleep' from pg_stat_activity"
                " where pid = %s",
                analyst.info.backend_pid,
            ),
            lambda: "the statement did not begin",
        )

    def _run(self, analyst: psycopg.Connection, statement: str) -> None:
        try:
            analyst.execute(statement.encode())
        except psycopg.Error as error:
            self.error = error

    def outcome(self) -> str | None:
        """The SQLSTATE with which it ended, once it has."""
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()
        assert self.error is not None
        return self.error.sqlstate


def end(database: Database, *, later: timedelta = timedelta()) -> list[tuple[Any, ...]]:
    """One look of the worker's, as its own login, at the time it would be later."""
    with psycopg.connect(database.worker_url) as worker:
        return worker.execute(END, {"limit": LIMIT, "later": later}).fetchall()


def test_a_statement_over_the_limit_is_cancelled_and_the_session_lives(
    database: Database, committed_world: World, analyst: psycopg.Connection, login: AnalystLogin
) -> None:
    statement = Running(committed_world, analyst, "select pg_sleep(60), 'Dana Scully'")
    assert end(database) == []
    ((who, outcome, reason, lasted),) = end(database, later=LIMIT)
    assert (who, outcome, reason) == (login.name, "canceled", "its statement ran too long")
    assert LIMIT < lasted < 2 * LIMIT
    assert statement.outcome() == "57014"
    assert analyst.execute("select 1").fetchone() == (1,)


def test_what_was_ended_is_in_the_trail_without_what_it_ran(
    database: Database,
    committed_world: World,
    acme: Organization,
    analyst: psycopg.Connection,
    login: AnalystLogin,
) -> None:
    statement = Running(committed_world, analyst, "select pg_sleep(60), 'Dana Scully'")
    end(database, later=LIMIT)
    statement.outcome()
    (row,) = committed_world.rows(
        "select action, actor_kind, actor_role, reason, new_data from app.audit_logs as a"
        " where a.organization_id = %s and a.new_data ->> 'login_name' = %s"
        "   and a.new_data ? 'outcome'",
        acme.id,
        login.name,
    )
    lasted = row["new_data"].pop("lasted_seconds")
    assert 300 <= lasted < 400
    assert row == {
        "action": "READ",
        "actor_kind": "worker",
        "actor_role": "worker",
        "reason": "its statement ran too long",
        "new_data": {"login_name": login.name, "outcome": "canceled"},
    }


def test_a_statement_that_does_not_let_go_loses_its_session(
    database: Database, committed_world: World, analyst: psycopg.Connection
) -> None:
    statement = Running(committed_world, analyst, STUBBORN)
    assert [row[1] for row in end(database, later=LIMIT)] == ["canceled"]
    assert [row[1] for row in end(database, later=LIMIT + timedelta(seconds=40))] == ["ended"]
    assert statement.outcome() == "57P01"


@pytest.mark.parametrize(
    ("done", "later", "reason"),
    [
        (("begin", "select 1"), LIMIT, "it sat in a transaction"),
        (("begin", "select 1/0"), LIMIT, "it sat in a transaction"),
        (("begin", "select 1"), 5 * LIMIT, "its transaction was too old"),
        (("select pg_advisory_lock(5)",), timedelta(), "it held an advisory lock"),
    ],
)
def test_a_session_that_holds_something_back_is_ended(
    database: Database,
    analyst: psycopg.Connection,
    done: tuple[str, ...],
    later: timedelta,
    reason: str,
) -> None:
    with psycopg.connect(database.superuser_url) as superuser:
        # As on a server where nobody took the right to advisory locks from public.
        superuser.execute("grant execute on function pg_advisory_lock(bigint) to analyst")
    for statement in done:
        try:
            analyst.execute(statement.encode())
        except psycopg.errors.DivisionByZero:
            continue
    assert [row[1:3] for row in end(database, later=later)] == [("ended", reason)]
    with pytest.raises(psycopg.OperationalError):
        analyst.execute("select 1")


def test_an_idle_session_of_a_living_login_is_left_alone(
    database: Database, analyst: psycopg.Connection
) -> None:
    analyst.execute("select 1")
    assert end(database, later=10 * LIMIT) == []
    assert analyst.execute("select 1").fetchone() == (1,)


def test_a_session_that_a_revoked_login_still_has_is_ended(
    database: Database, acme: Organization
) -> None:
    with (
        analyst_login(database, acme.id) as login,
        psycopg.connect(database.deployer_url, autocommit=True) as deployer,
        psycopg.connect(login.url, autocommit=True) as living,
    ):
        with deployer.transaction() as undone:
            deployer.execute(
                "update app.analyst_logins set revoked_at = now() where login_name = %s",
                (login.name,),
            )
            answer = deployer.execute(END, {"limit": LIMIT, "later": timedelta()}).fetchall()
            assert [row[:3] for row in answer] == [(login.name, "ended", "the login was revoked")]
            raise psycopg.Rollback(undone)
        with pytest.raises(psycopg.OperationalError):
            living.execute("select 1")


def test_nobody_but_analysts_is_ended(
    database: Database, committed_world: World, acme: Organization
) -> None:
    """Not even when a row says that the gateway were one: the owner has no such right."""
    other = acme.world.insert(
        "analyst_logins", organization_id=acme.id, login_name="gateway", name="not one"
    )
    try:
        with psycopg.connect(database.gateway_url) as gateway:
            gateway.execute("select 1")
            assert end(database, later=10 * LIMIT) == []
            assert gateway.execute("select 1").fetchone() == (1,)
            with psycopg.connect(database.deployer_url, autocommit=True) as owner:
                owner.execute("set role salesdash")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    owner.execute("select pg_cancel_backend(%s)", (gateway.info.backend_pid,))
    finally:
        committed_world.execute("delete from app.analyst_logins where id = %s", other)


def test_only_the_worker_may_look(committed_world: World) -> None:
    with committed_world.acting_as_role("gateway") as gateway, pytest.raises(psycopg.Error):
        gateway.rows(END, limit=LIMIT, later=timedelta())


@pytest.fixture(scope="module")
def system(database: Database) -> Any:
    """A worker with the shortest limit there is."""
    return settings_for(database, analyst_statement_limit_s=1)


def test_the_worker_looks_by_itself(
    worker: Worker, committed_world: World, analyst: psycopg.Connection
) -> None:
    """How, depends on when it comes to it: it may still be starting when much time has gone."""
    statement = Running(committed_world, analyst, "select pg_sleep(60)")
    assert statement.outcome() in {"57014", "57P01"}
