import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from salesdash.home import ProcessState
from salesdash.supervisor import (
    LONGEST_DELAY_S,
    Child,
    Event,
    StartFailed,
    Supervisor,
    delay_s,
    describe_exit,
    end_orphans,
)
from tests.supervisor.children import (
    DEADLINE_S,
    WRITES_ITS_END,
    child,
    has_begun,
    lines,
    run,
    until,
)


async def never() -> bool:
    return False


def steady(name: str, folder: Path) -> Child:
    return child(name, WRITES_ITS_END, folder, ready=has_begun(folder, name))


def test_children_stop_in_the_reverse_order_of_their_start(tmp_path: Path) -> None:
    async def scene() -> None:
        supervisor = Supervisor(tmp_path)
        await supervisor.start(steady("first", tmp_path))
        await supervisor.start(steady("second", tmp_path), steady("third", tmp_path))
        assert [state.state for state in supervisor.states()] == ["running"] * 3
        await supervisor.stop()
        assert [state.state for state in supervisor.states()] == ["stopped"] * 3
        assert [state.pid for state in supervisor.states()] == [None] * 3

    run(scene)
    assert lines(tmp_path / "ended") == ["third SIGTERM", "second SIGTERM", "first SIGTERM"]


def test_a_killed_child_is_started_again_and_both_are_reported(tmp_path: Path) -> None:
    events: list[Event] = []

    async def scene() -> None:
        supervisor = Supervisor(tmp_path, on_event=events.append)
        await supervisor.start(steady("worker", tmp_path))
        (before,) = supervisor.states()
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        await until(lambda: any(event.text == "is running again" for event in events))
        (after,) = supervisor.states()
        assert after.pid != before.pid
        assert (after.state, after.restarts) == ("running", 1)
        await supervisor.stop()

    run(scene)
    assert events == [
        Event("worker", "stopped by itself (killed by SIGKILL); starting it again in 0.25 s"),
        Event("worker", "is running again"),
    ]


def test_the_delay_doubles_while_a_child_keeps_dying(tmp_path: Path) -> None:
    events: list[Event] = []

    async def scene() -> None:
        supervisor = Supervisor(tmp_path, on_event=events.append)
        await supervisor.start(
            child(
                "worker",
                "if (folder / 'begun').exists(): sys.exit(3)\n" + WRITES_ITS_END,
                tmp_path,
                ready=has_begun(tmp_path, "worker"),
            )
        )
        (state,) = supervisor.states()
        assert state.pid is not None
        os.kill(state.pid, signal.SIGKILL)
        await until(lambda: sum("exit code 3" in event.text for event in events) >= 2)
        await supervisor.stop()

    run(scene)
    delays = [event.text.rsplit(" in ", 1)[1] for event in events if " in " in event.text]
    assert delays[:3] == ["0.25 s", "0.5 s", "1 s"]


def test_delays_are_bounded() -> None:
    assert [delay_s(failures) for failures in (1, 2, 3, 4)] == [0.25, 0.5, 1.0, 2.0]
    assert delay_s(20) == delay_s(10_000) == LONGEST_DELAY_S


def test_a_child_that_dies_while_starting_is_not_retried(tmp_path: Path) -> None:
    async def scene() -> None:
        supervisor = Supervisor(tmp_path)
        code = "print('the port is gone', flush=True)\nsys.exit(7)"
        with pytest.raises(StartFailed) as failure:
            await supervisor.start(child("gateway", code, tmp_path, ready=never))
        assert "gateway stopped while starting (exit code 7): the port is gone" in str(
            failure.value
        )
        assert str(tmp_path / "gateway.log") in str(failure.value)
        assert [state.state for state in supervisor.states()] == ["stopped"]
        await supervisor.stop()

    run(scene)


def test_a_child_that_never_gets_ready_fails_the_start(tmp_path: Path) -> None:
    async def scene() -> None:
        supervisor = Supervisor(tmp_path)
        waiting = child("gateway", "signal.pause()", tmp_path, ready=never, ready_s=0.2)
        with pytest.raises(StartFailed, match="gateway was not ready"):
            await supervisor.start(waiting)
        await supervisor.stop()
        assert supervisor.states()[0].state == "stopped"

    run(scene)


def test_a_missing_program_is_one_sentence(tmp_path: Path) -> None:
    async def scene() -> None:
        supervisor = Supervisor(tmp_path)
        missing = Child("postgrest", (str(tmp_path / "nothing"),), {}, tmp_path)
        with pytest.raises(StartFailed, match=r"postgrest cannot be started: .*No such file"):
            await supervisor.start(missing)
        await supervisor.stop()

    run(scene)


def test_a_child_that_does_not_stop_is_killed_and_reported(tmp_path: Path) -> None:
    events: list[Event] = []
    stubborn = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / "begun").write_text(f"{name} {os.getpid()}")
while True:
    signal.pause()
"""

    async def scene() -> None:
        supervisor = Supervisor(tmp_path, on_event=events.append)
        ready = has_begun(tmp_path, "worker")
        await supervisor.start(child("worker", stubborn, tmp_path, ready=ready, stop_s=0.2))
        await supervisor.stop()

    run(scene)
    assert events == [Event("worker", "did not stop in 0.2 s and was killed")]
    pid = int(lines(tmp_path / "begun")[0].split()[1])
    assert not psutil.pid_exists(pid)


def test_a_stop_while_a_child_waits_for_its_restart_does_not_start_it(tmp_path: Path) -> None:
    events: list[Event] = []

    async def scene() -> None:
        supervisor = Supervisor(tmp_path, on_event=events.append)
        await supervisor.start(steady("worker", tmp_path))
        pid = supervisor.states()[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: bool(events))
        await supervisor.stop()

    run(scene)
    assert len(lines(tmp_path / "begun")) == 1


def test_a_long_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_bytes(b"x" * (10 * 1024 * 1024 + 1))

    async def scene() -> None:
        supervisor = Supervisor(tmp_path)
        await supervisor.start(steady("worker", tmp_path))
        await supervisor.stop()

    run(scene)
    assert (tmp_path / "worker.log").stat().st_size == 0
    assert (tmp_path / "worker.log.1").stat().st_size > 10 * 1024 * 1024


def test_every_change_is_told_with_all_children(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    async def scene() -> None:
        supervisor = Supervisor(
            tmp_path, on_change=lambda states: seen.append([state.state for state in states])
        )
        await supervisor.start(steady("first", tmp_path), steady("second", tmp_path))
        await supervisor.stop()

    run(scene)
    assert ["running", "running"] in seen
    assert seen[-1] == ["stopped", "stopped"]


def test_exits_are_put_into_words() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "killed by SIGKILL"


SUPERVISES = """
import asyncio, pathlib, signal, sys
from salesdash.supervisor import Supervisor
from tests.supervisor.children import WRITES_ITS_END, child, has_begun

async def main():
    folder = pathlib.Path(sys.argv[1])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    supervisor = Supervisor(folder)
    ready = has_begun(folder, "worker")
    await supervisor.start(child("worker", WRITES_ITS_END, folder, ready=ready))
    print("ready", flush=True)
    await stop.wait()
    await supervisor.stop()

asyncio.run(main())
"""


@pytest.fixture
def supervising(tmp_path: Path):
    """A supervisor in a process group of its own, as under a terminal, with one child."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISES, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_ctrl_c_reaches_the_supervisor_alone(supervising, tmp_path: Path) -> None:
    os.killpg(supervising.pid, signal.SIGINT)
    assert supervising.wait(DEADLINE_S) == 0
    assert lines(tmp_path / "ended") == ["worker SIGTERM"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's own help")
def test_a_killed_supervisor_leaves_no_orphans(supervising, tmp_path: Path) -> None:
    orphan = psutil.Process(int(lines(tmp_path / "begun")[0].split()[1]))
    supervising.kill()
    supervising.wait()
    gone, alive = psutil.wait_procs([orphan], DEADLINE_S)
    assert (len(gone), alive) == (1, [])
    assert lines(tmp_path / "ended") == ["worker SIGTERM"]


@pytest.fixture
def left_behind():
    process = subprocess.Popen([sys.executable, "-SEc", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_orphans_of_an_earlier_run_are_ended(left_behind) -> None:
    started_at = psutil.Process(left_behind.pid).create_time()
    recorded = ProcessState("worker", left_behind.pid, "running", 0, started_at)
    gone = ProcessState("gateway", None, "stopped")
    assert end_orphans((recorded, gone)) == ["worker"]
    assert left_behind.wait(DEADLINE_S) == -signal.SIGTERM


def test_a_stranger_with_a_recorded_number_is_left_alone(left_behind) -> None:
    recorded = ProcessState("worker", left_behind.pid, "running", 0, time.time() - 86_400)
    assert end_orphans((recorded,)) == []
    assert left_behind.poll() is None
