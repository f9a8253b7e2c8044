"""Super admins' requests are written down, and so is the use of API keys."""

import json
import time
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.analysts import analyst_login
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Rest, Worker
from tests.world import World

RECORD = "select jobs.record_access(%s)"


def test_what_a_super_admin_reads_is_in_the_platforms_trail(
    rest: Rest, worker: Worker, committed_world: World
) -> None:
    root = committed_world.super_admin()
    headers = {"authorization": f"Bearer {committed_world.token(root, rest.jwt_secret)}"}
    trail = (
        "select table_name, action, new_data from app.platform_audit_logs"
        " where actor_id = %s and action = 'READ'"
    )

    def seen() -> list[dict[str, object]]:
        # Asked again each time: what is announced while no worker listens is not kept.
        answer = httpx.get(f"{rest.url}/leads?limit=1", headers=headers, trust_env=False)
        assert answer.status_code == 200
        return committed_world.rows(trail, root.user_id)

    wait_until(lambda: bool(seen()), lambda: "nothing was written down")
    assert seen()[0] == {
        "table_name": "leads",
        "action": "READ",
        "new_data": {"path": "/leads", "method": "GET"},
    }


def test_the_use_of_a_key_is_noted(rest: Rest, worker: Worker, committed_world: World) -> None:
    key = committed_world.organization("acme").reader_key()
    claims = {
        "role": "reader",
        "key_id": str(key.key_id),
        "organization_id": str(key.organization_id),
        "aud": "authenticated",
        "exp": int(time.time()) + 600,
    }
    token = jwt.encode(claims, rest.jwt_secret, algorithm="HS256")
    headers = {"authorization": f"Bearer {token}", "accept-profile": "analytics"}

    def used() -> bool:
        answer = httpx.get(f"{rest.url}/events?limit=1", headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        noted = "select last_used_at from app.api_keys where id = %s"
        return committed_world.value(noted, key.key_id) is not None

    wait_until(used, lambda: "the key was never noted")


def test_an_announcement_counts_once_and_only_for_a_living_super_admin(world: World) -> None:
    root, nobody = world.super_admin(), world.person("nobody")
    announced = {"id": str(uuid4()), "session_id": str(world.session(root)), "path": "/leads"}

    assert world.value(RECORD, Jsonb(announced)) is True
    assert world.value(RECORD, Jsonb(announced)) is False
    assert world.value("select count(*) from app.platform_audit_logs where action = 'READ'") == 1
    forged = {"id": str(uuid4()), "session_id": str(world.session(nobody)), "path": "/leads"}
    assert world.value(RECORD, Jsonb(forged)) is False


@pytest.mark.parametrize("garbage", [{}, {"session_id": "x", "id": "y"}, {"key_id": "z"}, []])
def test_garbage_on_the_channel_is_passed_over(world: World, garbage: object) -> None:
    assert world.value(RECORD, Jsonb(garbage)) is False


def test_a_key_is_noted_at_most_once_a_minute(world: World) -> None:
    key = world.organization("acme").reader_key()
    used = {"key_id": str(key.key_id), "organization_id": str(key.organization_id)}
    other = {**used, "organization_id": str(world.organization("beta").id)}
    assert world.value(RECORD, Jsonb(other)) is False
    assert world.value(RECORD, Jsonb(used)) is True
    assert world.value(RECORD, Jsonb(used)) is False


def test_whoever_guesses_the_channel_by_its_purpose_hears_nothing(
    rest: Rest, database: Database, committed_world: World
) -> None:
    """LISTEN needs no right: what keeps analysts from listening is that they know no name."""
    root = committed_world.super_admin()
    headers = {"authorization": f"Bearer {committed_world.token(root, rest.jwt_secret)}"}
    with (
        analyst_login(database, committed_world.organization("acme").id) as login,
        psycopg.connect(login.url, autocommit=True) as analyst,
        psycopg.connect(database.worker_url, autocommit=True) as worker,
    ):
        (channel,) = worker.execute("select jobs.access_channel()").fetchone() or ("",)
        worker.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        analyst.execute("listen platform_access")
        for table in ("app.announcement_channels", "jobs.access_channel()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(f"select * from {table}".encode())
        httpx.get(f"{rest.url}/leads?limit=1", headers=headers, trust_env=False)
        assert [json.loads(note.payload)["path"] for note in worker.notifies(stop_after=1)] == [
            "/leads"
        ]
        assert list(analyst.notifies(timeout=0)) == []
