"""What metrics of an organization's own come to, and wherever they are asked for."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.world import NOON, Organization, Person, World

MARCH = {"start_date": date(2026, 3, 1), "end_date": date(2026, 3, 31)}
SHOWS: dict[str, Any] = {"metric": "shows"}
CASH: dict[str, Any] = {"metric": "cash_collected"}


def op(name: str, *args: object) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


def define(acme: Organization, name: str, expression: object, unit: str = "ratio") -> None:
    acme.world.execute(
        "select app.define_metric(%s, %s, %s, %s, %s)",
        acme.id,
        name,
        name.title(),
        unit,
        Jsonb(expression),
    )


def core(world: World, who: Person, **filters: object) -> dict[str, dict[str, Any]]:
    """What core_metrics answers of March, by metric, in its order."""
    given = {**MARCH, **filters}
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with world.acting_as(who) as db:
        rows = db.rows(f"select * from core_metrics({names})", **given)
    return {row["metric"]: row for row in rows}


def preview(world: World, who: Person, expression: object, **given: object) -> dict[str, Any]:
    asked = {**MARCH, "expression": Jsonb(expression), **given}
    names = ", ".join(f"{name} => %({name})s" for name in asked)
    with world.acting_as(who) as db:
        (row,) = db.rows(f"select * from preview_metric({names})", **asked)
    return row


def test_own_metrics_follow_those_of_the_catalog(
    world: World, acme: Organization, ada: Person
) -> None:
    acme.event(closer=acme.closer("dana"), outcome="closed")
    define(acme, "b", op("multiply", SHOWS, {"value": "0.5"}), "count")
    define(acme, "a", SHOWS, "count")
    answer = core(world, ada)
    assert list(answer)[-2:] == ["a", "b"]
    assert (answer["b"]["value"], answer["b"]["unit"]) == (Decimal("0.5"), "count")
    assert (answer["b"]["numerator"], answer["b"]["denominator"]) == (Decimal("0.5"), None)
    assert answer["b"]["coverage"] == answer["shows"]["coverage"] == 1


def test_what_is_divided_at_the_top_has_its_parts_and_is_null_over_zero(
    world: World, acme: Organization, ada: Person
) -> None:
    define(acme, "worth", op("divide", op("subtract", CASH, {"value": "100.50"}), SHOWS))
    row = core(world, ada)["worth"]
    assert (row["value"], row["numerator"], row["denominator"]) == (None, Decimal("-100.50"), 0)
    dana = acme.closer("dana")
    acme.event(closer=dana, outcome="closed")
    acme.event(closer=dana, outcome="showed_offer", scheduled_at=NOON + timedelta(hours=3))
    acme.payment(closer=dana, amount=Decimal("1000.00"))
    row = core(world, ada)["worth"]
    assert (row["value"], row["numerator"], row["denominator"]) == (
        Decimal("449.75"),
        Decimal("899.50"),
        2,
    )
    assert str(row["numerator"]) == "899.50"
    assert row["previous_value"] is None


def test_a_ratio_is_of_the_whole_period_and_never_an_average(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, eli = acme.closer("dana"), acme.closer("eli")
    for hour, (closer, outcome) in enumerate(
        [(dana, "closed"), (eli, "closed"), (eli, "no_show"), (eli, "no_show")]
    ):
        acme.event(closer=closer, outcome=outcome, scheduled_at=NOON + timedelta(hours=hour))
    due = {"metric": "show_rate", "part": "denominator"}
    define(acme, "showed", op("divide", SHOWS, due), "rate")
    define(acme, "alike", {"metric": "show_rate"}, "rate")
    answer = core(world, ada)
    for name in ("showed", "alike"):
        row = answer[name]
        assert (row["value"], row["numerator"], row["denominator"]) == (Decimal("0.5"), 2, 4)


def test_fractions_are_exact_until_the_end(world: World, acme: Organization, ada: Person) -> None:
    for hour in range(3):
        acme.event(closer=acme.closer(f"c{hour}"), outcome="closed")
    third = op("divide", {"value": 1}, SHOWS)
    assert preview(world, ada, op("multiply", third, SHOWS))["value"] == 1
    assert preview(world, ada, op("add", third, third, third))["value"] == 1
    assert preview(world, ada, op("divide", third, op("add", third, third)))["value"] == Decimal(
        "0.5"
    )
    nothing = op("divide", SHOWS, {"metric": "no_shows"})
    assert preview(world, ada, op("add", nothing, {"value": 1}))["value"] is None
    row = preview(world, ada, op("divide", SHOWS, nothing))
    assert (row["value"], row["numerator"], row["denominator"]) == (None, None, None)


def test_filters_narrow_what_the_request_leaves(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, eli = acme.closer("dana"), acme.closer("eli")
    radio, post = acme.source("Radio"), acme.source("Post")
    acme.event(closer=dana, outcome="closed", source=radio)
    acme.event(closer=dana, outcome="closed", source=post, scheduled_at=NOON + timedelta(hours=2))
    acme.event(closer=eli, outcome="closed", source=radio, scheduled_at=NOON + timedelta(hours=4))
    acme.payment(closer=dana, amount=Decimal("300.00"))
    acme.payment(closer=eli, amount=Decimal("500.00"))
    define(acme, "by_radio", SHOWS | {"filters": {"source_id": str(radio.id)}}, "count")
    define(acme, "cash_of_dana", CASH | {"filters": {"closer_id": str(dana.closer_id)}}, "money")
    share = op("divide", CASH | {"filters": {"closer_id": str(dana.closer_id)}}, CASH)
    define(acme, "share_of_dana", share, "rate")

    def values(**filters: object) -> list[object]:
        answer = core(world, ada, **filters)
        return [answer[name]["value"] for name in ("by_radio", "cash_of_dana", "share_of_dana")]

    assert values() == [2, 300, Decimal("0.375")]
    assert values(closer_id=dana.closer_id) == [1, 300, 1]
    assert values(closer_id=eli.closer_id) == [1, 0, 0]
    assert values(source_id=post.id)[0] == 0


def test_closers_get_their_own_numbers_and_setters_nothing_hidden_from_them(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, eli, sam = acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    call = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.event(closer=eli, outcome="closed")
    acme.payment(closer=dana, setter=sam, event=call, amount=Decimal("900.00"))
    define(acme, "worth", op("divide", CASH, SHOWS), "money")
    define(acme, "deals_twice", op("multiply", {"metric": "deals_won"}, {"value": 2}), "count")
    define(acme, "of_eli", SHOWS | {"filters": {"closer_id": str(eli.closer_id)}}, "count")

    def seen(who: Person, **filters: object) -> list[object]:
        answer = core(world, who, **filters)
        return [answer[name]["value"] for name in ("worth", "deals_twice", "of_eli")]

    assert seen(ada) == [450, 4, 1]
    assert seen(dana) == seen(ada, closer_id=dana.closer_id) == [900, 2, 0]
    assert seen(eli) == [0, 2, 1]
    assert seen(sam) == [900, None, 0]
    world.execute(
        "update app.portal_settings set show_cash = false where organization_id = %s", acme.id
    )
    assert seen(dana) == [None, 2, 0]
    assert seen(ada) == [450, 4, 1]


ROWS = "select * from metric_rows(%s, '2026-03-01', '2026-03-31', %s)"


def test_the_rows_behind_an_own_metric_add_up_to_it(
    world: World, acme: Organization, ada: Person
) -> None:
    """Each of its numbers in its own filters, times what it is multiplied with."""
    dana, radio = acme.closer("dana"), acme.source("radio")
    acme.event(closer=dana, source=radio, outcome="showed_offer")
    acme.event(closer=dana, outcome="showed_no_offer", scheduled_at=NOON + timedelta(days=1))
    acme.event(outcome="no_show", scheduled_at=NOON + timedelta(days=2))
    acme.payment(closer=dana, amount=Decimal("450.00"))
    acme.payment(amount=Decimal("50.00"))
    on_radio = SHOWS | {"filters": {"source_id": str(radio.id)}}
    hers = CASH | {"filters": {"closer_id": str(dana.closer_id)}}
    costs = op("multiply", op("add", on_radio, {"metric": "no_shows"}), {"value": "2.5"})
    net = op("subtract", op("multiply", {"value": "0.9"}, CASH), op("divide", hers, {"value": 3}))
    define(acme, "net_of_costs", op("divide", net, costs))
    define(acme, "rate_again", {"metric": "show_rate"}, "rate")
    for name, part, amounts in (
        ("net_of_costs", "numerator", ["-150.00", "45.00", "405.00"]),
        ("net_of_costs", "denominator", ["2.5", "2.5"]),
        ("rate_again", "denominator", ["1", "1", "1"]),
    ):
        with world.acting_as(ada) as db:
            rows = db.rows(ROWS, name, part)
        assert sorted(row["amount"] for row in rows) == [Decimal(one) for one in amounts]
        assert sum(row["amount"] for row in rows) == core(world, ada)[name][part]
    with world.acting_as(dana) as db:
        rows = db.rows(ROWS, "net_of_costs", "numerator")
    assert sum(row["amount"] for row in rows) == core(world, dana)["net_of_costs"]["numerator"]


def test_what_is_no_sum_of_rows_names_the_metrics_that_it_is_made_of(
    world: World, acme: Organization, ada: Person
) -> None:
    shown = SHOWS | {"filters": {"source_id": str(acme.source().id)}}
    define(acme, "worth", op("add", {"metric": "aov"}, op("divide", CASH, shown)), "money")
    define(acme, "cash_twice", op("add", CASH, CASH), "money")
    with world.acting_as(ada) as db:
        for name, part, made_of in (
            ("worth", "numerator", [{"metric": "aov"}, CASH, shown]),
            ("cash_twice", "denominator", [CASH]),
        ):
            with refused("PT422") as caught:
                db.rows(ROWS, name, part)
            assert json.loads(caught.value.diag.message_detail or "") == made_of
        with refused("PT422") as caught:
            db.rows(ROWS, "none", "numerator")
        assert "worth" not in (caught.value.diag.message_detail or "")


def test_rows_of_an_own_metric_are_hidden_with_what_it_rests_on(
    world: World, acme: Organization
) -> None:
    sam = acme.setter("sam")
    define(acme, "deals_twice", op("multiply", {"metric": "deals_won"}, {"value": 2}), "count")
    with world.acting_as(sam) as db, refused("42501"):
        db.rows(ROWS, "deals_twice", "numerator")


def test_dashboards_show_own_metrics_to_whom_they_are_shown(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, sam = acme.closer("dana"), acme.setter("sam")
    acme.event(closer=dana, setter=sam, outcome="closed")
    define(acme, "deals_twice", op("multiply", {"metric": "deals_won"}, {"value": 2}), "count")
    for who, home, value in ((ada, "admin", 2), (dana, "rep", 2), (sam, "setter", None)):
        with world.acting_as(who) as db:
            shown = db.value(f"select {home}_home('2026-03-01', '2026-03-31')")
        number = shown["numbers"]["deals_twice"]
        assert (number["label"], number["unit"]) == ("Deals_Twice", "count")
        assert number["value"] == value, home
        path = "rpc/metric_rows?metric=deals_twice&part=numerator&"
        assert (number["rows"] or "").startswith(path if value else "")
        assert number["denominator_rows"] is None


def test_series_and_parts_are_of_own_metrics_too(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, eli = acme.closer("dana"), acme.closer("eli")
    acme.event(closer=dana, outcome="closed")
    acme.event(closer=eli, outcome="closed", scheduled_at=NOON + timedelta(days=1))
    acme.payment(closer=dana, amount=Decimal("900.00"))
    define(acme, "worth", op("divide", CASH, SHOWS), "money")
    define(acme, "of_dana", SHOWS | {"filters": {"closer_id": str(dana.closer_id)}}, "count")
    series = "select * from metric_series(%s, 'day', '2026-03-10', '2026-03-12')"
    parts = "select * from metric_breakdown(%s, 'closer', '2026-03-01', '2026-03-31')"
    with world.acting_as(ada) as db:
        assert [row["value"] for row in db.rows(series, "worth")] == [900, 0, None]
        assert [row["value"] for row in db.rows(series, "of_dana")] == [1, 0, 0]
        rows = {row["label"]: row for row in db.rows(parts, "worth")}
        assert (rows["dana"]["value"], rows["eli"]["value"]) == (900, 0)
        assert (rows["Unassigned"]["numerator"], rows["Unassigned"]["value"]) == (0, None)
        rows = {row["label"]: row for row in db.rows(parts, "of_dana")}
        assert {label: row["value"] for label, row in rows.items() if row["value"]} == {"dana": 1}


def test_setters_metrics_stand_in_own_ones(world: World, acme: Organization, ada: Person) -> None:
    sam = acme.setter("sam")
    acme.event(closer=acme.closer("dana"), setter=sam, outcome="closed")
    world.insert(
        "setter_activities",
        organization_id=acme.id,
        setter_id=sam.setter_id,
        activity_date=date(2026, 3, 10),
        provider="close",
        dials=40,
        connects=10,
    )
    define(acme, "effort", op("divide", {"metric": "dials"}, SHOWS), "count")
    assert core(world, ada)["effort"]["value"] == 40
    assert core(world, ada, setter_id=sam.setter_id)["effort"]["value"] == 40
    with world.acting_as(ada) as db:
        (row,) = db.rows(
            "select * from metric_breakdown('effort', 'setter', '2026-03-01', '2026-03-31')"
            " where member_id = %s",
            sam.setter_id,
        )
    assert (row["value"], row["numerator"], row["denominator"]) == (40, 40, 1)


def test_a_preview_is_what_the_metric_will_be_and_keeps_nothing(
    world: World, acme: Organization, ada: Person
) -> None:
    dana = acme.closer("dana")
    acme.event(closer=dana, outcome="closed")
    acme.event(closer=dana, outcome="no_show", scheduled_at=NOON - timedelta(days=28))
    expression = op("subtract", {"value": 1}, {"metric": "show_rate"})
    row = preview(world, ada, expression, unit="rate")
    assert world.value("select count(*) from app.metric_definitions") == 0
    define(acme, "missed", expression, "rate")
    answer = core(world, ada)["missed"]
    assert row == {name: answer[name] for name in row}
    assert (row["value"], row["previous_value"]) == (0, 1)
    with refused("PT422"):
        preview(world, ada, expression, unit="money")
    with refused("PT422"):
        preview(world, ada, {"metric": "x"})
    with refused("PT422"):
        preview(world, ada, expression, start_date=None)
    with refused("42501"):
        preview(world, dana, expression)


def test_definitions_of_others_are_nowhere(world: World, acme: Organization, ada: Person) -> None:
    define(acme, "own", SHOWS, "count")
    stranger = world.organization("other").admin()
    assert "own" in core(world, ada)
    assert "own" not in core(world, stranger)
    with world.acting_as(stranger) as db:
        assert db.rows("select * from metrics() where is_own") == []
        with refused("PT404"):
            db.rows("select * from metrics(%s)", acme.id)


def test_all_that_can_be_asked_for_is_listed_together(
    world: World, acme: Organization, ada: Person
) -> None:
    define(acme, "own", op("divide", CASH, SHOWS), "money")
    dana = acme.closer("dana")
    with world.acting_as(dana) as db:
        rows = db.rows("select * from metrics()")
        names = db.ids("select metric from metric_catalog")
    assert {row["metric"] for row in rows} == names | {"own"}
    assert rows[-1]["metric"] == "own"
    assert (rows[-1]["is_own"], rows[-1]["adds_up"], rows[-1]["version"]) == (True, False, 1)
    sums = {row["metric"]: row["adds_up"] for row in rows}
    assert sums["shows"]
    assert sums["cash_collected"]
    assert not sums["show_rate"]
    assert not sums["pcf_median_delay"]


@pytest.mark.parametrize(
    ("expression", "adds_up"),
    [
        (op("subtract", CASH, {"metric": "refunds"}), True),
        (op("multiply", {"value": 2}, SHOWS, {"value": 3}), True),
        (op("divide", SHOWS, {"value": 4}), True),
        (op("divide", SHOWS, op("add", {"value": 4}, {"value": 1})), True),
        ({"metric": "show_rate", "part": "denominator"}, True),
        (op("divide", {"value": 4}, SHOWS), False),
        (op("add", SHOWS, {"value": 4}), False),
        (op("multiply", SHOWS, SHOWS), False),
        (op("multiply", SHOWS, {"metric": "show_rate"}), False),
        ({"metric": "show_rate"}, False),
        ({"metric": "pcf_median_delay"}, False),
        ({"metric": "lead_close_rate", "part": "denominator"}, True),
        ({"metric": "shows"} | {"filters": {}}, True),
    ],
    ids=lambda said: str(said)[:80],
)
def test_which_expressions_add_up(world: World, expression: object, adds_up: bool) -> None:
    assert world.value("select app.adds_up(%s)", Jsonb(expression)) is adds_up


def test_a_metric_that_the_catalog_lost_is_null(
    world: World, acme: Organization, ada: Person
) -> None:
    define(acme, "own", SHOWS, "count")
    world.execute(
        "update app.metric_definitions set expression = %s",
        Jsonb(op("add", SHOWS, {"metric": "gone"})),
    )
    assert core(world, ada)["own"]["value"] is None
    world.execute("update app.metric_definitions set expression = %s", Jsonb({"metric": "gone"}))
    assert core(world, ada)["own"]["value"] is None
