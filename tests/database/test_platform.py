"""The life of organizations, and who has power over all of them."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.acting import Request, refused
from tests.world import NOON, Organization, Person, World

WHY = "Because."


@pytest.fixture
def root(world: World) -> Person:
    return world.super_admin()


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def create(db: Request, name: str, **given: object) -> dict[str, Any]:
    named = "".join(f", {key} => %({key})s" for key in given)
    (row,) = db.rows(
        f"select * from api.create_organization(name => %(name)s{named})", name=name, **given
    )
    return row


def test_a_new_organization_has_all_that_it_starts_with(world: World, root: Person) -> None:
    with world.acting_as(root) as db:
        made = create(db, " Möbel & Söhne GmbH ", timezone="Europe/Berlin", currency="eur")
    assert made["name"] == "Möbel & Söhne GmbH"
    assert (made["slug"], made["currency"]) == ("mobel-sohne-gmbh", "EUR")
    for table in (
        "organization_integrations",
        "portal_settings",
        "job_schedules",
        "call_outcomes",
        "traffic_types",
    ):
        count = f"select count(*) from app.{table} where organization_id = %s"
        assert world.value(count, made["id"]) > 0, table


def test_slugs_are_made_from_names_and_unique(world: World, root: Person) -> None:
    with world.acting_as(root) as db:
        slugs = [create(db, "Zest, Inc.")["slug"] for _ in range(3)]
        assert slugs == ["zest-inc", "zest-inc-2", "zest-inc-3"]
        assert create(db, "株式会社")["slug"] == "organization"
        assert len(create(db, "x" * 200)["slug"]) == 50
        assert create(db, "Zest", slug="Zest-Inc-9")["slug"] == "zest-inc-9"
        with refused("PT422") as caught:
            create(db, "", slug="zest-inc", timezone="Nowhere", currency="XQZ")
        detail = json.loads(caught.value.diag.message_detail or "")
        assert set(detail) == {"name", "slug", "timezone", "currency"}
        with refused("PT422"):
            create(db, "Zest", slug="no blanks")


def test_a_suspension_stops_everybody_and_is_taken_back(
    world: World, root: Person, acme: Organization
) -> None:
    owner, dana, key = acme.owner(), acme.closer(), acme.reader_key()
    acme.event(closer=dana)
    calls = "select id from api.events"
    with world.acting_as(dana) as db:
        assert len(db.ids(calls)) == 1
    with world.acting_as(root) as db:
        suspended = db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
        assert suspended[0]["suspended_at"] is not None
        assert len(db.ids(f"{calls} where organization_id = %s", acme.id)) == 1
        with refused("PT409"):
            db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
    for who in (owner, dana):
        with refused("PT403") as caught, world.acting_as(who):
            pass
        assert caught.value.diag.message_detail == "acme is suspended."
    with refused("PT401"), world.acting_as(key):
        pass
    with world.acting_as(root) as db:
        db.rows("select * from api.resume_organization(organization_id => %s)", acme.id)
        with refused("PT409"):
            db.rows("select * from api.resume_organization(organization_id => %s)", acme.id)
    with world.acting_as(dana) as db:
        assert len(db.ids(calls)) == 1
    reasons = world.rows(
        "select reason, new_data ->> 'suspended_at' is not null as suspended from app.audit_logs"
        " where organization_id = %s and table_name = 'organizations' and action = 'UPDATE'"
        " order by id",
        acme.id,
    )
    assert [(row["reason"], row["suspended"]) for row in reasons] == [(WHY, True), (WHY, False)]


def test_who_belongs_elsewhere_too_goes_on_there(
    world: World, root: Person, acme: Organization
) -> None:
    bolt = world.organization("bolt")
    dana = acme.closer()
    bolt.join(dana, "member")
    world.execute("select app.add_member(%s, %s, 'admin')", bolt.id, dana.user_id)
    with world.acting_as(root) as db:
        db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
    with world.acting_as(dana) as db:
        assert db.ids("select id from api.organizations") == {bolt.id}
        with refused("PT404"):
            db.rows("select * from api.request_sync('data-quality', '{}', %s)", acme.id)
    # Somebody who belongs nowhere yet is not turned away: they may be invited.
    with world.acting_as(world.person("newcomer")) as db:
        assert db.rows("select * from api.me()") == []


def test_nothing_of_a_suspended_organization_is_begun(
    world: World, root: Person, acme: Organization
) -> None:
    world.execute("delete from app.platform_runs where state = 'queued'")
    run = world.insert("sync_runs", organization_id=acme.id, kind="data-quality")
    message = world.value("select app.enqueue_outbox(%s, 'email', '{}', 'a message')", acme.id)
    with world.acting_as(root) as db:
        db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)

    def taken() -> set[UUID]:
        later = NOON + timedelta(days=3650)
        with world.acting_as_role("worker") as db:
            found = db.ids("select id from jobs.claim_run('w', %s)", later)
            return found | db.ids(
                "select id from jobs.claim_outbox('w', '{email}', 100, %s)", later
            )

    assert taken().isdisjoint({run, message})
    with world.acting_as(root) as db:
        db.rows("select * from api.resume_organization(organization_id => %s)", acme.id)
    assert taken() >= {run, message}


def test_an_owner_deletes_their_own_and_a_super_admin_restores_it(
    world: World, root: Person, acme: Organization
) -> None:
    owner, admin, stranger = acme.owner(), acme.admin(), world.organization("bolt").owner()
    delete = "select api.delete_organization(%s, %s)"
    for who, code in ((admin, "42501"), (stranger, "PT404")):
        with world.acting_as(who) as db, refused(code):
            db.value(delete, WHY, acme.id)
    with world.acting_as(owner) as db:
        for reason, organization_id in ((" ", acme.id), (WHY, None)):
            with refused("PT422"):
                db.value(delete, reason, organization_id)
        db.value(delete, WHY, acme.id)
    with refused("PT403"), world.acting_as(owner):
        pass
    with world.acting_as(root) as db:
        with refused("PT409"):
            db.value(delete, WHY, acme.id)
        with refused("PT409"):
            db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
        assert state_of(db, acme) == "deleted"
        db.rows("select * from api.restore_organization('A mistake.', %s)", acme.id)
        assert state_of(db, acme) == "in_use"
        with refused("PT409"):
            db.rows("select * from api.restore_organization(organization_id => %s)", acme.id)
    with world.acting_as(owner) as db:
        (row,) = db.rows("select deleted_at, deleted_reason from api.organizations")
        assert row == {"deleted_at": None, "deleted_reason": None}


def state_of(db: Request, organization: Organization) -> str:
    state: str = db.value(
        "select state from api.platform_home() where organization_id = %s", organization.id
    )
    return state


def test_an_organization_that_was_suspended_when_it_was_deleted_still_is(
    world: World, root: Person, acme: Organization
) -> None:
    with world.acting_as(root) as db:
        db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
        db.value("select api.delete_organization(%s, %s)", WHY, acme.id)
        db.rows("select * from api.restore_organization(organization_id => %s)", acme.id)
        assert state_of(db, acme) == "suspended"


def test_an_organization_is_named_never_guessed(
    world: World, root: Person, acme: Organization
) -> None:
    acme.join(root, "owner")
    nowhere = UUID(int=7)
    with world.acting_as(root) as db:
        for function, first in (
            ("suspend_organization", "reason => 'x', "),
            ("resume_organization", ""),
            ("delete_organization", "reason => 'x', "),
            ("restore_organization", ""),
            ("invite_owner", "email => 'x@y.test', "),
        ):
            for organization_id, code in ((None, "PT422"), (nowhere, "PT404")):
                with refused(code):
                    db.rows(
                        f"select * from api.{function}({first}organization_id => %s)",
                        organization_id,
                    )


def test_an_owner_is_invited_where_there_is_something_to_own(
    world: World, root: Person, acme: Organization
) -> None:
    invite = "select api.invite_owner(%s, organization_id => %s)"
    with world.acting_as(root) as db:
        made = db.value(invite, "boss@client.test", acme.id)
        assert (made["role"], made["organization_id"]) == ("owner", str(acme.id))
        with refused("PT409"):
            db.value(invite, "BOSS@client.test", acme.id)
        with refused("PT422"):
            db.value(invite, "nobody", acme.id)
        with refused("PT404"):
            db.value(invite, "boss@client.test", made["id"])
        db.rows("select * from api.suspend_organization(%s, %s)", WHY, acme.id)
        with refused("PT409"):
            db.value(invite, "other@client.test", acme.id)


def test_power_over_the_platform_is_given_and_taken_and_never_all_of_it(
    world: World, root: Person
) -> None:
    world.execute(
        "delete from app.user_roles where role = 'super_admin' and user_id <> %s", root.user_id
    )
    eve = world.person("eve")
    grant, revoke = "select api.grant_super_admin(%s, %s)", "select api.revoke_super_admin(%s, %s)"
    with world.acting_as(root) as db:
        with refused("PT409"):
            db.value(revoke, root.user_id, WHY)
        with refused("PT404"):
            db.value(revoke, eve.user_id, WHY)
        for statement, person, reason, code in (
            (grant, eve.user_id, "", "PT422"),
            (revoke, root.user_id, None, "PT422"),
            (grant, UUID(int=7), WHY, "PT404"),
        ):
            with refused(code):
                db.value(statement, person, reason)
        db.value(grant, eve.user_id, WHY)
        db.value(grant, eve.user_id, WHY)
    (role,) = world.rows("select * from app.user_roles where user_id = %s", eve.user_id)
    assert role["granted_by"] == root.user_id
    # Somebody who cannot sign in does not count as the one who is left.
    world.execute("update auth.users set disabled_at = now() where id = %s", root.user_id)
    with world.acting_as(eve) as db:
        with refused("PT409"):
            db.value(revoke, eve.user_id, WHY)
        db.value(revoke, root.user_id, "Left.")
    with refused("PT401"), world.acting_as(root, role="super_admin"):
        pass
    logged = world.rows(
        "select action, reason, actor_id from app.platform_audit_logs"
        " where table_name = 'user_roles' and action = 'DELETE' and reason = 'Left.'"
    )
    assert [row["actor_id"] for row in logged] == [eve.user_id]


def test_every_organization_is_seen_at_a_glance(
    world: World, root: Person, acme: Organization
) -> None:
    dana = acme.closer()
    acme.owner()
    for days in (-9, -1, 0, 5, 6):  # The week of Tuesday the tenth is the ninth to the fifteenth.
        acme.event(closer=dana, scheduled_at=NOON + timedelta(days=days))
    acme.event(closer=dana, scheduled_at=NOON + timedelta(days=1), outcome="canceled")
    for check, severity, state in (
        ("failed_delivery", "critical", "open"),
        ("failed_delivery", "warning", "open"),
        ("failed_delivery", "critical", "resolved"),
        ("silent_connection", "warning", "open"),
        ("failed_sync", "critical", "open"),
        ("unknown_host", "warning", "open"),
    ):
        world.insert(
            "exceptions",
            organization_id=acme.id,
            check_name=check,
            dedupe_key=f"{severity} {state}",
            severity=severity,
            entity="events",
            sentence="Something.",
            remedy="Do something.",
            state=state,
            resolved_at=NOON if state == "resolved" else None,
        )
    bolt = world.organization("bolt")
    with world.acting_as(root) as db:
        rows = {
            row["organization_id"]: row
            for row in db.rows("select * from api.platform_home(%s)", NOON)
        }
    seen = rows[acme.id]
    assert (seen["owners"], seen["members"], seen["state"]) == (1, 2, "in_use")
    assert seen["calls_this_week"] == 4
    assert (seen["open_critical"], seen["open_warning"], seen["open_info"]) == (2, 3, 0)
    assert (seen["failed_deliveries"], seen["silent_connections"], seen["failed_runs"]) == (1, 1, 1)
    assert seen["last_change_at"] is not None
    assert (rows[bolt.id]["members"], rows[bolt.id]["calls_this_week"]) == (0, 0)
    order = list(rows)
    assert order.index(acme.id) < order.index(bolt.id)
    for who in (acme.owner("second"), dana):
        with world.acting_as(who) as db, refused("42501"):
            db.rows("select * from api.platform_home()")
