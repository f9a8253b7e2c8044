"""What row-level security costs: newest 50 calls of an organization, as admin and as closer."""

from __future__ import annotations

import hashlib
import time
import uuid
from pathlib import Path

import httpx

from bench.measure import Row, medians
from bench.stack import Stack, run_as_superuser

SQL = Path(__file__).parent / "sql"
EVENTS, ORGANIZATIONS = 1_000_000, 100
LARGE, AVERAGE = 1, 19  # organization n has a share of 1 / n: 193,000 and 10,000 calls


def md5_uuid(text: str) -> str:
    """The id that the data set gives to a name."""
    return str(uuid.UUID(hashlib.md5(text.encode()).hexdigest()))  # an id, not a secret


def load(stack: Stack, *, events: int = EVENTS) -> None:
    """A million calls in a hundred organizations, and the same rows under the seed's policies."""
    run_as_superuser(
        stack, (SQL / "dataset.sql").read_text(), events=events, organizations=ORGANIZATIONS
    )
    run_as_superuser(stack, (SQL / "seed_policies.sql").read_text())


class Asker:
    """One signed-in person at PostgREST. number: 0 is the owner, 1 to 15 closers."""

    def __init__(self, stack: Stack, organization: int, number: int) -> None:
        user = md5_uuid(f"user{organization}:{number}")
        role = "org_admin" if number == 0 else "authenticated"
        token = stack.token(user, md5_uuid(f"session{user}"), role)
        self.organization_id = md5_uuid(f"organization{organization}")
        self.closer_id = md5_uuid(f"closer{organization}:{number}")
        self.client = httpx.Client(
            base_url=stack.rest_url, headers={"Authorization": f"Bearer {token}"}, timeout=120
        )

    def newest(self, view: str, *, own: bool = False, named: bool = True) -> int:
        """Fetch the newest 50; return how many came.

        own: the query names the closer. named: the query names the organization.
        """
        query = {"order": "scheduled_at.desc", "limit": "50"}
        if named:
            query["organization_id"] = f"eq.{self.organization_id}"
        if own:
            query["credited_closer_id"] = f"eq.{self.closer_id}"
        answer = self.client.get(f"/{view}", params=query)
        answer.raise_for_status()
        return len(answer.json())


def _await_schema(asker: Asker) -> None:
    ends_at = time.monotonic() + 60
    while asker.client.get("/bench_seed_events", params={"limit": "0"}).status_code == 404:
        if time.monotonic() > ends_at:
            raise TimeoutError("PostgREST did not reload its schema")
        time.sleep(0.1)


def measure(stack: Stack) -> list[Row]:
    """The first two rows of the numbers to hold."""
    _await_schema(Asker(stack, LARGE, 0))
    rows = []
    for size, organization in (("large", LARGE), ("average", AVERAGE)):
        rows += against_no_policies(
            size, Asker(stack, organization, 0), Asker(stack, organization, 3)
        )
    rows += against_the_seed(Asker(stack, AVERAGE, 0), Asker(stack, AVERAGE, 3))
    return rows


def against_no_policies(size: str, admin: Asker, closer: Asker) -> list[Row]:
    """The organization is named, as clients do; the baseline has the same columns and no policy.

    Each person has rounds of their own. A statement that two roles ask in turn over one connection
    is planned anew each time, through a definer view likewise (0.9 ms either way); asked in one
    round, only the statements that admin and closer share would have paid for it.
    """
    times = medians(
        {
            "admin": lambda: admin.newest("events"),
            "definer": lambda: admin.newest("bench_definer_events"),
        },
        rounds=300,
    ) | medians(
        {
            "closer": lambda: closer.newest("events"),
            "own": lambda: closer.newest("events", own=True),
            "definer own": lambda: closer.newest("bench_definer_events", own=True),
        },
        rounds=300,
    )
    return [
        Row(
            f"newest 50 events, {size} organization, {who}",
            f"{times[name]:.2f} ms",
            f"{says}: {times[baseline]:.2f} ms",
            times[name] / times[baseline],
            f"≤ {most} x the time",
            times[name] / times[baseline] <= most,
        )
        for who, name, says, baseline, most in (
            ("admin", "admin", "definer view", "definer", 1.1),
            (
                "closer who names their calls",
                "own",
                "definer view, the same query",
                "definer own",
                1.3,
            ),
            ("closer", "closer", "definer view, calls of the closer", "definer own", 1.3),
        )
    ]


def against_the_seed(admin: Asker, closer: Asker) -> list[Row]:
    """Nothing is named: the policies alone must find the rows."""
    times = medians(
        {
            "admin": lambda: admin.newest("events", named=False),
            "closer": lambda: closer.newest("events", named=False),
        },
        rounds=100,
    )
    seed = medians(
        {
            "admin": lambda: admin.newest("bench_seed_events", named=False),
            "closer": lambda: closer.newest("bench_seed_events", named=False),
        },
        rounds=5,
    )
    return [
        Row(
            f"newest 50 events the caller may see, average organization, {who}",
            f"{times[who]:.2f} ms",
            f"the seed's literal policies: {seed[who]:.0f} ms",
            seed[who] / times[who],
            "≥ 500 x faster",
            seed[who] / times[who] >= 500,
        )
        for who in ("admin", "closer")
    ]
