"""A whole installation of its own, run by `salesdash up`, whose processes may be killed."""

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.fixtures.installation import DEADLINE_S, Installation
from tests.fixtures.ports import wait_until
from tests.world import World

VICTIMS = ("gateway", "jobs", "postgres", "a session of postgres")


class Stack(Installation):
    """The installation while it runs. Everything listens on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = int(self.environment["GATEWAY_PORT"])

    @contextmanager
    def running(self) -> Iterator["Stack"]:
        """From an empty folder until the end of the block; nothing is left behind."""
        try:
            with self.up():
                yield self
        finally:
            self.remove()

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
        wait_until(self.is_well, self.said, deadline_s)

    def wait_noticed(self, victim: str, pids: dict[str, int]) -> None:
        """Wait until another process has taken the victim's place."""
        if victim in pids:
            wait_until(
                lambda: self.pids().get(victim) not in {None, pids[victim]}, self.said, DEADLINE_S
            )
