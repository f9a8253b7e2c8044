"""What an organization may define as a metric of its own, and what becomes of a definition."""

from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.acting import Request, refused
from tests.world import Organization, Person, World

SHOWS: dict[str, Any] = {"metric": "shows"}
CASH: dict[str, Any] = {"metric": "cash_collected"}
HALF: dict[str, Any] = {"value": "0.5"}


def op(name: str, *args: object) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def deep(levels: int) -> dict[str, Any]:
    """An expression of so many levels."""
    return SHOWS if levels == 1 else op("add", deep(levels - 1), HALF)


def wide(parts: int) -> dict[str, Any]:
    """An expression of so many parts."""
    return op("add", *[SHOWS] * (parts - 1))


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


def define(db: Request, expression: object = SHOWS, **given: object) -> dict[str, Any]:
    """What define_metric answers."""
    said = {"name": "own", "label": "Own", "unit": "ratio", "sentence": None, "reason": None}
    names = {**said, **given, "expression": Jsonb(expression)}
    arguments = ", ".join(f"{name} => %({name})s" for name in names)
    (row,) = db.rows(f"select * from define_metric({arguments})", **names)
    return row


def problem(acme: Organization, expression: object, unit: str | None = None) -> tuple[Any, ...]:
    """(place, whether a remedy is told) of what is wrong; (None, False) for nothing."""
    (row,) = acme.world.rows(
        "select * from app.metric_problem(%s, %s, %s)", acme.id, Jsonb(expression), unit
    )
    if row["problem"] is None:
        return (None, False)
    assert row["problem"].endswith(".")
    return (row["place"], bool(row["remedy"]))


def versions(world: World, name: str = "own") -> list[tuple[int, bool]]:
    return [
        (row["version"], row["is_active"])
        for row in world.rows(
            "select version, is_active from app.metric_definitions where name = %s order by 1", name
        )
    ]


def test_a_definition_is_kept_as_it_was_written(world: World, ada: Person) -> None:
    expression = op("divide", op("subtract", CASH, {"value": 12.5}), SHOWS)
    with world.acting_as(ada) as db:
        row = define(
            db, expression, label=" Cash ", unit="money", sentence="Of each show.", name="cash_2"
        )
        assert (row["name"], row["label"], row["unit"]) == ("cash_2", "Cash", "money")
        assert (row["sentence"], row["version"], row["is_active"]) == ("Of each show.", 1, True)
        assert row["expression"] == expression


def test_saying_something_else_makes_the_next_version_and_the_same_makes_none(
    world: World, ada: Person
) -> None:
    with world.acting_as(ada) as db:
        first = define(db)
        assert define(db)["id"] == first["id"]
        second = define(db, op("add", SHOWS, SHOWS))
        third = define(db, op("add", SHOWS, SHOWS), label="Twice")
        assert (second["version"], third["version"]) == (2, 3)
    assert versions(world) == [(1, False), (2, False), (3, True)]


def test_a_retired_metric_stays_and_can_be_defined_again(world: World, ada: Person) -> None:
    with world.acting_as(ada) as db:
        define(db)
        (row,) = db.rows("select * from retire_metric('own', 'Nobody asks.')")
        assert (row["version"], row["is_active"]) == (1, False)
        with refused("PT404"):
            db.rows("select * from retire_metric('own')")
        with refused("PT404"):
            db.rows("select * from retire_metric('shows')")
        assert define(db)["version"] == 2
    assert versions(world) == [(1, False), (2, True)]


def test_the_audit_trail_says_who_defined_and_why(world: World, ada: Person) -> None:
    with world.acting_as(ada) as db:
        define(db, reason="We pay by it.")
        define(db, op("add", SHOWS, SHOWS), reason="Twice, then.")
        db.rows("select * from retire_metric('own', 'No more.')")
    trail = world.rows(
        "select action, actor_id, reason from app.audit_logs"
        " where table_name = 'metric_definitions' order by id"
    )
    assert [(row["action"], row["reason"]) for row in trail] == [
        ("INSERT", "We pay by it."),
        ("UPDATE", "Twice, then."),
        ("INSERT", "Twice, then."),
        ("UPDATE", "No more."),
    ]
    assert {row["actor_id"] for row in trail} == {ada.user_id}


def test_only_admins_define_and_everybody_reads(
    world: World, acme: Organization, ada: Person
) -> None:
    dana, sam = acme.closer("dana"), acme.setter("sam")
    stranger = world.organization("other").admin()
    with world.acting_as(ada) as db:
        define(db)
    for person in (dana, sam):
        with world.acting_as(person) as db:
            assert db.ids("select name from metric_definitions") == {"own"}
            with refused("42501"):
                define(db)
            with refused("42501"):
                db.rows("select * from retire_metric('own')")
    with world.acting_as(stranger) as db:
        assert db.ids("select name from metric_definitions") == set()
        with refused("PT404"):
            define(db, organization_id=acme.id)
        with refused("PT404"):
            db.rows("select * from retire_metric('own')")
        assert define(db)["version"] == 1, "a name is one's own"


@pytest.mark.parametrize(
    "given",
    [
        {"name": "shows"},
        {"name": "close_rate"},
        {"name": "Own"},
        {"name": "1st"},
        {"name": ""},
        {"name": None},
        {"name": "x" * 61},
        {"label": " "},
        {"label": None},
        {"label": "x" * 101},
        {"sentence": "x" * 501},
        {"unit": "percent"},
        {"unit": None},
    ],
    ids=str,
)
def test_names_of_the_catalog_and_nonsense_are_refused(
    world: World, ada: Person, given: dict[str, object]
) -> None:
    with world.acting_as(ada) as db, refused("PT422"):
        define(db, **given)
    assert versions(world) == []


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("shows", "$"),
        ([], "$"),
        ({}, "$"),
        (None, "$"),
        ({"divide": ["shows", "booked_calls"]}, "$"),
        ({"metric": "shows", "value": 1}, "$"),
        ({"metric": "shows", "sql": "1"}, "$"),
        ({"op": "add", "metric": "shows"}, "$"),
        (HALF, "$"),
        (op("add", HALF, HALF), "$"),
        (op("power", SHOWS, HALF), "$.op"),
        ({"op": ["add"], "args": [SHOWS, SHOWS]}, "$.op"),
        (op("add", SHOWS), "$.args"),
        (op("subtract", SHOWS, SHOWS, SHOWS), "$.args"),
        (op("divide", SHOWS, SHOWS, SHOWS), "$.args"),
        ({"op": "add"}, "$.args"),
        ({"op": "add", "args": SHOWS}, "$.args"),
        (op("add", SHOWS, "shows"), "$.args[1]"),
        (op("divide", SHOWS, {"value": 0}), "$.args[1].value"),
        (op("divide", SHOWS, {"value": "-0.00"}), "$.args[1].value"),
        (op("add", SHOWS, {"value": "NaN"}), "$.args[1].value"),
        (op("add", SHOWS, {"value": "1e3"}), "$.args[1].value"),
        (op("add", SHOWS, {"value": True}), "$.args[1].value"),
        (op("add", SHOWS, {"value": None}), "$.args[1].value"),
        (op("add", SHOWS, {"value": "1234567890123456"}), "$.args[1].value"),
        (op("add", SHOWS, {"value": "0.1234567890123"}), "$.args[1].value"),
        ({"metric": "profit"}, "$.metric"),
        ({"metric": "own"}, "$.metric"),
        ({"metric": "outstanding"}, "$.metric"),
        ({"metric": None}, "$.metric"),
        ({"metric": ["shows"]}, "$.metric"),
        (op("multiply", HALF, op("add", SHOWS, {"metric": "x"})), "$.args[1].args[1].metric"),
        ({"metric": "show_rate", "part": "both"}, "$.part"),
        ({"metric": "shows", "part": "denominator"}, "$.part"),
        ({"metric": "shows", "part": None}, "$.part"),
        ({"metric": "shows", "filters": []}, "$.filters"),
        ({"metric": "shows", "filters": {"package_id": str(UUID(int=1))}}, "$.filters"),
        ({"metric": "shows", "filters": {"closer_id": "dana"}}, "$.filters.closer_id"),
        ({"metric": "shows", "filters": {"closer_id": None}}, "$.filters.closer_id"),
        ({"metric": "shows", "filters": {"source_id": str(UUID(int=1))}}, "$.filters.source_id"),
        (deep(11), "$" + ".args[0]" * 10),
        (deep(60), "$" + ".args[0]" * 10),
        (wide(101), "$.args[99]"),
        (wide(2000), "$"),
    ],
    ids=lambda said: str(said)[:60],
)
def test_what_is_wrong_is_named_by_its_place(
    acme: Organization, expression: object, place: str
) -> None:
    assert problem(acme, expression) == (place, True)


@pytest.mark.parametrize(
    "expression",
    [
        SHOWS,
        {"metric": "shows", "part": "numerator", "filters": {}},
        {"metric": "show_rate", "part": "denominator"},
        op("add", SHOWS, {"value": 0.5}, {"value": "-0.5"}, {"value": "100"}),
        op("multiply", SHOWS, {"value": 0}),
        op("divide", {"value": 0}, SHOWS),
        deep(10),
        wide(100),
    ],
    ids=lambda said: str(said)[:60],
)
def test_what_is_right_is_taken(acme: Organization, expression: object) -> None:
    assert problem(acme, expression) == (None, False)


def test_the_refusal_says_where_and_what_is_allowed(world: World, ada: Person) -> None:
    with world.acting_as(ada) as db, refused("PT422") as caught:
        define(db, op("add", SHOWS, {"metric": "profit"}))
    diag = caught.value.diag
    assert (diag.message_detail or "").startswith("$.args[1].metric ")
    assert "metric_catalog" in (diag.message_hint or "")


def member(organization: Organization, filter_: str) -> UUID | None:
    """Somebody or something that a filter may name."""
    return {
        "closer_id": lambda: organization.closer().closer_id,
        "setter_id": lambda: organization.setter().setter_id,
        "source_id": lambda: organization.source().id,
        "traffic_type_id": lambda: organization.traffic_type().id,
        "call_type_id": lambda: organization.call_type().id,
    }[filter_]()


@pytest.mark.parametrize(
    "filter_", ["closer_id", "setter_id", "source_id", "traffic_type_id", "call_type_id"]
)
def test_filters_name_members_of_the_organization_and_no_others(
    world: World, acme: Organization, filter_: str
) -> None:
    own, theirs = member(acme, filter_), member(world.organization("other"), filter_)
    assert problem(acme, SHOWS | {"filters": {filter_: str(own)}}) == (None, False)
    assert problem(acme, SHOWS | {"filters": {filter_: str(own).upper()}}) == (None, False)
    assert problem(acme, SHOWS | {"filters": {filter_: str(theirs)}}) == (
        f"$.filters.{filter_}",
        True,
    )


def test_an_expression_has_eight_sets_of_filters_and_an_organization_twenty_four(
    world: World, acme: Organization, ada: Person
) -> None:
    by = [SHOWS | {"filters": {"source_id": str(acme.source(f"s{n}").id)}} for n in range(25)]
    assert problem(acme, op("add", *by[:8], by[0], SHOWS)) == (None, False)
    assert problem(acme, op("add", *by[:9])) == ("$", True)
    with world.acting_as(ada) as db:
        for n in range(3):
            define(db, op("add", *by[8 * n : 8 * n + 8]), name=f"own_{n}")
        define(db, op("add", by[0], by[23]), name="of_known_filters")
        with refused("PT409"):
            define(db, by[24])
        db.rows("select * from retire_metric('own_1')")
        define(db, by[24])


@pytest.mark.parametrize(
    ("expression", "unit", "place"),
    [
        (op("add", CASH, SHOWS), None, "$"),
        (op("subtract", SHOWS, {"metric": "show_rate"}), None, "$"),
        (op("multiply", HALF, op("add", CASH, SHOWS)), None, "$.args[1]"),
        (op("add", {"metric": "aov"}, CASH), None, "$"),
        (op("add", {"metric": "pcf_median_delay"}, SHOWS), None, "$"),
        (op("add", {"metric": "aov", "part": "numerator"}, CASH), "money", None),
        (op("add", op("multiply", {"metric": "aov"}, SHOWS), CASH), "money", None),
        (op("divide", CASH, SHOWS), "money", None),
        (op("divide", CASH, SHOWS), "ratio", None),
        (op("divide", CASH, SHOWS), "rate", "$"),
        (op("divide", CASH, SHOWS), "count", "$"),
        (op("divide", SHOWS, {"metric": "booked_calls"}), "rate", None),
        (op("divide", SHOWS, {"metric": "booked_calls"}), "count", None),
        (op("divide", SHOWS, {"metric": "booked_calls"}), "money", "$"),
        (op("subtract", {"value": 1}, {"metric": "show_rate"}), "rate", None),
        (op("subtract", CASH, {"value": "5000.00"}), "money", None),
        (op("subtract", CASH, op("multiply", SHOWS, {"value": 50})), "money", None),
        (op("add", {"metric": "show_rate"}, {"metric": "verified_share"}), "rate", None),
        (op("add", {"metric": "utilization", "part": "denominator"}, SHOWS), "count", None),
        ({"metric": "pcf_median_delay"}, "seconds", None),
        ({"metric": "pcf_median_delay"}, "days", "$"),
        (op("divide", {"metric": "pcf_median_delay"}, {"value": 86400}), "days", None),
        (CASH, "seconds", "$"),
        (op("add", CASH, {"metric": "cash_from_sets"}), "money", None),
        (op("add", SHOWS, {"metric": "dials_per_set", "part": "numerator"}), "count", None),
        (op("add", SHOWS, {"metric": "talk_seconds"}), None, "$"),
        (op("divide", {"metric": "talk_seconds"}, {"metric": "dials"}), "seconds", None),
        (op("add", {"metric": "speed_to_lead"}, {"metric": "pcf_median_delay"}), "seconds", None),
    ],
    ids=lambda said: str(said)[:80],
)
def test_money_and_calls_are_not_added_and_units_are_what_is_said(
    acme: Organization, expression: object, unit: str | None, place: str | None
) -> None:
    assert problem(acme, expression, unit) == (place, place is not None)


def test_it_is_known_of_every_number_of_the_catalog_what_it_is_made_of(world: World) -> None:
    unknown = world.rows(
        "select p.metric, p.part from app.metric_parts() as p"
        " cross join (values (true), (false)) as w (whole)"
        " where app.leaf_dimensions(p.metric, case when not w.whole then p.part end) is null"
    )
    assert unknown == []


def test_what_the_catalog_comes_to_have_rules_over_own_names(
    world: World, acme: Organization, ada: Person
) -> None:
    with world.acting_as(ada) as db:
        define(db)
    assert world.value("select count(*) from app.own_metrics(%s)", acme.id) == 1
    world.execute("update app.metric_definitions set name = 'shows'")
    assert world.value("select count(*) from app.own_metrics(%s)", acme.id) == 0
