"""What admins do with runs and messages of their organization, and nobody else does."""

import psycopg
import pytest

from tests.jobs.scene import NOW, claim, queue_message, queue_run, state_of
from tests.world import World


def test_an_admin_asks_for_a_job_once(world: World) -> None:
    acme = world.organization("acme")
    admin = acme.admin()
    with world.acting_as(admin) as db:
        first = db.rows("select * from api.request_sync('data-quality')")[0]
        second = db.rows("select * from api.request_sync('data-quality', '{}', %s)", acme.id)[0]
    assert first["id"] == second["id"]
    assert (first["state"], first["requested_by"]) == ("queued", admin.user_id)


@pytest.mark.parametrize("kind", ["partition-upkeep", "housekeeping", "no-such-job"])
def test_only_jobs_of_an_organization_can_be_asked_for(world: World, kind: str) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db, pytest.raises(psycopg.Error) as refused:
        db.rows("select * from api.request_sync(%s)", kind)
    assert refused.value.sqlstate == "PT422"


def test_a_closer_and_a_stranger_ask_in_vain(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    for person, code in ((acme.closer(), "42501"), (bolt.admin(), "PT404")):
        with world.acting_as(person) as db, pytest.raises(psycopg.Error) as refused:
            db.rows("select * from api.request_sync('data-quality', '{}', %s)", acme.id)
        assert refused.value.sqlstate == code
    assert world.rows("select from app.sync_runs where organization_id = %s", acme.id) == []


def test_a_waiting_run_is_cancelled_at_once_and_retried_on_demand(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme, cursor="page 3")
    with world.acting_as(acme.admin()) as db:
        assert db.rows("select * from api.cancel_sync(%s)", run)[0]["state"] == "cancelled"
        with pytest.raises(psycopg.Error) as refused:
            db.rows("select * from api.cancel_sync(%s)", run)
        assert refused.value.sqlstate == "PT409"
        assert db.rows("select * from api.retry_sync(%s)", run)[0]["state"] == "queued"
    row = state_of(world, run)
    assert (row["cursor"], row["cancel_requested_at"]) == ("page 3", None)


def test_a_running_one_is_cancelled_through_its_worker(world: World) -> None:
    acme = world.organization("acme")
    run = queue_run(world, acme)
    claim(world, "one")
    with world.acting_as(acme.admin()) as db:
        assert db.rows("select * from api.cancel_sync(%s)", run)[0]["state"] == "running"
    answer = world.value("select jobs.heartbeat(%s, %s, 'one', 1, as_of => %s)", acme.id, run, NOW)
    assert answer == "cancelling"
    world.value("select jobs.stop_run(%s, %s, 'one', 1, as_of => %s)", acme.id, run, NOW)
    assert state_of(world, run)["state"] == "cancelled"


def test_runs_of_another_organization_do_not_exist(world: World) -> None:
    acme, bolt = world.organization("acme"), world.organization("bolt")
    run, message = queue_run(world, acme), queue_message(world, acme)
    with world.acting_as(bolt.admin()) as db:
        for call in ("cancel_sync", "retry_sync", "cancel_message", "retry_message"):
            with pytest.raises(psycopg.Error) as refused:
                db.rows(f"select api.{call}(%s)", message if "message" in call else run)
            assert refused.value.sqlstate == "PT404"
        assert db.ids("select id from api.sync_runs") == set()
        assert db.ids("select id from api.outbox") == set()


def test_admins_read_messages_without_links_and_sealed_parts(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(
        world,
        acme,
        to="ines@example.test",
        next="https://x.test/#token_hash=abc",
        template="invite",
    )
    with world.acting_as(acme.admin()) as db:
        (row,) = db.rows("select * from api.outbox")
        assert (row["id"], row["payload"]["next"]) == (message, "(link)")
        assert not {"secret", "rendered"} & row.keys()
    world.execute("grant usage on schema app to org_admin")
    with world.acting_as(acme.admin("anna")) as db:
        for column in ("secret", "rendered"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.rows(f"select {column} from app.outbox")


def test_sign_in_mails_belong_to_no_organization_and_nobody_reads_them(world: World) -> None:
    acme = world.organization("acme")
    queue_message(world, None, to="ines@example.test", template="magiclink")
    for person in (acme.admin(), acme.owner(), world.super_admin()):
        with world.acting_as(person) as db:
            assert db.ids("select id from api.outbox") == set()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.rows("select 1 from app.platform_outbox")


def test_a_dead_message_is_retried_or_given_up(world: World) -> None:
    acme = world.organization("acme")
    message = queue_message(world, acme)
    world.execute("update app.outbox set state = 'dead', attempts = 8 where id = %s", message)
    with world.acting_as(acme.admin()) as db:
        db.rows("select api.retry_message(%s)", message)
        assert db.value("select state from api.outbox") == "pending"
        with pytest.raises(psycopg.Error) as refused:
            db.rows("select api.retry_message(%s)", message)
        assert refused.value.sqlstate == "PT409"
        db.rows("select api.cancel_message(%s)", message)
        assert db.value("select state from api.outbox") == "cancelled"
