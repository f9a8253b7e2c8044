"""`salesdash analyst …`: database logins that read one organization's analytics."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import psycopg
import typer
from psycopg.rows import namedtuple_row

from salesdash import wiring
from salesdash.cli.output import CommandFailed, data, plain
from salesdash.home import home_of
from salesdash.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Database logins of analysts and BI tools.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LoginName = Annotated[str, typer.Argument(help="The login, as `analyst list` shows it.")]
Slug = Annotated[str, typer.Option(help="Short name of the organization.")]


class Made(NamedTuple):
    """A login with a password that was just made. url: for clients, with the password in it."""

    organization_id: UUID
    login: str
    name: str
    password: str
    url: str

    @property
    def sqlalchemy_url(self) -> str:
        """The same as SQLAlchemy reads it."""
        return "postgresql+psycopg" + self.url[self.url.index("://") :]


@app.command("create")
def create(
    organization: Slug,
    name: Annotated[str, typer.Option(help="Who or what it is for, such as Metabase.")],
    connections: Annotated[
        int, typer.Option(min=1, max=100, help="How many it may have at once.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Make a login that reads the organization's schema analytics. Its password is shown once."""
    password = secrets.token_urlsafe(24)
    with _deployer() as (settings, connection):
        organization_id = _organization_id(connection, organization)
        row = _row(
            connection,
            "select l.login_name, l.name from app.create_analyst_login(%s, %s, %s, %s, %s) as l",
            organization_id,
            name,
            _verifier(connection, password),
            connections,
            timedelta(seconds=settings.analyst_statement_limit_s),
        )
        made = _made(settings, organization_id, row.login_name, row.name, password)
    _show(made, f"Created the login {made.login} of {organization}: {made.name}.", as_json=as_json)


@app.command("rotate")
def rotate(login: LoginName, as_json: AsJson = False) -> None:
    """Give a login a new password, which is shown once, and end its sessions."""
    password = secrets.token_urlsafe(24)
    with _deployer() as (_, connection):
        _row(connection, "select app.lock_analyst_login(%s)", login)
    ended = _end_sessions(login)
    with _deployer() as (settings, connection):
        row = _row(
            connection,
            "select l.organization_id, l.name from app.rotate_analyst_login(%s, %s, %s) as l",
            login,
            _verifier(connection, password),
            timedelta(seconds=settings.analyst_statement_limit_s),
        )
        made = _made(settings, row.organization_id, login, row.name, password)
    _show(made, f"New password for {login}; {ended} sessions ended.", as_json=as_json)


@app.command("revoke")
def revoke(login: LoginName) -> None:
    """Take a login back: it reads nothing from now on, its sessions end, its role is dropped."""
    with _deployer() as (_, connection):
        _row(connection, "select * from app.revoke_analyst_login(%s)", login)
    ended = _end_sessions(login)
    with _deployer() as (_, connection):
        dropped = _row(connection, "select app.drop_analyst_role(%s) as done", login).done
    plain(f"Revoked {login}; {ended} sessions ended.")
    if not dropped:
        plain("Its role is kept by something in another database: it stays, locked.")


@app.command("list")
def list_logins(
    organization: Annotated[
        str | None, typer.Option(help="Short name of one organization; else all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the living logins, whose they are, and how many sessions each has now."""
    with _deployer() as (_, connection):
        one = None if organization is None else _organization_id(connection, organization)
        found = connection.execute(
            "select o.slug as organization, l.login_name as login, l.name, l.created_at,"
            "       l.rotated_at, count(a.pid) as sessions"
            "  from app.analyst_logins as l"
            "  join app.organizations as o on o.id = l.organization_id"
            "  left join pg_catalog.pg_stat_activity as a on a.usename = l.login_name"
            " where l.revoked_at is null and l.organization_id = coalesce(%s, l.organization_id)"
            " group by o.slug, l.organization_id, l.id order by o.slug, l.id",
            (one,),
        ).fetchall()
    if as_json:
        data([row._asdict() for row in found])
        return
    for row in found:
        plain(f"{row.login}  {row.organization}  {row.sessions} sessions  {row.name}")


def _show(made: Made, headline: str, *, as_json: bool) -> None:
    if as_json:
        data({**made._asdict(), "sqlalchemy_url": made.sqlalchemy_url})
        return
    plain(headline)
    plain(f"Password (shown once): {made.password}")
    plain()
    plain(f"  {made.url}")
    plain(f'  psql "{made.url}" -c "table events limit 10"')
    plain(f"  pandas.read_sql_table('events', sqlalchemy.create_engine('{made.sqlalchemy_url}'))")


def _made(settings: Settings, organization_id: UUID, login: str, name: str, password: str) -> Made:
    url = wiring.login_url(settings.required("database_url"), login, password)
    return Made(organization_id, login, name, password, url)


def _verifier(connection: psycopg.Connection[Any], password: str) -> str:
    """What the server keeps of a password: it never sees the password itself."""
    return connection.pgconn.encrypt_password(password.encode(), b"", b"scram-sha-256").decode()


def _end_sessions(login: str) -> int:
    """End them after what keeps them out is committed, so that none comes in between."""
    with _deployer() as (_, connection):
        ended: int = _row(connection, "select app.end_analyst_sessions(%s) as ended", login).ended
        return ended


def _organization_id(connection: psycopg.Connection[Any], slug: str) -> UUID:
    found = connection.execute(
        "select o.id from app.organizations as o where o.slug = %s and o.deleted_at is null",
        (slug,),
    ).fetchone()
    if found is None:
        raise CommandFailed(f"There is no organization with the slug {slug}.")
    organization_id: UUID = found.id
    return organization_id


@contextmanager
def _deployer() -> Iterator[tuple[Settings, psycopg.Connection[Any]]]:
    """One transaction as the operator's login itself: the owner of everything makes no roles."""
    given = load_settings()
    settings = wiring.fill(given, home_of(given))
    try:
        with psycopg.connect(
            settings.required("database_url"), connect_timeout=5, row_factory=namedtuple_row
        ) as connection:
            yield settings, connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise CommandFailed(
            "DATABASE_URL must be the login that deploys, with CREATEROLE:"
            f" {error.diag.message_primary}."
        ) from None
    except psycopg.ProgrammingError as error:
        if not (error.sqlstate or "").startswith("PT"):
            raise
        told = (error.diag.message_primary, error.diag.message_detail)
        raise CommandFailed(" ".join(part for part in told if part)) from None


def _row(connection: psycopg.Connection[Any], query: str, *arguments: object) -> Any:
    row = connection.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row
