"""A real gateway that clients are pointed at, somebody who can sign in, and a call to look at."""

import fcntl
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from salesdash.passwords import derive
from salesdash.settings import Settings
from tests.clients.nodejs import install
from tests.fixtures.databases import Database
from tests.fixtures.processes import Gateway, settings_for
from tests.world import Organization, World

PASSWORD = "correct horse battery"
APPLICATION = "https://app.test"


@dataclass(frozen=True)
class Scene:
    """Who signs in, where, and the call that they read and write."""

    gateway: Gateway
    world: World = field(repr=False)
    email: str
    organization_id: UUID
    event_id: UUID
    organization: Organization = field(repr=False)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JavaScript project, installed by whichever worker comes first."""
    with Path(tmp_path_factory.getbasetemp().parent, "salesdash-npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install()


@pytest.fixture(scope="module")
def system(database: Database) -> Settings:
    """As usual, and links may lead to one more application."""
    given = settings_for(database)
    return given.model_copy(update={"allowed_origins": (given.site_url, APPLICATION)})


@pytest.fixture(scope="module")
def scene(gateway: Gateway, committed_world: World) -> Scene:
    """An admin of Acme, and one of its calls."""
    acme = committed_world.organization("Acme")
    ada = acme.admin()
    committed_world.execute(
        "update auth.users set password_hash = %s where id = %s", derive(PASSWORD), ada.user_id
    )
    call = acme.event(closer=acme.closer())
    return Scene(gateway, committed_world, ada.email, acme.id, call.id, acme)
