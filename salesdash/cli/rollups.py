"""`salesdash rollups …`: the sums that numbers are read from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import namedtuple_row

from salesdash import wiring
from salesdash.cli.output import CommandFailed, data, plain
from salesdash.home import home_of
from salesdash.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The sums that numbers are read from.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Slug = Annotated[
    str | None, typer.Option(help="Short name of one organization; else all.", show_default=False)
]
DIFFERENT = 4


@app.command("status")
def status(organization: Slug = None, as_json: AsJson = False) -> None:
    """Show whose rollups are built, and how many changes wait to be counted into them."""
    with _owner() as connection:
        found = connection.execute(
            "select o.slug as organization, r.built_at, count(c.id) as changes,"
            "       min(uuid_extract_timestamp(c.id)) as waiting_since"
            "  from app.metric_rollups as r"
            "  join app.organizations as o on o.id = r.organization_id"
            "  left join app.metric_changes as c on c.organization_id = r.organization_id"
            " where o.slug = coalesce(%s, o.slug)"
            " group by o.slug, r.built_at order by o.slug",
            (organization,),
        ).fetchall()
    if organization is not None and not found:
        raise CommandFailed(f"There is no organization with the slug {organization}.")
    if as_json:
        data([row._asdict() for row in found])
        return
    for row in found:
        built = "not built" if row.built_at is None else f"built {row.built_at:%Y-%m-%d %H:%M}"
        since = "" if row.waiting_since is None else f" since {row.waiting_since:%H:%M:%S}"
        plain(f"{row.organization}  {built}  {row.changes} changes{since}")


@app.command("verify")
def verify(organization: Slug = None, as_json: AsJson = False) -> None:
    """Count every row again. Exit code 4, and each sum that is wrong, when one is."""
    wrong: list[dict[str, Any]] = []
    with _owner() as connection:
        for slug, key in _organizations(connection, organization):
            built = connection.execute("select app.has_rollup(%s) as is_true", (key,)).fetchone()
            if built is None or not built.is_true:
                if not as_json:
                    plain(f"{slug}: not built: numbers come from the base rows until it is")
                continue
            found = connection.execute("select * from app.rollup_differences(%s)", (key,))
            rows = [{"organization": slug, **row._asdict()} for row in found.fetchall()]
            wrong += rows
            if not as_json:
                plain(f"{slug}: {len(rows)} differences" if rows else f"{slug}: exact")
                for row in rows:
                    plain("  " + "  ".join(str(value) for value in list(row.values())[1:]))
    if as_json:
        data(wrong)
    if wrong:
        raise typer.Exit(DIFFERENT)


@app.command("rebuild")
def rebuild(organization: Slug = None) -> None:
    """Count everything from nothing, one organization at a time. Numbers stay right."""
    with _owner() as connection:
        known = _organizations(connection, organization)
        for number, (slug, key) in enumerate(known, 1):
            row = connection.execute("select app.build_rollup(%s) as done", (key,)).fetchone()
            connection.commit()
            if row is None or not row.done:
                raise CommandFailed(f"The rollup of {slug} is being folded. Try again.")
            plain(f"{number}/{len(known)} {slug}: built")


def _organizations(connection: psycopg.Connection[Any], slug: str | None) -> list[tuple[str, Any]]:
    found = connection.execute(
        "select o.slug, o.id from app.organizations as o"
        " where o.slug = coalesce(%s, o.slug) and o.deleted_at is null order by o.slug",
        (slug,),
    ).fetchall()
    if slug is not None and not found:
        raise CommandFailed(f"There is no organization with the slug {slug}.")
    return [(row.slug, row.id) for row in found]


@contextmanager
def _owner() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner of everything; what is read and written is one transaction."""
    given = load_settings()
    settings = wiring.fill(given, home_of(given))
    with psycopg.connect(
        settings.required("database_url"), connect_timeout=5, row_factory=namedtuple_row
    ) as connection:
        connection.execute("set role salesdash")
        connection.commit()
        yield connection
