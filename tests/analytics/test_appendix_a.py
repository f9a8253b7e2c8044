"""The common queries of the original system run to the letter; where they differ is said and shown.

docs/appendix-a.md has a row for every difference, with both numbers; these tests count them.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.analysts import analyst_login
from tests.fixtures.databases import Database
from tests.world import Organization, Person, Row, World

QUERIES = {
    name: query
    for name, _, query in (
        block.partition("\n")
        for block in Path(__file__).with_name("appendix_a.sql").read_text().split("-- query: ")[1:]
    )
}
PAGE = Path(__file__).parents[2] / "docs/appendix-a.md"
JANUARY = ("2026-01-01", "2026-01-31")
MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)
LAST_DAY = datetime(2026, 1, 31, 20, tzinfo=UTC)


class Scene:
    """An organization in New York, asked by the original's queries and by the metrics."""

    def __init__(self, organization: Organization, url: str) -> None:
        """url: of a login that belongs to the organization."""
        self.organization = organization
        self.admin: Person = organization.admin()
        self.closer: Person = organization.closer("Ann")
        self.url = url

    def query(self, name: str) -> list[dict[str, Any]]:
        """The answer of a query of the original, as the analyst gets it."""
        query = QUERIES[name].replace("org-uuid", str(self.organization.id))
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def show_rate(self) -> str:
        (row,) = self.query("show_rate")
        return f"{row['shows']} of {row['total']}"

    def revenue(self, closer: Person | None = None) -> str:
        name = (closer or self.closer).name
        rows = [row for row in self.query("revenue_by_closer") if row["closer_name"] == name]
        return f"{sum((row['net_revenue'] for row in rows), Decimal(0)):.2f}"

    def overdue(self) -> str:
        return str(len(self.query("overdue_pcfs")))

    def metric(self, name: str, *period: str, **filters: object) -> str:
        """The number as the API answers it; of a rate its parts."""
        start, end = period or JANUARY
        given = {"start_date": start, "end_date": end, **filters}
        arguments = ", ".join(f"{key} => %({key})s" for key in given)
        with self.organization.world.acting_as(self.admin) as db:
            (row,) = db.rows(
                f"select * from core_metrics({arguments}) where metric = %(metric)s",
                metric=name,
                **given,
            )
        if row["denominator"] is not None:
            return f"{row['numerator']} of {row['denominator']}"
        return str(row["value"])

    def closers(self) -> dict[object, str]:
        """Names on the roster by id."""
        rows = self.organization.world.rows(
            "select id, name from app.closers where organization_id = %s", self.organization.id
        )
        return {row["id"]: row["name"] for row in rows}

    def set(self, table: str, row: Row, **columns: object) -> None:
        names = ", ".join(f"{name} = %({name})s" for name in columns)
        self.organization.world.execute(
            f"update app.{table} set {names} where organization_id = %(org)s and id = %(id)s",
            org=self.organization.id,
            id=row.id,
            **columns,
        )

    def call(self, at: datetime, outcome: str | None, **more: Any) -> Row:
        return self.organization.event(closer=self.closer, scheduled_at=at, outcome=outcome, **more)

    def pay(self, amount: str, at: datetime, **more: Any) -> Row:
        given = {"closer": self.closer, "amount": Decimal(amount), "paid_at": at, **more}
        return self.organization.payment(**given)


@pytest.fixture
def scene(committed_world: World, database: Database) -> Iterator[Scene]:
    organization = committed_world.organization("appendix")
    with analyst_login(database, organization.id) as login:
        yield Scene(organization, login.url)


Told = tuple[str, str]
"""What the original's query answers, and what the metric is."""


def last_day_of_calls(scene: Scene) -> Told:
    scene.call(MIDDLE, "showed_offer")
    scene.call(LAST_DAY, "no_show")
    return scene.show_rate(), scene.metric("show_rate")


def local_day(scene: Scene) -> Told:
    scene.call(MIDDLE, "no_show")
    scene.call(datetime(2026, 1, 1, 3, 30, tzinfo=UTC), "showed_offer")
    return scene.show_rate(), scene.metric("show_rate")


def duplicate(scene: Scene) -> Told:
    kept = scene.call(MIDDLE, "showed_offer")
    repeated = scene.call(MIDDLE + timedelta(minutes=30), "no_show")
    scene.set("events", repeated, duplicate_of_id=kept.id)
    return scene.show_rate(), scene.metric("show_rate")


def not_in_rates(scene: Scene) -> Told:
    scene.call(MIDDLE, "showed_offer")
    kind = scene.organization.call_type("Onboarding", counts_in_rates=False)
    scene.call(MIDDLE + timedelta(days=1), "no_show", call_type=kind)
    return scene.show_rate(), scene.metric("show_rate")


def trial_lead(scene: Scene) -> Told:
    scene.call(MIDDLE, "showed_offer")
    lead = scene.organization.lead("Trial", is_test=True)
    scene.call(MIDDLE + timedelta(days=1), "no_show", lead=lead)
    return scene.show_rate(), scene.metric("show_rate")


def last_day_of_money(scene: Scene) -> Told:
    scene.pay("1000.00", MIDDLE)
    scene.pay("500.00", LAST_DAY)
    return scene.revenue(), scene.metric("net_revenue", closer_id=scene.closer.closer_id)


def split(scene: Scene) -> Told:
    other = scene.organization.closer("Bob")
    payment = scene.pay("3000.00", MIDDLE)
    scene.organization.world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], '{}', %s::numeric[])",
        scene.organization.id,
        payment.id,
        [scene.closer.closer_id, other.closer_id],
        [Decimal("0.6"), Decimal("0.4")],
    )
    return scene.revenue(), scene.metric("net_revenue", closer_id=scene.closer.closer_id)


def refunded_later(scene: Scene) -> Told:
    payment = scene.pay("3000.00", MIDDLE)
    scene.organization.refund(
        payment, amount=Decimal("1000.00"), refunded_at=MIDDLE + timedelta(days=30)
    )
    scene.set("payments", payment, refund_amount=Decimal("1000.00"))
    return scene.revenue(), scene.metric("net_cash", closer_id=scene.closer.closer_id)


def proven_claim(scene: Scene) -> Told:
    money = scene.pay("3000.00", MIDDLE)
    scene.pay(
        "3000.00",
        MIDDLE,
        source="manual",
        provider="manual",
        provider_payment_id=None,
        superseded_by_id=money.id,
    )
    return scene.revenue(), scene.metric("net_revenue", closer_id=scene.closer.closer_id)


def failed(scene: Scene) -> Told:
    scene.pay("1000.00", MIDDLE)
    scene.pay("1000.00", MIDDLE, status="failed")
    return scene.revenue(), scene.metric("net_revenue", closer_id=scene.closer.closer_id)


def currencies(scene: Scene) -> Told:
    scene.pay("1000.00", MIDDLE)
    payment = scene.pay("1000.00", MIDDLE, currency="EUR", amount_base=Decimal("1100.00"))
    scene.organization.world.execute(
        "update app.payment_credits set amount_base = 1100.00"
        " where organization_id = %s and payment_id = %s",
        scene.organization.id,
        payment.id,
    )
    return scene.revenue(), scene.metric("net_revenue", closer_id=scene.closer.closer_id)


def nobodys(scene: Scene) -> Told:
    scene.pay("1000.00", MIDDLE)
    scene.pay("400.00", MIDDLE, closer=None)
    return scene.revenue(), scene.metric("net_revenue")


def still_running(scene: Scene) -> Told:
    scene.call(datetime.now(UTC) - timedelta(minutes=20), None)
    return scene.overdue(), scene.metric("pending_pcfs")


def in_grace(scene: Scene) -> Told:
    scene.call(datetime.now(UTC) - timedelta(hours=2), None)
    return scene.overdue(), scene.metric("overdue_pcfs")


def duplicate_without_form(scene: Scene) -> Told:
    at = datetime.now(UTC) - timedelta(days=1)
    kept = scene.call(at, None)
    scene.set("events", scene.call(at + timedelta(minutes=30), None), duplicate_of_id=kept.id)
    return scene.overdue(), scene.metric("overdue_pcfs")


DIFFERENCES: dict[str, tuple[str, Callable[[Scene], Told]]] = {
    "a no-show on 31 January, 15:00": ("Show Rate", last_day_of_calls),
    "a show on 31 December, 22:30 in New York": ("Show Rate", local_day),
    "a booking made twice": ("Show Rate", duplicate),
    "an onboarding call, of a type outside the rates": ("Show Rate", not_in_rates),
    "a call with an internal test lead": ("Show Rate", trial_lead),
    "500.00 paid on 31 January": ("Net Revenue of Ann", last_day_of_money),
    "3,000.00 shared 60 to 40 with Bob": ("Net Revenue of Ann", split),
    "1,000.00 of January's 3,000.00 refunded in February": ("Net Cash of Ann", refunded_later),
    "a form's claim of 3,000.00 that Stripe proved": ("Net Revenue of Ann", proven_claim),
    "a card that was declined": ("Net Revenue of Ann", failed),
    "1,000.00 EUR, worth 1,100.00 USD that day": ("Net Revenue of Ann", currencies),
    "400.00 that no closer is credited with": ("Net Revenue", nobodys),
    "a call that began 20 minutes ago": ("Pending PCFs", still_running),
    "a call that ended an hour ago": ("Overdue PCFs", in_grace),
    "a booking made twice, without a form": ("Overdue PCFs", duplicate_without_form),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_the_page_shows_the_difference_with_its_numbers(scene: Scene, case: str) -> None:
    metric, play = DIFFERENCES[case]
    theirs, ours = play(scene)
    assert theirs != ours
    assert f"| {case} | {metric} | {theirs} | {ours} |" in PAGE.read_text()


def test_the_page_shows_no_other_differences() -> None:
    shown = set(re.findall(r"^\| (.+?) \| .+ \| .+ \| .+ \|$", PAGE.read_text(), re.MULTILINE))
    assert shown - {"what happened", "---"} == set(DIFFERENCES)


def test_where_the_definitions_agree_the_numbers_do(scene: Scene) -> None:
    """Inside a month, each payment whole to one closer, in one currency, nothing left out."""
    for day, outcome in enumerate(("showed_no_offer", "showed_offer", "closed", "no_show")):
        scene.call(MIDDLE + timedelta(days=day), outcome)
    scene.call(MIDDLE, "canceled")
    other = scene.organization.closer("Bob")
    refunded = scene.pay("2500.00", MIDDLE)
    scene.pay("4000.00", MIDDLE, closer=other)
    scene.organization.refund(refunded, amount=Decimal("500.00"), refunded_at=LAST_DAY)
    scene.set("payments", refunded, refund_amount=Decimal("500.00"))
    (shows,) = scene.query("show_rate")
    assert scene.show_rate() == scene.metric("show_rate") == "3 of 4"
    assert shows["show_rate"] == Decimal("75.0")
    by_closer = {row["closer_name"]: row for row in scene.query("revenue_by_closer")}
    assert list(by_closer) == ["Bob", "Ann"]
    for person in (scene.closer, other):
        row = by_closer[person.name]
        for metric, column in (("cash_collected", "total_revenue"), ("net_revenue", "net_revenue")):
            mine = scene.metric(metric, closer_id=person.closer_id)
            assert f"{row[column]:.2f}" == mine, (person.name, metric)
    scene.call(datetime.now(UTC) - timedelta(days=2), None)
    assert scene.overdue() == scene.metric("overdue_pcfs") == scene.metric("pending_pcfs") == "1"


def test_all_events_are_those_of_the_organization_newest_first(scene: Scene) -> None:
    setter = scene.organization.setter("Sam")
    first = scene.call(MIDDLE, "closed", setter=setter)
    second = scene.call(MIDDLE + timedelta(days=1), "canceled")
    stranger = scene.organization.world.organization("stranger")
    stranger.event(closer=stranger.closer("Eve"), scheduled_at=MIDDLE)
    rows = scene.query("events")
    assert [row["id"] for row in rows] == [second.id, first.id]
    assert [(row["closer_name"], row["setter_name"]) for row in rows] == [
        ("Ann", None),
        ("Ann", "Sam"),
    ]


def test_the_pages_own_queries_give_the_metrics(scene: Scene) -> None:
    """What the page offers instead, on a scene in which each of the originals is wrong."""
    for case in (last_day_of_calls, not_in_rates, split, failed, still_running, in_grace):
        case(scene)
    scene.call(datetime.now(UTC) - timedelta(days=1), None)
    queries = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with psycopg.connect(scene.url, row_factory=dict_row) as connection:
        shows, revenue, overdue = (connection.execute(q.encode()).fetchall() for q in queries)
    assert f"{shows[0]['shows']} of {shows[0]['total']}" == scene.metric("show_rate")
    for row in revenue:
        person = next(
            closer_id for closer_id, name in scene.closers().items() if name == row["closer_name"]
        )
        assert str(row["net_revenue"]) == scene.metric("net_revenue", closer_id=person)
    assert len(revenue) == 2
    assert str(len(overdue)) == scene.metric("overdue_pcfs") == "1"
