"""A number over time."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.world import NOON, Organization, Person, World

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """Dana closes on Tuesday 10 March and eli on the 17th; dana's lead of the 11th did not come."""

    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    dana, eli, sam = acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    sold = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.event(closer=dana, outcome="no_show", scheduled_at=NOON + DAY)
    acme.event(closer=eli, outcome="closed", scheduled_at=NOON + 7 * DAY)
    acme.payment(closer=dana, setter=sam, event=sold, amount=Decimal("900.00"))
    return Scene(acme, acme.admin(), dana, eli, sam)


def ask(
    scene: Scene, who: Person, metric: str, bucket: str, start: str, end: str, **given: object
) -> list[dict[str, Any]]:
    given = {
        "metric": metric,
        "bucket": bucket,
        "start_date": start,
        "end_date": end,
        **given,
    }
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with scene.acme.world.acting_as(who) as db:
        return db.rows(f"select * from api.metric_series({names})", **given)


def refused(scene: Scene, who: Person, code: str, *asked: str, **given: object) -> str:
    with pytest.raises(psycopg.Error) as error:
        ask(scene, who, *asked, **given)
    assert error.value.sqlstate == code
    return error.value.diag.message_detail or ""


def points(rows: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(f"{row['bucket_start']:%m-%d}", row["value"]) for row in rows]


def test_every_day_has_its_point_also_those_without_a_call(scene: Scene) -> None:
    shows = ask(scene, scene.ada, "shows", "day", "2026-03-09", "2026-03-12")
    assert points(shows) == [("03-09", 0), ("03-10", 1), ("03-11", 0), ("03-12", 0)]
    rates = ask(scene, scene.ada, "show_rate", "day", "2026-03-09", "2026-03-12")
    assert points(rates) == [("03-09", None), ("03-10", 1), ("03-11", 0), ("03-12", None)]
    assert [row["denominator"] for row in rates] == [0, 1, 1, 0]
    cash = ask(scene, scene.ada, "cash_collected", "day", "2026-03-09", "2026-03-10")
    assert [str(row["value"]) for row in cash] == ["0.00", "900.00"]


def test_weeks_start_where_the_organization_says_and_end_with_the_period(scene: Scene) -> None:
    asked = ("closes", "week", "2026-03-04", "2026-03-16")
    assert points(ask(scene, scene.ada, *asked)) == [("03-04", 0), ("03-09", 1), ("03-16", 0)]
    scene.acme.world.execute(
        "update app.organizations set week_start = 7 where id = %s", scene.acme.id
    )
    assert points(ask(scene, scene.ada, *asked)) == [("03-04", 0), ("03-08", 1), ("03-15", 0)]


def test_months_are_those_of_the_calendar_and_clipped(scene: Scene) -> None:
    months = ask(scene, scene.ada, "closes", "month", "2026-01-31", "2026-03-16")
    assert points(months) == [("01-31", 0), ("02-01", 0), ("03-01", 1)]


def test_a_day_is_the_organizations_day(scene: Scene) -> None:
    late = NOON.replace(day=20, hour=3)  # 23:00 on the 19th in New York
    scene.acme.event(closer=scene.dana, outcome="closed", scheduled_at=late)
    closes = ask(scene, scene.ada, "closes", "day", "2026-03-19", "2026-03-20")
    assert points(closes) == [("03-19", 1), ("03-20", 0)]


def test_days_of_clock_changes_and_days_that_are_left_out_have_one_point(world: World) -> None:
    apia = world.organization("apia", timezone="Pacific/Apia")
    scene = Scene(apia, apia.admin(), apia.closer(), apia.closer("eli"), apia.setter())
    days = ask(scene, scene.ada, "scheduled_calls", "day", "2011-12-29", "2011-12-31")
    assert points(days) == [("12-29", 0), ("12-30", 0), ("12-31", 0)]


def test_people_get_their_own_series(scene: Scene) -> None:
    march = ("closes", "month", "2026-03-01", "2026-03-31")
    assert points(ask(scene, scene.dana, *march)) == [("03-01", 1)]
    assert points(ask(scene, scene.ada, *march, closer_id=scene.dana.closer_id)) == [("03-01", 1)]
    assert points(ask(scene, scene.ada, *march)) == [("03-01", 2)]
    assert points(ask(scene, scene.acme.member(), *march)) == [("03-01", 0)]
    refused(scene, scene.dana, "42501", *march, closer_id=scene.eli.closer_id)
    refused(scene, scene.sam, "42501", "deals_won", *march[1:])
    refused(scene, scene.dana, "42501", "dials", *march[1:])
    stranger = scene.acme.world.organization("other").admin()
    refused(scene, stranger, "PT404", *march, organization_id=scene.acme.id)


def test_setters_metrics_have_series_too(scene: Scene) -> None:
    sets = ask(scene, scene.ada, "sets", "week", "2026-03-02", "2026-03-15")
    assert points(sets) == [("03-02", 1), ("03-09", 0)]  # booked two days before the call
    own = ask(scene, scene.sam, "cash_from_sets", "day", "2026-03-10", "2026-03-11")
    assert [str(row["value"]) for row in own] == ["900.00", "0.00"]


def test_unknown_words_are_refused_with_the_known_ones(scene: Scene) -> None:
    march = ("2026-03-01", "2026-03-31")
    assert '"bucket": "One of day, week, month."' in refused(
        scene, scene.ada, "PT422", "shows", "year", *march
    )
    detail = refused(scene, scene.ada, "PT422", "sparkles", "day", *march)
    assert '"metric": "One of booked_calls, ' in detail
    assert "speed_to_lead" in detail
    refused(scene, scene.ada, "PT422", "shows", "day", *reversed(march))
    assert "metric" in refused(scene, scene.ada, "PT422", "pending_pcfs", "day", *march)


def test_a_series_has_a_thousand_buckets_at_most(scene: Scene) -> None:
    end = f"{date(2024, 1, 1) + timedelta(days=999)}"
    assert len(ask(scene, scene.dana, "shows", "day", "2024-01-01", end)) == 1000
    over = f"{date(2024, 1, 1) + timedelta(days=1000)}"
    assert "1001" in refused(scene, scene.dana, "PT422", "shows", "day", "2024-01-01", over)
    assert len(ask(scene, scene.dana, "shows", "month", "2024-01-01", over)) == 33


def test_an_own_metric_has_a_series_and_hides_what_it_rests_on(scene: Scene) -> None:
    expression = {
        "op": "divide",
        "args": [{"metric": "cash_collected"}, {"metric": "closes"}],
    }
    with scene.acme.world.acting_as(scene.ada) as db:
        db.rows(
            "select * from define_metric(name => 'cash_per_close', label => 'Cash per Close',"
            " unit => 'money', expression => %s)",
            Jsonb(expression),
        )
    weeks = ("cash_per_close", "week", "2026-03-02", "2026-03-22")
    assert points(ask(scene, scene.ada, *weeks)) == [("03-02", None), ("03-09", 900), ("03-16", 0)]
    scene.acme.world.execute(
        "update app.portal_settings set show_cash = false where organization_id = %s", scene.acme.id
    )
    refused(scene, scene.dana, "42501", *weeks)
