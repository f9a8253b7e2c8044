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
LARGE, SMALL = 1, 40  # organization n has a share of the rows that is proportional to 1 / n


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

    def newest(self, view: str, *, own: bool = False) -> int:
        """Fetch the newest 50; return how many came."""
        query = {
            "organization_id": f"eq.{self.organization_id}",
            "order": "scheduled_at.desc",
            "limit": "50",
        }
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
    rows = []
    for size, organization in (("large", LARGE), ("small", SMALL)):
        admin, closer = Asker(stack, organization, 0), Asker(stack, organization, 3)
        _await_schema(admin)
        fast = medians(
            {
                "admin": lambda a=admin: a.newest("events"),
                "definer": lambda a=admin: a.newest("bench_definer_events"),
                "closer": lambda c=closer: c.newest("events"),
                "closer, own calls named": lambda c=closer: c.newest("events", own=True),
                "definer, own calls named": lambda c=closer: c.newest(
                    "bench_definer_events", own=True
                ),
            },
            rounds=300,
        )
        seed = medians(
            {
                "admin": lambda a=admin: a.newest("bench_seed_events"),
                "closer": lambda c=closer: c.newest("bench_seed_events"),
            },
            rounds=5,
        )
        pairs = (
            ("admin", fast["admin"], "definer view, no RLS", fast["definer"], 1.1),
            (
                "closer",
                fast["closer"],
                "definer view, own calls named",
                fast["definer, own calls named"],
                1.3,
            ),
            (
                "closer who names their own calls",
                fast["closer, own calls named"],
                "definer view, own calls named",
                fast["definer, own calls named"],
                1.3,
            ),
        )
        for who, value, name, baseline, most in pairs:
            ratio = value / baseline
            rows.append(
                Row(
                    f"newest 50 events, {size} organization, {who}",
                    f"{value:.2f} ms",
                    f"{name}: {baseline:.2f} ms",
                    ratio,
                    f"≤ {most} x the time",
                    ratio <= most,
                )
            )
        for who, value in (("admin", fast["admin"]), ("closer", fast["closer"])):
            ratio = seed[who] / value
            rows.append(
                Row(
                    f"newest 50 events, {size} organization, {who}, against the seed's policies",
                    f"{value:.2f} ms",
                    f"seed's literal policies: {seed[who]:.0f} ms",
                    ratio,
                    "≥ 500 x faster",
                    ratio >= 500,
                )
            )
    return rows
