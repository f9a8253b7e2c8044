"""`salesdash webhooks`: the inbox, as the operator sees it, and replays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer
from psycopg.rows import dict_row
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from salesdash import wiring
from salesdash.cli.output import CommandFailed, console, data, plain
from salesdash.home import home_of
from salesdash.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Look at webhook deliveries, and replay them.")

POLL_S = 0.5

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Org = Annotated[str | None, typer.Option("--org", help="Slug of an organization.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
OneConnection = Annotated[UUID | None, typer.Option("--connection", help="Id of a connection.")]

Row = dict[str, Any]


class Status(StrEnum):
    """How a delivery stands."""

    processed = "processed"
    queued = "queued"
    ignored = "ignored"
    dead = "dead"


@app.command("list")
def list_deliveries(
    *,
    organization: Org = None,
    connection: OneConnection = None,
    status: Annotated[Status | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List stored deliveries, newest first."""
    _list(organization, connection, status, limit, as_json=as_json)


@app.command("dead")
def list_dead(
    *,
    organization: Org = None,
    connection: OneConnection = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries that have been given up, newest first."""
    _list(organization, connection, Status.dead, limit, as_json=as_json)


@app.command("show")
def show(
    delivery: Annotated[UUID, typer.Argument(help="Id of a stored delivery.")],
    body: Annotated[
        bool, typer.Option("--body", help="What was sent, too, card and token fields masked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery: what it was, and what was decided and why."""
    with _operator() as operator:
        found = _rows(
            operator,
            "select w.id, o.slug as organization, w.connection_id, w.provider, w.provider_event_id,"
            " w.event_type, w.livemode, w.occurred_at, w.received_at, w.is_late, w.status,"
            " w.attempts, w.next_attempt_at, w.processed_at, w.error, w.lead_id, w.event_id,"
            " w.payment_id, w.steps, case when %s then app.mask_body(w.body) end as body"
            "  from app.webhook_events as w join app.organizations as o on o.id = w.organization_id"
            " where w.id = %s",
            body,
            delivery,
        )
    if not found:
        raise CommandFailed(f"There is no delivery {delivery}.")
    if as_json:
        data(found[0])
        return
    steps = found[0].pop("steps")
    for name, value in found[0].items():
        if value is not None:
            plain(f"{name}: {value}")
    for step in steps:
        plain(f"  {step.get('what')}: {step.get('decided')} ({step.get('because')})")


@app.command("replay")
def replay(
    *,
    connection: Annotated[UUID, typer.Option(help="Whose deliveries: id of a connection.")],
    since: Annotated[str, typer.Option(help="Since when, in ISO 8601; UTC unless it says so.")],
    organization: Org = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait, and show how far it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Process again what a connection has received since an instant.

    The worker does it; with --follow the exit code is 1 unless it succeeds, and Ctrl-C leaves the
    replay running.
    """
    with _operator() as operator:
        owners = _rows(
            operator,
            "select o.id from app.webhook_connections as c"
            "  join app.organizations as o on o.id = c.organization_id"
            " where c.id = %s and (%s::text is null or o.slug = %s)",
            connection,
            organization,
            organization,
        )
        if len(owners) != 1:
            raise CommandFailed(f"There is no connection {connection}, or --org is needed.")
        (asked,) = _rows(
            operator,
            "select app.enqueue_replay(%s, %s, %s::timestamptz) as id",
            owners[0]["id"],
            connection,
            since,
        )
        run = _run(operator, owners[0]["id"], asked["id"])
        if follow:
            run = _follow(operator, owners[0]["id"], asked["id"], quiet=as_json)
    if as_json:
        data(run)
    else:
        plain(f"Run {run['id']}: {run['state']}{_summary(run)}")
    if follow and run["state"] != "succeeded":
        raise typer.Exit(1)


def _list(
    organization: str | None,
    connection: UUID | None,
    status: Status | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    with _operator() as operator:
        rows = _rows(
            operator,
            "select w.id, o.slug as organization, w.connection_id, w.provider, w.event_type,"
            " w.received_at, w.status, w.attempts, w.error"
            "  from app.webhook_events as w join app.organizations as o on o.id = w.organization_id"
            " where (%(slug)s::text is null or o.slug = %(slug)s)"
            "   and (%(connection)s::uuid is null or w.connection_id = %(connection)s)"
            "   and (%(status)s::text is null or w.status = %(status)s)"
            " order by w.id desc limit %(limit)s",
            slug=organization,
            connection=connection,
            status=status and status.value,
            limit=limit,
        )
    if as_json:
        data(rows)
        return
    for row in rows:
        error = f"  {row['error']}" if row["error"] else ""
        plain(
            f"{row['id']}  {row['received_at']:%Y-%m-%d %H:%M:%S}  {row['organization']}"
            f"  {row['provider']}  {row['status']:9}  {row['event_type']}{error}"
        )
    if not rows:
        plain("No deliveries.")


def _follow(operator: psycopg.Connection, organization_id: UUID, id_: UUID, *, quiet: bool) -> Row:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet,
    ) as progress:
        bar = progress.add_task("waiting for a worker", total=None)
        while True:
            run = _run(operator, organization_id, id_)
            state = {"queued": "waiting for a worker", "running": "replaying"}
            progress.update(
                bar,
                completed=run["progress_done"],
                total=run["progress_total"],
                description=state.get(run["state"], run["state"]),
            )
            if run["finished_at"] is not None:
                return run
            time.sleep(POLL_S)


def _run(operator: psycopg.Connection, organization_id: UUID, id_: UUID) -> Row:
    (run,) = _rows(
        operator,
        "select r.id, r.state, r.progress_done, r.progress_total, r.counts, r.error, r.finished_at"
        "  from app.sync_runs as r where r.organization_id = %s and r.id = %s",
        organization_id,
        id_,
    )
    return run


def _summary(run: Row) -> str:
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(run["counts"].items()))
    return (f" ({told})" if told else "") + (f": {run['error']}" if run["error"] else "")


def _rows(
    operator: psycopg.Connection, query: str, *arguments: object, **named: object
) -> list[Row]:
    with operator.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query.encode(), named or arguments)
        return cursor.fetchall()


@contextmanager
def _operator() -> Iterator[psycopg.Connection]:
    """The owner of everything, through the operator's login; every statement commits."""
    settings = load_settings()
    url = wiring.fill(settings, home_of(settings)).required("database_url")
    with psycopg.connect(
        url, connect_timeout=5, autocommit=True, options="-c timezone=UTC"
    ) as connection:
        connection.execute("set role salesdash")
        try:
            yield connection
        except psycopg.errors.DataError as error:
            raise CommandFailed(
                f"The database refuses a value: {error.diag.message_primary}."
            ) from None
        except psycopg.DatabaseError as error:
            if not (error.sqlstate or "").startswith("PT"):
                raise
            told = (error.diag.message_primary, error.diag.message_detail)
            raise CommandFailed(" ".join(filter(None, told))) from None
