"""The audit trail: who did what, without secrets, for admins only, for ever."""

from decimal import Decimal

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


@pytest.mark.parametrize(
    ("table", "column"), [("leads", "full_name"), ("closers", "name"), ("organizations", "name")]
)
def test_of_a_changed_row_what_changed_is_kept(world: World, table: str, column: str) -> None:
    acme = world.organization("acme")
    row = {
        "leads": lambda: acme.lead("Lee").id,
        "closers": lambda: acme.closer("dana").closer_id,
        "organizations": lambda: acme.id,
    }[table]()
    before = world.value(f"select {column} from app.{table} where id = %s", row)

    world.execute(f"update app.{table} set {column} = 'Lou' where id = %s", row)

    [kept] = world.rows(
        "select old_data, new_data from app.audit_logs where row_id = %s and action = 'UPDATE'", row
    )
    assert (kept["old_data"], kept["new_data"]) == ({column: before}, {column: "Lou"})


def test_changes_lead_back_to_what_a_row_was(world: World) -> None:
    acme = world.organization("acme")
    lead = acme.lead("Lee", phone="+15550100")
    source = acme.source("YouTube")
    for change in ("phone = null", f"source_id = '{source.id}'", "full_name = 'Lou', phone = '1'"):
        world.execute(f"update app.leads set {change} where id = %s", lead.id)

    row = world.value("select to_jsonb(l) from app.leads as l where id = %s", lead.id)
    *changes, made = world.rows(
        "select old_data, new_data from app.audit_logs where row_id = %s order by id desc", lead.id
    )
    for change in changes:
        for column in change["new_data"]:
            row[column] = None
        row |= change["old_data"]

    copies = ("email_norm", "phone_norm", "full_name_norm", "updated_at")
    was = {column: value for column, value in row.items() if value is not None}
    assert len(changes) == 3
    assert {k: v for k, v in made["new_data"].items() if k not in copies} == {
        k: v for k, v in was.items() if k not in copies
    }


def test_new_and_deleted_rows_are_kept_whole(world: World) -> None:
    """Tables with a trigger of their own name their columns: none is forgotten."""
    acme = world.organization("acme")
    call = acme.event(closer=acme.closer("dana"), lead=acme.lead("Lee"), outcome="closed")
    acme.payment(closer=acme.closer("eli"), amount=Decimal("5.00"))
    form = world.value("select id from app.post_call_forms where event_id = %s", call.id)
    world.execute("delete from app.post_call_forms where id = %s", form)

    for table in ("leads", "events", "payments", "payment_credits"):
        differing = world.rows(
            f"""
            select t.id from app.{table} as t
              join app.audit_logs as l on l.row_id = t.id and l.action = 'INSERT'
             where not exists (select from app.audit_logs as u
                                where u.row_id = t.id and u.action = 'UPDATE')
               and l.new_data is distinct from
                   app.differing_values(to_jsonb(t) - app.audit_secret_columns(%s), '{{}}')
            """,
            table,
        )
        assert differing == []
    [kept] = world.rows(
        "select old_data, new_data from app.audit_logs where row_id = %s and action = 'DELETE'",
        form,
    )
    assert kept["old_data"]["deal_closed"] is True
    assert kept["new_data"] is None


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


def test_no_trail_keeps_values_that_are_not_there(world: World) -> None:
    acme = world.organization("acme")
    acme.lead("Lee")
    world.super_admin()
    for trail in ("audit_logs", "platform_audit_logs"):
        kept = world.rows(f"select old_data, new_data from app.{trail}")
        assert kept
        for row in kept:
            for version in (row["old_data"], row["new_data"]):
                assert version is None or None not in version.values(), row


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
