"""Fixtures for everybody: real Postgres, real PostgREST, real gateway; nothing is imitated.

cluster   session  one embedded server for the whole run, shared by its workers
database  module   a clone of the deployed template, and its URL for each login
db        test     the connection of the owner, in a transaction that is rolled back
world     test     scenes on that connection (tests/world.py); committed_world: on the database
rest      module   PostgREST on the module's database
gateway   module   the gateway on the module's database and PostgREST
worker    module   the jobs process on the module's database
"""

import functools
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.databases", "tests.fixtures.processes", "tests.fixtures.world"]

settings.register_profile(
    "salesdash",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("salesdash")

LONGEST = (
    "plans",
    "clients",
    "chaos",
    "fuzz",
    "stories",
    "migrations",
    "supervisor",
    "demo",
    "deploy",
)
"""Rooms of few, long tests: begun first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of LONGEST before the others, each in the order in which it stands."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once() -> Iterator[None]:
    """httpx reads all certificate authorities for each client and each request without one.

    That takes longer than most of the requests here, none of which needs them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield
