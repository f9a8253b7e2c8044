"""The real sqitch deploys, verifies and reverts the same files, and makes the same schema."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from salesdash import deploy
from salesdash.deploy import sqitch
from salesdash.deploy.roles import apply_roles
from salesdash.home import ROOT
from tests.fixtures.cluster import PASSWORD, Cluster
from tests.fixtures.databases import Database, clone
from tests.migrations.dumps import schema_of, statements

PLAN = ROOT / "sqitch.plan"
FOLDER = ROOT / "db" / "migrations"

needs_sqitch = pytest.mark.skipif(
    shutil.which("sqitch") is None and "CI" not in os.environ,
    reason="sqitch is not installed: apt-get install sqitch libdbd-pg-perl",
)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    """A database with roles, and nothing else."""
    with clone(cluster, template=None) as made:
        with psycopg.connect(made.deployer_url, autocommit=True) as deployer:
            apply_roles(deployer, ROOT / "db" / "roles.sql")
        yield made


@pytest.fixture(scope="module")
def by_sqitch(cluster: Cluster) -> Iterator[Database]:
    """A database to which sqitch has deployed, for clones."""
    with clone(cluster, template=None) as made:
        with psycopg.connect(made.deployer_url, autocommit=True) as deployer:
            apply_roles(deployer, ROOT / "db" / "roles.sql")
        run_sqitch(made, "deploy")
        yield made


@pytest.fixture
def deployed(cluster: Cluster, by_sqitch: Database) -> Iterator[Database]:
    """A database of one's own to which sqitch has deployed."""
    with clone(cluster, by_sqitch.name) as made:
        yield made


def run_sqitch(database: Database, *arguments: str) -> str:
    done = subprocess.run(
        ["sqitch", *arguments, f"db:pg://deployer@{database.host}:{database.port}/{database.name}"],
        cwd=ROOT,
        env={
            **os.environ,
            "PGPASSWORD": PASSWORD,
            "PGOPTIONS": "-c role=salesdash -c search_path=",
            "SQITCH_FULLNAME": "A Test",
            "SQITCH_EMAIL": "test@localhost",
            "SQITCH_CONFIG": str(ROOT / "sqitch.conf"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_sqitch
def test_sqitch_makes_the_schema_that_a_deploy_makes(
    empty: Database, template: str, cluster: Cluster
) -> None:
    untouched = schema_of(empty.superuser_url)
    run_sqitch(empty, "deploy", "--verify")
    run_sqitch(empty, "revert", "-y")
    assert statements(schema_of(empty.superuser_url)) == statements(untouched)
    run_sqitch(empty, "deploy")
    run_sqitch(empty, "verify")
    with clone(cluster, template) as ours:
        report = deploy.apply(empty.deployer_url, ROOT / "db")
        assert report.migrations == ()
        assert statements(schema_of(empty.superuser_url)) == statements(
            schema_of(ours.superuser_url)
        )
    assert deploy.status(empty.deployer_url, ROOT / "db").tool == "sqitch"
    assert deploy.status(empty.deployer_url, ROOT / "db").is_current
    assert not deploy.deploy(empty.deployer_url, ROOT / "db").changed


@needs_sqitch
def test_tables_of_sqitch_equal_those_of_yoyo_before_any_repeatable_file(
    deployed: Database, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "migrations").symlink_to(FOLDER)
    for file in ("roles.sql", "logins.sql"):
        shutil.copy(ROOT / "db" / file, tmp_path)
    with clone(cluster, template=None) as ours:
        deploy.deploy(ours.deployer_url, tmp_path)
        assert schema_of(deployed.superuser_url) == schema_of(ours.superuser_url)


@needs_sqitch
def test_a_deploy_leaves_pending_migrations_to_sqitch(deployed: Database, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "db", tmp_path / "db", symlinks=True)
    (tmp_path / "db/migrations/9999_more.sql").write_text("select 1;")
    (tmp_path / "db/migrations/9999_more.rollback.sql").write_text("select 1;")
    with pytest.raises(deploy.DeployFailed, match="sqitch deploy"):
        deploy.deploy(deployed.deployer_url, tmp_path / "db")
    with pytest.raises(deploy.DeployFailed, match="sqitch revert"):
        deploy.rollback(deployed.deployer_url, tmp_path / "db", steps=1)


def test_the_plan_is_in_step_with_the_migrations() -> None:
    assert sqitch.differences(PLAN, FOLDER) == ()


def test_a_plan_that_is_out_of_step_is_noticed_and_mended(tmp_path: Path) -> None:
    folder, plan = tmp_path / "migrations", tmp_path / "sqitch.plan"
    shutil.copytree(FOLDER, folder, symlinks=True)
    shutil.copy(PLAN, plan)
    (folder / "9999_more.sql").write_text("-- More.\n-- depends: 0001_foundation\nselect 1;")
    (folder / "9999_more.rollback.sql").write_text("select 1;")
    (folder / "revert" / "0000_gone.sql").symlink_to("../0000_gone.rollback.sql")
    assert len(sqitch.differences(plan, folder)) == 4
    kept = plan.read_text()
    done = sqitch.update(plan, folder, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert done == (
        "planned 9999_more",
        "removed revert/0000_gone.sql",
        "linked revert/9999_more.sql",
    )
    assert plan.read_text() == (
        f"{kept}9999_more [0001_foundation] 2026-01-02T03:04:05Z {sqitch.PLANNER} # More.\n"
    )
    (folder / "verify" / "9999_more.sql").write_text("select 1;")
    assert sqitch.differences(plan, folder) == ()
    assert sqitch.update(plan, folder, now=datetime.now(UTC)) == ()
