"""The audit trail: who did what, without secrets, for admins only, for ever."""

import psycopg
import pytest

from tests.world import World


def test_a_change_is_kept_with_who_made_it_and_both_states(world: World) -> None:
    acme = world.organization("acme")
    ada = acme.admin("ada")
    source = acme.source("YouTube")
    lead = acme.lead("Lee")

    with world.acting_as(ada) as db:
        db.changed("update api.leads set source_id = %s where id = %s", source.id, lead.id)
        history = db.rows("select * from api.record_history('leads', %s)", lead.id)

    assert [row["action"] for row in history] == ["UPDATE", "INSERT"]
    assert history[0]["actor_kind"] == "user"
    assert history[0]["actor_id"] == ada.user_id
    assert history[0]["actor_name"] == ada.name
    assert history[0]["actor_role"] == "org_admin"
    assert history[0]["changes"] == {
        "source_id": {"old": None, "new": str(source.id)},
        "source_origin": {"old": None, "new": "manual"},
    }


def test_what_changes_nothing_leaves_no_trace(world: World) -> None:
    acme = world.organization("acme")
    lead = acme.lead("Lee")
    before = world.value("select count(*) from app.audit_logs")

    world.execute(
        "update app.organization_members set role = role where organization_id = %s", acme.id
    )
    world.execute("delete from app.leads where id = %s and is_test", lead.id)

    assert world.value("select count(*) from app.audit_logs") == before


def test_the_reason_of_a_transaction_is_kept(world: World) -> None:
    acme = world.organization("acme")
    world.execute("select set_config('app.reason', 'a typo', true)")
    lead = acme.lead("Lee")

    assert world.value("select reason from app.audit_logs where row_id = %s", lead.id) == "a typo"


def test_secrets_never_enter_the_trail(world: World) -> None:
    acme = world.organization("acme")
    connection = world.insert(
        "webhook_connections",
        organization_id=acme.id,
        name="Stripe",
        connection_type="stripe",
        webhook_secret=b"sealed-secret",
        api_key=b"sealed-key",
    )
    world.execute(
        "update app.organization_integrations set stripe_api_key_encrypted = 'sealed-key'"
        " where organization_id = %s",
        acme.id,
    )
    world.execute(
        "update app.webhook_connections set webhook_secret = 'sealed-new' where id = %s", connection
    )

    kept = world.value("select string_agg(concat(old_data, new_data), '') from app.audit_logs")
    assert "Stripe" in kept
    assert "sealed" not in kept
    assert b"sealed".hex() not in kept


def test_organizations_and_platform_roles_are_audited_too(world: World) -> None:
    acme = world.organization("acme")
    root = world.super_admin()
    world.execute("update app.organizations set week_start = 7 where id = %s", acme.id)

    with world.acting_as(root) as db:
        actions = db.rows(
            "select action from api.audit_logs"
            " where table_name = 'organizations' and row_id = %s order by id",
            acme.id,
        )
        assert [row["action"] for row in actions] == ["INSERT", "UPDATE"]
        assert (
            db.value("select count(*) from api.platform_audit_logs where table_name = 'user_roles'")
            >= 1
        )


def test_only_admins_of_the_organization_read_its_trail(world: World) -> None:
    acme, other = world.organization("acme"), world.organization("other")
    ada, dana, stranger = acme.admin(), acme.closer(), other.admin("oscar")
    lead = acme.lead("Lee")
    trail = "select id from api.audit_logs where row_id = %s"

    with world.acting_as(ada) as db:
        assert db.ids(trail, lead.id)
    for nobody in (dana, stranger):
        with world.acting_as(nobody) as db:
            assert db.ids(trail, lead.id) == set()
    with world.acting_as(dana) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.rows("select * from api.record_history('leads', %s)", lead.id)
    with world.acting_as(stranger) as db:
        assert db.rows("select * from api.record_history('leads', %s)", lead.id) == []


def test_nobody_rewrites_the_trail(world: World) -> None:
    acme = world.organization("acme")
    acme.lead("Lee")
    for who in (acme.owner(), world.super_admin()):
        for statement in (
            "update api.audit_logs set reason = 'mine'",
            "delete from api.audit_logs",
            "insert into api.audit_logs (organization_id) values (null)",
        ):
            with world.acting_as(who) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.changed(statement)
