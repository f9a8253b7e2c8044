"""The data directory: made once, checked before every start."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from salesdash.postgres.errors import PostgresUnusable
from salesdash.postgres.server import SUPERUSER, PostgresServer

MAJOR = "18"


def ensure_base(server: PostgresServer) -> None:
    """Create the server's directory. Only directories that we create get permissions."""
    server.base.parent.mkdir(parents=True, exist_ok=True)
    try:
        server.base.mkdir(mode=0o755 if server.run_as else 0o700, exist_ok=True)
    except OSError as error:
        raise PostgresUnusable(
            f"The directory {server.base} cannot be created: {error.strerror}."
        ) from error


def ensure_cluster(server: PostgresServer, bin_dir: Path) -> None:
    """Run initdb unless there is data already; a run that was cut short leaves nothing behind.

    Raises PostgresUnusable for data of another major version.
    """
    version_file = server.data / "PG_VERSION"
    if version_file.exists():
        found = version_file.read_text().strip()
        if found != MAJOR:
            raise PostgresUnusable(
                f"The data in {server.data} was written by Postgres {found}, and this release needs"
                f" {MAJOR}: dump it with Postgres {found}, move the directory away, and restore."
            )
        return
    owner = server.run_as
    with tempfile.TemporaryDirectory(dir=server.base, prefix="initdb-") as scratch:
        room = Path(scratch)
        password_file = room / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(server.superuser_password)
        if owner:
            for path in (room, password_file):
                os.chown(path, owner.uid, owner.gid)
        argv = [
            str(bin_dir / "initdb"),
            f"--pgdata={room / 'data'}",
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
        ]
        if ("fsync", "off") in server.settings:
            argv.append("--no-sync")
        done = subprocess.run(
            argv,
            cwd=room,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
        )
        if done.returncode != 0:
            raise PostgresUnusable(f"initdb failed in {server.base}: {last_line(done.stderr)}")
        (room / "data").rename(server.data)


def clear_stale_lock(server: PostgresServer) -> None:
    """Deal with the postmaster.pid of an earlier run.

    A process that still serves this data directory (its supervisor was killed) is stopped first;
    the number of a process that is something else means nothing, and the file is removed.
    """
    lock = server.data / "postmaster.pid"
    if not lock.exists():
        return
    process = running_postmaster(server)
    if process is not None:
        process.send_signal(signal.SIGINT)
        ends_at = time.monotonic() + 60
        while _lives(process):
            if time.monotonic() > ends_at:
                raise PostgresUnusable(
                    f"Another Postgres (process {process.pid}) serves {server.data} "
                    "and does not stop."
                )
            time.sleep(0.02)
    lock.unlink(missing_ok=True)


def running_postmaster(server: PostgresServer) -> psutil.Process | None:
    """The process that serves this data directory now, if there is one."""
    try:
        pid = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        serves = process.status() != psutil.STATUS_ZOMBIE and str(server.data) in process.cmdline()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if serves else None


def _lives(process: psutil.Process) -> bool:
    """Whether it still runs; one that ended but whose parent has not noticed does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment() -> dict[str, str]:
    """The whole environment of server programs: nothing of ours leaks in."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def last_line(text: str) -> str:
    """The last line that says something."""
    return next(
        (line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing"
    )


def remove(server: PostgresServer) -> None:
    """Delete the server's directory with all its data; the server must be stopped."""
    shutil.rmtree(server.base)
