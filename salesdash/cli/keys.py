"""`salesdash keys`: the secrets of a deployment."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from salesdash.cli.output import data, plain
from salesdash.secretbox import generate_key
from salesdash.tokens import anon_key

app = typer.Typer(no_args_is_help=True, help="Secrets of a deployment.")


@app.callback()
def keys() -> None:
    """Secrets of a deployment."""


@app.command("generate")
def generate(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print a fresh JWT_SECRET, ENCRYPTION_MASTER_KEY and the ANON_KEY that goes with them.

    Nothing is stored: put the lines into the environment of the processes, or into `.env`.
    """
    secret = secrets.token_urlsafe(48)
    fresh = {
        "JWT_SECRET": secret,
        "ENCRYPTION_MASTER_KEY": generate_key(),
        "ANON_KEY": anon_key(secret),
    }
    if as_json:
        data(fresh)
        return
    for name, value in fresh.items():
        plain(f"{name}={value}")
