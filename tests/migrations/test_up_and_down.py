"""Every migration goes up, is verified, comes down without a trace, and goes up again."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from salesdash.deploy import bookkeeping, migrations, status, verify
from salesdash.deploy.roles import apply_roles
from salesdash.home import ROOT
from tests.fixtures.cluster import Cluster
from tests.fixtures.databases import Database, clone
from tests.migrations.dumps import schema_of, statements

FOLDER = ROOT / "db" / "migrations"


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    """A database with roles and bookkeeping, and no migration."""
    with clone(cluster, template=None) as made:
        with psycopg.connect(made.deployer_url, autocommit=True) as deployer:
            apply_roles(deployer, ROOT / "db" / "roles.sql")
            bookkeeping.ensure_tables(deployer)
        yield made


def up(database: Database, *names: str) -> None:
    migrations.apply_pending(database.deployer_url, FOLDER, frozenset(names), lambda _name: None)


def down(database: Database, *names: str) -> None:
    migrations.roll_back(database.deployer_url, FOLDER, names, lambda _name: None)


def test_each_migration_comes_down_to_what_was_there_before(empty: Database) -> None:
    before = schema_of(empty.superuser_url)
    for change in migrations.read(FOLDER):
        up(empty, change.name)
        down(empty, change.name)
        assert statements(schema_of(empty.superuser_url)) == statements(before), change.name
        up(empty, change.name)
        before = schema_of(empty.superuser_url)


def test_each_migration_is_verified_when_it_is_there_and_missed_when_it_is_not(
    empty: Database, tmp_path: Path
) -> None:
    names = [change.name for change in migrations.read(FOLDER)]
    up(empty, *names)
    (tmp_path / "migrations").symlink_to(FOLDER)
    assert verify(empty.deployer_url, tmp_path).findings == ()
    for name in reversed(names):
        down(empty, name)
        with psycopg.connect(empty.deployer_url) as deployer:
            deployer.execute("set role salesdash")
            with pytest.raises(psycopg.Error):
                deployer.execute((FOLDER / "verify" / f"{name}.sql").read_bytes())
    assert status(empty.deployer_url, tmp_path).applied == ()


def test_no_migration_manages_transactions_or_speaks_psql() -> None:
    for path in sorted(FOLDER.glob("*.sql")):
        for line in path.read_text().lower().splitlines():
            assert line.strip() not in {"begin;", "commit;", "rollback;"}, path.name
            assert not line.startswith("\\"), path.name
