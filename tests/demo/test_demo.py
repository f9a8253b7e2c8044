"""The demo: the same story every time, and whole."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from salesdash import demo
from salesdash.demo.cast import COMPANIES, NORTHWIND
from salesdash.demo.load import DemoResult
from salesdash.demo.story import calls
from salesdash.settings import Settings
from tests.fixtures.databases import Database

NOW = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
SETTINGS = Settings(encryption_master_key=base64.b64encode(bytes(32)).decode())


@pytest.fixture(scope="module")
def told(database: Database) -> DemoResult:
    return demo.load(database.deployer_url, SETTINGS, lambda _done, _total: None, now=NOW)


@pytest.fixture
def connection(database: Database, told: DemoResult) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.deployer_url) as connection:
        connection.execute("set role salesdash")
        yield connection


def test_the_same_seed_and_day_tell_the_same_story() -> None:
    def story(seed: int, today: date) -> list[object]:
        return list(calls(NORTHWIND, seed=seed, today=today, now=NOW))

    assert story(7, NOW.date()) == story(7, NOW.date())
    assert story(7, NOW.date()) != story(8, NOW.date())


def test_a_later_hour_of_the_day_changes_nothing_that_had_happened() -> None:
    early = list(calls(NORTHWIND, seed=7, today=NOW.date(), now=NOW))
    later = list(calls(NORTHWIND, seed=7, today=NOW.date(), now=NOW.replace(hour=22)))
    assert [c.email for c in early] == [c.email for c in later]
    old = [
        (a, b)
        for a, b in zip(early, later, strict=True)
        if a.scheduled_at.date() < date(2026, 4, 1)
    ]
    assert old
    assert all(a.outcome == b.outcome for a, b in old)


def test_everybody_who_was_promised_can_sign_in(told: DemoResult) -> None:
    logins = told.logins
    organizations = {login["organization_id"] for login in logins if login["organization_id"]}
    places: dict[str, set[tuple[str, str]]] = {}
    for login in logins:
        places.setdefault(login["user_id"], set()).add((login["role"], login["organization_id"]))

    assert len(organizations) == 2
    for organization in organizations:
        only = [next(iter(p)) for p in places.values() if len(p) == 1]
        assert only.count(("admin", organization)) == 1
        assert only.count(("closer", organization)) >= 2
        assert only.count(("setter", organization)) >= 1
    assert sorted(role for place in places.values() if len(place) == 2 for role, _ in place) == [
        "admin",
        "closer",
    ]
    assert [login["role"] for login in logins].count("super_admin") == 1
    assert {c["provider"] for c in told.connections} == {"stripe"}


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("reschedules", "select count(*) from app.events where rescheduled_from_id is not null"),
        ("no-shows", "select count(*) from app.events where call_status = 'no_show'"),
        ("closes", "select count(*) from app.events where event_outcome = 'closed'"),
        (
            "a duplicate booking",
            "select count(*) from app.events where duplicate_of_id is not null",
        ),
        ("refunds", "select count(*) from app.payment_refunds where kind = 'refund'"),
        (
            "an unattributed payment",
            "select count(*) from app.payments where attribution_method = 'none'",
        ),
        (
            "attributed payments",
            "select count(*) from app.payments where source = 'stripe' and closer_id is not null",
        ),
        (
            "forms that are missing",
            "select count(*) from app.events where call_status = 'scheduled'",
        ),
    ],
)
def test_the_demo_shows(connection: psycopg.Connection, what: str, query: str) -> None:
    for company in COMPANIES:
        organization = connection.execute(
            "select id from app.organizations where slug = %s", [company.slug]
        ).fetchone()
        assert organization is not None
        scoped = query + " and organization_id = %s"
        row = connection.execute(scoped.encode(), [organization[0]]).fetchone()
        assert row is not None
        assert row[0] > 0, f"{company.name} has no {what}"


def test_every_delivery_of_the_demo_was_carried_out(connection: psycopg.Connection) -> None:
    statuses = connection.execute("select distinct status from app.webhook_events").fetchall()
    assert statuses == [("processed",)]


def test_credits_add_up_to_the_payments_they_split(connection: psycopg.Connection) -> None:
    wrong = connection.execute(
        """
        select p.id from app.payments as p
          join app.payment_credits as c
            on c.organization_id = p.organization_id and c.payment_id = p.id
         group by p.organization_id, p.id, c.role, p.amount_base
        having sum(c.amount_base) <> p.amount_base or sum(c.share) <> 1
        """
    ).fetchall()
    assert wrong == []
