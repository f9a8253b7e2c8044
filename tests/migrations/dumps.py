"""Schemas as text, to compare how they came about."""

import re
import subprocess

from salesdash.postgres import tool


def schema_of(url: str) -> str:
    """Everything but the tools' own tables, as pg_dump writes it."""
    done = subprocess.run(
        [
            tool("pg_dump"),
            "--schema-only",
            "--restrict-key=x",
            "--exclude-schema=deploy",
            "--exclude-schema=sqitch",
            url,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def statements(dump: str) -> set[str]:
    """The statements of a dump, to show what two of them do not share."""
    return set(re.split(r";\n", dump))
