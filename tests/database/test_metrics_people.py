"""Who gets whose numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.world import NOON, Organization, Person, ReaderKey, Row, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@dataclass(frozen=True)
class Scene:
    """Dana's closed call, set by sam, and her two no-shows; eli's closed call, set by sue."""

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
    ada, dana, eli = acme.admin(), acme.closer("dana"), acme.closer("eli")
    sam, sue = acme.setter("sam"), acme.setter("sue")
    youtube = acme.source()
    closed = acme.event(closer=dana, setter=sam, outcome="closed", source=youtube)
    for days in (1, 2):
        acme.event(closer=dana, outcome="no_show", scheduled_at=NOON + timedelta(days=days))
    theirs = acme.event(closer=eli, setter=sue, outcome="closed", source=youtube)
    acme.payment(closer=dana, setter=sam, event=closed, amount=Decimal("1000.00"))
    acme.payment(closer=eli, setter=sue, event=theirs, amount=Decimal("7000.00"))
    acme.payment(amount=Decimal("50.00"))
    return Scene(acme, ada, dana, eli, sam, sue, youtube)


def ask(scene: Scene, who: Person | ReaderKey | None, **given: object) -> dict[str, dict[str, Any]]:
    """The rows of core_metrics by metric."""
    arguments = {**MARCH, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with scene.acme.world.acting_as(who) as db:
        rows = db.rows(f"select * from api.core_metrics({names})", **arguments)
    return {row["metric"]: row for row in rows}


def values(answer: dict[str, dict[str, Any]], *metrics: str) -> tuple[Any, ...]:
    return tuple(answer[metric]["value"] for metric in metrics)


def refused(scene: Scene, who: Person | ReaderKey | None, code: str, **given: object) -> None:
    with pytest.raises(psycopg.Error) as error:
        ask(scene, who, **given)
    assert error.value.sqlstate == code


def everybody(scene: Scene) -> Iterator[tuple[Person, dict[str, dict[str, Any]]]]:
    for who in (scene.dana, scene.eli, scene.sam, scene.sue):
        yield who, ask(scene, who)


# -- admins


def test_admins_and_owners_get_the_organizations_numbers(scene: Scene) -> None:
    for who in (scene.ada, scene.acme.owner()):
        answer = ask(scene, who)
        assert values(answer, "shows", "no_shows", "closes") == (2, 2, 2)
        assert values(answer, "cash_collected", "unattributed_cash") == (
            Decimal("8050.00"),
            Decimal("50.00"),
        )


def test_a_super_admin_gets_any_organizations_numbers_when_named(scene: Scene) -> None:
    root = scene.acme.world.super_admin()
    answer = ask(scene, root, organization_id=scene.acme.id)
    assert values(answer, "shows", "cash_collected") == (2, Decimal("8050.00"))
    refused(scene, root, "PT422")
    refused(scene, root, "PT404", organization_id=uuid4())


def test_an_admins_filter_without_a_match_gives_zeros(scene: Scene) -> None:
    answer = ask(scene, scene.ada, closer_id=uuid4())
    assert values(answer, "shows", "cash_collected") == (0, Decimal("0.00"))
    assert answer["show_rate"]["value"] is None


def test_an_admin_here_is_a_closer_there(scene: Scene, world: World) -> None:
    other = world.organization("other")
    both = other.closer("both", person=scene.acme.admin("both"))
    other.event(closer=other.closer("olli"), outcome="closed")
    other.event(closer=both, outcome="no_show")
    refused(scene, both, "PT422")
    assert values(ask(scene, both, organization_id=scene.acme.id), "shows") == (2,)
    there = ask(scene, both, organization_id=other.id)
    assert values(there, "shows", "no_shows") == (0, 1)


# -- closers


def test_a_closer_gets_what_an_admin_sees_of_that_closer(scene: Scene) -> None:
    answer = ask(scene, scene.dana)
    assert values(answer, "shows", "no_shows", "closes") == (1, 2, 1)
    assert values(answer, "cash_collected", "booked_calls") == (Decimal("1000.00"), 3)
    seen = ask(scene, scene.ada, closer_id=scene.dana.closer_id)
    for row in (*answer.values(), *seen.values()):
        del row["as_of"]
    assert answer == seen


def test_a_closers_filters_only_narrow_what_is_theirs(scene: Scene) -> None:
    assert values(ask(scene, scene.dana, source_id=scene.youtube.id), "shows", "no_shows") == (1, 0)
    by_sam = ask(scene, scene.dana, setter_id=scene.sam.setter_id)
    assert values(by_sam, "shows", "no_shows", "cash_collected") == (1, 0, Decimal("1000.00"))
    by_sue = ask(scene, scene.dana, setter_id=scene.sue.setter_id)
    assert values(by_sue, "shows", "cash_collected") == (0, Decimal("0.00"))
    own = ask(scene, scene.dana, closer_id=scene.dana.closer_id)
    assert values(own, "shows", "no_shows") == (1, 2)


def test_a_closer_may_not_ask_for_a_colleague(scene: Scene) -> None:
    refused(scene, scene.dana, "42501", closer_id=scene.eli.closer_id)
    refused(scene, scene.dana, "42501", closer_id=uuid4())
    refused(
        scene, scene.dana, "42501", closer_id=scene.eli.closer_id, setter_id=scene.sue.setter_id
    )


def test_the_parts_of_a_split_payment_are_seen_by_whom_they_are_credited_to(scene: Scene) -> None:
    split = scene.acme.payment(closer=scene.dana, amount=Decimal("100.00"))
    scene.acme.world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], '{}', array[1, 2]::numeric[])",
        scene.acme.id,
        split.id,
        [scene.dana.closer_id, scene.eli.closer_id],
    )
    assert values(ask(scene, scene.dana), "cash_collected") == (Decimal("1033.33"),)
    assert values(ask(scene, scene.eli), "cash_collected") == (Decimal("7066.67"),)


# -- setters


def test_a_setter_gets_calls_they_set_and_their_part_of_the_money(scene: Scene) -> None:
    answer = ask(scene, scene.sam)
    assert values(answer, "booked_calls", "shows", "closes") == (1, 1, 1)
    assert values(answer, "cash_collected") == (Decimal("1000.00"),)


def test_a_setter_learns_nothing_from_forms_payments_and_deals(scene: Scene) -> None:
    answer = ask(scene, scene.sam)
    for metric in ("qualified_show_rate", "pcf_timeliness", "net_close_rate", "deals_won", "aov"):
        row = answer[metric]
        assert {row[part] for part in row if part not in ("metric", "unit", "as_of")} == {None}


def test_a_setter_may_narrow_by_closer_and_not_ask_for_another_setter(scene: Scene) -> None:
    with_dana = ask(scene, scene.sam, closer_id=scene.dana.closer_id)
    assert values(with_dana, "shows", "cash_collected") == (1, Decimal("1000.00"))
    with_eli = ask(scene, scene.sam, closer_id=scene.eli.closer_id)
    assert values(with_eli, "shows", "cash_collected") == (0, Decimal("0.00"))
    refused(scene, scene.sam, "42501", setter_id=scene.sue.setter_id)


def test_a_setters_part_stays_theirs_when_they_ask_by_closer(scene: Scene) -> None:
    split = scene.acme.payment(setter=scene.sam, amount=Decimal("100.00"))
    scene.acme.world.execute(
        "select app.set_credits(%s, %s, %s::uuid[], %s::uuid[], null, array[1, 3]::numeric[])",
        scene.acme.id,
        split.id,
        [scene.dana.closer_id],
        [scene.sam.setter_id, scene.sue.setter_id],
    )
    answer = ask(scene, scene.sam, closer_id=scene.dana.closer_id)
    assert values(answer, "cash_collected") == (Decimal("1025.00"),)


def test_who_is_closer_and_setter_is_seen_as_closer_unless_they_ask(scene: Scene) -> None:
    both = scene.acme.setter("both", person=scene.acme.closer("both"))
    scene.acme.event(closer=both, outcome="no_show")
    scene.acme.event(closer=scene.dana, setter=both, outcome="closed")
    assert values(ask(scene, both), "shows", "no_shows") == (0, 1)
    as_setter = ask(scene, both, setter_id=both.setter_id)
    assert values(as_setter, "shows", "no_shows") == (1, 0)
    with_dana = ask(scene, both, closer_id=scene.dana.closer_id)
    assert values(with_dana, "shows", "no_shows") == (1, 0)


# -- others


def test_a_member_on_no_roster_gets_zeros(scene: Scene) -> None:
    mia = scene.acme.member()
    assert values(ask(scene, mia), "shows", "booked_calls", "cash_collected") == (0, 0, 0)
    refused(scene, mia, "42501", closer_id=scene.dana.closer_id)


def test_strangers_keys_and_nobody_are_refused(scene: Scene, world: World) -> None:
    stranger = world.organization("other").admin()
    refused(scene, stranger, "PT404", organization_id=scene.acme.id)
    assert values(ask(scene, stranger), "shows", "cash_collected") == (0, Decimal("0.00"))
    filtered = ask(scene, stranger, closer_id=scene.dana.closer_id)
    assert values(filtered, "shows", "cash_collected") == (0, Decimal("0.00"))
    refused(scene, world.person("nadia"), "PT422")
    refused(scene, scene.acme.reader_key(), "42501")
    refused(scene, None, "42501")


def test_who_leaves_loses_their_numbers(scene: Scene, world: World) -> None:
    world.execute(
        "delete from app.organization_members where organization_id = %s and user_id = %s",
        scene.acme.id,
        scene.dana.user_id,
    )
    refused(scene, scene.dana, "PT404", organization_id=scene.acme.id)


def test_where_the_portal_hides_cash_only_admins_see_money(scene: Scene, world: World) -> None:
    world.execute(
        "update app.portal_settings set show_cash = false where organization_id = %s", scene.acme.id
    )
    hidden = ("cash_collected", "net_cash", "contracted_revenue", "aov", "cash_per_show")
    for _, answer in everybody(scene):
        assert values(answer, *hidden) == (None,) * len(hidden)
        assert answer["verified_share"]["numerator"] is None
        assert answer["shows"]["value"] == 1
    assert values(ask(scene, scene.ada), "cash_collected") == (Decimal("8050.00"),)
