"""A token is worth what the database grants now: each way in which it may say something else."""

import json
from uuid import uuid4

import psycopg
import pytest

from tests.matrix.conftest import Stage
from tests.matrix.people import ACME, BETA, PEOPLE, READER_KEY, Person, being, session_of

SIGNED_IN = [person for person in PEOPLE.values() if person.user_id]


def check(stage: Stage, role: str, claims: dict[str, str]) -> str | None:
    """What the pre-request check says to such a token: None to go on, else the SQLSTATE."""
    try:
        with stage.connection.transaction(force_rollback=True):
            stage.connection.execute("set session authorization authenticator")
            stage.connection.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                (role, json.dumps({"role": role, **claims})),
            )
            stage.connection.execute("select auth.check_request()")
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize("person", SIGNED_IN, ids=[p.name for p in SIGNED_IN])
def test_only_the_role_that_the_database_grants_is_honoured(stage: Stage, person: Person) -> None:
    for role in ("authenticated", "org_admin", "super_admin", "reader"):
        wanted = None if role == person.role else "PT401"
        assert check(stage, role, dict(person.claims)) == wanted, role


@pytest.mark.parametrize(
    "role", ["salesdash", "gateway", "worker", "analyst", "deployer", "postgres"]
)
def test_a_token_cannot_name_a_role_that_is_none_of_tokens(stage: Stage, role: str) -> None:
    assert check(stage, role, dict(PEOPLE["super admin"].claims)) == "42501"


def test_a_session_is_worth_something_for_its_own_user_only(stage: Stage) -> None:
    closer, setter, root = PEOPLE["closer"], PEOPLE["setter"], PEOPLE["super admin"]
    assert closer.user_id
    assert setter.user_id
    assert root.user_id
    own = {"sub": str(closer.user_id), "session_id": str(session_of(closer.user_id))}
    assert check(stage, "authenticated", own) is None
    assert check(stage, "authenticated", {**own, "sub": str(setter.user_id)}) == "PT401"
    assert check(stage, "super_admin", {**own, "sub": str(root.user_id)}) == "PT401"
    assert check(stage, "authenticated", {**own, "session_id": str(uuid4())}) == "PT401"
    assert check(stage, "authenticated", {"sub": own["sub"]}) == "PT401"
    assert check(stage, "authenticated", {"session_id": own["session_id"]}) == "PT401"
    assert check(stage, "authenticated", {}) == "PT401"
    assert check(stage, "authenticated", {**own, "session_id": "not a uuid"}) == "PT401"


@pytest.mark.parametrize(
    "what_happened",
    [
        "update auth.sessions set revoked_at = now() where user_id = %(user)s",
        "update auth.sessions set created_at = '2000-01-01', expires_at = '2000-01-02'",
        "delete from auth.sessions where user_id = %(user)s",
        "update auth.users set disabled_at = now() where id = %(user)s",
        "update auth.users set deleted_at = now(), password_hash = null where id = %(user)s",
        "update app.organization_members set role = 'member' where user_id = %(user)s",
        "delete from app.organization_members where user_id = %(user)s",
        f"insert into app.organization_members values ('{BETA}', default, %(user)s, 'member')",
        "insert into app.user_roles (user_id, role) values (%(user)s, 'super_admin')",
    ],
)
def test_what_happens_to_an_admin_counts_on_the_next_request(
    stage: Stage, what_happened: str
) -> None:
    admin = PEOPLE["admin"]
    with stage.connection.transaction(force_rollback=True):
        assert check(stage, "org_admin", dict(admin.claims)) is None
        stage.connection.execute(what_happened.encode(), {"user": admin.user_id})
        assert check(stage, "org_admin", dict(admin.claims)) == "PT401"


@pytest.mark.parametrize(
    "what_happened",
    [
        "update app.api_keys set revoked_at = now()",
        "update app.organizations set deleted_at = now()",
        "update app.organizations set suspended_at = now()",
        "delete from app.api_keys",
    ],
)
def test_what_happens_to_a_key_counts_on_the_next_request(stage: Stage, what_happened: str) -> None:
    reader = PEOPLE["reader"]
    with stage.connection.transaction(force_rollback=True):
        assert check(stage, "reader", dict(reader.claims)) is None
        stage.connection.execute(what_happened.encode())
        assert check(stage, "reader", dict(reader.claims)) == "PT401"


def test_a_key_is_worth_something_for_its_own_organization_only(stage: Stage) -> None:
    key = {"key_id": str(READER_KEY), "organization_id": str(ACME)}
    assert check(stage, "reader", key) is None
    assert check(stage, "reader", {**key, "organization_id": str(uuid4())}) == "PT401"
    assert check(stage, "reader", {**key, "key_id": str(uuid4())}) == "PT401"
    assert check(stage, "reader", {"key_id": key["key_id"]}) == "PT401"
    assert check(stage, "reader", {**key, "key_id": "not a uuid"}) == "PT401"
    for role in ("authenticated", "org_admin", "super_admin"):
        assert check(stage, role, key) == "PT401"


def test_who_loses_an_organization_sees_nothing_of_it(stage: Stage) -> None:
    """Deleted and suspended organizations are gone for members, admins, keys and analysts.

    Whoever has no other one is told so with every request.
    """
    for state in ("deleted_at", "suspended_at"):
        for name in ("closer", "admin"):
            with stage.connection.transaction(force_rollback=True):
                person = PEOPLE[name]
                assert check(stage, person.role, dict(person.claims)) is None
                stage.connection.execute(
                    f"update app.organizations set {state} = now() where id = %s".encode(), (ACME,)
                )
                assert check(stage, person.role, dict(person.claims)) == "PT403"
        for name in ("mixed", "analyst"):
            with stage.connection.transaction(force_rollback=True):
                stage.connection.execute(
                    f"update app.organizations set {state} = now() where id = %s".encode(), (ACME,)
                )
                with being(stage.connection, PEOPLE[name]) as connection:
                    seen = connection.execute(
                        "select count(*) from analytics.events where organization_id = %s", (ACME,)
                    ).fetchone()
                    assert seen == (0,), (state, name)


def test_the_check_writes_nothing(stage: Stage) -> None:
    """Reads come in read-only transactions."""
    for person in SIGNED_IN:
        with stage.connection.transaction(force_rollback=True):
            stage.connection.execute("set transaction read only")
            with being(stage.connection, person) as connection:
                connection.execute("select count(*) from api.organizations")
