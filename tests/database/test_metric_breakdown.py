"""A number in its parts."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.metrics.parts import assert_they_add_up, numbers
from tests.world import NOON, Organization, Person, Row, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """A split payment, a refund of it, money of nobody, a call of nobody, a pending call."""

    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person
    sue: Person
    youtube: Row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    dana, eli = acme.closer("dana"), acme.closer("eli")
    sam, sue, youtube = acme.setter("sam"), acme.setter("sue"), acme.source()
    sold = acme.event(closer=dana, setter=sam, outcome="closed", source=youtube)
    acme.event(closer=eli, setter=sue, outcome="no_show", scheduled_at=NOON + DAY)
    acme.event(outcome="closed", scheduled_at=NOON + 2 * DAY)
    acme.event(closer=eli, scheduled_at=NOON + 3 * DAY)
    split = acme.payment(closer=dana, setter=sam, event=sold, amount=Decimal("100.00"))
    world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], %s::uuid[], array[1, 2]::numeric[],"
        " array[1, 2]::numeric[])",
        acme.id,
        split.id,
        [dana.closer_id, eli.closer_id],
        [sam.setter_id, sue.setter_id],
    )
    acme.refund(split, amount=Decimal("10.00"), refunded_at=NOON + DAY)
    acme.payment(amount=Decimal("7.00"))
    return Scene(acme, acme.admin(), dana, eli, sam, sue, youtube)


def ask(
    scene: Scene, who: Person, metric: str, dimension: str, **given: object
) -> list[dict[str, Any]]:
    given = {**MARCH, "metric": metric, "dimension": dimension, **given}
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with scene.acme.world.acting_as(who) as db:
        return db.rows(f"select * from api.metric_breakdown({names})", **given)


def core(scene: Scene, who: Person, **given: object) -> dict[str, dict[str, Any]]:
    given = {**MARCH, **given}
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with scene.acme.world.acting_as(who) as db:
        rows = db.rows(f"select * from api.core_metrics({names})", **given)
    return {row["metric"]: row for row in rows}


def refused(scene: Scene, who: Person, code: str, *asked: str, **given: object) -> str:
    with pytest.raises(psycopg.Error) as error:
        ask(scene, who, *asked, **given)
    assert error.value.sqlstate == code
    return error.value.diag.message_detail or ""


def parts(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["label"], str(row["value"])) for row in rows]


def test_money_by_closer_is_what_each_is_credited_with_and_the_rest_is_unassigned(
    scene: Scene,
) -> None:
    rows = ask(scene, scene.ada, "cash_collected", "closer")
    assert parts(rows) == [("eli", "66.67"), ("dana", "33.33"), ("Unassigned", "7.00")]
    assert [row["member_id"] for row in rows] == [scene.eli.closer_id, scene.dana.closer_id, None]
    by_setter = ask(scene, scene.ada, "net_cash", "setter")
    assert parts(by_setter) == [("sue", "60.00"), ("sam", "30.00"), ("Unassigned", "7.00")]


def test_a_rate_has_its_parts_and_nothing_over_nothing_is_none(scene: Scene) -> None:
    rows = ask(scene, scene.ada, "show_rate", "closer")
    assert [(r["label"], r["value"], r["numerator"], r["denominator"]) for r in rows] == [
        ("dana", 1, 1, 1),
        ("eli", 0, 0, 1),
        ("Unassigned", 1, 1, 1),
    ]


MONTH = (date(2026, 3, 1), date(2026, 4, 1))


@pytest.mark.parametrize(
    "dimension", ["closer", "setter", "source", "traffic_type", "call_type", "package"]
)
def test_parts_add_up_to_every_number_by_every_dimension(scene: Scene, dimension: str) -> None:
    whole = numbers(scene.acme, MONTH, NOON, {})
    assert_they_add_up(whole, numbers(scene.acme, MONTH, NOON, {}, dimension))
    rows = ask(scene, scene.ada, "net_cash", dimension)
    assert rows[-1]["member_id"] is None
    assert sum(row["value"] for row in rows) == core(scene, scene.ada)["net_cash"]["value"]


@pytest.mark.parametrize("dimension", ["closer", "setter"])
def test_filters_narrow_and_parts_still_add_up(scene: Scene, dimension: str) -> None:
    for filters in (
        {"source_id": scene.youtube.id},
        {"setter_id": scene.sam.setter_id},
        {"closer_id": scene.dana.closer_id},
        {"closer_id": scene.eli.closer_id, "setter_id": scene.sue.setter_id},
    ):
        whole = numbers(scene.acme, MONTH, NOON, filters)
        assert_they_add_up(whole, numbers(scene.acme, MONTH, NOON, filters, dimension))
    cash = core(scene, scene.ada, setter_id=scene.sam.setter_id)["cash_collected"]
    rows = ask(scene, scene.ada, "cash_collected", dimension, setter_id=scene.sam.setter_id)
    assert sum(row["value"] for row in rows) == cash["value"] == Decimal("33.33")


def test_what_stands_as_of_an_instant_has_parts_too(scene: Scene) -> None:
    later = {"as_of": NOON + 30 * DAY}
    assert parts(ask(scene, scene.ada, "pending_pcfs", "closer", **later)) == [
        ("eli", "1"),
        ("Unassigned", "0"),
    ]


def test_who_was_archived_keeps_their_part(scene: Scene) -> None:
    scene.acme.world.execute(
        "update app.closers set is_active = false, active_until = '2026-03-02' where id = %s",
        scene.dana.closer_id,
    )
    labels = [row["label"] for row in ask(scene, scene.ada, "closes", "closer")]
    assert labels == ["dana", "eli", "Unassigned"]


def test_an_empty_period_is_unassigned_and_zero(scene: Scene) -> None:
    empty = {"start_date": "2025-01-01", "end_date": "2025-01-31"}
    assert parts(ask(scene, scene.ada, "cash_collected", "closer", **empty)) == [
        ("Unassigned", "0.00")
    ]
    assert parts(ask(scene, scene.ada, "show_rate", "source", **empty)) == [("Unassigned", "None")]
    assert parts(ask(scene, scene.ada, "pcf_median_delay", "source", **empty)) == [
        ("Unassigned", "None")
    ]


def test_people_break_down_what_is_theirs(scene: Scene) -> None:
    own = ask(scene, scene.dana, "cash_collected", "setter")
    assert sum(row["value"] for row in own) == Decimal("33.33")
    assert parts(ask(scene, scene.dana, "shows", "closer")) == [("dana", "1"), ("Unassigned", "0")]
    by_closer = ask(scene, scene.sam, "shows", "closer")  # eli has credit for sam's payment
    assert parts(by_closer) == [("dana", "1"), ("eli", "0"), ("Unassigned", "0")]
    money = ask(scene, scene.sam, "cash_collected", "closer")
    assert parts(money) == [("eli", "22.22"), ("dana", "11.11"), ("Unassigned", "0.00")]
    refused(scene, scene.dana, "42501", "shows", "closer", closer_id=scene.eli.closer_id)
    refused(scene, scene.sam, "42501", "aov", "closer")
    stranger = scene.acme.world.organization("other").admin()
    refused(scene, stranger, "PT404", "shows", "closer", organization_id=scene.acme.id)
    assert parts(ask(scene, stranger, "shows", "closer")) == [("Unassigned", "0")]


def test_setters_numbers_break_down_too(scene: Scene) -> None:
    scene.acme.world.insert(
        "setter_activities",
        organization_id=scene.acme.id,
        setter_id=scene.sue.setter_id,
        activity_date="2026-03-03",
        provider="close",
        dials=12,
        connects=3,
    )
    assert parts(ask(scene, scene.ada, "dials", "setter"))[0] == ("sue", "12")
    assert parts(ask(scene, scene.ada, "dials", "closer"))[-1] == ("Unassigned", "12")
    assert parts(ask(scene, scene.ada, "sets", "source")) == [("YouTube", "1"), ("Unassigned", "1")]


def test_unknown_words_are_refused_with_the_known_ones(scene: Scene) -> None:
    dimensions = "One of closer, setter, source, traffic_type, call_type, package."
    assert dimensions in refused(scene, scene.ada, "PT422", "shows", "planet")
    assert "show_rate" in refused(scene, scene.ada, "PT422", "planet", "closer")


def test_an_own_metric_breaks_down_like_any_other(scene: Scene) -> None:
    with scene.acme.world.acting_as(scene.ada) as db:
        db.rows(
            "select * from define_metric(name => 'missed', label => 'Missed', unit => 'count',"
            " expression => %s)",
            Jsonb({"op": "add", "args": [{"metric": "no_shows"}, {"metric": "canceled"}]}),
        )
    assert parts(ask(scene, scene.ada, "missed", "closer")) == [
        ("eli", "1"),
        ("dana", "0"),
        ("Unassigned", "0"),
    ]
    assert "missed" in refused(scene, scene.ada, "PT422", "planet", "closer")
