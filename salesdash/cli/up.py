"""`salesdash up`: start everything and stay."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salesdash.cli.output import console, expected, plain
from salesdash.demo import load
from salesdash.home import State, home_of
from salesdash.settings import load_settings
from salesdash.supervisor import Event
from salesdash.up import PortTaken, Reporter, Up

expected.append(PortTaken)

SHOWN_ROLES = ("admin", "closer", "setter")


def up() -> None:
    """Start Postgres, PostgREST, the gateway and the worker; stop them with Ctrl-C.

    The first start makes the state folder, its keys, the schema and two demo organizations
    (DEMO=0 leaves those out). Exit code 0 after Ctrl-C, 1 when something cannot start.
    """
    settings = load_settings()
    home = home_of(settings).create()
    asyncio.run(Up(settings, home, TerminalReporter(), demo=load).run())


class TerminalReporter(Reporter):
    """Tells a person at a terminal."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def step(self, text: str) -> None:
        console.print(f"[green]✓[/green] {escape(text)}", soft_wrap=True)

    def event(self, event: Event) -> None:
        line = f"{time.strftime('%H:%M:%S')} {event.child} {event.text}"
        console.print(f"[yellow]{escape(line)}[/yellow]", soft_wrap=True)

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Callable[[int, int], None]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def ready(self, state: State) -> None:
        console.print(f"\nReady after {time.monotonic() - self._begun:.1f} s\n")
        console.print(urls(state))
        if state.logins:
            console.print(logins(state))
        for line in copyable(state):
            plain(line)
        console.print("\nCtrl-C stops everything; `salesdash status` shows it from elsewhere.")


def urls(state: State) -> Table:
    """Where everything answers."""
    table = Table("What", "Where", box=None, pad_edge=False)
    table.add_row("Application", f"{state.gateway_url}/")
    table.add_row("REST", f"{state.rest_url}")
    table.add_row("Sign-in", f"{state.gateway_url}/auth/v1")
    table.add_row("Webhooks", f"{state.gateway_url}/hooks/{{provider}}/{{connection}}")
    table.add_row("Readiness", f"{state.gateway_url}/readyz")
    if "postgres" in state.ports:
        table.add_row("Postgres", f"127.0.0.1:{state.ports['postgres']} (salesdash status --json)")
    return table


def logins(state: State) -> Table:
    """One demo login of each kind that people try first."""
    table = Table("Login", "Password", "May", box=None, pad_edge=False)
    for login in first_of_each(state):
        table.add_row(str(login["email"]), str(login["password"]), str(login["role"]))
    return table


def first_of_each(state: State) -> list[Mapping[str, Any]]:
    """The first login of each shown role."""
    found = (
        next((login for login in state.logins if login["role"] == role), None)
        for role in SHOWN_ROLES
    )
    return [login for login in found if login is not None]


def copyable(state: State) -> list[str]:
    """Lines to copy: settings of the frontends, and a first request."""
    lines = [
        "",
        f"VITE_SUPABASE_URL={state.gateway_url}",
        f"VITE_SUPABASE_PUBLISHABLE_KEY={state.anon_key}",
        "VITE_SUPABASE_PROJECT_ID=salesdash",
    ]
    shown = first_of_each(state)
    if shown:
        login = shown[0]
        curl = (
            f"curl -s '{state.gateway_url}/auth/v1/token?grant_type=password' "
            f"-H 'apikey: {state.anon_key}' -H 'content-type: application/json' "
            f'-d \'{{"email":"{login["email"]}","password":"{login["password"]}"}}\''
        )
        lines += ["", curl]
    return lines
