"""Two people who take each other's power away in the same moment."""

import threading

import psycopg

from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.world import Person, World


def second_of(
    database: Database, world: World, query: str, people: tuple[Person, Person], *more: object
) -> str | None:
    """Both ask this about the other; the SQLSTATE with which the second is refused, if so."""
    one, other = people
    world.session(one), world.session(other)
    told: list[str | None] = []

    def ask(connection: psycopg.Connection, who: Person, whom: Person) -> None:
        try:
            with World(connection, world.sessions).acting_as(who) as db:
                db.rows(query, whom.user_id, *more)
            told.append(None)
        except psycopg.Error as error:
            told.append(error.sqlstate)

    with (
        psycopg.connect(database.deployer_url) as first,
        psycopg.connect(database.deployer_url) as second,
    ):
        for connection in (first, second):
            connection.execute("set role salesdash")
        ask(first, one, other)
        waiting = threading.Thread(target=ask, args=(second, other, one))
        waiting.start()
        wait_until(
            lambda: world.value(
                "select %s = any (pg_blocking_pids(%s))",
                first.info.backend_pid,
                second.info.backend_pid,
            ),
            lambda: "the second did not wait for the first",
        )
        first.commit()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
    assert told[0] is None
    return told[1]


def test_of_two_owners_who_demote_each_other_one_stays(
    database: Database, committed_world: World
) -> None:
    acme = committed_world.organization("acme")
    olga, other, _ = acme.owner("olga"), acme.owner("other"), acme.owner("third")
    query = "select api.set_member_role(%s, 'member', %s)"
    assert second_of(database, committed_world, query, (olga, other), acme.id) == "42501"
    assert committed_world.rows(
        "select user_id, role from app.organization_members"
        " where organization_id = %s and user_id = any (%s) order by role desc",
        acme.id, [olga.user_id, other.user_id],
    ) == [
        {"user_id": olga.user_id, "role": "owner"}, {"user_id": other.user_id, "role": "member"}
    ]  # fmt: skip


def test_of_two_super_admins_who_revoke_each_other_one_stays(
    database: Database, committed_world: World
) -> None:
    root, other = committed_world.super_admin("root"), committed_world.super_admin("other")
    committed_world.super_admin("third")
    query = "select api.revoke_super_admin(%s, 'no longer needed')"
    assert second_of(database, committed_world, query, (root, other)) == "42501"
    assert committed_world.value("select auth.has_platform_power(%s)", root.user_id)
