"""A whole installation of its own, run by `salesdash up`, whose processes may be killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg

from salesdash import wiring
from salesdash.home import ROOT, Home
from salesdash.settings import Settings
from tests.fixtures.ports import free_port, wait_until
from tests.world import World

DEADLINE_S = 120.0
VICTIMS = ("gateway", "jobs", "postgres", "a session of postgres")


class Stack:
    """The installation while it runs. Everything listens on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "state")
        self.port = free_port()
        ours = {name.upper() for name in Settings.model_fields}
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in ours},
            "SALESDASH_ENV_FILE": "",
            "SALESDASH_HOME": str(self.home.path),
            "GATEWAY_PORT": str(self.port),
            "POSTGREST_PORT": str(free_port()),
            "POSTGREST_ADMIN_PORT": str(free_port()),
            "POSTGRES_PORT": str(free_port()),
            "DEMO": "0",
        }
        self._output = folder / "output"

    @contextmanager
    def running(self) -> Iterator["Stack"]:
        """From an empty folder until the end of the block; nothing is left behind."""
        with self._output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "salesdash", "up"],
                env=self._environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until(lambda: self._has_started(process), self._said, DEADLINE_S)
            yield self
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(DEADLINE_S)
            server = wiring.embedded_server(
                Settings(_env_file=None, database_url=None),  # type: ignore[call-arg]
                self.home,
            )
            if server is not None:
                shutil.rmtree(server.base, ignore_errors=True)

    @contextmanager
    def world(self) -> Iterator[World]:
        """The owner's look at the database, committing."""
        url = self.home.read_state().database_url
        assert url is not None
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("set role salesdash")
            yield World(connection)

    def master_key(self) -> str:
        """The key that secrets are sealed with."""
        return self.home.secrets().encryption_master_key

    def kill(self, victim: str) -> None:
        """SIGKILL one of VICTIMS; the session is one of the gateway's."""
        pids = self.pids()
        if victim == "a session of postgres":
            children = psutil.Process(pids["postgres"]).children()
            next(each for each in children if " gateway " in each.cmdline()[0]).kill()
            return
        os.kill(pids[victim], signal.SIGKILL)

    def is_well(self) -> bool:
        """Whether every part runs and answers."""
        state = self.home.read_state()
        if {each.state for each in state.processes} != {"running"}:
            return False
        with contextlib.suppress(httpx.TransportError):
            url = f"http://127.0.0.1:{self.port}/readyz"
            return httpx.get(url, trust_env=False, timeout=10).status_code == 200
        return False

    def wait_well(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until it is; fail with what `salesdash up` said otherwise."""
        wait_until(self.is_well, self._said, deadline_s)

    def wait_noticed(self, victim: str, pids: dict[str, int]) -> None:
        """Wait until another process has taken the victim's place."""
        if victim in pids:
            wait_until(
                lambda: self.pids().get(victim) not in {None, pids[victim]}, self._said, DEADLINE_S
            )

    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        return {
            each.name: each.pid for each in self.home.read_state().processes if each.pid is not None
        }

    def _has_started(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self._said()
        return "Ctrl-C stops everything" in self._said()

    def _said(self) -> str:
        return self._output.read_text()
