"""Deploys that meet, deploys that were killed, servers that are none."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from salesdash import deploy
from salesdash.deploy import DeployFailed
from salesdash.deploy.session import LOCK_KEY
from tests.deploy.trees import Tree
from tests.fixtures.ports import free_port, wait_until

DEPLOY = """
import sys
from pathlib import Path
from salesdash import deploy
deploy.deploy(sys.argv[1], Path(sys.argv[2]))
"""


@contextmanager
def deploying(tree: Tree) -> Iterator[subprocess.Popen[bytes]]:
    """A deploy in a process of its own, which a test may kill."""
    process = subprocess.Popen(
        [sys.executable, "-c", DEPLOY, tree.database.deployer_url, str(tree.path)]
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_deploys_that_start_together_run_one_after_the_other(tree: Tree) -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = [future.result() for future in [pool.submit(tree.deploy) for _ in range(4)]]
    assert sorted(len(report.migrations) for report in reports) == [0, 0, 0, 1]
    assert sorted(len(report.files) for report in reports) == [0, 0, 0, 5]


def test_a_deploy_that_waits_too_long_names_who_holds_the_lock(tree: Tree) -> None:
    with psycopg.connect(tree.database.deployer_url, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        with pytest.raises(
            DeployFailed, match=rf"process {holder.info.backend_pid} of login deployer"
        ):
            deploy.deploy(tree.database.deployer_url, tree.path, lock_wait_s=0.1)


def slow_migration(tree: Tree, seconds: int) -> None:
    tree.migration(
        "0002_slow",
        "-- depends: 0001_zoo\n"
        "create table app.slow (id integer);\n"
        f"do $$ begin perform pg_sleep({seconds}); end $$;",
        "drop table app.slow;",
    )


def is_sleeping(tree: Tree) -> bool:
    return bool(
        tree.one("select exists (select from pg_stat_activity where wait_event = 'PgSleep')")
    )


def test_a_killed_deploy_leaves_nothing_in_the_way(tree: Tree) -> None:
    tree.deploy()
    slow_migration(tree, 600)
    with deploying(tree) as victim:
        wait_until(lambda: is_sleeping(tree), lambda: "the deploy never came to its migration")
        assert tree.one("select count(*) from deploy.yoyo_lock") == 1
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
    slow_migration(tree, 0)
    assert tree.deploy().migrations == ("0002_slow",)
    assert tree.one("select count(*) from deploy.yoyo_lock") == 0
    assert not is_sleeping(tree)


def test_a_lock_row_of_yoyo_alone_stops_nobody(tree: Tree) -> None:
    tree.deploy()
    with tree.connect() as owner:
        owner.execute("insert into deploy.yoyo_lock (locked, ctime, pid) values (1, now(), 4711)")
    slow_migration(tree, 0)
    assert tree.deploy().migrations == ("0002_slow",)


def test_files_run_although_the_deploy_that_migrated_was_killed_before_them(tree: Tree) -> None:
    tree.deploy()
    tree.migration("0002_more", "-- depends: 0001_zoo\nselect 1;", "select 1;")
    tree.write("views/broken.sql", "select;select 1/0;")
    with pytest.raises(DeployFailed, match="division by zero"):
        tree.deploy()
    tree.remove("views/broken.sql")
    report = tree.deploy()
    assert (report.migrations, len(report.files)) == ((), 5)


@contextmanager
def server_of_version(version: str) -> Iterator[int]:
    """Something that says it is Postgres of this version to whoever connects; yields its port."""
    parameter = b"server_version\0" + version.encode() + b"\0"
    length = (len(parameter) + 4).to_bytes(4, "big")
    hello = b"".join([b"R\0\0\0\x08\0\0\0\0", b"S", length, parameter, b"Z\0\0\0\x05I"])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    request = client.recv(4096)
                    if request[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                        client.sendall(b"N")
                        request = client.recv(4096)
                    client.sendall(hello)
                    client.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=10)


def test_a_server_older_than_eighteen_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with (
        server_of_version("17.6") as port,
        pytest.raises(DeployFailed) as failure,
    ):
        deploy.deploy(f"postgresql://deployer:x@127.0.0.1:{port}/salesdash", tmp_path)
    assert str(failure.value) == (
        "The database server is Postgres 17, and this release needs 18 or newer."
    )


def test_a_server_that_is_not_there_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed) as failure:
        deploy.deploy(f"postgresql://deployer:x@127.0.0.1:{free_port()}/salesdash", tmp_path)
    assert str(failure.value).startswith("The database cannot be reached: ")
    assert "\n" not in str(failure.value)


def test_a_login_without_createrole_is_told_what_it_lacks(tree: Tree) -> None:
    with psycopg.connect(tree.database.superuser_url, autocommit=True) as superuser:
        superuser.execute("drop role if exists powerless")
        superuser.execute("create role powerless login password 'x'")
        try:
            url = tree.database.deployer_url.replace("deployer:not-a-secret", "powerless:x")
            with pytest.raises(DeployFailed, match="CREATEROLE"):
                deploy.deploy(url, tree.path)
        finally:
            superuser.execute("drop role powerless")


def test_what_an_earlier_deploy_left_connected_is_ended(tree: Tree) -> None:
    with psycopg.connect(
        tree.database.deployer_url, application_name="salesdash deploy"
    ) as abandoned:
        abandoned.execute("select")
        tree.deploy()
        with pytest.raises(psycopg.OperationalError):
            abandoned.execute("select")
