"""`salesdash status`: what runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer
from rich.table import Table

from salesdash.cli.output import console, data
from salesdash.home import Home, ProcessState, State, home_of
from salesdash.settings import load_settings
from salesdash.supervisor import running

NOT_RUNNING = 3


@dataclass(frozen=True)
class Status:
    """What `status --json` prints: the state file, checked against the processes that exist."""

    running: bool
    state: State

    def as_json(self) -> dict[str, Any]:
        """One flat object: `running` beside the fields of the state file."""
        return {"running": self.running, **asdict(self.state)}


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything, logins and keys included, as JSON.")
    ] = False,
) -> None:
    """Show each process. Exit code 0 when all run, 3 when not."""
    found = current(home_of(load_settings()))
    if as_json:
        data(found.as_json())
    else:
        console.print(table(found))
    if not found.running:
        raise typer.Exit(NOT_RUNNING)


def current(home: Home) -> Status:
    """Read the state file and look whether what it says is still so."""
    state = home.read_state()
    pid = home.holder()
    processes = tuple(_checked(process) for process in state.processes)
    all_run = bool(processes) and all(process.state == "running" for process in processes)
    return Status(
        running=pid is not None and all_run,
        state=replace(state, supervisor_pid=pid, processes=processes),
    )


def _checked(recorded: ProcessState) -> ProcessState:
    if running(recorded) is not None:
        return recorded
    gone = "stopped" if recorded.state == "running" else recorded.state
    return replace(recorded, state=gone, pid=None, started_at=None)


def table(found: Status) -> Table:
    """The processes for a person."""
    shown = Table("Process", "State", "Process id", "Restarts", box=None, pad_edge=False)
    for process in found.state.processes:
        shown.add_row(process.name, process.state, str(process.pid or "-"), str(process.restarts))
    if found.running:
        shown.caption = f"{found.state.gateway_url}"
    elif not found.state.processes:
        shown.add_row("-", "never started here", "-", "-")
    return shown
