"""One process that starts others, keeps them alive, and stops them in reverse order.

Children run in process groups of their own, so Ctrl-C reaches this process alone, and each is told
by the kernel to stop when this process dies by whatever means. A child that dies is started again
after a delay that doubles while it keeps dying.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from salesdash.home import ProcessState

ChildState = Literal["starting", "running", "waiting", "stopping", "stopped"]
Probe = Callable[[], Awaitable[bool]]

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 30.0
STEADY_AFTER_S = 60.0
POLL_S = 0.1
KEPT_LOG_BYTES = 10 * 1024 * 1024

_PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """A child did not become ready. The message is one sentence that names its log."""


async def alive() -> bool:
    """The probe of a child that is ready as soon as it runs."""
    return True


@dataclass(frozen=True)
class Account:
    """The system account a child runs under; only root can choose one."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """One program to run.

    env: its whole environment. ready: asked every 100 ms after a start until it answers True.
    stop_signal: ends it in order. stop_s: seconds until it is killed instead. ready_s: seconds
    until the first start counts as failed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    ready: Probe = alive
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 20.0
    ready_s: float = 60.0
    account: Account | None = None


@dataclass(frozen=True)
class Event:
    """Something an operator should see. text: one sentence without the child's name."""

    child: str
    text: str


@dataclass
class _Kept:
    child: Child
    log: Path
    state: ChildState = "starting"
    process: asyncio.subprocess.Process | None = None
    started_at: float | None = None
    restarts: int = 0
    failures: int = 0
    spawning: asyncio.Lock = field(default_factory=asyncio.Lock)
    became_ready: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Runs children until `stop`. Use it inside one event loop, in the main thread."""

    def __init__(
        self,
        logs: Path,
        *,
        on_event: Callable[[Event], None] = lambda _event: None,
        on_change: Callable[[tuple[ProcessState, ...]], None] = lambda _states: None,
    ) -> None:
        """logs: folder for `<name>.log`. on_change: called with every child's state."""
        self._logs = logs
        self._on_event = on_event
        self._on_change = on_change
        self._kept: list[_Kept] = []
        self._stopping = False

    def states(self) -> tuple[ProcessState, ...]:
        """The children in the order of their start."""
        return tuple(
            ProcessState(
                name=kept.child.name,
                pid=kept.process.pid if kept.process and kept.started_at else None,
                state=kept.state,
                restarts=kept.restarts,
                started_at=kept.started_at,
            )
            for kept in self._kept
        )

    async def start(self, *children: Child) -> None:
        """Start children in order and wait until all are ready; StartFailed when one is not.

        After this each is kept alive. A child that dies before it was ever ready is not retried:
        the cause is in the configuration, and a person should read it.
        """
        begun: list[_Kept] = []
        for child in children:
            kept = _Kept(child, self._logs / f"{child.name}.log")
            self._kept.append(kept)
            begun.append(kept)
            _rotate(kept.log)
            try:
                await self._spawn(kept)
            except OSError as error:
                kept.state = "stopped"
                raise StartFailed(
                    f"{child.name} cannot be started: {child.argv[0]}: {error.strerror}."
                ) from None
            if kept.process is None:
                return
            kept.task = asyncio.create_task(self._keep(kept), name=child.name)
        for kept in begun:
            await self._first_ready(kept)

    async def stop(self) -> None:
        """Stop every child, the last started first, each before the one it may depend on."""
        self._stopping = True
        for kept in reversed(self._kept):
            await self._stop_one(kept)

    async def _first_ready(self, kept: _Kept) -> None:
        ready = asyncio.create_task(kept.became_ready.wait())
        assert kept.task is not None
        done, _ = await asyncio.wait(
            {ready, kept.task}, timeout=kept.child.ready_s, return_when=asyncio.FIRST_COMPLETED
        )
        if ready in done:
            return
        ready.cancel()
        if kept.task in done:
            kept.task.result()
            code = kept.process.returncode if kept.process else None
            what = f"{kept.child.name} stopped while starting ({describe_exit(code)})"
        else:
            what = f"{kept.child.name} was not ready after {kept.child.ready_s:.0f} s"
        raise StartFailed(f"{what}: {last_line(kept.log)} (see {kept.log}).")

    async def _spawn(self, kept: _Kept) -> None:
        """Start the program; OSError when it cannot be. Does nothing once stopping has begun."""
        child, account = kept.child, kept.child.account
        async with kept.spawning:
            if self._stopping:
                return
            kept.state = "starting"
            kept.log.touch(mode=0o600)
            with kept.log.open("ab") as log:
                kept.process = await asyncio.create_subprocess_exec(
                    *child.argv,
                    cwd=child.cwd,
                    env=dict(child.env),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_dies_with_parent(child.stop_signal),
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
            with contextlib.suppress(psutil.NoSuchProcess):
                kept.started_at = psutil.Process(kept.process.pid).create_time()
        self._changed()

    async def _keep(self, kept: _Kept) -> None:
        how = await self._until_it_ends(kept)
        while kept.became_ready.is_set() and not self._stopping:
            kept.failures += 1
            wait_s = delay_s(kept.failures)
            kept.state = "waiting"
            self._changed()
            self._report(kept, f"stopped by itself ({how}); starting it again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            kept.restarts += 1
            try:
                await self._spawn(kept)
            except OSError as error:
                how = error.strerror or "it cannot be started"
            else:
                how = await self._until_it_ends(kept)
        kept.state = "stopped"
        self._changed()

    async def _until_it_ends(self, kept: _Kept) -> str:
        """Wait for the end of the running program; how it ended, in words."""
        assert kept.process is not None
        begun = time.monotonic()
        probing = asyncio.create_task(self._probe(kept))
        try:
            code = await kept.process.wait()
        finally:
            probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probing
        kept.started_at = None
        if time.monotonic() - begun >= STEADY_AFTER_S:
            kept.failures = 0
        return describe_exit(code)

    async def _probe(self, kept: _Kept) -> None:
        while not await kept.child.ready():  # noqa: ASYNC110 (nobody here can set an event)
            await asyncio.sleep(POLL_S)
        kept.state = "running"
        again = kept.became_ready.is_set()
        kept.became_ready.set()
        self._changed()
        if again:
            self._report(kept, "is running again")

    async def _stop_one(self, kept: _Kept) -> None:
        async with kept.spawning:  # a start that is under way ends first, none begins after it
            process = kept.process
        if process is not None and kept.started_at is not None:
            kept.state = "stopping"
            self._changed()
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(kept.child.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), kept.child.stop_s)
            except TimeoutError:
                self._report(kept, f"did not stop in {kept.child.stop_s:g} s and was killed")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if kept.task is not None:
            kept.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await kept.task
        kept.started_at = None
        kept.state = "stopped"
        self._changed()

    def _report(self, kept: _Kept, text: str) -> None:
        self._on_event(Event(kept.child.name, text))

    def _changed(self) -> None:
        self._on_change(self.states())


def delay_s(failures: int) -> float:
    """Seconds to wait before a start after so many deaths in a row (1 or more)."""
    return float(min(FIRST_DELAY_S * 2.0 ** min(failures - 1, 16), LONGEST_DELAY_S))


def describe_exit(code: int | None) -> str:
    """`exit code 3`, or the name of the signal that ended it."""
    if code is None:
        return "no exit code"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def last_line(log: Path) -> str:
    """The last line of a log that says something, at most 300 characters of it."""
    with contextlib.suppress(FileNotFoundError):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
        for line in reversed(lines):
            if line:
                return line[:300].rstrip(".")
    return "it said nothing"


def end_orphans(processes: tuple[ProcessState, ...], *, stop_s: float = 20.0) -> list[str]:
    """Stop what an earlier supervisor left running, last started first; names of those ended.

    A process counts only when its number and its start time are the recorded ones, so a number
    that the system has given to somebody else is left alone.
    """
    ended: list[str] = []
    for recorded in reversed(processes):
        process = running(recorded)
        if process is None:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT if recorded.name == "postgres" else signal.SIGTERM)
            if not _ends(recorded, stop_s):
                process.kill()
                _ends(recorded, stop_s)
        ended.append(recorded.name)
    return ended


def _ends(recorded: ProcessState, wait_s: float) -> bool:
    """Whether the process ends in time. One that nobody has waited for yet (a zombie) has ended."""
    ends_at = time.monotonic() + wait_s
    while running(recorded) is not None:
        if time.monotonic() > ends_at:
            return False
        time.sleep(POLL_S)
    return True


def running(recorded: ProcessState) -> psutil.Process | None:
    """The recorded process, if it still runs; None for another one that got its number."""
    if recorded.pid is None or recorded.started_at is None:
        return None
    try:
        process = psutil.Process(recorded.pid)
        same = abs(process.create_time() - recorded.started_at) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > KEPT_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child does between fork and exec: ask the kernel for a signal when we die.

    It runs after the change of account, which would clear the request. Linux only; elsewhere
    `end_orphans` does the same at the next start.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        if prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(126)

    return ask
