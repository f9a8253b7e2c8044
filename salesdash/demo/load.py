"""Telling the demo's story to the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from salesdash.demo.cast import COMPANIES
from salesdash.demo.people import People
from salesdash.demo.routine import captures, leads
from salesdash.demo.sales import Sales
from salesdash.demo.story import calls
from salesdash.demo.writer import Writer
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings

SEED = 7
ANALYZE_AFTER = (10, 100, 400)


@dataclass(frozen=True)
class DemoResult:
    """What was made, for the state file: see `People` for the keys."""

    logins: list[Mapping[str, Any]]
    connections: list[Mapping[str, Any]]


def load(
    database_url: str,
    settings: Settings,
    progress: Callable[[int, int], None],
    *,
    seed: int = SEED,
    now: datetime | None = None,
) -> DemoResult:
    """Fill an empty database in one transaction. database_url: a login that may act as salesdash.

    progress: called with (done, total) calls. now: the story ends here; the same seed and now tell
    the same story, whatever ids and passwords it gets.
    """
    ends_at = now or datetime.now(UTC)
    today = {c: ends_at.astimezone(ZoneInfo(c.timezone)).date() for c in COMPANIES}
    stories = {c: list(calls(c, seed=seed, today=today[c], now=ends_at)) for c in COMPANIES}
    total, done = sum(map(len, stories.values())), 0
    with psycopg.connect(database_url) as connection:
        connection.execute("set role salesdash")
        writer = Writer(connection)
        people = People(writer, SecretBox(settings.required("encryption_master_key")))
        rosters = people.make()
        for company, story in stories.items():
            sales = Sales(writer, company, rosters[company.slug], ends_at)
            for call in story:
                sales.tell(call)
                done += 1
                if done in ANALYZE_AFTER:  # in one transaction nobody else would
                    connection.execute("analyze")
                progress(done, total)
            sales.stranger_pays()
            sales.dial(leads(company, story, seed=seed))
            sales.capture(captures(company, story, seed=seed, today=today[company]))
        writer.call("jobs.fold_connection_stats")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        connection.execute("analyze")
    return DemoResult(people.logins, people.connections)
