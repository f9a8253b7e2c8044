"""The test bed itself: what the other tests stand on."""

import httpx
import psycopg
import pytest

from tests.fixtures.databases import Database
from tests.fixtures.processes import Rest


def test_a_test_connection_is_the_owner_and_no_superuser(db: psycopg.Connection) -> None:
    row = db.execute(
        "select current_user, rolsuper from pg_roles where rolname = session_user"
    ).fetchone()
    assert row == ("salesdash", False)


@pytest.mark.parametrize(
    "role", ["anon", "authenticated", "org_admin", "super_admin", "reader", "gateway", "worker"]
)
def test_a_test_connection_can_play_every_role(db: psycopg.Connection, role: str) -> None:
    db.execute(f"set local role {role}")
    assert db.execute("select current_user").fetchone() == (role,)


def test_a_clone_lets_the_same_logins_in_as_a_deployed_database(database: Database) -> None:
    for url in (database.authenticator_url, database.gateway_url, database.worker_url):
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == database.name
    with (
        psycopg.connect(database.gateway_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("create temporary table scratch (id integer)")


def test_postgrest_serves_the_clone(rest: Rest) -> None:
    answer = httpx.get(f"{rest.url}/", headers={"authorization": f"Bearer {rest.anon_key}"})
    assert answer.status_code == 200
    assert answer.json()["swagger"] == "2.0"
