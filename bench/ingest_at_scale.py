"""The same deliveries amid ten million calls and a million leads, and amid ten thousand calls.

`python -m bench ingest-at-scale [calls] [leads]`: two databases of one server, interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import psycopg
from rich.console import Console

from bench.ingest import SQL, Side, gateway, load_scene, play
from bench.measure import Row
from bench.stack import Stack, running_stack
from salesdash.secretbox import generate_key

FEW = (10_000, 1_000)
MANY = (10_000_000, 1_000_000)
HOLD = 0.9
CROWDED = "crowded"


def measure(stack: Stack, many: tuple[int, int] = MANY) -> Row:
    """Load the scene once, copy the database, and put a crowd of each size around it."""
    key = generate_key()
    url, endpoints = load_scene(stack, key)
    crowded = _of_crowded(stack.superuser_url)
    with psycopg.connect(stack.superuser_url, dbname="postgres", autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'salesdash'"
        )
        connection.execute(f"create database {CROWDED} template salesdash owner salesdash")
    _crowd(stack.superuser_url, *FEW)
    _crowd(crowded, *many)
    with (
        gateway(stack, url, key) as few_port,
        gateway(stack, _of_crowded(url), key) as many_port,
    ):
        sides = [
            Side("few", few_port, "/hooks/stripe/"),
            Side("many", many_port, "/hooks/stripe/"),
        ]
        seen = play(stack.superuser_url, sides, endpoints)
    ratio = seen["many"].rate / seen["few"].rate
    return Row(
        f"signed webhook to attributed payment, {many[0]:,} calls and {many[1]:,} leads present",
        f"{seen['many'].rate:.0f}/s",
        f"{FEW[0]:,} calls and {FEW[1]:,} leads: {seen['few'].rate:.0f}/s",
        ratio,
        f"≥ {HOLD:.0%} of the rate",
        ratio >= HOLD,
    )


def _of_crowded(url: str) -> str:
    """The same login at the other database."""
    return urlsplit(url)._replace(path=f"/{CROWDED}").geturl()


def _crowd(url: str, calls: int, leads: int) -> None:
    """Put calls and leads around the scene, as a superuser and without triggers."""
    script = (SQL / "ingest_crowd.sql").read_text()
    for name, value in {"events": calls, "leads": leads}.items():
        script = script.replace(f":{name}", str(value))
    with psycopg.connect(url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute(script.encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum (freeze, analyze)")


def main(arguments: Sequence[str]) -> None:
    """`calls` and `leads` instead of ten and one million."""
    calls, leads = (int(number) for number in arguments) if arguments else MANY
    console = Console(stderr=True)
    with running_stack() as stack, console.status(f"loading {calls:,} calls, then measuring …"):
        row = measure(stack, (calls, leads))
    Console().print(f"{row.what}: {row.value}; {row.baseline}; ratio {row.ratio:.2f} ({row.hold})")
