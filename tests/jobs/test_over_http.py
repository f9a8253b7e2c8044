"""A job from the admin's request over HTTP to its end, through PostgREST and a real worker."""

import httpx
import pytest

from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Rest, Worker
from tests.world import Organization, Person, World


@pytest.fixture(scope="module")
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


def headers(rest: Rest, world: World, person: Person) -> dict[str, str]:
    return {"authorization": f"Bearer {world.token(person, rest.jwt_secret)}"}


def test_an_admin_asks_for_a_check_and_reads_its_outcome(
    rest: Rest, worker: Worker, committed_world: World, acme: Organization
) -> None:
    acme.payment()
    admin = headers(rest, committed_world, acme.admin())
    asked = httpx.post(
        f"{rest.url}/rpc/request_sync",
        json={"kind": "data-quality"},
        headers=admin,
        trust_env=False,
    )
    assert asked.status_code == 200, asked.text
    run = asked.json()
    assert run["organization_id"] == str(acme.id)

    def outcome() -> dict[str, object]:
        answer = httpx.get(
            f"{rest.url}/sync_runs",
            params={"organization_id": f"eq.{acme.id}", "id": f"eq.{run['id']}"},
            headers=admin,
            trust_env=False,
        )
        (row,) = answer.json()
        found: dict[str, object] = row
        return found

    wait_until(lambda: outcome()["state"] == "succeeded", lambda: str(outcome()))
    counts = outcome()["counts"]
    assert isinstance(counts, dict)
    checks = committed_world.rows("select check_name from app.data_quality_checks()")
    assert counts == {
        **{row["check_name"]: 0 for row in checks},
        "unattributed_payment": 1,
        "opened": 1,
        "healed": 0,
    }


@pytest.mark.parametrize(
    ("who", "kind", "status"),
    [("admin", "no-such-job", 422), ("closer", "data-quality", 403), (None, "data-quality", 401)],
)
def test_what_is_refused_says_so(
    rest: Rest,
    committed_world: World,
    acme: Organization,
    who: str | None,
    kind: str,
    status: int,
) -> None:
    person = {"admin": acme.admin, "closer": acme.closer}[who]() if who else None
    answer = httpx.post(
        f"{rest.url}/rpc/request_sync",
        json={"kind": kind},
        headers=headers(rest, committed_world, person) if person else {},
        trust_env=False,
    )
    assert answer.status_code == status, answer.text
