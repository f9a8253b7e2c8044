"""What an organization asks after a call beside the standard fields."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.world import ANSWERS, NOON, Organization, Row, World

AFTER = NOON + timedelta(hours=1)
FIELDS: list[dict[str, Any]] = [
    {"name": "pain", "type": "text", "label": "What hurts?", "required": True, "max": 20},
    {"name": "team", "type": "number", "min": 1, "max": 500},
    {"name": "budget", "type": "money", "min": 100},
    {"name": "decides_on", "type": "date", "min": "2026-01-01"},
    {"name": "niche", "type": "select", "options": ["coach", {"value": "agency", "label": "A"}]},
    {"name": "tools", "type": "multi-select", "options": ["crm", "mail", "ads"], "max": 2},
    {"name": "partner", "type": "boolean"},
    {
        "name": "partner_email",
        "type": "e-mail",
        "required": True,
        "show_if": {"field": "partner", "equals": True},
    },
    {"name": "mobile", "type": "phone"},
    {
        "name": "why_not",
        "type": "text",
        "required": True,
        "show_if": {"field": "event_outcome", "in": ["showed_offer", "showed_no_offer"]},
    },
]
SAID: dict[str, Any] = {
    "pain": " sales ",
    "team": "12",
    "budget": "1500",
    "decides_on": "2026-04-01",
    "niche": "agency",
    "tools": ["mail", "crm", "mail"],
    "partner": True,
    "partner_email": "Pat@Example.com",
    "mobile": "+1 (212) 555-0100",
}
KEPT: dict[str, Any] = {
    "pain": "sales",
    "team": 12,
    "budget": 1500.00,
    "decides_on": "2026-04-01",
    "niche": "agency",
    "tools": ["crm", "mail"],
    "partner": True,
    "partner_email": "pat@example.com",
    "mobile": "+12125550100",
}


def when(condition: object) -> dict[str, object]:
    """A field under a condition."""
    return {"name": "pain", "type": "text", "show_if": condition}


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def call(acme: Organization) -> Row:
    return acme.event(closer=acme.closer())


def config_problems(acme: Organization, fields: object) -> Any:
    """What is wrong with fields that somebody would publish."""
    return acme.world.value("select (app.read_form_config(%s)).problems", Jsonb(fields))


def problems(acme: Organization, call: Row, **answers: object) -> dict[str, str]:
    """What is wrong with a form, by field."""
    with refused("PT422") as caught:
        acme.form(call, at=AFTER, **answers)
    found: dict[str, str] = json.loads(caught.value.diag.message_detail or "{}")
    assert all(sentence.endswith(".") for sentence in found.values())
    return found


def answers_of(world: World, form: Row) -> Any:
    return world.value("select answers from app.post_call_forms where id = %s", form.id)


def test_answers_are_kept_in_one_spelling_with_the_form_that_asked_them(
    acme: Organization, call: Row, world: World
) -> None:
    published = acme.publish_form(*FIELDS)
    form = acme.form(call, at=AFTER, **ANSWERS["closed"], **SAID)
    assert answers_of(world, form) == KEPT
    (row,) = world.rows("select * from app.post_call_forms where id = %s", form.id)
    assert row["form_config_id"] == published.id
    assert "1500.00" in world.value(
        "select answers::text from app.post_call_forms where id = %s", form.id
    )
    again = acme.form(call, at=AFTER, **ANSWERS["closed"], answers=answers_of(world, form))
    assert answers_of(world, again) == KEPT


def test_everything_wrong_with_own_and_standard_fields_is_said_at_once(
    acme: Organization, call: Row
) -> None:
    acme.publish_form(*FIELDS)
    found = problems(
        acme,
        call,
        **ANSWERS["showed_offer"],
        team=0,
        budget="99.99",
        decides_on="2026-02-30",
        niche="dentist",
        tools=["crm", "mail", "ads"],
        partner="yes",
        mobile="12",
        hat="red",
        cash_collected="1.001",
    )
    assert found.keys() == {
        "pain", "team", "budget", "decides_on", "niche", "tools", "partner", "mobile", "hat",
        "why_not", "cash_collected",
    }  # fmt: skip


def test_a_field_is_asked_only_under_its_condition(acme: Organization, call: Row) -> None:
    acme.publish_form(*FIELDS)
    base = {**ANSWERS["closed"], "pain": "x"}
    assert problems(acme, call, **base, partner=True).keys() == {"partner_email"}
    assert problems(acme, call, **base, partner=False, partner_email="p@e.co").keys() == {
        "partner_email"
    }
    assert problems(acme, call, **base, why_not="price").keys() == {"why_not"}
    assert problems(acme, call, event_outcome="showed", pain="x").keys() == {"why_not"}
    acme.form(call, at=AFTER, event_outcome="showed", pain="x", why_not="price")
    acme.form(call, at=AFTER, **base, partner=False, partner_email="", why_not=None)


def test_an_entry_of_a_standard_field_requires_hides_or_narrows_it(
    acme: Organization, call: Row
) -> None:
    acme.publish_form(
        {"name": "payment_type", "options": ["pif", "deposit"]},
        {"name": "contract_value", "required": True, "max": 9000, "show_if": {
            "field": "deal_closed", "equals": True}},
        {"name": "disqualified", "hidden": True},
        {"name": "notes", "required": True, "min": 3},
    )  # fmt: skip
    found = problems(acme, call, **ANSWERS["closed"], payment_type="financed", disqualified=False)
    assert found.keys() == {"payment_type", "contract_value", "disqualified", "notes"}
    found = problems(acme, call, **ANSWERS["showed_offer"], contract_value=1, notes="ok")
    assert found.keys() == {"contract_value", "notes"}
    acme.form(call, at=AFTER, **ANSWERS["no_show"], notes="never came")
    acme.form(call, at=AFTER, **ANSWERS["closed"], notes="won", contract_value=9000)


def test_answers_stand_beside_the_standard_ones_or_together_but_not_twice(
    acme: Organization, call: Row, world: World
) -> None:
    acme.publish_form({"name": "pain", "type": "text"})
    form = acme.form(call, at=AFTER, call_occurred=True, answers={"pain": "x"})
    assert answers_of(world, form) == {"pain": "x"}
    twice = problems(acme, call, call_occurred=True, pain="y", answers={"pain": "x"})
    assert twice.keys() == {"pain"}
    assert problems(acme, call, call_occurred=True, answers=["x"]).keys() == {"answers"}


def test_an_import_may_leave_out_what_was_not_asked_then(
    acme: Organization, call: Row, world: World
) -> None:
    acme.publish_form(*FIELDS)
    submit = "select id from app.record_form(%s, %s, %s, %s, submitted_via => 'import')"
    world.value(submit, acme.id, call.id, Jsonb({"call_occurred": True}), AFTER)
    with refused("PT422"):
        world.value(submit, acme.id, call.id, Jsonb({"call_occurred": True, "team": "x"}), AFTER)


def test_nothing_is_asked_before_something_is_published(acme: Organization, call: Row) -> None:
    assert problems(acme, call, call_occurred=True, pain="x").keys() == {"pain"}


def test_another_organizations_form_asks_nothing_here(
    acme: Organization, call: Row, world: World
) -> None:
    world.organization("umbrella").publish_form(*FIELDS)
    acme.form(call, at=AFTER, call_occurred=True)


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("text", "field"),
        ({}, "name"),
        ({"name": 3, "type": "text"}, "name"),
        ({"name": "Pain", "type": "text"}, "name"),
        ({"name": "x" * 61, "type": "text"}, "name"),
        ({"name": "submitted_at", "type": "text"}, "name"),
        ({"name": "answers", "type": "text"}, "name"),
        ({"name": "pain"}, "type"),
        ({"name": "pain", "type": "colour"}, "type"),
        ({"name": "notes", "type": "number"}, "type"),
        ({"name": "pain", "type": "text", "requierd": True}, "requierd"),
        ({"name": "pain", "type": "text", "required": "yes"}, "required"),
        ({"name": "pain", "type": "text", "label": 3}, "label"),
        ({"name": "pain", "type": "text", "hidden": True}, "hidden"),
        ({"name": "call_occurred", "hidden": True}, "hidden"),
        ({"name": "lead_showed", "required": True}, "required"),
        ({"name": "notes", "required": True, "hidden": True}, "required"),
        ({"name": "pain", "type": "text", "options": ["a"]}, "options"),
        ({"name": "pain", "type": "select"}, "options"),
        ({"name": "pain", "type": "select", "options": []}, "options"),
        ({"name": "pain", "type": "select", "options": ["a", "a"]}, "options"),
        ({"name": "pain", "type": "select", "options": ["a", {"label": "b"}]}, "options"),
        ({"name": "pain", "type": "select", "options": ["a", 3]}, "options"),
        ({"name": "payment_type", "options": ["barter"]}, "options"),
        ({"name": "pain", "type": "boolean", "min": 1}, "min"),
        ({"name": "pain", "type": "text", "max": -1}, "max"),
        ({"name": "pain", "type": "number", "max": "9"}, "max"),
        ({"name": "pain", "type": "number", "min": 9, "max": 1}, "max"),
        ({"name": "pain", "type": "date", "min": "2026-02-30"}, "min"),
        ({"name": "pain", "type": "date", "min": "2026-02-01", "max": "2026-01-01"}, "max"),
        (when({"field": "pain", "answered": True}), "show_if"),
        (when({"field": "later", "answered": True}), "show_if"),
        (when({"field": "partner"}), "show_if"),
        (when({"field": "partner", "equals": "y"}), "show_if"),
        (when({"field": "partner", "in": []}), "show_if"),
        (when({"field": "partner", "answered": 1}), "show_if"),
        (when("partner"), "show_if"),
        ({"name": "notes", "show_if": {"field": "partner", "equals": True}}, "show_if"),
        ({"name": "partner", "type": "text"}, "name"),
    ],
    ids=str,
)  # fmt: skip
def test_a_field_that_cannot_be_asked_is_refused_by_its_setting(
    acme: Organization, field: object, setting: str
) -> None:
    partner = {"name": "partner", "type": "boolean"}
    later = {"name": "later", "type": "text"}
    found = config_problems(acme, [partner, field, later])
    assert len(found) == 1, found
    ((_, settings_),) = found.items()
    assert settings_.keys() == {setting}
    assert all(sentence.endswith(".") for sentence in settings_.values())


@pytest.mark.parametrize("fields", [None, {}, "pain", [{"name": "a", "type": "text"}] * 101])
def test_a_form_is_a_list_of_at_most_a_hundred_fields(acme: Organization, fields: object) -> None:
    assert config_problems(acme, fields).keys() == {"fields"}


def test_publishing_counts_versions_and_one_is_in_use(acme: Organization, world: World) -> None:
    first = acme.publish_form(*FIELDS)
    second = acme.publish_form(*FIELDS[:1])
    assert acme.publish_form(*FIELDS[:1]) == second
    rows = world.rows("select id, version, is_active from app.form_configs order by version")
    assert [tuple(row.values()) for row in rows] == [(first.id, 1, False), (second.id, 2, True)]


def test_a_preview_counts_the_forms_that_could_not_be_sent_again(
    acme: Organization, world: World
) -> None:
    acme.publish_form({"name": "team", "type": "number"}, {"name": "old", "type": "text"})
    small = [
        acme.form(acme.event(), at=AFTER, **ANSWERS["closed"], team=n, payment_type="pif")
        for n in range(1, 8)
    ]
    acme.form(acme.event(), at=AFTER, **ANSWERS["no_show"], team=50, old="gone")
    world.execute(
        "select app.report_no_show(%s, %s, %s)", acme.id, acme.event().id, AFTER
    )  # a system's form is nobody's to send again
    found = world.rows(
        "select * from app.failing_forms(%s, %s)",
        acme.id,
        Jsonb(
            [
                {"name": "team", "type": "number", "min": 10},
                {"name": "payment_type", "options": ["financed"]},
                {"name": "pain", "type": "text", "required": True},
                {"name": "disqualified", "hidden": True},
            ]
        ),
    )
    assert {row["field"]: row["forms"] for row in found} == {
        "pain": 8, "team": 7, "payment_type": 7, "old": 1,
    }  # fmt: skip
    (team,) = [row for row in found if row["field"] == "team"]
    assert team["form_ids"] == [form.id for form in reversed(small)][:5]


def test_admins_publish_and_preview_and_others_do_not(acme: Organization, world: World) -> None:
    ada = acme.admin()
    publish = "select api.publish_form_config(%s, preview => %s, organization_id => %s)"
    with world.acting_as(ada) as db:
        tried = db.value(publish, Jsonb(FIELDS), True, None)
        assert (tried["form_config_id"], tried["version"]) == (None, None)
        assert db.ids("select id from api.form_configs") == set()
        done = db.value(publish, Jsonb(FIELDS), False, None)
        assert done["version"] == 1
        assert db.value("select published_by from api.form_configs") == ada.user_id
        with refused("PT422") as caught:
            db.value(publish, Jsonb([{"name": "notes", "type": "date"}]), False, None)
        detail = json.loads(caught.value.diag.message_detail or "{}")
        assert detail["notes"].keys() == {"type"}
    for stranger in (acme.closer(), acme.member(), acme.setter()):
        with world.acting_as(stranger) as db, refused("42501"):
            db.value(publish, Jsonb(FIELDS), True, acme.id)
    with world.acting_as(world.organization("umbrella").admin()) as db, refused("PT404"):
        db.value(publish, Jsonb(FIELDS), True, acme.id)


# -- any input at all

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
LIKELY = st.sampled_from(
    [True, False, None, "", " ", 0, 1, -1, 1.5, "7", "1500.00", "a", "b", "2026-02-28",
     "2026-02-30", "x@y.zz", "+1 212 555 0100", ["a"], ["a", "b", "a"], [], {},
     10**30, -0.0, 1e-9, "9" * 40]
)  # fmt: skip
JSON = st.recursive(
    LIKELY | TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
KINDS = (
    "text", "number", "money", "date", "select", "multi_select", "boolean", "email", "phone",
    "currency", "id",
)  # fmt: skip
ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(ANY, max_examples=25)


@ANY
@given(value=JSON)
def test_no_value_breaks_the_check_and_what_it_keeps_it_keeps_again(
    db: psycopg.Connection, value: object
) -> None:
    rows = db.execute(
        "select k.kind, r.value, r.problem, again.value, again.problem"
        "  from unnest(%s::text[]) as k (kind)"
        " cross join lateral app.read_value(k.kind, %s, array['a', 'b'], null, null, 'USD') as r"
        " cross join lateral app.read_value(k.kind, r.value, array['a', 'b'], null, null, 'USD')"
        "    as again",
        (list(KINDS), Jsonb(value)),
    ).fetchall()
    for kind, kept, problem, again, fault in rows:
        assert kept is None or problem is None, kind
        assert (again, fault) == (kept, None), kind


def attempt(acme: Organization, call: Row, form: dict[str, Any]) -> Row | psycopg.Error:
    """The form, or why it was refused."""
    try:
        return acme.form(call, at=AFTER, **form)
    except psycopg.Error as error:
        return error


@FEW
@given(form=st.dictionaries(st.sampled_from([*SAID, "why_not", "notes", "cash_collected",
                                             "currency", "answers", "event_outcome"]) | TEXTS,
                            JSON, max_size=6))  # fmt: skip
def test_a_form_of_anything_is_kept_as_it_is_read_or_refused_by_field(
    acme: Organization, call: Row, world: World, form: dict[str, object]
) -> None:
    acme.publish_form(*FIELDS)
    made = attempt(acme, call, {"call_occurred": True, "pain": "x", "why_not": "y", **form})
    if isinstance(made, psycopg.Error):
        assert made.sqlstate == "PT422"
        assert json.loads(made.diag.message_detail or "{}")
        return
    kept = answers_of(world, made)
    row = world.value(
        "select app.form_as_answers(f) || jsonb_build_object('currency', f.currency)"
        "  from app.post_call_forms as f where f.id = %s",
        made.id,
    )
    again = acme.form(call, at=AFTER, **row)
    assert answers_of(world, again) == kept


CONDITION = JSON | st.fixed_dictionaries(
    {"field": st.sampled_from(["a", "deal_closed"])},
    optional={"equals": JSON, "in": JSON, "answered": JSON},
)
FIELD = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "notes", "deal_closed"]) | JSON,
        "type": st.sampled_from([*KINDS, "multi-select"]) | JSON,
        "options": JSON,
        "min": JSON,
        "max": JSON,
        "required": JSON,
        "hidden": JSON,
        "show_if": CONDITION,
    },
)


@ANY
@given(fields=JSON | st.lists(FIELD, max_size=3))
def test_fields_of_anything_are_refused_or_can_be_asked(
    acme: Organization, world: World, fields: object
) -> None:
    read = world.rows("select * from app.read_form_config(%s)", Jsonb(fields))[0]
    if read["problems"]:
        return
    assert config_problems(acme, read["fields"]) == {}
    (again,) = world.rows("select * from app.read_form_config(%s)", Jsonb(read["fields"]))
    assert again["fields"] == read["fields"]
    world.rows(
        "select * from app.read_answers(%s, array['{\"a\": 1, \"b\": [2]}'::jsonb], 'USD')",
        Jsonb(read["fields"]),
    )
