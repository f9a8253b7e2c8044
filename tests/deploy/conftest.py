"""Empty databases, and a small tree to deploy to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.trees import Tree, plant
from tests.fixtures.cluster import Cluster
from tests.fixtures.databases import Database, clone


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    """A database that nobody has deployed to."""
    with clone(cluster, template=None) as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path, empty: Database) -> Tree:
    """A small tree, not deployed yet."""
    return plant(tmp_path / "db", empty)
