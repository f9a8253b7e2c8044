"""`salesdash db`, as it is typed."""

import json
import os
from collections.abc import Sequence

import pytest
from click.testing import Result
from typer.testing import CliRunner

from salesdash.cli import app
from salesdash.settings import Settings
from tests.deploy.trees import Tree
from tests.fixtures.databases import Database


@pytest.fixture
def environment(
    tmp_path_factory: pytest.TempPathFactory, database: Database
) -> dict[str, str | None]:
    """Settings that name the module's database, and none of the machine's own."""
    ours: dict[str, str | None] = {
        name.upper(): None for name in Settings.model_fields if name.upper() in os.environ
    }
    return ours | {
        "SALESDASH_HOME": str(tmp_path_factory.mktemp("home")),
        "SALESDASH_ENV_FILE": "",
        "DATABASE_URL": database.deployer_url,
        "PGRST_DB_URI": database.authenticator_url,
        "GATEWAY_DATABASE_URL": database.gateway_url,
        "JOBS_DATABASE_URL": database.worker_url,
    }


def typed(environment: dict[str, str | None], *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["db", *arguments], env=environment, input=answer)


def test_a_deployed_database_is_up_to_date(environment: dict[str, str | None]) -> None:
    status = typed(environment, "status", "--json")
    assert status.exit_code == 0, status.output
    found = json.loads(status.stdout)
    assert found["is_current"] is True
    assert found["pending"] == []
    assert found["server_version"].startswith("18.")
    deployed = typed(environment, "deploy", "--json")
    assert deployed.exit_code == 0, deployed.output
    assert json.loads(deployed.stdout)["changed"] is False
    assert "Nothing to do" in typed(environment, "apply").stdout


def test_verify_has_no_finding_on_a_deployed_database(environment: dict[str, str | None]) -> None:
    verified = typed(environment, "verify", "--json")
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.stdout)["findings"] == []


@pytest.mark.parametrize("command", [["rollback"], ["reset"]])
@pytest.mark.parametrize("answer", ["", "n\n"])
def test_nothing_is_deleted_before_somebody_agreed(
    environment: dict[str, str | None], command: Sequence[str], answer: str
) -> None:
    assert typed(environment, *command, answer=answer).exit_code == 1
    assert typed(environment, "status").exit_code == 0


def test_reset_leaves_a_deployed_database_without_data(
    environment: dict[str, str | None], tree: Tree
) -> None:
    tree.deploy()
    environment["DATABASE_URL"] = tree.database.deployer_url
    done = typed(environment, "reset", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert "0001_foundation" in json.loads(done.stdout)["migrations"]
    rolled_back = typed(environment, "rollback", "--yes", "--steps", "99")
    assert rolled_back.exit_code == 0, rolled_back.output
    assert "migration  0001_foundation" in rolled_back.stdout
    assert typed(environment, "status").exit_code == 1


def test_a_database_that_cannot_be_reached_is_one_sentence(
    environment: dict[str, str | None],
) -> None:
    environment["DATABASE_URL"] = "postgresql://deployer:x@127.0.0.1:1/salesdash"
    done = typed(environment, "status")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: The database cannot be reached: ")
    assert done.stderr.count("\n") == 1


def test_the_plan_in_the_repository_is_in_step(environment: dict[str, str | None]) -> None:
    assert typed(environment, "plan", "--check").exit_code == 0
