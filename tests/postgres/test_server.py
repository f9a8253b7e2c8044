"""The embedded server: closed to everybody without a password, never root, hard to confuse."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from salesdash.postgres import (
    PostgresServer,
    PostgresUnusable,
    bootstrap,
    is_running,
    prepare,
    start,
    stop,
    tool,
    wait_ready,
)
from salesdash.postgres.cluster import clear_stale_lock, remove
from tests.fixtures.ports import free_port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that nobody has started; its passwords need quoting."""
    made = PostgresServer(
        tmp_path / "home with space", free_port(), "a'b @:/%", 'c"d ?#', (("fsync", "off"),)
    )
    made.home.mkdir()
    try:
        yield made
    finally:
        if made.base.exists():
            clear_stale_lock(made)
            remove(made)


@contextmanager
def running(server: PostgresServer) -> Iterator[subprocess.Popen[bytes]]:
    with (server.home / "log").open("ab") as log:
        process = start(prepare(server), log)
    try:
        wait_ready(server, process)
        yield process
    finally:
        stop(process)


def test_it_never_runs_as_root_and_listens_on_this_machine_only(server: PostgresServer) -> None:
    with running(server) as process:
        seen = psutil.Process(process.pid)
        assert seen.uids().effective != 0
        listening = {
            connection.laddr.ip
            for connection in seen.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        assert not [c for c in seen.net_connections("unix") if c.laddr]
        assert server.data.stat().st_mode & 0o077 == 0
        assert server.data.stat().st_uid == seen.uids().effective


def test_nothing_above_its_directory_changes_permissions(server: PostgresServer) -> None:
    before = {path: path.stat().st_mode for path in (server.home, *server.home.parents)}
    with running(server):
        assert {path: path.stat().st_mode for path in before} == before


@pytest.mark.parametrize("login", ["postgres", "deployer"])
def test_no_login_works_without_its_password(server: PostgresServer, login: str) -> None:
    with running(server):
        bootstrap(server)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.login_url(login, "wrong", "salesdash"))


def test_the_deployer_owns_the_database_and_is_no_superuser(server: PostgresServer) -> None:
    with running(server):
        bootstrap(server)
        with psycopg.connect(server.deployer_url()) as deployer:
            row = deployer.execute(
                """
                select r.rolsuper, r.rolcreaterole, r.rolcreatedb, d.datdba = r.oid,
                       pg_encoding_to_char(d.encoding), d.datlocprovider, d.datlocale,
                       current_setting('data_checksums')
                  from pg_roles as r, pg_database as d
                 where r.rolname = current_user and d.datname = current_database()
                """
            ).fetchone()
    assert row == (False, True, True, True, "UTF8", "b", "C.UTF-8", "on")


def test_the_log_holds_no_password(server: PostgresServer) -> None:
    with running(server):
        with psycopg.connect(server.superuser_url(), autocommit=True) as superuser:
            superuser.execute("alter system set log_statement = 'all'")
            superuser.execute("select pg_reload_conf()")
        bootstrap(server)
    log = (server.home / "log").read_text()
    assert "create role" in log
    assert server.deployer_password not in log
    assert server.superuser_password not in log


def test_data_survives_a_kill_and_the_second_start_is_fast(server: PostgresServer) -> None:
    with running(server) as process:
        bootstrap(server)
        with psycopg.connect(server.deployer_url()) as deployer:
            deployer.execute("create schema kept")
        process.kill()
        process.wait()
        assert (server.data / "postmaster.pid").exists()
    began = time.monotonic()
    with running(server):
        bootstrap(server)
        assert time.monotonic() - began < 5
        with psycopg.connect(server.deployer_url()) as deployer:
            assert deployer.execute("select to_regnamespace('kept') is not null").fetchone() == (
                True,
            )


def test_a_number_of_another_process_in_the_lock_file_means_nothing(
    server: PostgresServer,
) -> None:
    with running(server):
        lock = (server.data / "postmaster.pid").read_text()
    (server.data / "postmaster.pid").write_text(lock.replace(lock.split("\n")[0], str(os.getpid())))
    assert not is_running(server)
    with running(server):
        assert is_running(server)


def test_a_server_whose_supervisor_was_killed_is_stopped_first(server: PostgresServer) -> None:
    with running(server) as abandoned:
        again = PostgresServer(
            server.home,
            free_port(),
            server.superuser_password,
            server.deployer_password,
            server.settings,
        )
        with running(again) as process:
            assert abandoned.wait(timeout=10) == 0
            assert process.pid != abandoned.pid


def test_a_taken_port_is_one_sentence(server: PostgresServer) -> None:
    with socket.create_server(("127.0.0.1", server.port)):
        with pytest.raises(PostgresUnusable) as failure:
            prepare(server)
        assert str(server.port) in str(failure.value)
        assert "POSTGRES_PORT" in str(failure.value)


def test_data_of_another_version_is_one_sentence_and_stays_as_it_is(
    server: PostgresServer,
) -> None:
    prepare(server)
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        PostgresUnusable, match=r"written by Postgres 17, and this release needs 18"
    ):
        prepare(server)
    assert (server.data / "PG_VERSION").read_text() == "17\n"


def test_a_server_that_dies_while_starting_is_noticed_at_once(server: PostgresServer) -> None:
    command = prepare(server)
    (server.data / "global" / "pg_control").unlink()
    with (server.home / "log").open("ab") as log:
        process = start(command, log)
    with pytest.raises(PostgresUnusable, match="ended with code"):
        wait_ready(server, process, deadline_s=30)


def test_an_initdb_that_was_cut_short_is_no_obstacle(server: PostgresServer) -> None:
    server.base.parent.mkdir(parents=True, exist_ok=True)
    (server.base / "initdb-abandoned" / "data").mkdir(parents=True)
    with running(server):
        assert is_running(server)


def test_the_wheel_brings_the_client_programs() -> None:
    done = subprocess.run(
        [tool("pg_dump"), "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pg_dump (PostgreSQL) 18")
    with pytest.raises(PostgresUnusable, match="no program"):
        tool("pg_nothing")
