"""The product's own files, deployed over what they made before."""

import psycopg

from salesdash import deploy
from salesdash.home import ROOT
from tests.fixtures.databases import Database
from tests.migrations.dumps import schema_of


def test_all_files_run_again_over_what_they_made_and_nothing_is_lost(database: Database) -> None:
    before = schema_of(database.superuser_url)
    with psycopg.connect(database.deployer_url) as connection:
        connection.execute("set role salesdash")
        connection.execute("delete from deploy.migrations_seen")
    report = deploy.deploy(database.deployer_url, ROOT / "db")
    assert len(report.files) > 200
    assert report.dropped == ()
    assert sorted(schema_of(database.superuser_url).split("\n\n\n")) == sorted(
        before.split("\n\n\n")
    )
