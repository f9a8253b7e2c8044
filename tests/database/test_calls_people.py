"""Who may submit the form of a call: whom it is for, a colleague, a stranger."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.acting import Request, refused
from tests.world import ANSWERS, NOON, Organization, Person, Row, World

SUBMIT = (
    "select * from api.submit_post_call_form("
    "event_id => %(call)s, form => %(form)s, organization_id => %(organization_id)s)"
)


@dataclass(frozen=True)
class Scene:
    """One call of dana's that sam set, in a company with others, beside another company."""

    acme: Organization
    dana: Person
    eli: Person
    sam: Person
    call: Row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    dana, eli, sam = acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    return Scene(acme, dana, eli, sam, acme.event(closer=dana, setter=sam))


def submit(db: Request, call: Row, outcome: str = "closed", **answers: object) -> dict[str, Any]:
    (row,) = db.rows(
        SUBMIT,
        call=call.id,
        form=Jsonb({**ANSWERS[outcome], **answers}, dumps=lambda o: json.dumps(o, default=str)),
        organization_id=call.organization_id,
    )
    return row


ALLOWED: dict[str, Callable[[Scene], Person]] = {
    "the closer who is booked": lambda s: s.dana,
    "an admin": lambda s: s.acme.admin(),
    "an owner": lambda s: s.acme.owner(),
    "an admin here who is a closer elsewhere": lambda s: s.acme.join(
        s.acme.world.organization("umbrella").closer("bo"), "admin"
    ),
    "a super admin": lambda s: s.acme.world.super_admin(),
    "an admin who takes calls": lambda s: s.acme.closer("al", person=s.acme.admin("al")),
}
REFUSED: dict[str, tuple[str, Callable[[Scene], Person | None]]] = {
    "another closer": ("PT404", lambda s: s.eli),
    "another setter": ("PT404", lambda s: s.acme.setter("sue")),
    "a plain member": ("PT404", lambda s: s.acme.member()),
    "the setter of the call": ("42501", lambda s: s.sam),
    "a closer of another company": ("PT404", lambda s: s.acme.world.organization("u").closer()),
    "an admin of another company": ("PT404", lambda s: s.acme.world.organization("u").admin()),
    "somebody who belongs nowhere": ("PT404", lambda s: s.acme.world.person("nemo")),
    "nobody": ("42501", lambda s: None),
}


@pytest.mark.parametrize("who", ALLOWED)
def test_a_form_is_submitted_by(scene: Scene, who: str) -> None:
    person = ALLOWED[who](scene)
    with scene.acme.world.acting_as(person) as db:
        form = submit(db, scene.call, cash_collected="250.00")
    assert scene.acme.state(scene.call) == ("completed", "closed")
    assert form["closer_id"] == scene.dana.closer_id
    assert form["submitted_by"] == person.user_id
    assert form["submitted_via"] == ("app" if person == scene.dana else "admin")
    assert (form["version"], form["is_active"], form["is_human"]) == (1, True, True)


@pytest.mark.parametrize("who", REFUSED)
def test_a_form_is_not_submitted_by(scene: Scene, who: str) -> None:
    code, person = REFUSED[who]
    with scene.acme.world.acting_as(person(scene)) as db, refused(code):
        submit(db, scene.call)
    assert scene.acme.state(scene.call) == ("scheduled", None)
    assert scene.acme.world.value("select count(*) from app.post_call_forms") == 0


def test_the_call_of_another_company_is_not_reached_through_ones_own(scene: Scene) -> None:
    stranger = scene.acme.world.organization("umbrella").admin()
    with scene.acme.world.acting_as(stranger) as db, refused("PT404"):
        db.rows("select api.submit_post_call_form(%s, %s)", scene.call.id, Jsonb(ANSWERS["closed"]))


def test_the_only_company_of_a_person_need_not_be_named(scene: Scene) -> None:
    with scene.acme.world.acting_as(scene.dana) as db:
        db.rows("select api.submit_post_call_form(%s, %s)", scene.call.id, Jsonb(ANSWERS["closed"]))
    bo = scene.acme.world.organization("umbrella").closer("bo")
    both = scene.acme.closer("bo", person=scene.acme.join(bo, "member"))
    call = scene.acme.event(closer=both)
    with scene.acme.world.acting_as(both) as db:
        with refused("PT422") as caught:
            db.rows("select api.submit_post_call_form(%s, %s)", call.id, Jsonb(ANSWERS["closed"]))
        names = {choice["name"] for choice in json.loads(caught.value.diag.message_detail or "[]")}
        assert names == {"acme", "umbrella"}
        submit(db, call)


def test_who_left_the_company_submits_nothing_more(scene: Scene) -> None:
    world = scene.acme.world
    with world.acting_as(scene.dana) as db:
        submit(db, scene.call)
    world.execute("delete from app.organization_members where user_id = %s", scene.dana.user_id)
    with world.acting_as(scene.dana) as db, refused("PT404"):
        submit(db, scene.call, "no_show")
    assert scene.acme.state(scene.call) == ("completed", "closed")


def test_a_closer_speaks_for_themselves_and_an_admin_names_anybody(scene: Scene) -> None:
    world = scene.acme.world
    call = scene.acme.event(
        closer=scene.dana, scheduled_at=world.value("select now() - interval '1 day'")
    )
    with world.acting_as(scene.dana) as db, refused("PT422") as caught:
        submit(db, call, closer_id=scene.eli.closer_id)
    assert json.loads(caught.value.diag.message_detail or "{}").keys() == {"closer_id"}
    with world.acting_as(scene.acme.admin()) as db:
        assert submit(db, call, closer_id=scene.eli.closer_id)["closer_id"] == scene.eli.id
    with world.acting_as(scene.eli) as db:
        assert db.ids("select id from api.events") == {call.id}
        again = submit(db, call, "showed_offer")
        assert (again["version"], again["closer_id"]) == (2, scene.eli.closer_id)


def test_nobody_chooses_the_time_of_their_form(scene: Scene) -> None:
    world = scene.acme.world
    call = scene.acme.event(
        closer=scene.dana,
        scheduled_at=world.value("select date_trunc('minute', now()) + interval '1 day'"),
    )
    statement = "select * from api.submit_post_call_form(%s, %s, %s, as_of => %s)"
    for person in (scene.dana, scene.acme.admin(), world.super_admin()):
        with world.acting_as(person) as db:
            for as_of in (NOON + timedelta(days=4000), None):
                with refused("42501"):
                    db.rows(statement, call.id, Jsonb(ANSWERS["closed"]), scene.acme.id, as_of)
            with refused("PT409"):
                submit(db, call)
    for person in (scene.dana, scene.acme.admin()):
        with world.acting_as(person) as db, refused("42501"):
            db.rows(statement, scene.call.id, Jsonb(ANSWERS["closed"]), scene.acme.id, NOON)
    with world.acting_as(world.super_admin()) as db:
        (form,) = db.rows(statement, scene.call.id, Jsonb(ANSWERS["closed"]), scene.acme.id, NOON)
    assert form["submitted_at"] == NOON


def test_a_closer_edits_as_long_as_the_company_allows_and_an_admin_always(scene: Scene) -> None:
    """The first form of an old call is late; a second one is too late."""
    world = scene.acme.world
    late = scene.acme.event(closer=scene.dana, scheduled_at=NOON - timedelta(days=100))
    now = world.value("select now()")
    fresh = scene.acme.event(closer=scene.dana, scheduled_at=now - timedelta(days=6))
    with world.acting_as(scene.dana) as db:
        submit(db, late)
        with refused("PT409"):
            submit(db, late, "no_show")
        submit(db, fresh)
        submit(db, fresh, "no_show")
    with world.acting_as(scene.acme.admin()) as db:
        submit(db, late, "no_show")
    assert scene.acme.state(late) == ("no_show", "no_show")


def test_a_company_may_require_notes_of_its_closers(scene: Scene) -> None:
    world = scene.acme.world
    world.execute(
        "update app.portal_settings set require_notes = true where organization_id = %s",
        scene.acme.id,
    )
    with world.acting_as(scene.dana) as db:
        with refused("PT422") as caught:
            submit(db, scene.call, notes="  ")
        assert json.loads(caught.value.diag.message_detail or "{}").keys() == {"notes"}
        submit(db, scene.call, notes="They will think about it.")


def test_inserting_a_form_is_submitting_it(scene: Scene) -> None:
    insert = (
        "insert into api.post_call_forms"
        " (organization_id, event_id, call_occurred, lead_showed, offer_made, cash_collected)"
        " values (%s, %s, true, true, true, 99.5)"
        " returning id, version, is_active, cash_collected, currency, submitted_by"
    )
    world = scene.acme.world
    with world.acting_as(scene.dana) as db:
        (row,) = db.rows(insert, scene.acme.id, scene.call.id)
    assert (row["version"], row["is_active"], row["currency"]) == (1, True, "USD")
    assert (str(row["cash_collected"]), row["submitted_by"]) == ("99.50", scene.dana.user_id)
    assert scene.acme.state(scene.call) == ("completed", "showed_offer")
    for person, code in ((scene.eli, "PT404"), (scene.sam, "42501"), (None, "42501")):
        with world.acting_as(person) as db, refused(code):
            db.rows(insert, scene.acme.id, scene.call.id)
    with world.acting_as(scene.dana) as db, refused("42501"):
        db.rows(
            "insert into api.post_call_forms (event_id, call_occurred, version)"
            " values (%s, true, 9)",
            scene.call.id,
        )


def test_a_submitted_form_is_not_changed_in_place(scene: Scene) -> None:
    world = scene.acme.world
    with world.acting_as(scene.dana) as db:
        submit(db, scene.call)
    for person in (scene.dana, scene.acme.admin(), world.super_admin()):
        with world.acting_as(person) as db:
            for statement in (
                "update api.post_call_forms set deal_closed = false",
                "delete from api.post_call_forms",
            ):
                with refused("42501") as caught:
                    db.rows(statement)
                assert "submit_post_call_form" in (caught.value.diag.message_hint or "")
    for person in (scene.eli, scene.sam):
        with world.acting_as(person) as db:
            assert db.changed("update api.post_call_forms set deal_closed = false") == 0
    assert scene.acme.state(scene.call) == ("completed", "closed")


def test_setters_see_the_outcome_and_never_the_form(scene: Scene) -> None:
    world = scene.acme.world
    with world.acting_as(scene.dana) as db:
        submit(db, scene.call, cash_collected="10.00")
    with world.acting_as(scene.sam) as db:
        assert db.rows("select id, call_status, event_outcome from api.events") == [
            {"id": scene.call.id, "call_status": "completed", "event_outcome": "closed"}
        ]
        assert db.rows("select id from api.post_call_forms") == []
    with world.acting_as(scene.eli) as db:
        assert db.rows("select id from api.events") == []
        assert db.rows("select id from api.post_call_forms") == []


def test_people_edit_neither_states_nor_credits_of_calls(scene: Scene) -> None:
    ada = scene.acme.admin()
    with scene.acme.world.acting_as(ada) as db:
        for column in ("call_status", "event_outcome", "canceled_at", "credited_closer_id",
                       "scheduled_at", "deleted_at", "root_event_id", "pcf_submitted"):  # fmt: skip
            with refused("42501"):
                db.rows(f"update api.events set {column} = null where id = %s", scene.call.id)
        assert db.changed(
            "update api.events set closer_id = %s, notes = 'covered' where id = %s",
            scene.eli.closer_id,
            scene.call.id,
        )
    with scene.acme.world.acting_as(scene.eli) as db:
        assert db.rows("select closer_name, credited_closer_id from api.events") == [
            {"closer_name": "eli", "credited_closer_id": scene.eli.closer_id}
        ]
    with scene.acme.world.acting_as(scene.eli) as db:
        assert db.changed("update api.events set notes = 'mine'") == 0
