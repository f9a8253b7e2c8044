"""The versioned half: applied once, together with its note, and taken back."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from salesdash import deploy
from salesdash.deploy import DeployFailed, status, verify
from tests.deploy.trees import Tree
from tests.fixtures.cluster import Cluster
from tests.fixtures.ports import wait_until

AGE = "-- depends: 0001_zoo\nalter table app.animals add age integer;"
AGE_DOWN = "alter table app.animals drop age;"


def test_a_failing_migration_is_rolled_back_whole_and_named(tree: Tree) -> None:
    tree.deploy()
    tree.migration("0002_age", f"{AGE}\nselect 1 / 0;", AGE_DOWN)
    with pytest.raises(DeployFailed, match="0002_age: division by zero"):
        tree.deploy()
    assert status(tree.database.deployer_url, tree.path).pending == ("0002_age",)
    tree.migration("0002_age", AGE, AGE_DOWN)
    assert tree.deploy().migrations == ("0002_age",)


def test_the_migrations_before_a_failing_one_stay(tree: Tree) -> None:
    tree.migration("0002_age", AGE, AGE_DOWN)
    tree.migration("0003_no", "-- depends: 0002_age\nselect 1 / 0;", "select 1;")
    with pytest.raises(DeployFailed, match="0003_no"):
        tree.deploy()
    assert status(tree.database.deployer_url, tree.path).applied == ("0001_zoo", "0002_age")


def test_an_index_can_be_built_without_stopping_writers(tree: Tree) -> None:
    tree.migration(
        "0002_index",
        "-- depends: 0001_zoo\n-- transactional: false\n"
        "create index concurrently animals_name_idx on app.animals (name);",
        "-- transactional: false\ndrop index concurrently app.animals_name_idx;",
    )
    tree.deploy()
    assert tree.one("select to_regclass('app.animals_name_idx') is not null") is True
    deploy.rollback(tree.database.deployer_url, tree.path, steps=1)
    assert tree.one("select to_regclass('app.animals_name_idx') is null") is True


@pytest.mark.parametrize("up", ["-- depends: 0001_zoo\ncreate table wild (id integer);"])
def test_a_migration_must_spell_out_schemas(tree: Tree, up: str) -> None:
    tree.migration("0002_wild", up, "drop table wild;")
    with pytest.raises(DeployFailed, match="no schema has been selected"):
        tree.deploy()


def test_a_migration_without_a_rollback_is_refused(tree: Tree) -> None:
    tree.write("migrations/0002_age.sql", AGE)
    with pytest.raises(DeployFailed, match="0002_age has no rollback file"):
        tree.deploy()


def test_a_migration_that_depends_on_nothing_known_is_refused(tree: Tree) -> None:
    tree.migration("0002_age", AGE.replace("0001_zoo", "0001_ark"), AGE_DOWN)
    with pytest.raises(DeployFailed, match="cannot be put into an order"):
        tree.deploy()


def test_a_migration_gives_a_busy_table_back_and_tries_again(tree: Tree) -> None:
    tree.deploy()
    tree.migration("0002_age", AGE, AGE_DOWN)
    tries: set[object] = set()

    def has_tried_twice() -> bool:
        tries.add(
            tree.one(
                "select max(query_start) from pg_stat_activity"
                " where query like 'alter table app.animals%' and wait_event_type = 'Lock'"
            )
        )
        return len(tries - {None}) >= 2

    with ThreadPoolExecutor(1) as pool, tree.connect() as client:
        with client.transaction():
            client.execute("lock table app.animals in share mode")
            deployed = pool.submit(tree.deploy)
            wait_until(has_tried_twice, lambda: f"no second try: {tries}")
        assert deployed.result().migrations == ("0002_age",)


def test_a_migration_may_drop_the_views_over_a_column_it_changes(tree: Tree) -> None:
    tree.deploy()
    up = "alter table app.animals alter column name type varchar(80);"
    tree.migration("0002_name", f"-- depends: 0001_zoo\n{up}", "select 1;")
    with pytest.raises(DeployFailed, match="used by a view"):
        tree.deploy()
    drop = "drop view if exists api.animals cascade;"
    tree.migration("0002_name", f"-- depends: 0001_zoo\n{drop}\n{up}", "select 1;")
    report = tree.deploy()
    assert len(report.files) == 5
    assert tree.one("select api.count_animals()") == 2
    assert tree.one("select pg_typeof(name)::text from api.names limit 1") == "character varying"


def test_a_rollback_takes_the_newest_back_and_apply_restores_the_rest(tree: Tree) -> None:
    tree.deploy()
    tree.migration("0002_age", AGE, AGE_DOWN)
    tree.write(
        "views/ages.sql",
        "drop view if exists api.ages;create view api.ages as select age from app.animals;",
    )
    tree.deploy()
    report = deploy.rollback(tree.database.deployer_url, tree.path, steps=1)
    assert report.migrations == ("0002_age",)
    assert "view api.ages" in report.dropped
    tree.remove("views/ages.sql")
    applied = deploy.apply(tree.database.deployer_url, tree.path)
    assert (applied.migrations, len(applied.files)) == ((), 5)
    assert tree.one("select count(*) from api.animals") == 2
    tree.remove("migrations/0001_zoo.sql")
    tree.remove("migrations/0002_age.sql")
    with pytest.raises(DeployFailed, match="its files are not in"):
        deploy.rollback(tree.database.deployer_url, tree.path, steps=1)


def test_a_rollback_of_everything_leaves_an_empty_database(tree: Tree) -> None:
    tree.deploy()
    assert deploy.rollback(tree.database.deployer_url, tree.path, steps=9).migrations == (
        "0001_zoo",
    )
    assert tree.one("select to_regnamespace('app')") is None
    assert deploy.rollback(tree.database.deployer_url, tree.path, steps=1).migrations == ()
    assert tree.deploy().migrations == ("0001_zoo",)


def test_status_tells_what_a_deploy_would_do(tree: Tree) -> None:
    before = status(tree.database.deployer_url, tree.path)
    assert (before.tool, before.pending, len(before.changed)) == ("nobody", ("0001_zoo",), 5)
    tree.deploy()
    after = status(tree.database.deployer_url, tree.path)
    assert (after.tool, after.is_current, after.applied) == ("yoyo", True, ("0001_zoo",))
    tree.remove("views/names.sql")
    later = status(tree.database.deployer_url, tree.path)
    assert (later.is_current, later.gone) == (False, ("views/names.sql",))


def test_verify_finds_what_is_missing(tree: Tree) -> None:
    tree.write("migrations/verify/0001_zoo.sql", "select name from app.animals where false;")
    tree.deploy()
    assert verify(tree.database.deployer_url, tree.path).findings == ()
    with tree.connect() as owner:
        owner.execute("drop function api.count_animals()")
        owner.execute("alter table app.animals rename name to title")
    found = {finding.name for finding in verify(tree.database.deployer_url, tree.path).findings}
    assert found == {"0001_zoo", "functions/api/count.sql"}


def test_verify_changes_nothing(tree: Tree) -> None:
    tree.write("migrations/verify/0001_zoo.sql", "delete from app.animals;")
    tree.deploy()
    verify(tree.database.deployer_url, tree.path)
    assert tree.one("select count(*) from app.animals") == 2


def test_a_database_without_migrations_gets_no_files(tree: Tree) -> None:
    with pytest.raises(DeployFailed, match="No migration is applied"):
        deploy.apply(tree.database.deployer_url, tree.path)


def test_reset_ends_our_processes_sessions_and_leaves_an_empty_database(tree: Tree) -> None:
    tree.deploy()
    with psycopg.connect(tree.database.gateway_url) as gateway:
        assert deploy.reset(tree.database.deployer_url) == tree.database.name
        with pytest.raises(psycopg.OperationalError):
            gateway.execute("select 1")
    assert status(tree.database.deployer_url, tree.path).tool == "nobody"
    assert tree.deploy().migrations == ("0001_zoo",)


def test_reset_refuses_a_database_that_is_not_ours(cluster: Cluster) -> None:
    with pytest.raises(DeployFailed, match="names no database"):
        deploy.reset(cluster.server.deployer_url("postgres"))
