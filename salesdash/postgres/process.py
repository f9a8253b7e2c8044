"""Starting and stopping the server process."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from salesdash.postgres.belonging import mark_ours, set_aside_foreign
from salesdash.postgres.binaries import server_bin
from salesdash.postgres.cluster import (
    clear_stale_lock,
    ensure_base,
    ensure_cluster,
    environment,
    running_postmaster,
)
from salesdash.postgres.errors import PostgresUnusable
from salesdash.postgres.server import PostgresServer

SETTINGS = (
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("shared_buffers", "256MB"),
    ("max_connections", "100"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("log_min_error_statement", "panic"),
)


@dataclass(frozen=True)
class ServerCommand:
    """How to spawn the server in the foreground: arguments of subprocess.Popen and its like.

    user, group, extra_groups: numbers to become when we are root, else None. SIGINT stops the
    server fast and cleanly; it writes its log to standard error. set_aside: where data of a state
    folder that is gone was moved, if there was any.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    user: int | None
    group: int | None
    extra_groups: tuple[int, ...] | None
    set_aside: Path | None = None


def prepare(server: PostgresServer) -> ServerCommand:
    """Make the server startable: binaries, data directory, no stale lock, a free port.

    Safe to repeat. Raises PostgresUnusable when it cannot be.
    """
    ensure_base(server)
    bin_dir = server_bin(server)
    aside = set_aside_foreign(server)
    mark_ours(server)
    ensure_cluster(server, bin_dir)
    clear_stale_lock(server)
    require_free_port(server.port)
    options = [
        word
        for name, value in (*SETTINGS, ("port", str(server.port)), *server.settings)
        for word in ("-c", f"{name}={value}")
    ]
    owner = server.run_as
    return ServerCommand(
        argv=(str(bin_dir / "postgres"), "-D", str(server.data), *options),
        env=environment(),
        cwd=server.data,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=() if owner else None,
        set_aside=aside,
    )


def require_free_port(port: int) -> None:
    """Raise PostgresUnusable when something listens on this port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PostgresUnusable(
                f"Port {port} on 127.0.0.1 cannot be used ({error.strerror}):"
                " set POSTGRES_PORT to a free one."
            ) from error


def start(command: ServerCommand, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Spawn the server in a session of its own: a terminal's Ctrl-C reaches only its supervisor."""
    return subprocess.Popen(
        command.argv,
        env=command.env,
        cwd=command.cwd,
        user=command.user,
        group=command.group,
        extra_groups=command.extra_groups,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def is_running(server: PostgresServer) -> bool:
    """Does a process serve this data directory now?"""
    return running_postmaster(server) is not None


def wait_ready(
    server: PostgresServer, process: subprocess.Popen[bytes] | None = None, deadline_s: float = 60
) -> None:
    """Return when the server answers; it may first have to recover from a crash.

    process: when given, its end is noticed at once.
    Raises PostgresUnusable at its end, or after deadline_s seconds.
    """
    ends_at = time.monotonic() + deadline_s
    while True:
        try:
            psycopg.connect(server.superuser_url(), connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
        if process is not None and process.poll() is not None:
            raise PostgresUnusable(
                f"Postgres ended with code {process.returncode} while starting; its log says why."
            )
        if time.monotonic() > ends_at:
            raise PostgresUnusable(f"Postgres did not answer within {deadline_s:.0f} s: {reason}")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], deadline_s: float = 60) -> None:
    """End the server cleanly; kill it after deadline_s seconds."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
