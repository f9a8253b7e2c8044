"""`salesdash psql`: a SQL prompt."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict

from salesdash import wiring
from salesdash.cli.output import CommandFailed
from salesdash.home import home_of
from salesdash.settings import load_settings
from salesdash.tools import psql_program

VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Passed on to psql, after `--`.")
    ] = None,
) -> None:
    """Open psql as the deployer, who may `set role salesdash`."""
    settings = load_settings()
    program = psql_program()
    if program is None:
        raise CommandFailed("psql is not installed: install the Postgres client programs.")
    url = wiring.fill(settings, home_of(settings)).required("database_url")
    # Through the environment: arguments of a process can be read by every user of the machine.
    connection = {
        VARIABLES[name]: str(value)
        for name, value in conninfo_to_dict(url).items()
        if name in VARIABLES
    }
    os.execve(program, [program, *(arguments or [])], {**os.environ, **connection})  # noqa: S606
