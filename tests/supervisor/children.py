"""Small programs that the supervisor tests run as children."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from salesdash.supervisor import Child, Probe, alive

DEADLINE_S = 30.0


def child(
    name: str,
    code: str,
    folder: Path,
    *,
    ready: Probe = alive,
    stop_s: float = 20.0,
    ready_s: float = 20.0,
) -> Child:
    """A Python program with `name`, `folder` and the usual modules at hand."""
    prelude = (
        "import os, pathlib, signal, sys, time\n"
        f"name = {name!r}\nfolder = pathlib.Path({str(folder)!r})\n"
    )
    return Child(
        name=name,
        argv=(sys.executable, "-SE", "-c", prelude + code),
        env={},
        cwd=folder,
        ready=ready,
        stop_s=stop_s,
        ready_s=ready_s,
    )


WRITES_ITS_END = """
def end(number, frame):
    with (folder / "ended").open("a") as file:
        file.write(f"{name} {signal.Signals(number).name}\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
with (folder / "begun").open("a") as file:
    file.write(f"{name} {os.getpid()}\\n")
while True:
    signal.pause()
"""
"""Appends `<name> <pid>` to `begun`, and `<name> <signal>` to `ended` when told to stop."""


def lines(path: Path) -> list[str]:
    """The lines of a file that may not exist yet."""
    return path.read_text().splitlines() if path.exists() else []


def has_begun(folder: Path, name: str) -> Probe:
    """Ready when the program has written its name: only then can it handle signals."""

    async def ready() -> bool:
        return any(line.startswith(f"{name} ") for line in lines(folder / "begun"))

    return ready


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must become true soon."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run one asynchronous test, for a bounded time."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * DEADLINE_S):
            await test()

    asyncio.run(bounded())
