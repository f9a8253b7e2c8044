"""Whose data a directory holds: ours, or an earlier state folder's whose secrets are gone.

When we are root the data lies outside the state folder, so it survives when somebody deletes that
folder to start from nothing. Its passwords and keys are lost then, and it is moved aside.
"""

import hashlib
import time
from pathlib import Path

from salesdash.postgres.cluster import clear_stale_lock
from salesdash.postgres.server import PostgresServer


def set_aside_foreign(server: PostgresServer) -> Path | None:
    """Move data away that was made with another superuser password; where it is now, or None."""
    mark = _mark(server)
    if not server.data.exists() or (mark.exists() and mark.read_text() == _digest(server)):
        return None
    clear_stale_lock(server)
    aside = server.data.with_name(f"data-set-aside-{time.time_ns()}")
    server.data.rename(aside)
    return aside


def mark_ours(server: PostgresServer) -> None:
    """Remember that the data there is ours. Called before the data is made."""
    mark = _mark(server)
    mark.touch(mode=0o600)
    mark.write_text(_digest(server))


def _mark(server: PostgresServer) -> Path:
    return server.base / "belongs-to"


def _digest(server: PostgresServer) -> str:
    """Of a random password, so it tells nothing about it."""
    return hashlib.sha256(server.superuser_password.encode()).hexdigest()
