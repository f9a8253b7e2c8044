"""`salesdash db`: the schema of one database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import typer
from rich.table import Table

from salesdash import deploy, postgres, wiring
from salesdash.cli.output import CommandFailed, console, data, plain
from salesdash.deploy import sqitch
from salesdash.home import ROOT, home_of
from salesdash.settings import load_settings

DB = ROOT / "db"
PLAN = ROOT / "sqitch.plan"

app = typer.Typer(no_args_is_help=True, help="The schema: deploy it, look at it, take it back.")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class Target(NamedTuple):
    """The database that the settings name, and the logins whose passwords we chose."""

    url: str
    logins: tuple[deploy.Login, ...]


@contextmanager
def target() -> Iterator[Target]:
    """The database of the settings; an embedded server that is down is started for the while."""
    settings = load_settings()
    home = home_of(settings)
    logins = tuple(
        deploy.Login(login.role, login.password)
        for login in wiring.generated_logins(settings, home)
    )
    found = Target(wiring.fill(settings, home).required("database_url"), logins)
    server = wiring.embedded_server(settings, home)
    if server is None or postgres.is_running(server):
        yield found
        return
    with home.locked(), (home.logs / "postgres.log").open("ab") as log:
        process = postgres.start(postgres.prepare(server), log)
        try:
            postgres.wait_ready(server, process)
            postgres.bootstrap(server)
            yield found
        finally:
            postgres.stop(process)


@contextmanager
def told(json: bool) -> Iterator[deploy.Progress]:
    """Say on the terminal what is being done, unless the result is for a program."""
    if json:
        yield lambda _stage, _name: None
        return
    with console.status("connecting") as status:
        yield lambda stage, name: status.update(f"{stage} {name}")


@app.command("deploy")
def deploy_(json: Json = False) -> None:
    """Apply pending migrations, then functions, views, triggers and policies that changed."""
    with target() as database, told(json) as progress:
        report = deploy.deploy(database.url, DB, logins=database.logins, progress=progress)
    _print(report, json)


@app.command()
def apply(json: Json = False) -> None:
    """As deploy, without migrations: after `sqitch deploy`, or after a rollback."""
    with target() as database, told(json) as progress:
        report = deploy.apply(database.url, DB, logins=database.logins, progress=progress)
    _print(report, json)


@app.command()
def rollback(
    steps: Annotated[int, typer.Option(min=1, help="How many migrations, newest first.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Take back the newest migrations, and with them the data they hold."""
    _confirm(yes, f"Roll back {steps} migration(s), with the data they hold?")
    with target() as database, told(json) as progress:
        report = deploy.rollback(database.url, DB, steps=steps, progress=progress)
    _print(report, json)
    if not json:
        plain("Functions, views, triggers and policies are dropped; `salesdash db apply` of the")
        plain("release that fits the remaining migrations makes them again.")


@app.command()
def status(json: Json = False) -> None:
    """Compare the database with the files. Exit code 1 when a deploy would change something."""
    with target() as database:
        found = deploy.status(database.url, DB)
    if json:
        data(asdict(found) | {"is_current": found.is_current})
    else:
        table = Table("What", "State", box=None, pad_edge=False)
        table.add_row("Server", f"Postgres {found.server_version}")
        table.add_row("Deployed by", found.tool)
        for name in found.applied:
            unknown = " (its files are not here)" if name in found.unknown else ""
            table.add_row(name, f"applied{unknown}")
        for name in found.pending:
            table.add_row(name, "[yellow]pending[/yellow]")
        for name in found.changed:
            table.add_row(name, "[yellow]changed[/yellow]")
        for name in found.gone:
            table.add_row(name, "[yellow]gone[/yellow]")
        console.print(table)
        plain("Up to date." if found.is_current else "`salesdash db deploy` brings it up to date.")
    raise typer.Exit(0 if found.is_current else 1)


@app.command()
def verify(json: Json = False) -> None:
    """Check that everything that counts as applied is really there. Exit code 1 when it is not."""
    with target() as database, told(json) as progress:
        report = deploy.verify(database.url, DB, progress=progress)
    if json:
        data(asdict(report))
    else:
        for finding in report.findings:
            plain(f"{finding.name}: {finding.message}")
        plain(f"{report.checked} migrations verified, {len(report.findings)} findings.")
    raise typer.Exit(1 if report.findings else 0)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, json: Json = False
) -> None:
    """Delete the database with all its data, and deploy it anew."""
    _confirm(yes, "Delete the database with all its data?")
    with target() as database, told(json) as progress:
        deploy.reset(database.url)
        report = deploy.deploy(database.url, DB, logins=database.logins, progress=progress)
    _print(report, json)


@app.command()
def plan(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if out of step.")
    ] = False,
) -> None:
    """Bring sqitch.plan and the links in db/migrations/revert into step with the migrations."""
    if check:
        found = sqitch.differences(PLAN, DB / "migrations")
        for sentence in found:
            plain(sentence)
        raise typer.Exit(1 if found else 0)
    for sentence in sqitch.update(PLAN, DB / "migrations", now=datetime.now(UTC)):
        plain(sentence)


def _confirm(yes: bool, question: str) -> None:
    if yes:
        return
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise CommandFailed("Nobody is there to answer: say --yes.") from None
    if not agreed:
        raise typer.Exit(1)


def _print(report: deploy.DeployReport, json: bool) -> None:
    if json:
        data(asdict(report) | {"changed": report.changed})
        return
    for name in report.migrations:
        plain(f"migration  {name}")
    for name in report.files:
        plain(f"file       {name}")
    for name in report.dropped:
        plain(f"dropped    {name}")
    for name in report.passwords:
        plain(f"password   {name}")
    plain(
        f"{len(report.migrations)} migrations, {len(report.files)} files in {report.seconds:.1f} s"
        if report.changed
        else f"Nothing to do ({report.seconds:.1f} s)."
    )
