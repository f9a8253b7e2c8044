"""`salesdash down`: stop what `salesdash up` started."""

from __future__ import annotations

import os
import signal
import time
from typing import Annotated

import typer

from salesdash.cli.output import CommandFailed, plain
from salesdash.home import Home, home_of
from salesdash.settings import load_settings
from salesdash.supervisor import end_orphans

POLL_S = 0.05


def down(
    wait_s: Annotated[float, typer.Option("--wait", help="Seconds to wait for the end.")] = 90.0,
) -> None:
    """Stop everything that runs from this state folder; nothing running is no error."""
    home = home_of(load_settings())
    pid = home.holder()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        _wait(home, wait_s)
        plain("Stopped.")
        return
    left = end_orphans(home.read_state().processes)
    plain(f"Stopped {', '.join(left)}, left behind by an earlier run." if left else "Not running.")


def _wait(home: Home, wait_s: float) -> None:
    ends_at = time.monotonic() + wait_s
    while (pid := home.holder()) is not None:
        if time.monotonic() > ends_at:
            raise CommandFailed(f"Process {pid} still runs after {wait_s:g} s: see {home.logs}.")
        time.sleep(POLL_S)
