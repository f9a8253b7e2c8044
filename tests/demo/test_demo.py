"""The demo: the same story every time, and whole."""

import base64
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import psycopg
import pytest

from docs import analytics
from salesdash import demo
from salesdash.demo.cast import COMPANIES, NORTHWIND
from salesdash.demo.load import DemoResult
from salesdash.demo.story import calls
from salesdash.settings import Settings
from tests.analysts import analyst_login
from tests.fixtures.databases import Database
from tests.fixtures.processes import Rest
from tests.world import Person, World

NOW = analytics.NOW
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


def test_setters_dial_and_calendars_are_captured(connection: psycopg.Connection) -> None:
    for company in COMPANIES:
        rows = connection.execute(
            """
            with period as (
                select o.id, array[app.day_start('2026-04-01', o.timezone),
                                   app.day_start('2026-05-20', o.timezone)] as bounds
                  from app.organizations as o
                 where o.slug = %(slug)s)
            select m.metric, m.numerator, m.denominator
              from period as p
             cross join app.metric_values(p.id, p.bounds, %(now)s) as m
            union all
            select m.metric, m.numerator, m.denominator
              from period as p
             cross join app.setter_values(p.id, p.bounds, %(now)s) as m
            """,
            {"now": NOW, "slug": company.slug},
        ).fetchall()
        metrics = {name: (part, whole) for name, part, whole in rows}
        for rate in ("connect_rate", "contacted_within_5_min", "never_contacted", "utilization"):
            part, whole = metrics[rate]
            assert 0 < part < whole, rate
        assert metrics["speed_to_lead"][0] > 0
        assert metrics["talk_seconds"][0] > 0
        captured, missed, ahead = connection.execute(
            """
            select count(distinct s.day) filter (where s.day < '2026-05-20'),
                   61 - count(distinct s.day) filter (where s.day <= '2026-05-20'),
                   max(s.day) - date '2026-05-20'
              from app.capacity_snapshots as s
              join app.organizations as o on o.id = s.organization_id
             where o.slug = %s
            """,
            [company.slug],
        ).fetchall()[0]
        assert (captured, missed, ahead) == (58, 2, 14)


NUMBERS = {
    "core_metrics": (200, 200, 200),
    "metric_series?metric=show_rate&bucket=week": (200, 200, 200),
    "metric_breakdown?metric=cash_collected&dimension=source": (200, 200, 200),
    "metric_rows?metric=close_rate&part=denominator": (200, 200, 200),
    "closer_leaderboard": (200, 200, 200),
    "setter_leaderboard": (200, 200, 200),
    "setter_funnel": (200, 404, 200),
    "get_calendly_utilization": (200, 200, 403),
    "metric_sources": (200, 200, 200),
    "metrics": (200, 200, 200),
    "admin_home": (200, 403, 403),
    "rep_home": (404, 200, 404),
    "setter_home": (404, 404, 200),
}
"""What each answers an admin, a closer and a setter of one company."""


def test_every_number_of_the_demo_answers_each_over_http(told: DemoResult, rest: Rest) -> None:
    period = "start_date=2026-04-01&end_date=2026-04-30"
    company = next(one["organization_id"] for one in told.logins if one["role"] == "admin")
    with psycopg.connect(rest.database.deployer_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        for place, role in enumerate(("admin", "closer", "setter")):
            user = next(
                one["user_id"]
                for one in told.logins
                if one["role"] == role and one["organization_id"] == company
            )
            token = World(connection).token(Person(UUID(user), "", ""), rest.jwt_secret)
            with httpx.Client(
                base_url=rest.url,
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=30,
            ) as client:
                for call, statuses in NUMBERS.items():
                    asked = "" if call in ("metrics", "metric_sources") else period
                    separator = "&" if "?" in call else "?"
                    answer = client.get(f"/rpc/{call}{separator}{asked}")
                    assert answer.status_code == statuses[place], (role, call, answer.text)
                    assert answer.is_error or answer.json(), (role, call)


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


@pytest.fixture
def analyst(database: Database, connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A login of the organization that the page about analytics is of."""
    found = connection.execute(
        "select id from app.organizations where slug = %s", [analytics.ORGANIZATION]
    ).fetchone()
    assert found is not None
    with analyst_login(database, found[0]) as login, psycopg.connect(login.url) as session:
        yield session


def test_the_page_about_analytics_has_the_answers_that_its_questions_get(
    analyst: psycopg.Connection,
) -> None:
    page = analytics.PAGE.read_text()
    given = analytics.answers(page, analyst)
    assert page.count("```sql") == len(given) == 6
    assert analytics.rendered(page, given) == page
    for name, drawn in analytics.charts(given).items():
        assert f"]({name})" in page
        assert (analytics.FOLDER / name).is_file()
        ET.fromstring(drawn)


def test_the_answers_of_the_page_are_the_metrics(
    analyst: psycopg.Connection, connection: psycopg.Connection
) -> None:
    given = analytics.answers(analytics.PAGE.read_text(), analyst)
    organization = connection.execute(
        "select id from app.organizations where slug = %s", [analytics.ORGANIZATION]
    ).fetchone()

    def metrics(first: date, last: date) -> dict[str, Decimal]:
        rows = connection.execute(
            """
            select m.metric, m.numerator, m.denominator
              from app.organizations as o
             cross join app.metric_values(
                o.id,
                array[app.day_start(%s, o.timezone), app.day_start(%s + 1, o.timezone)],
                %s) as m
             where o.id = %s
            """,
            (first, last, NOW, organization and organization[0]),
        ).fetchall()
        return {m: n if d is None else n / d for m, n, d in rows if d != 0}

    week = given["show_rate"][3]
    counted = metrics(week["week"], week["week"] + timedelta(days=6))
    assert round(counted["show_rate"], 3) == week["all_sources"]
    march = given["cash"][1]
    counted = metrics(march["month"], date(2026, 3, 31))
    assert march["deals"] == counted["deals_won"]
    for column, metric in (
        ("contracted", "contracted_revenue"),
        ("collected", "cash_collected"),
        ("refunds", "refunds"),
        ("net_cash", "net_cash"),
    ):
        assert march[column] == counted[metric], metric
    counted = metrics(date(2026, 1, 1), date(2026, 5, 31))
    assert sum(row["reports"] * row["within_a_day"] for row in given["reports"]) == pytest.approx(
        counted["pcf_timeliness"] * sum(row["reports"] for row in given["reports"]), abs=1
    )
