"""`salesdash org …`, `salesdash user create`: the first people, before anybody can invite."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from salesdash import wiring
from salesdash.cli.output import CommandFailed, data, plain
from salesdash.home import home_of
from salesdash.passwords import MIN_CHARACTERS, derive
from salesdash.settings import load_settings

org = typer.Typer(no_args_is_help=True, help="Organizations.")
user = typer.Typer(no_args_is_help=True, help="People who can sign in.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Role(StrEnum):
    """What a person is in an organization."""

    owner = "owner"
    admin = "admin"
    member = "member"


@org.command("create")
def create_organization(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    slug: Annotated[str, typer.Option(help="Short name: lower case, digits, hyphens.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone of its days.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code of its money.")] = "USD",
    as_json: AsJson = False,
) -> None:
    """Create an organization with its default settings."""
    with _operator() as connection:
        organization_id = _value(
            connection,
            "select app.create_organization("
            "name => %(name)s, slug => %(slug)s, timezone => %(timezone)s,"
            " currency => %(currency)s)",
            {"name": name, "slug": slug, "timezone": timezone, "currency": currency.upper()},
        )
        _value(connection, "select app.add_default_lists(%(id)s)", {"id": organization_id})
    if as_json:
        data({"id": organization_id, "slug": slug})
    else:
        plain(f"Created organization {slug}: {organization_id}")


@org.command("suspend")
def suspend_organization(
    slug: Annotated[str, typer.Argument(help="Its short name.")],
    reason: Annotated[str, typer.Option(help="Why; the audit trail keeps it.")],
) -> None:
    """Stop an organization: nobody gets in, nothing runs, nothing is lost."""
    _change(slug, "select app.suspend_organization(%(id)s, %(reason)s)", reason)
    plain(f"Suspended {slug}.")


@org.command("resume")
def resume_organization(
    slug: Annotated[str, typer.Argument(help="Its short name.")],
    reason: Annotated[str, typer.Option(help="Why; the audit trail keeps it.")] = "",
) -> None:
    """Take a suspension back; everything goes on where it stopped."""
    _change(slug, "select app.resume_organization(%(id)s, %(reason)s)", reason)
    plain(f"Resumed {slug}.")


def _change(slug: str, query: str, reason: str) -> None:
    with _operator() as connection:
        _value(connection, query, {"id": _organization_id(connection, slug), "reason": reason})


@user.command("create")
def create_user(
    email: Annotated[str, typer.Argument(help="The address they sign in with.")],
    *,
    name: Annotated[str | None, typer.Option(help="Their full name.")] = None,
    organization: Annotated[
        str | None, typer.Option("--org", help="Slug of an organization they belong to.")
    ] = None,
    role: Annotated[Role, typer.Option(help="What they are in it.")] = Role.member,
    closer: Annotated[bool, typer.Option("--closer", help="On its roster of closers.")] = False,
    setter: Annotated[bool, typer.Option("--setter", help="On its roster of setters.")] = False,
    super_admin: Annotated[
        bool, typer.Option("--super-admin", help="Power over the whole platform.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They sign in by e-mailed link only.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a person. Without an option about it, a password is made up and printed once."""
    if organization is None and (closer or setter or role is not Role.member):
        raise CommandFailed("--role, --closer and --setter need --org.")
    password, is_generated = _password(from_stdin=password_stdin, none=no_password)
    with _operator() as connection:
        organization_id = _organization_id(connection, organization)
        user_id = _value(
            connection,
            "select app.create_user("
            "email => %(email)s, password_hash => %(password_hash)s, full_name => %(name)s)",
            {
                "email": email,
                "password_hash": None if password is None else derive(password),
                "name": name,
            },
        )
        if organization_id is not None:
            keys = {"organization_id": organization_id, "user_id": user_id}
            _value(
                connection,
                "select app.add_member(%(organization_id)s, %(user_id)s, %(role)s)",
                {**keys, "role": role.value},
            )
            if closer:
                _value(
                    connection, "select app.enroll_closer(%(organization_id)s, %(user_id)s)", keys
                )
            if setter:
                _value(
                    connection, "select app.enroll_setter(%(organization_id)s, %(user_id)s)", keys
                )
        if super_admin:
            _value(connection, "select app.grant_super_admin(%(id)s)", {"id": user_id})
    shown = password if is_generated else None
    if as_json:
        data({"id": user_id, "email": email, "password": shown})
        return
    plain(f"Created {email}: {user_id}")
    if shown is not None:
        plain(f"Password (shown once): {shown}")


def _password(*, from_stdin: bool, none: bool) -> tuple[str | None, bool]:
    """(the password, whether it was made up here)."""
    if none:
        return None, False
    if not from_stdin:
        return secrets.token_urlsafe(12), True
    given = sys.stdin.readline().rstrip("\n")
    if len(given) < MIN_CHARACTERS:
        raise CommandFailed(f"The password must have at least {MIN_CHARACTERS} characters.")
    return given, False


def _organization_id(connection: psycopg.Connection, slug: str | None) -> UUID | None:
    if slug is None:
        return None
    found: UUID | None = _value(
        connection,
        "select o.id from app.organizations as o where o.slug = %(slug)s and o.deleted_at is null",
        {"slug": slug},
    )
    if found is None:
        raise CommandFailed(f"There is no organization with the slug {slug}.")
    return found


@contextmanager
def _operator() -> Iterator[psycopg.Connection]:
    """One transaction as the owner of everything, through the operator's login."""
    settings = load_settings()
    url = wiring.fill(settings, home_of(settings)).required("database_url")
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("set role salesdash")
            yield connection
    except psycopg.errors.UniqueViolation as error:
        what = "address" if "email" in (error.diag.constraint_name or "") else "slug"
        raise CommandFailed(f"This {what} is taken already.") from None
    except psycopg.errors.CheckViolation as error:
        fact = (error.diag.constraint_name or "a constraint").replace("_", " ")
        raise CommandFailed(f"The database refuses a value: {fact}.") from None
    except psycopg.ProgrammingError as error:
        if not (error.sqlstate or "").startswith("PT"):
            raise
        told = (error.diag.message_primary, error.diag.message_detail)
        raise CommandFailed(" ".join(part for part in told if part)) from None
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise CommandFailed(f"The database does not answer: {reason}.") from None


def _value(connection: psycopg.Connection, query: str, arguments: dict[str, Any]) -> Any:
    row = connection.execute(query.encode(), arguments).fetchone()
    return None if row is None else row[0]
