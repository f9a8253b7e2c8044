"""Settings of another system: whatever their rows say, each is taken or refused with a reason."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.world import World

ENTITIES = (
    "webhook_connections",
    "setter_activities",
    "organization_integrations",
    "integrations",
    "portal_settings",
    "dashboard_layouts",
    "invitations",
    "metric_definitions",
    "form_configs",
    "custom_field_definitions",
    "custom_field_options",
    "custom_field_values",
    "custom_field_ends",
)
HOSTILE = (
    "",
    " ",
    "t",
    "-1",
    "99999999999999999999",
    "1e400",
    "NaN",
    "infinity",
    "{}",
    "[]",
    "null",
    '"',
    '{"a":',
    "{a,b",
    "x" * 20_000,
    "'; drop table app.leads; --",
    "2026-13-45",
    "post_call_form",
    "stripe",
    "number",
    json.dumps([None, 1, [], {"name": None}, {"name": 7}, {"name": "a", "type": {}, "options": 3}]),
    json.dumps([{"name": "a", "type": "text", "min": "x", "max": -1, "show_if": [], "hidden": 1}]),
    json.dumps({"widgets": [None, {"type": 1, "position": {"x": 1e300}}]}),
    json.dumps({"fields": [{"name": "é", "type": "select", "options": ["", None, {"value": 1}]}]}),
)


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_row_of_settings_is_taken_or_refused_with_a_reason(
    entity: str, db: psycopg.Connection, world: World
) -> None:
    organization = world.organization("acme").id
    found = db.execute("select app.setting_columns(%s)", (entity,)).fetchone()
    columns = (found and found[0]) or ["show_cash", "days_ahead", "leaderboard_visibility"]
    rows = [
        {"id": str(uuid4()), "organization_id": str(organization)} | dict.fromkeys(columns, value)
        for value in HOSTILE
    ]
    rows += [{"id": value, "organization_id": str(organization)} for value in HOSTILE]
    rows += [{"id": str(uuid4()), "organization_id": value} for value in HOSTILE]
    said = _moved(db, entity, rows)
    assert said["inserted"] + said["updated"] + said["unchanged"] + said["refused"] == len(rows)
    assert len({told["row"] for told in said["errors"]}) == said["refused"]
    again = _moved(db, entity, rows)
    assert (again["inserted"], again["updated"]) == (0, 0)


def test_a_row_that_says_something_new_speaks_again(db: psycopg.Connection, world: World) -> None:
    row = {
        "id": str(uuid4()),
        "organization_id": str(world.organization("acme").id),
        "show_cash": "f",
        "days_ahead": "3",
    }
    assert _moved(db, "portal_settings", [row])["inserted"] == 1
    db.execute("update app.portal_settings set days_ahead = 9")
    assert _moved(db, "portal_settings", [row])["unchanged"] == 1
    assert _shown(db) == (False, 9)
    assert _moved(db, "portal_settings", [row | {"show_cash": "t"}])["updated"] == 1
    assert _shown(db) == (True, 3)


def test_values_that_came_later_do_not_make_a_field_speak_again(
    db: psycopg.Connection, world: World
) -> None:
    row = {
        "id": str(uuid4()),
        "organization_id": str(world.organization("acme").id),
        "name": "budget",
        "entity": "lead",
        "label": "Budget",
    }
    assert _moved(db, "custom_field_definitions", [row | {"record_ids": []}])["inserted"] == 1
    later = row | {"record_ids": [str(uuid4())], "has_options": True}
    assert _moved(db, "custom_field_definitions", [later])["unchanged"] == 1


def test_a_day_of_a_setter_is_told_once(db: psycopg.Connection, world: World) -> None:
    acme = world.organization("acme")
    setter = str(uuid4())
    db.execute(
        "select app.import_rows(%s, 'setters', %s)",
        (acme.id, Jsonb([{"external_id": setter, "name": "Sam"}])),
    )
    day = {
        "organization_id": str(acme.id),
        "setter_id": setter,
        "activity_date": "2026-01-08",
        "dials": "4",
    }
    said = _moved(
        db,
        "setter_activities",
        [day | {"id": str(uuid4())}, day | {"id": str(uuid4()), "dials": "9"}],
    )
    assert [(told["row"], told["field"]) for told in said["errors"]] == [(2, "activity_date")]
    assert db.execute("select dials from app.setter_activities").fetchall() == [(4,)]


def test_own_metrics_come_with_what_their_filters_name(
    db: psycopg.Connection, world: World
) -> None:
    acme = world.organization("acme")
    theirs = str(uuid4())
    db.execute(
        "select app.import_rows(%s, 'closers', %s)",
        (acme.id, Jsonb([{"external_id": theirs, "name": "Dana"}])),
    )
    row = {
        "id": str(uuid4()),
        "organization_id": str(acme.id),
        "name": "Dana's Shows",
        "unit": "number",
        "expression": json.dumps({"metric": "shows", "filters": {"closer_id": theirs.upper()}}),
    }
    assert _moved(db, "metric_definitions", [row])["inserted"] == 1
    dana = world.value("select id from app.closers where organization_id = %s", acme.id)
    kept = "select id, name, version, is_active, expression from app.metric_definitions"
    kept += " order by version"
    assert world.rows(kept) == [
        {
            "id": UUID(row["id"]),
            "name": "dana_s_shows",
            "version": 1,
            "is_active": True,
            "expression": {"metric": "shows", "filters": {"closer_id": str(dana)}},
        }
    ]
    again = _moved(db, "metric_definitions", [row | {"expression": '{"metric": "shows"}'}])
    assert (again["updated"], again["notes"]) == (1, [])
    retired = row | {"id": str(uuid4()), "is_active": "f"}
    assert _moved(db, "metric_definitions", [retired])["inserted"] == 1
    assert [(found["version"], found["is_active"]) for found in world.rows(kept)] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    other = row | {"id": str(uuid4())}
    assert [told["field"] for told in _moved(db, "metric_definitions", [other])["notes"]] == [
        "name"
    ]


def test_a_filter_that_becomes_what_the_next_one_was_is_not_moved_again(
    db: psycopg.Connection, world: World
) -> None:
    """Ids of a dump may be those of other people here: each filter moves once, where it stands."""
    acme = world.organization("acme")
    ids = [str(uuid4())]
    for name in ("Dana", "Eli", "Fay"):
        row = {"external_id": ids[-1], "name": name}
        db.execute("select app.import_rows(%s, 'closers', %s)", (acme.id, Jsonb([row])))
        ids.append(str(world.value("select id from app.closers where name = %s", name)))
    setter = str(uuid4())
    asked = [
        {"metric": "shows", "filters": {"closer_id": id_, "setter_id": setter}} for id_ in ids[:3]
    ]
    expression = {"op": "add", "args": [asked[0], {"op": "subtract", "args": asked[1:]}]}
    moved = world.value("select app.moved_expression(%s, %s)", acme.id, Jsonb(expression))
    assert [moved["args"][0], *moved["args"][1]["args"]] == [
        {"metric": "shows", "filters": {"closer_id": id_, "setter_id": setter}} for id_ in ids[1:]
    ]


def test_own_metrics_that_mean_nothing_here_are_refused_by_their_place(
    db: psycopg.Connection, world: World
) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    rows = [
        {"id": str(uuid4()), "organization_id": str(acme.id), "name": name, "unit": unit}
        | {"expression": json.dumps(expression)}
        for name, unit, expression in (
            ("shows", "count", {"metric": "shows"}),
            ("own", "furlongs", {"metric": "shows"}),
            ("own", "money", {"metric": "shows"}),
            ("own", "count", {"op": "add", "args": [{"metric": "shows"}, "calls"]}),
            (
                "own",
                "count",
                {"metric": "shows", "filters": {"source_id": str(beta.source().id)}},
            ),
        )
    ]
    told = _moved(db, "metric_definitions", rows)["errors"]
    assert [(error["row"], error["field"]) for error in told] == [
        (1, "name"),
        (2, "unit"),
        (3, "expression"),
        (4, "expression"),
        (5, "expression"),
    ]
    assert told[3]["sentence"].startswith("$.args[1] ")
    assert told[4]["sentence"].startswith("$.filters.source_id ")


def test_a_column_that_means_nothing_is_named(db: psycopg.Connection, world: World) -> None:
    row = {
        "id": str(uuid4()),
        "organization_id": str(world.organization("acme").id),
        "colour": "red",
    }
    assert _moved(db, "invitations", [row])["ignored"] == ["colour"]


def test_rows_of_one_organization_never_reach_another(db: psycopg.Connection, world: World) -> None:
    acme, beta = world.organization("acme").id, world.organization("beta").id
    field, option = str(uuid4()), str(uuid4())
    definition = {"id": field, "name": "budget", "entity": "lead", "field_type": "select"}
    _moved(db, "custom_field_definitions", [definition | {"organization_id": str(acme)}])
    said = _moved(
        db,
        "custom_field_options",
        [{"id": option, "definition_id": field, "value": "x", "organization_id": str(beta)}],
    )
    assert [told["field"] for told in said["errors"]] == ["definition_id"]


def _moved(
    db: psycopg.Connection, entity: str, rows: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    found = db.execute("select app.move_in(%s, %s)", (entity, Jsonb(list(rows)))).fetchone()
    assert found is not None
    return dict(found[0])


def _shown(db: psycopg.Connection) -> tuple[bool, int]:
    found = db.execute("select show_cash, days_ahead from app.portal_settings").fetchone()
    assert found is not None
    return (found[0], found[1])
