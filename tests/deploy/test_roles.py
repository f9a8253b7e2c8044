"""roles.sql: who exists, who may become whom, who may connect, and no password in any statement."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from salesdash import deploy
from salesdash.deploy.roles import apply_roles
from salesdash.home import ROOT
from tests.deploy.trees import Tree
from tests.fixtures.cluster import PASSWORD
from tests.fixtures.databases import Database


def test_running_it_again_writes_nothing(database: Database) -> None:
    with psycopg.connect(database.deployer_url, autocommit=True) as deployer:
        apply_roles(deployer, ROOT / "db" / "roles.sql")
        with deployer.transaction():
            deployer.execute((ROOT / "db" / "roles.sql").read_bytes())
            row = deployer.execute("select pg_current_xact_id_if_assigned()").fetchone()
    assert row == (None,)


@pytest.mark.parametrize(
    ("role", "can_login", "inherits"),
    [
        ("salesdash", False, True),
        ("authenticator", True, False),
        ("anon", False, True),
        ("authenticated", False, True),
        ("org_admin", False, True),
        ("super_admin", False, True),
        ("reader", False, True),
        ("admin_of_one", False, True),
        ("member_of_one", False, True),
        ("closer_of_one", False, True),
        ("gateway", True, True),
        ("worker", True, True),
        ("analyst", False, True),
        ("deployer", True, True),
    ],
)
def test_every_role_is_what_it_should_be(
    db: psycopg.Connection, role: str, can_login: bool, inherits: bool
) -> None:
    row = db.execute(
        "select rolcanlogin, rolinherit, rolsuper, rolbypassrls, rolreplication"
        " from pg_roles where rolname = %s",
        (role,),
    ).fetchone()
    assert row == (can_login, inherits, False, False, False)


def test_only_the_deployer_may_become_the_owner(db: psycopg.Connection) -> None:
    members = db.execute(
        "select member::regrole::text from pg_auth_members where roleid = 'salesdash'::regrole"
    ).fetchall()
    assert {member for (member,) in members} == {"deployer"}


def test_postgrest_becomes_roles_of_tokens_and_narrower_ones_only(
    database: Database,
) -> None:
    with psycopg.connect(database.authenticator_url, autocommit=True) as authenticator:
        tokens = ("anon", "authenticated", "org_admin", "super_admin", "reader")
        for role in (*tokens, "admin_of_one", "member_of_one", "closer_of_one"):
            authenticator.execute(f"set role {role}".encode())
        for role in ("salesdash", "gateway", "worker", "analyst", "deployer", "postgres"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                authenticator.execute(f"set role {role}".encode())


@pytest.mark.parametrize(
    ("role", "limit"),
    [
        ("anon", "5s"),
        ("authenticated", "15s"),
        ("org_admin", "15s"),
        ("super_admin", "30s"),
        ("reader", "15s"),
    ],
)
def test_every_role_of_a_token_has_a_time_limit(
    db: psycopg.Connection, role: str, limit: str
) -> None:
    row = db.execute("select rolconfig from pg_roles where rolname = %s", (role,)).fetchone()
    assert row == ([f"statement_timeout={limit}"],)


def test_a_setting_that_was_changed_by_hand_is_set_back(tree: Tree) -> None:
    with psycopg.connect(tree.database.superuser_url, autocommit=True) as superuser:
        superuser.execute("alter role anon set statement_timeout = '1h'")
    tree.deploy()
    assert tree.one("select rolconfig[1] from pg_roles where rolname = 'anon'") == (
        "statement_timeout=5s"
    )


def test_nobody_connects_before_the_walls_stand(tree: Tree) -> None:
    tree.write("policies/animals.sql", "select 1/0;")
    with pytest.raises(deploy.DeployFailed):
        tree.deploy()
    for url in (tree.database.authenticator_url, tree.database.gateway_url):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url)


def test_a_database_that_lost_who_may_connect_is_opened_again(tree: Tree) -> None:
    tree.deploy()
    with psycopg.connect(tree.database.superuser_url, autocommit=True) as superuser:
        for login in ("authenticator", "gateway", "worker", "analyst"):
            superuser.execute(
                sql.SQL("revoke all on database {} from {} cascade").format(
                    sql.Identifier(superuser.info.dbname), sql.Identifier(login)
                )
            )
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(tree.database.gateway_url)
    tree.deploy()
    for url in (tree.database.authenticator_url, tree.database.gateway_url):
        psycopg.connect(url).close()


def test_passwords_are_set_as_verifiers_and_only_when_they_differ(tree: Tree) -> None:
    # Logins of its own: those of the cluster are in use by tests that run beside this one.
    keeps, changes = (f"login_{uuid4().hex[:12]}" for _ in range(2))
    with psycopg.connect(tree.database.deployer_url, autocommit=True) as deployer:
        for name, password in ((keeps, PASSWORD), (changes, "another one")):
            made = sql.SQL("create role {} login password {}")
            deployer.execute(made.format(sql.Identifier(name), sql.Literal(password)))
    try:
        logins = [deploy.Login(name, PASSWORD) for name in (keeps, changes)]
        report = deploy.deploy(tree.database.deployer_url, tree.path, logins=logins)
        assert report.passwords == (changes,)
        again = deploy.deploy(tree.database.deployer_url, tree.path, logins=logins)
        assert again.passwords == ()
        with psycopg.connect(tree.database.superuser_url) as superuser:
            row = superuser.execute(
                "select rolpassword from pg_authid where rolname = %s", [changes]
            ).fetchone()
        assert row is not None
        assert row[0].startswith("SCRAM-SHA-256$")
    finally:
        with psycopg.connect(tree.database.deployer_url, autocommit=True) as deployer:
            for name in (keeps, changes):
                deployer.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
