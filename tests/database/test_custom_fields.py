"""Fields that an organization adds to its leads, calls, payments, closers and setters."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.acting import refused
from tests.world import Organization, Person, Row, World

COLUMNS = {
    "text": ("text_value", " a ", "a", 3),
    "number": ("number_value", "1.50", 1.5, None),
    "money": ("number_value", 10, 10.00, None),
    "date": ("date_value", "2026-02-28", "2026-02-28", None),
    "boolean": ("boolean_value", True, True, None),
    "select": ("text_value", "a", "a", "c"),
    "multi_select": ("option_values", ["b", "a", "b"], ["a", "b"], ["c"]),
    "email": ("text_value", "A@B.co", "a@b.co", "b.co"),
    "phone": ("text_value", "(212) 555-0100", "2125550100", "12"),
}


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def define(
    acme: Organization, field_type: str, entity: str = "lead", name: str = "extra", **more: object
) -> UUID:
    made = acme.world.insert(
        "custom_field_definitions",
        organization_id=acme.id,
        entity=entity,
        name=name,
        label=name.title(),
        field_type=field_type,
        **more,
    )
    if field_type in ("select", "multi_select"):
        for position, value in enumerate("ab"):
            acme.world.insert(
                "custom_field_options",
                organization_id=acme.id,
                definition_id=made,
                value=value,
                label=value.upper(),
                position=position,
            )
    return made


def write(acme: Organization, definition: UUID, **columns: object) -> UUID:
    return acme.world.insert(
        "custom_field_values", organization_id=acme.id, definition_id=definition, **columns
    )


def shown(world: World, who: Person, view: str, row_id: UUID) -> Any:
    with world.acting_as(who) as db:
        return db.value(f"select {view}.custom_fields from api.{view} where id = %s", row_id)


def problem(error: Any) -> str:
    ((_, sentence),) = json.loads(error.value.diag.message_detail).items()
    return str(sentence)


@pytest.mark.parametrize("field_type", COLUMNS)
def test_a_value_stands_in_the_column_of_its_type_and_is_kept_in_one_spelling(
    acme: Organization, world: World, field_type: str
) -> None:
    column, given, kept, _ = COLUMNS[field_type]
    lead, definition = acme.lead(), define(acme, field_type)
    other = "boolean_value" if column != "boolean_value" else "text_value"
    with refused("PT422"):
        write(acme, definition, lead_id=lead.id, **{other: True if other[0] == "b" else "x"})
    write(acme, definition, lead_id=lead.id, **{column: given})
    assert shown(world, acme.admin(), "leads", lead.id) == {"extra": kept}
    with refused("23505"):
        write(acme, definition, lead_id=lead.id, **{column: given})


@pytest.mark.parametrize("field_type", [name for name, case in COLUMNS.items() if case[3]])
def test_a_value_that_does_not_fit_is_refused_with_the_reason(
    acme: Organization, field_type: str
) -> None:
    column, _, _, wrong = COLUMNS[field_type]
    bounds = {"max_value": 0} if field_type == "text" else {}
    definition = define(acme, field_type, **bounds)
    with refused("PT422") as caught:
        write(acme, definition, lead_id=acme.lead().id, **{column: str(wrong)
              if column == "text_value" else wrong})  # fmt: skip
    assert problem(caught).endswith(".")


def test_bounds_hold_and_money_has_the_scale_of_the_organizations_currency(
    acme: Organization,
) -> None:
    lead = acme.lead()
    size = define(acme, "number", name="size", min_value=1, max_value=9)
    for wrong in (0, 10):
        with refused("PT422"):
            write(acme, size, lead_id=lead.id, number_value=wrong)
    with refused("PT422"):
        write(acme, define(acme, "money", name="fee"), lead_id=lead.id, number_value="1.001")
    with refused("23514"):
        define(acme, "date", name="day", min_value=1)


def test_a_field_is_for_one_kind_of_record(acme: Organization) -> None:
    with refused("PT422"):
        write(acme, define(acme, "text", "event"), lead_id=acme.lead().id, text_value="x")


def test_a_required_value_is_changed_but_not_taken_away(acme: Organization, world: World) -> None:
    lead = acme.lead()
    definition = define(acme, "text", is_required=True)
    with refused("PT422"):
        write(acme, definition, lead_id=lead.id, text_value="  ")
    value = write(acme, definition, lead_id=lead.id, text_value="x")
    with refused("PT422"):
        world.execute("update app.custom_field_values set text_value = null where id = %s", value)
    with refused("PT409"):
        world.execute("delete from app.custom_field_values where id = %s", value)
    world.execute("update app.custom_field_definitions set is_required = false")
    world.execute("update app.custom_field_values set text_value = null where id = %s", value)
    world.execute("delete from app.custom_field_values where id = %s", value)


def test_a_field_with_values_is_archived_not_deleted_or_retyped(
    acme: Organization, world: World
) -> None:
    lead, definition = acme.lead(), define(acme, "text")
    world.execute("update app.custom_field_definitions set field_type = 'number'")
    world.execute("update app.custom_field_definitions set field_type = 'text'")
    write(acme, definition, lead_id=lead.id, text_value="x")
    for statement in (
        "delete from app.custom_field_definitions where id = %s",
        "update app.custom_field_definitions set field_type = 'number' where id = %s",
        "update app.custom_field_definitions set entity = 'event' where id = %s",
    ):
        with refused("PT409"):
            world.execute(statement, definition)
    world.execute(
        "update app.custom_field_definitions set name = 'known_as', archived_at = now()"
        " where id = %s",
        definition,
    )
    assert shown(world, acme.admin(), "leads", lead.id) == {}
    with refused("PT422"):
        write(acme, definition, lead_id=acme.lead().id, text_value="y")
    world.execute("delete from app.custom_field_definitions where id = %s", define(acme, "text"))


def test_a_choice_that_was_made_stays_when_it_is_no_longer_offered(
    acme: Organization, world: World
) -> None:
    definition = define(acme, "multi_select")
    value = write(acme, definition, lead_id=acme.lead().id, option_values=["a"])
    option = "custom_field_options where value = 'a'"
    with refused("PT409"):
        world.execute(f"delete from app.{option}")
    with refused("PT409"):
        world.execute("update app.custom_field_options set value = 'z' where value = 'a'")
    world.execute("update app.custom_field_options set archived_at = now() where value = 'a'")
    with refused("PT422"):
        write(acme, definition, lead_id=acme.lead().id, option_values=["a"])
    world.execute("update app.custom_field_values set option_values = '{b,a}' where id = %s", value)
    with refused("PT422"):
        world.insert(
            "custom_field_options", organization_id=acme.id, value="x", label="X",
            definition_id=define(acme, "text", name="words"),
        )  # fmt: skip


def test_values_are_seen_with_their_record_and_by_nobody_else(
    acme: Organization, world: World
) -> None:
    dana, eli, sam = acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    ada, mia = acme.admin(), acme.member()
    elsewhere = world.organization("umbrella").admin()
    lead = acme.lead()
    call = acme.event(closer=dana, setter=sam, lead=lead)
    paid = acme.payment(closer=dana, event=call, lead=lead)
    records: dict[str, Row] = {
        "lead": lead, "event": call, "payment": paid, "closer": Row(acme.id, dana.id),
        "setter": Row(acme.id, sam.id),
    }  # fmt: skip
    for entity, row in records.items():
        write(acme, define(acme, "text", entity), **{f"{entity}_id": row.id}, text_value=entity)

    def sees(who: Person) -> set[str]:
        return {
            entity
            for entity, row in records.items()
            if shown(world, who, f"{entity}s", row.id) == {"extra": entity}
        }

    assert sees(ada) == set(records)
    assert sees(dana) == {"lead", "event", "payment", "closer"}
    assert sees(sam) == {"lead", "event", "setter"}
    assert sees(eli) == sees(mia) == sees(elsewhere) == set()
    for who in (eli, mia, elsewhere):
        with world.acting_as(who) as db:
            faked = "select api.custom_fields(jsonb_populate_record(null::api.leads, %s))"
            row = json.dumps({"organization_id": str(acme.id), "id": str(lead.id)})
            assert db.value(faked, row) == {}


def test_admins_write_values_and_others_do_not(acme: Organization, world: World) -> None:
    dana = acme.closer("dana")
    call = acme.event(closer=dana)
    definition = define(acme, "text", "event")
    insert = (
        "insert into api.custom_field_values (organization_id, definition_id, event_id, text_value)"
        " values (%s, %s, %s, 'x')"
    )
    for who in (dana, acme.member(), world.organization("umbrella").admin()):
        with world.acting_as(who) as db, refused("42501"):
            db.rows(insert, acme.id, definition, call.id)
    with world.acting_as(acme.admin()) as db:
        assert db.changed(insert, acme.id, definition, call.id) == 1
        assert db.changed("update api.custom_field_values set text_value = 'y'") == 1
    assert shown(world, dana, "events", call.id) == {"extra": "y"}
    with world.acting_as(dana) as db:
        assert db.changed("update api.custom_field_values set text_value = 'z'") == 0
