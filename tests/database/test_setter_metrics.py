"""What setters do: dials, sets, what became of them, and how fast new leads are reached."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.world import NOON, Organization, Person, Row, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Scene:
    """Dana closes a call of sam's and misses one of her own setting; sue dials and sets nothing."""

    acme: Organization
    ada: Person
    dana: Person
    sam: Person
    sue: Person
    youtube: Row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    ada, dana = acme.admin(), acme.setter("dana", person=acme.closer("dana"))
    sam, sue, youtube = acme.setter("sam"), acme.setter("sue"), acme.source()
    sold = acme.event(closer=dana, setter=sam, outcome="closed", source=youtube)
    acme.event(closer=dana, setter=dana, outcome="no_show", scheduled_at=NOON + timedelta(days=1))
    acme.event(closer=dana, outcome="showed_offer", scheduled_at=NOON + timedelta(days=2))
    acme.payment(closer=dana, setter=sam, event=sold, amount=Decimal("900.00"))
    acme.payment(closer=dana, amount=Decimal("50.00"))
    dialled(acme, sam, dials=40, connects=10, talk_seconds=1800)
    dialled(acme, sam, dials=8, connects=0, provider="ghl")
    dialled(acme, sue, dials=5, connects=5, talk_seconds=60, day="2026-03-31")
    dialled(acme, sue, dials=99, day="2026-04-01")
    return Scene(acme, ada, dana, sam, sue, youtube)


def dialled(
    acme: Organization,
    setter: Person,
    *,
    dials: int,
    connects: int = 0,
    talk_seconds: int = 0,
    day: str = "2026-03-10",
    provider: str = "close",
) -> None:
    acme.world.insert(
        "setter_activities",
        organization_id=acme.id,
        setter_id=setter.setter_id,
        activity_date=day,
        provider=provider,
        dials=dials,
        connects=connects,
        talk_seconds=talk_seconds,
    )


def contact(acme: Organization, setter: Person, lead: Row, at: datetime, **columns: object) -> None:
    acme.world.insert(
        "setter_calls",
        **{
            "organization_id": acme.id,
            "setter_id": setter.setter_id,
            "lead_id": lead.id,
            "provider": "close",
            "provider_call_id": f"{lead.id} {at}",
            "activity_date": at.date(),
            "started_at": at,
            **columns,
        },
    )


def ask(scene: Scene, who: Person, **given: object) -> list[dict[str, Any]]:
    arguments = {**MARCH, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with scene.acme.world.acting_as(who) as db:
        return db.rows(f"select * from api.setter_funnel({names})", **arguments)


def values(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    """Numbers to four places."""
    found = (row[column] for column in columns)
    return tuple(round(n, 4) if isinstance(n, Decimal) else n for n in found)


def refused(ask: Callable[[], object], code: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        ask()
    assert error.value.sqlstate == code


def test_the_funnel_leads_from_dials_to_cash_for_each_setter_and_for_all(scene: Scene) -> None:
    whole, *parts = ask(scene, scene.ada)
    steps = ("dials", "connects", "sets", "shows", "offers", "closes", "cash_from_sets")
    assert [row["setter_name"] for row in parts] == ["dana", "sam", "sue"]
    assert values(whole, "setter_id", "setter_name") == (None, "All setters")
    assert values(whole, *steps) == (53, 15, 2, 1, 1, 1, Decimal("900.00"))
    assert values(parts[1], *steps) == (48, 10, 1, 1, 1, 1, Decimal("900.00"))
    assert values(parts[0], *steps) == (0, 0, 1, 0, 0, 0, Decimal("0.00"))
    for step in steps:
        assert sum(part[step] for part in parts) == whole[step], step


def test_each_step_has_its_rate_and_nothing_over_nothing_is_none(scene: Scene) -> None:
    rates = ("connect_rate", "dials_per_set", "sets_per_connect", "set_show_rate", "set_close_rate")
    whole, dana, sam, sue = ask(scene, scene.ada)
    assert values(sam, *rates) == (Decimal("0.2083"), 48, Decimal("0.1"), 1, 1)
    assert values(dana, *rates) == (None, 0, None, 0, None)
    assert values(sue, *rates) == (1, None, 0, None, None)
    assert values(whole, "set_show_rate", "set_offer_rate", "talk_seconds") == (
        Decimal("0.5"),
        1,
        1860,
    )


def test_who_closes_what_they_set_is_marked(scene: Scene) -> None:
    whole, dana, sam, _ = ask(scene, scene.ada)
    assert values(dana, "sets", "self_sets") == (1, 1)
    assert values(sam, "sets", "self_sets") == (1, 0)
    assert whole["self_sets"] == 1


def test_a_filter_by_source_leaves_dials_unknown_and_counts_its_sets(scene: Scene) -> None:
    whole, *_ = ask(scene, scene.ada, source_id=scene.youtube.id)
    assert values(whole, "dials", "connect_rate", "dials_per_set", "sets") == (None, None, None, 1)


def test_setters_see_themselves_and_closers_nobody(scene: Scene) -> None:
    assert [row["setter_name"] for row in ask(scene, scene.sam)] == ["sam"]
    refused(lambda: ask(scene, scene.sam, setter_id=scene.sue.setter_id), "42501")
    refused(lambda: ask(scene, scene.acme.closer("eli")), "PT404")
    assert [r["setter_name"] for r in ask(scene, scene.ada, setter_id=scene.sue.setter_id)] == [
        "sue"
    ]
    stranger = scene.acme.world.organization("other").admin()
    refused(lambda: ask(scene, stranger, organization_id=scene.acme.id), "PT404")
    assert [row["setter_name"] for row in ask(scene, stranger)] == ["All setters"]


def test_where_the_portal_hides_cash_setters_see_no_amount(scene: Scene) -> None:
    scene.acme.world.execute(
        "update app.portal_settings set show_cash = false where organization_id = %s", scene.acme.id
    )
    assert ask(scene, scene.sam)[0]["cash_from_sets"] is None
    assert ask(scene, scene.ada)[0]["cash_from_sets"] == Decimal("900.00")


# -- speed to lead


@pytest.fixture
def april(world: World) -> Scene:
    """Six leads of April: called at once, after 5 and 30 minutes, in time by text, and never."""
    acme = world.organization("acme")
    scene = Scene(
        acme, acme.admin(), acme.closer(), acme.setter("sam"), acme.setter("sue"), acme.source()
    )
    new = datetime.fromisoformat("2026-04-02 15:00Z")

    def lead(name: str, **columns: object) -> Row:
        return acme.lead(name, created_at=new, **columns)

    contact(acme, scene.sam, lead("before"), new - timedelta(days=3))
    contact(acme, scene.sam, lead("five"), new + 5 * MINUTE)
    contact(acme, scene.sam, late := lead("late", source_id=scene.youtube.id), new + 30 * MINUTE)
    contact(acme, scene.sue, late, new + 60 * MINUTE)
    contact(acme, scene.sue, lead("text"), new + 2 * MINUTE, kind="sms")
    contact(acme, scene.sue, called := lead("called"), new + MINUTE, direction="inbound")
    acme.world.execute(
        "update app.leads set current_setter_id = %s where id = %s", scene.sue.setter_id, called.id
    )
    lead("nobody")
    contact(acme, scene.sam, lead("test", is_test=True), new + MINUTE)
    contact(acme, scene.sam, lead("gone", deleted_at=new), new + MINUTE)
    return scene


APRIL = {"start_date": "2026-04-01", "end_date": "2026-04-30"}


def test_speed_to_lead_is_the_median_of_leads_that_were_contacted(april: Scene) -> None:
    whole, sam, sue = ask(april, april.ada, **APRIL)
    columns = ("new_leads", "speed_to_lead", "contacted_within_5_min", "never_contacted")
    assert values(whole, *columns) == (6, 210, Decimal("0.5"), Decimal("0.3333"))
    assert values(sam, *columns) == (3, 300, Decimal("0.6667"), 0)
    assert values(sue, *columns) == (2, 120, Decimal("0.5"), Decimal("0.5"))


def test_speed_to_lead_by_source_is_that_of_its_leads(april: Scene) -> None:
    whole, *_ = ask(april, april.ada, **APRIL, source_id=april.youtube.id)
    assert values(whole, "new_leads", "speed_to_lead", "never_contacted") == (1, 1800, 0)


def test_a_text_message_is_a_contact_and_no_dial(april: Scene, world: World) -> None:
    world.execute(
        "update app.organizations set timezone = 'Asia/Tokyo' where id = %s", april.acme.id
    )
    world.execute("select app.restate_setter_days(%s)", april.acme.id)
    sam = ask(april, april.ada, setter_id=april.sam.setter_id, **APRIL)[0]
    sue = ask(april, april.ada, setter_id=april.sue.setter_id, **APRIL)[0]
    assert (sam["dials"], sue["dials"]) == (4, 1)


# -- the rows behind


def test_the_rows_behind_every_setter_metric_add_up_to_it(scene: Scene) -> None:
    world = scene.acme.world
    parts = world.rows(
        "select p.metric, p.part, p.adds from app.metric_parts() as p"
        " join app.metric_catalog as c on c.metric = p.metric and c.family = 'setters'"
    )
    numbers = {
        row["metric"]: row
        for row in world.rows(
            "select v.* from app.setter_values(%s, %s::timestamptz[], now()) as v",
            scene.acme.id,
            ["2026-03-01 05:00Z", "2026-04-01 04:00Z"],
        )
    }
    assert {part["metric"] for part in parts} == set(numbers)
    with world.acting_as(scene.ada) as db:
        for part in parts:
            rows = db.rows(
                "select * from metric_rows(metric => %(metric)s, part => %(part)s,"
                " start_date => '2026-03-01', end_date => '2026-03-31')",
                **part,
            )
            wanted = numbers[part["metric"]][part["part"]]
            if part["adds"] == "rows":
                assert len(rows) == wanted, part
            elif part["adds"] == "amount":
                assert sum(row["amount"] for row in rows) == wanted, part
            else:
                assert (rows, wanted) == ([], None), part
            days = [row for row in rows if row["entity"] == "setter_activities"]
            assert {row["label"] for row in days} <= {"sam", "sue"}, part


def test_rows_of_setters_work_are_not_for_closers(scene: Scene) -> None:
    def rows(who: Person, metric: str) -> object:
        with scene.acme.world.acting_as(who) as db:
            return db.value(
                "select count(*) from metric_rows(%s, '2026-03-01', '2026-03-31')", metric
            )

    eli = scene.acme.closer("eli")
    refused(lambda: rows(eli, "dials"), "42501")
    refused(lambda: rows(eli, "cash_from_sets"), "42501")
    assert rows(scene.sam, "dials") == 2
    assert rows(scene.sam, "cash_from_sets") == 1
