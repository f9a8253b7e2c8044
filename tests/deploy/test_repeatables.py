"""Repeatable files: what runs, what is dropped, what stays, and in whose name."""

import pytest

from salesdash import deploy
from salesdash.deploy import DeployFailed, status
from tests.deploy.trees import ANIMALS, COUNT, NAMES, POLICY, Tree
from tests.fixtures.cluster import Cluster
from tests.fixtures.databases import clone
from tests.migrations.dumps import schema_of, statements

EVERYTHING = {
    "views/animals.sql",
    "views/names.sql",
    "functions/api/count.sql",
    "functions/api/label.sql",
    "policies/animals.sql",
}

LEGS = """
drop function if exists app.legs();
create function app.legs() returns integer language sql stable return 4;
grant execute on function app.legs() to anon;
"""
TWICE = """
create or replace function app.twice() returns integer language sql stable
begin atomic; select 2 * app.legs()::integer; end;
comment on function app.twice() is 'Two of them.';
grant execute on function app.twice() to anon;
"""
ALL_ANIMALS = """
create or replace function api.all_animals() returns setof api.animals language sql stable
begin atomic; select a.* from api.animals as a; end;
"""
ON_LEGS = {
    "functions/app/twice.sql": TWICE,
    "views/legs.sql": """
drop view if exists api.legs;
create view api.legs with (security_invoker = true) as
select a.id, app.twice() as legs from app.animals as a;
grant select on api.legs to anon;
""",
    "functions/app/followed.sql": """
drop function if exists app.follow();
create function app.follow() returns trigger language plpgsql as 'begin return null; end';
""",
    "functions/triggers/animals.sql": """
create or replace trigger is_followed after update on app.animals
    for each row when (new.id > app.twice()) execute function app.follow();
""",
    "policies/owners.sql": """
drop policy if exists "owners write what has legs" on app.animals;
create policy "owners write what has legs" on app.animals for update to authenticated
    using (app.twice() > 0 and owner_name = current_user);
grant update (name) on app.animals to authenticated;
""",
}


def test_a_first_deploy_runs_everything(tree: Tree) -> None:
    report = tree.deploy()
    assert report.migrations == ("0001_zoo",)
    assert set(report.files) == EVERYTHING
    assert tree.one(
        "select relowner::regrole::text from pg_class where oid = 'api.names'::regclass"
    ) == ("salesdash")


def test_a_second_deploy_runs_nothing(tree: Tree) -> None:
    tree.deploy()
    report = tree.deploy()
    assert not report.changed
    assert report.seconds < 1


def test_a_second_deploy_waits_for_no_lock(tree: Tree) -> None:
    tree.deploy()
    with tree.connect() as client, client.transaction():
        client.execute("lock table api.animals, api.names, app.animals in access exclusive mode")
        assert not tree.deploy().changed


def test_only_the_changed_file_runs(tree: Tree) -> None:
    tree.deploy()
    tree.write("functions/api/count.sql", COUNT.replace("count(*)", "count(*) + 1"))
    assert tree.deploy().files == ("functions/api/count.sql",)
    assert tree.one("select api.count_animals()") == 3


def test_a_changed_view_takes_its_dependants_along(tree: Tree) -> None:
    tree.deploy()
    tree.write("views/animals.sql", ANIMALS.replace("id, name", "id, name, owner_name as owner"))
    report = tree.deploy()
    assert set(report.files) == EVERYTHING - {"policies/animals.sql"}
    assert report.dropped == ()
    assert tree.one("select owner from api.animals where id = 1") == "anon"
    assert tree.one("select api.label(a) from api.animals as a where id = 1") == "ADA"


def test_a_file_that_is_gone_takes_what_it_made_along(tree: Tree) -> None:
    tree.deploy()
    tree.remove("views/names.sql")
    tree.remove("functions/api/count.sql")
    report = tree.deploy()
    assert set(report.dropped) == {"view api.names", "function api.count_animals()"}
    assert tree.one("select to_regclass('api.names')") is None
    assert not tree.deploy().changed


def test_a_new_argument_leaves_no_second_function_behind(tree: Tree) -> None:
    tree.deploy()
    tree.write(
        "functions/api/count.sql",
        COUNT.replace(
            "count_animals() returns", "count_animals(kind text default null) returns"
        ).replace("function api.count_animals() to", "function api.count_animals(text) to"),
    )
    report = tree.deploy()
    assert report.dropped == ("function api.count_animals()",)
    assert tree.one("select count(*) from pg_proc where proname = 'count_animals'") == 1


def test_a_new_result_type_replaces_the_function_and_what_calls_it(tree: Tree) -> None:
    tree.write(
        "functions/api/double.sql",
        "create or replace function api.double_animals() returns numeric language sql stable"
        " begin atomic; select 2 * api.count_animals(); end;",
    )
    tree.deploy()
    tree.write("functions/api/count.sql", COUNT.replace("returns bigint", "returns numeric"))
    report = tree.deploy()
    assert "functions/api/double.sql" in report.files
    assert tree.one("select pg_typeof(api.count_animals())::text") == "numeric"


def test_a_function_that_its_file_drops_takes_along_whatever_stands_on_it(
    tree: Tree, cluster: Cluster
) -> None:
    tree.write("functions/app/legs.sql", LEGS)
    for path, text in ON_LEGS.items():
        tree.write(path, text)
    tree.deploy()
    tree.write("functions/app/legs.sql", LEGS.replace("integer", "bigint"))
    report = tree.deploy()
    assert "functions/app/legs.sql" in report.files
    assert set(ON_LEGS) - set(report.files) == {"functions/app/followed.sql"}
    assert report.dropped == ()
    with clone(cluster, template=None) as fresh:
        Tree(tree.path, fresh).deploy()
        assert statements(schema_of(tree.database.superuser_url)) == statements(
            schema_of(fresh.superuser_url)
        )
    assert tree.one("select pg_typeof(app.legs())::text") == "bigint"
    assert not tree.deploy().changed


def test_a_file_that_runs_for_the_sake_of_another_may_drop_its_functions(tree: Tree) -> None:
    tree.write("functions/api/legs.sql", LEGS.replace("app.legs", "api.legs") + ALL_ANIMALS)
    tree.write("functions/api/twice.sql", TWICE.replace("app.", "api."))
    tree.deploy()
    tree.write("views/animals.sql", ANIMALS + "-- changed")
    assert {"functions/api/legs.sql", "functions/api/twice.sql"} <= set(tree.deploy().files)
    assert tree.one("select api.twice()") == 8


def test_something_foreign_on_a_function_that_its_file_drops_is_named_and_kept(tree: Tree) -> None:
    tree.write("functions/app/legs.sql", LEGS)
    tree.deploy()
    with tree.connect() as owner:
        owner.execute("create view app.foreign_view as select app.legs()")
    tree.write("functions/app/legs.sql", LEGS.replace("integer", "bigint"))
    with pytest.raises(DeployFailed, match=r"app\.foreign_view"):
        tree.deploy()
    assert tree.one("select pg_typeof(legs)::text from app.foreign_view") == "integer"


def test_an_object_may_move_to_another_file(tree: Tree) -> None:
    tree.deploy()
    tree.remove("functions/api/count.sql")
    tree.write("functions/api/numbers.sql", COUNT)
    assert tree.deploy().dropped == ()
    tree.write("functions/api/aaa.sql", COUNT)
    tree.write("functions/api/numbers.sql", "-- Nothing is left here.")
    assert tree.deploy().dropped == ()
    assert tree.one("select api.count_animals()") == 2
    assert not tree.deploy().changed


def test_a_grant_that_left_its_file_is_taken_back(tree: Tree) -> None:
    tree.deploy()
    tree.write("functions/api/count.sql", COUNT.split("grant")[0])
    tree.write("policies/animals.sql", POLICY.replace("grant select on", "grant select (id) on"))
    tree.deploy()
    assert (
        tree.one("select has_function_privilege('anon', 'api.count_animals()', 'execute')") is False
    )
    assert tree.one("select has_table_privilege('anon', 'app.animals', 'select')") is False
    assert tree.one("select has_column_privilege('anon', 'app.animals', 'id', 'select')") is True
    tree.write("policies/animals.sql", POLICY.replace("grant select on app.animals to anon;", ""))
    tree.deploy()
    assert tree.one("select has_column_privilege('anon', 'app.animals', 'id', 'select')") is False


def test_a_grant_on_a_function_of_a_migration_does_not_make_it_ours(tree: Tree) -> None:
    tree.migration(
        "0002_helper",
        "-- depends: 0001_zoo\ncreate function app.one() returns integer language sql return 1;",
        "drop function app.one();",
    )
    tree.write("policies/helper.sql", "grant execute on function app.one() to anon;")
    tree.deploy()
    tree.remove("policies/helper.sql")
    assert tree.deploy().dropped == ()
    assert tree.one("select app.one()") == 1


def test_a_renamed_policy_replaces_the_old_one(tree: Tree) -> None:
    tree.deploy()
    tree.write("policies/animals.sql", POLICY.replace("visitors see", "guests see"))
    tree.deploy()
    assert tree.one("select array_agg(polname::text) from pg_policy") == ["guests see their own"]


def test_what_somebody_dropped_by_hand_comes_back(tree: Tree) -> None:
    tree.deploy()
    with tree.connect() as owner:
        owner.execute("drop function api.count_animals()")
    assert status(tree.database.deployer_url, tree.path).changed == ("functions/api/count.sql",)
    assert tree.deploy().files == ("functions/api/count.sql",)
    assert tree.one("select api.count_animals()") == 2


def test_something_foreign_on_a_changed_view_is_named_and_kept(tree: Tree) -> None:
    tree.deploy()
    with tree.connect() as owner:
        owner.execute("create view api.foreign_view as select name from api.animals")
    tree.write("views/animals.sql", ANIMALS + "-- changed")
    with pytest.raises(DeployFailed, match=r"api\.foreign_view"):
        tree.deploy()
    assert tree.one("select count(*) from api.foreign_view") == 2


def test_a_failing_file_changes_nothing_and_says_where(tree: Tree) -> None:
    tree.deploy()
    tree.write("views/animals.sql", ANIMALS.replace("name from", "title from"))
    with pytest.raises(DeployFailed) as failure:
        tree.deploy()
    assert str(failure.value).startswith("views/animals.sql:3: column ")
    assert tree.one("select count(*) from api.names") == 2


def test_a_file_in_an_unknown_folder_is_refused(tree: Tree) -> None:
    tree.write("functions/misc/a.sql", "select 1;")
    with pytest.raises(DeployFailed, match=r"functions/misc/a\.sql"):
        tree.deploy()


def test_names_must_carry_their_schema(tree: Tree) -> None:
    tree.write("views/wild.sql", "create view wild as select 1 as one;")
    with pytest.raises(DeployFailed, match="no schema has been selected"):
        tree.deploy()


def test_a_percent_sign_is_a_percent_sign(tree: Tree) -> None:
    tree.migration(
        "0002_percent",
        "-- depends: 0001_zoo\ncomment on table app.animals is '100 %s (sure)';",
        "comment on table app.animals is null;",
    )
    tree.deploy()
    assert tree.one("select obj_description('app.animals'::regclass)") == "100 %s (sure)"


def test_a_change_reloads_the_schema_of_postgrest_and_no_change_does_not(tree: Tree) -> None:
    tree.deploy()
    with tree.connect() as listener:
        listener.execute("listen pgrst")
        tree.deploy()
        assert list(listener.notifies(timeout=0)) == []
        tree.write("views/names.sql", NAMES + "-- changed")
        tree.deploy()
        (heard,) = listener.notifies(timeout=10, stop_after=1)
    assert heard.payload == "reload schema"


def test_everything_runs_when_another_migration_is_applied(tree: Tree) -> None:
    tree.deploy()
    tree.migration(
        "0002_age",
        "-- depends: 0001_zoo\nalter table app.animals add age integer;",
        "alter table app.animals drop age;",
    )
    assert set(tree.deploy().files) == EVERYTHING


def test_a_busy_table_makes_a_deploy_try_again(tree: Tree) -> None:
    tree.deploy()
    tree.write("policies/animals.sql", POLICY + "-- changed")
    tries: list[str] = []
    with tree.connect() as client:
        client.execute("begin")
        client.execute("lock table app.animals in share mode")

        def progress(_stage: str, name: str) -> None:
            tries.append(name)
            if tries.count("policies/animals.sql") == 3:
                client.execute("rollback")

        report = deploy.deploy(tree.database.deployer_url, tree.path, progress=progress)
    assert report.attempts >= 3


def test_a_table_that_stays_busy_stops_a_deploy_in_time(tree: Tree) -> None:
    tree.deploy()
    tree.write("policies/animals.sql", POLICY + "-- changed")
    with tree.connect() as client, client.transaction():
        client.execute("lock table app.animals in share mode")
        with pytest.raises(DeployFailed, match="Clients held locks"):
            deploy.deploy(tree.database.deployer_url, tree.path, patience_s=0.3)
