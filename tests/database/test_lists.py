"""The lists of an organization's drop-downs: names, order, archiving."""

from typing import Any

import pytest

from tests.acting import refused
from tests.world import Organization, Row, World

NEW: dict[str, dict[str, Any]] = {
    "sources": {},
    "traffic_types": {},
    "call_types": {},
    "call_outcomes": {"call_status": "completed", "event_outcome": "closed"},
    "opportunity_statuses": {},
    "packages": {"currency": "USD"},
}
"""Each list, and what an entry of it needs beside its name."""

LISTS = sorted(NEW)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def add(acme: Organization, table: str, name: str, **columns: object) -> Row:
    columns = {**NEW[table], "name": name, **columns}
    return Row(acme.id, acme.world.insert(table, organization_id=acme.id, **columns))


def entries(acme: Organization, table: str) -> list[dict[str, Any]]:
    return acme.world.rows(
        f"select * from app.{table} where organization_id = %s order by position", acme.id
    )


def archive(acme: Organization, table: str, row: Row) -> None:
    acme.world.execute(f"update app.{table} set archived_at = now() where id = %s", row.id)


@pytest.mark.parametrize("table", LISTS)
def test_a_name_is_offered_once_and_free_again_when_archived(
    acme: Organization, table: str
) -> None:
    first = add(acme, table, "  Alpha ")
    with refused("23505") as caught:
        add(acme, table, "alpha")
    assert caught.value.diag.constraint_name == f"{table}_name_key"
    archive(acme, table, first)
    second = add(acme, table, "ALPHA")
    assert [row["name"] for row in entries(acme, table)] == ["Alpha", "ALPHA"]
    with refused("23505"):
        acme.world.execute(f"update app.{table} set archived_at = null where id = %s", first.id)
    acme.world.execute(f"delete from app.{table} where id = %s", second.id)
    acme.world.execute(f"update app.{table} set archived_at = null where id = %s", first.id)
    assert [row["archived_at"] for row in entries(acme, table)] == [None]
    add(acme.world.organization("bolt"), table, "Alpha")


@pytest.mark.parametrize("table", LISTS)
def test_a_new_entry_comes_last_and_an_admin_puts_them_in_order(
    acme: Organization, table: str
) -> None:
    a, b, c, d = (add(acme, table, name) for name in "abcd")
    other = acme.world.organization("bolt")
    theirs = add(other, table, "x")
    assert [row["position"] for row in entries(acme, table)] == [1, 2, 3, 4]
    arrange = "select api.arrange_list(%s, %s::uuid[])"
    with acme.world.acting_as(acme.admin()) as db:
        assert db.value(arrange, table, [d.id, b.id]) == 4
        with refused("PT404"):
            db.value(arrange, table, [a.id, theirs.id])
        with refused("PT422"):
            db.value(arrange, "payments", [a.id])
        with refused("PT422"):
            db.value(arrange, None, [a.id])
    assert [row["id"] for row in entries(acme, table)] == [d.id, b.id, a.id, c.id]
    assert [row["position"] for row in entries(other, table)] == [1]
    with acme.world.acting_as(acme.member()) as db, refused("42501"):
        db.value(arrange, table, [a.id])


@pytest.mark.parametrize("table", LISTS)
def test_only_what_nothing_names_is_deleted(acme: Organization, table: str) -> None:
    used, unused = add(acme, table, "Used"), add(acme, table, "Unused")
    twin = acme.world.organization("bolt")
    _use(acme, table, used)
    # The same id in another organization is another row.
    same_id = add(twin, table, "Used", id=used.id)
    with acme.world.acting_as(acme.admin()) as db:
        with refused("PT409") as caught:
            db.changed(f"delete from api.{table} where id = %s", used.id)
        assert caught.value.diag.message_detail == f"It is used by: {_user_of(table)}."
        assert db.changed(f"delete from api.{table} where id = %s", unused.id) == 1
        changed = f"update api.{table} set archived_at = now() where id = %s"
        assert db.changed(changed, used.id) == 1
    with acme.world.acting_as(twin.admin()) as db:
        assert db.changed(f"delete from api.{table} where id = %s", same_id.id) == 1
    assert [row["name"] for row in entries(acme, table)] == ["Used"]


def _user_of(table: str) -> str:
    return {
        "sources": "call_types, events, leads",
        "call_outcomes": "post_call_forms",
        "opportunity_statuses": "post_call_forms",
        "packages": "deals",
    }.get(table, "events")


def _use(acme: Organization, table: str, row: Row) -> None:
    match table:
        case "sources":
            acme.event(source=row)
            add(acme, "call_types", "Strategy", default_source_id=row.id)
        case "traffic_types":
            acme.world.execute(
                "update app.events set traffic_type_id = %s where organization_id = %s and id = %s",
                row.id,
                acme.id,
                acme.event().id,
            )
        case "call_types":
            acme.event(call_type=row)
        case "call_outcomes":
            acme.event(outcome="closed", form={"call_outcome_id": row.id})
        case "opportunity_statuses":
            acme.event(outcome="showed_offer", form={"opportunity_status_id": row.id})
        case "packages":
            acme.world.insert(
                "deals",
                organization_id=acme.id,
                lead_id=acme.lead().id,
                package_id=row.id,
                contract_value="100.00",
                currency="USD",
                base_currency="USD",
                contract_value_base="100.00",
                closed_at="2026-03-01",
            )


@pytest.mark.parametrize("table", ["sources", "traffic_types", "call_types"])
def test_active_and_archived_say_the_same(acme: Organization, table: str) -> None:
    row = add(acme, table, "Alpha")

    def state() -> tuple[bool, bool]:
        (found,) = acme.world.rows(
            f"select is_active, archived_at is not null as archived from app.{table} where id = %s",
            row.id,
        )
        return found["is_active"], found["archived"]

    update = f"update app.{table} set {{}} where id = %s"
    assert state() == (True, False)
    for change, expected in (
        ("is_active = false", (False, True)),
        ("is_active = true", (True, False)),
        ("archived_at = now()", (False, True)),
        ("archived_at = null", (True, False)),
        ("is_active = true, archived_at = now()", (False, True)),
    ):
        acme.world.execute(update.format(change), row.id)
        assert state() == expected, change
    made = add(acme, table, "Beta", is_active=False)
    assert acme.world.value(
        f"select archived_at is null from app.{table} where id = %s", made.id
    ) is (False)


def test_what_an_outcome_stands_for_stays_once_a_form_named_it(acme: Organization) -> None:
    outcome = acme.call_outcome("Won", "completed", "closed")
    change = "update app.call_outcomes set event_outcome = 'showed_offer' where id = %s"
    acme.world.execute(change, outcome.id)
    acme.world.execute(
        "update app.call_outcomes set event_outcome = 'closed' where id = %s", outcome.id
    )
    acme.event(outcome="closed", form={"call_outcome_id": outcome.id})
    with refused("PT409"):
        acme.world.execute(change, outcome.id)
    acme.world.execute("update app.call_outcomes set name = 'Sold' where id = %s", outcome.id)


@pytest.mark.parametrize(
    ("table", "columns", "constraint"),
    [
        ("call_outcomes", {"event_outcome": "no_show"}, "pair_is_a_form_result"),
        ("call_outcomes", {"call_status": "scheduled"}, "pair_is_a_form_result"),
        ("call_types", {"duration_minutes": 0}, "duration_is_sane"),
        ("call_types", {"category": " "}, "category_is_not_blank"),
        ("call_types", {"name": " "}, "name_is_not_blank"),
        ("packages", {"price": "10.001"}, "price_is_money"),
        ("packages", {"price": "-1.00"}, "price_is_not_negative"),
        ("packages", {"currency": "XQZ"}, "currency_is_known"),
        ("packages", {"installment_count": 0}, "schedule_is_sane"),
        ("packages", {"installment_interval_days": 400}, "schedule_is_sane"),
        ("sources", {"external_id": ""}, "external_id_is_not_blank"),
        ("traffic_types", {"external_id": " "}, "external_id_is_not_blank"),
        ("opportunity_statuses", {"external_id": " "}, "external_id_is_not_blank"),
    ],
)  # fmt: skip
def test_entries_that_mean_nothing_are_refused(
    acme: Organization, table: str, columns: dict[str, object], constraint: str
) -> None:
    with refused("23514") as caught:
        add(acme, table, **{"name": "Alpha", **columns})  # type: ignore[arg-type]
    assert caught.value.diag.constraint_name == f"{table}_{constraint}"


@pytest.mark.parametrize("table", ["sources", "traffic_types", "opportunity_statuses"])
def test_what_another_system_knows_is_there_once(acme: Organization, table: str) -> None:
    add(acme, table, "Alpha", external_id="stat_1")
    with refused("23505") as caught:
        add(acme, table, "Beta", external_id="stat_1")
    assert caught.value.diag.constraint_name == f"{table}_external_id_key"


def test_a_new_organization_can_start_with_the_usual_outcomes(acme: Organization) -> None:
    acme.world.execute("select app.add_default_lists(%s)", acme.id)
    outcomes = entries(acme, "call_outcomes")
    results = {(row["call_status"], row["event_outcome"]) for row in outcomes}
    assert len(results) == len(outcomes) == 5
    assert [row["name"] for row in entries(acme, "traffic_types")] == [
        "Paid",
        "Organic",
        "Cold",
        "Warm",
    ]
    acme.world.execute("select app.add_default_lists(%s)", acme.id)
    assert len(entries(acme, "call_outcomes")) == 5


def test_a_call_type_of_the_platform_takes_no_archived_name(acme: Organization) -> None:
    known = "select app.platform_call_type(%s, %s, %s, 30)"
    old = acme.call_type("Strategy call")
    archive(acme, "call_types", old)
    made = acme.world.value(known, acme.id, "type-1", "strategy CALL")
    assert made != old.id
    other = acme.world.value(known, acme.id, "type-2", "Strategy Call")
    assert other not in (made, old.id, None)
