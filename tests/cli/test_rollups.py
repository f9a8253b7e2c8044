"""`salesdash rollups …`: what an operator sees of the sums, and how they are mended."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from salesdash.cli import app
from tests.fixtures.databases import Database
from tests.world import World


@pytest.fixture(autouse=True)
def operator(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's environment."""
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
    monkeypatch.setenv("SALESDASH_HOME", str(tmp_path))
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")


def salesdash(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rollups", *arguments])


def test_an_operator_sees_what_waits_proves_the_sums_and_builds_them_anew(
    committed_world: World,
) -> None:
    acme = committed_world.organization("acme")
    acme.event(closer=acme.closer())
    slug = committed_world.value("select slug from app.organizations where id = %s", acme.id)
    of_acme = ("--organization", slug)

    (before,) = json.loads(salesdash("status", *of_acme, "--json").stdout)
    assert before["changes"] > 0
    assert salesdash("verify", *of_acme).exit_code == 0
    assert salesdash("rebuild", *of_acme).exit_code == 0
    (after,) = json.loads(salesdash("status", *of_acme, "--json").stdout)
    assert (after["organization"], after["changes"]) == (slug, 0)

    committed_world.execute(
        "update app.metric_sums set booked = booked + 1"
        " where organization_id = %s and dimension = 'all' and span = 'month' and booked > 0",
        acme.id,
    )
    wrong = salesdash("verify", *of_acme, "--json")
    assert wrong.exit_code == 4
    (difference,) = json.loads(wrong.stdout)
    assert (difference["measure"], difference["span"]) == ("booked", "month")
    assert salesdash("rebuild", "--organization", "nobody").exit_code == 1


def test_sums_that_are_not_built_are_no_difference(committed_world: World) -> None:
    acme = committed_world.organization("acme")
    acme.event(closer=acme.closer())
    slug = committed_world.value("select slug from app.organizations where id = %s", acme.id)
    committed_world.execute(
        "insert into app.metric_changes (organization_id, unit) values (%s, 'all')", acme.id
    )
    told = salesdash("verify", "--organization", slug)
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{slug}: not built")
