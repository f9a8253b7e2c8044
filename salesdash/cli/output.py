"""What commands share: printing, and turning expected errors into one sentence."""

from __future__ import annotations

import json
import sys
from typing import Any

import psycopg
import typer
from rich.console import Console
from typer.core import TyperGroup

from salesdash.deploy import DeployFailed
from salesdash.home import HomeError
from salesdash.postgres import PostgresUnusable
from salesdash.settings import SettingsError
from salesdash.supervisor import StartFailed
from salesdash.tools import ToolMissing


class CommandFailed(Exception):
    """A command cannot do its work. The message is one sentence for the person who typed it."""


expected: list[type[Exception]] = [
    CommandFailed,
    DeployFailed,
    HomeError,
    PostgresUnusable,
    SettingsError,
    StartFailed,
    ToolMissing,
]
"""Exceptions whose message is written for the operator. Command modules append theirs."""

console = Console(highlight=False)


class SentenceGroup(TyperGroup):
    """A group whose commands may raise expected errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; exit 1 with a sentence for an expected error."""
        try:
            return super().invoke(ctx)
        except tuple(expected) as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            raise typer.Exit(1) from None
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
            print(f"error: The database does not answer: {reason}", file=sys.stderr)  # noqa: T201
            raise typer.Exit(1) from None


def plain(text: str = "") -> None:
    """Print a line as it is: never wrapped, coloured or interpreted, so it can be copied."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def data(value: Any) -> None:
    """Print JSON for other programs."""
    plain(json.dumps(value, indent=2, default=str))
