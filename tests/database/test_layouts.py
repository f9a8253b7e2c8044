"""Layouts of dashboards: which are kept, and whose is shown."""

import json
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.by_hand import ask_one
from tests.world import Organization, Person, World

BOX = {"x": 0, "y": 0, "width": 3, "height": 2}
NUMBER = {"type": "number", "metric": "show_rate", "position": BOX}


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def keep(who: Person, acme: Organization, layout: object, *, own: bool = True, **more: Any) -> None:
    columns = {"name": "default", "schema_version": 1, **more}
    with acme.world.acting_as(who) as db:
        db.rows(
            "insert into api.dashboard_layouts"
            " (organization_id, user_id, name, layout, schema_version)"
            " values (%(organization)s, %(user)s, %(name)s, %(layout)s, %(schema_version)s)",
            organization=acme.id,
            user=who.user_id if own else None,
            layout=Jsonb(layout),
            **columns,
        )


def errors(who: Person, acme: Organization, layout: object, **more: Any) -> dict[str, str]:
    """The places of a layout that are refused."""
    with refused("PT422") as caught:
        keep(who, acme, layout, **more)
    detail: dict[str, str] = json.loads(caught.value.diag.message_detail or "{}")
    return detail


def shown(who: Person, acme: Organization, name: str = "default") -> dict[str, Any]:
    return ask_one(acme.world, who, "dashboard_layout", organization_id=acme.id, name=name)


def test_ones_own_layout_comes_before_the_default_and_the_built_in_one(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.closer("dana")
    built_in = shown(dana, acme)
    assert (built_in["origin"], built_in["home"], built_in["id"]) == ("built-in", "rep", None)
    keep(ada, acme, {"widgets": []}, own=False)
    assert (shown(dana, acme)["origin"], shown(dana, acme)["layout"]) == (
        "default",
        {"widgets": []},
    )
    keep(dana, acme, {"widgets": [NUMBER]})
    assert (shown(dana, acme)["origin"], shown(dana, acme)["layout"]) == (
        "own",
        {"widgets": [NUMBER]},
    )
    assert shown(acme.closer("eli"), acme)["origin"] == "default"
    assert shown(dana, acme, "phone")["origin"] == "built-in"
    with refused("PT404"):
        shown(acme.world.organization("bolt").admin(), acme)


@pytest.mark.parametrize("who", ["admin", "rep", "setter", "nobody"])
def test_built_in_layouts_are_layouts(acme: Organization, who: str) -> None:
    people = {"admin": acme.admin, "rep": acme.closer, "setter": acme.setter, "nobody": acme.member}
    person = people[who]()
    answer = shown(person, acme)
    assert answer["home"] == (None if who == "nobody" else who)
    assert (answer["layout"]["widgets"] == []) == (who == "nobody")
    keep(person, acme, answer["layout"], schema_version=answer["schema_version"])


@pytest.mark.parametrize(
    ("widget", "place"),
    [
        ("number", "widgets[0]"),
        ({"type": "pie", "position": BOX}, "widgets[0].type"),
        ({"type": "number", "position": BOX}, "widgets[0].metric"),
        ({**NUMBER, "metric": "luck"}, "widgets[0].metric"),
        ({**NUMBER, "colour": "red"}, "widgets[0].colour"),
        ({**NUMBER, "title": "x" * 101}, "widgets[0].title"),
        ({"type": "list", "list": "secrets", "position": BOX}, "widgets[0].list"),
        ({"type": "list", "list": ["calls"], "position": BOX}, "widgets[0].list"),
        ({"type": "leaderboard", "role": "owner", "position": BOX}, "widgets[0].role"),
        ({"type": "number", "metric": "show_rate"}, "widgets[0].position"),
        ({**NUMBER, "position": {**BOX, "x": 10}}, "widgets[0].position"),
        ({**NUMBER, "position": {**BOX, "width": 1.5}}, "widgets[0].position"),
        ({**NUMBER, "position": {**BOX, "y": 1e99}}, "widgets[0].position"),
        ({**NUMBER, "position": {**BOX, "z": 1}}, "widgets[0].position"),
        ({**NUMBER, "position": [1, 2, 3, 4]}, "widgets[0].position"),
    ],
)
def test_a_wrong_widget_is_named_by_its_place(
    acme: Organization, widget: object, place: str
) -> None:
    assert list(errors(acme.admin(), acme, {"widgets": [widget]})) == [place]


def test_a_widget_shows_a_metric_of_ones_own_and_of_nobody_else(acme: Organization) -> None:
    ada, bolt = acme.admin(), acme.world.organization("bolt")
    ask_one(
        acme.world,
        ada,
        "define_metric",
        name="missed_share",
        label="Missed",
        unit="rate",
        expression=Jsonb({"metric": "no_show_rate"}),
        organization_id=acme.id,
    )
    widgets = [{**NUMBER, "metric": "missed_share"}]
    keep(ada, acme, {"widgets": widgets})
    assert shown(ada, acme)["layout"] == {"widgets": widgets}
    assert list(errors(bolt.admin("bea"), bolt, {"widgets": widgets})) == ["widgets[0].metric"]


def test_every_error_is_in_one_answer(acme: Organization) -> None:
    wrong = {"widgets": [NUMBER, {**NUMBER, "metric": 7}], "theme": "dark"}
    assert set(errors(acme.admin(), acme, wrong)) == {
        "theme",
        "widgets[1].metric",
        "widgets[1].position",
    }


@pytest.mark.parametrize("layout", [{}, [], {"widgets": {}}, {"widgets": [NUMBER] * 51}])
def test_what_is_no_layout_is_refused(acme: Organization, layout: object) -> None:
    assert set(errors(acme.admin(), acme, layout)) == {"widgets"}


def test_an_unknown_version_is_refused_rather_than_misread(acme: Organization) -> None:
    ada = acme.admin()
    assert set(errors(ada, acme, {"widgets": []}, schema_version=2)) == {"schema_version"}
    keep(ada, acme, {"widgets": []})
    with acme.world.acting_as(ada) as db, refused("PT422"):
        db.rows("update api.dashboard_layouts set schema_version = 2")
