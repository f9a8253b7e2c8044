"""Numbers over HTTP, through the real PostgREST."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import httpx
import pytest

from tests.fixtures.processes import Rest
from tests.world import Organization, Person, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@dataclass(frozen=True)
class Scene:
    """Dana closed a call that sam set, and was paid for it; eli's lead did not come."""

    rest: Rest
    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person


@pytest.fixture(scope="module")
def scene(rest: Rest, committed_world: World) -> Scene:
    acme = committed_world.organization("acme")
    ada, dana, eli, sam = acme.admin(), acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    call = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.event(closer=eli, outcome="no_show")
    acme.payment(closer=dana, setter=sam, event=call, amount=Decimal("1234.50"))
    return Scene(rest, acme, ada, dana, eli, sam)


def get(
    scene: Scene, who: Person | None, accept: str = "application/json", **given: str
) -> httpx.Response:
    """GET /rpc/core_metrics of March."""
    headers = {"Accept": accept, **bearer(scene, who)}
    return httpx.get(
        f"{scene.rest.url}/rpc/core_metrics",
        params={**MARCH, **given},
        headers=headers,
        trust_env=False,
        timeout=30,
    )


def bearer(scene: Scene, who: Person | None) -> Mapping[str, str]:
    if who is None:
        return {}
    token = scene.acme.world.token(who, scene.rest.jwt_secret)
    return {"Authorization": f"Bearer {token}"}


def values(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text
    return {row["metric"]: row["value"] for row in answer.json()}


def test_get_answers_each_person_with_their_own_numbers(scene: Scene) -> None:
    of_all = values(get(scene, scene.ada))
    assert (of_all["show_rate"], of_all["cash_collected"]) == (0.5, 1234.5)
    of_dana = values(get(scene, scene.dana))
    assert (of_dana["show_rate"], of_dana["cash_collected"]) == (1, 1234.5)
    of_eli = values(get(scene, scene.eli))
    assert (of_eli["show_rate"], of_eli["close_rate"], of_eli["cash_collected"]) == (0, None, 0)
    of_sam = values(get(scene, scene.sam))
    assert (of_sam["booked_calls"], of_sam["cash_collected"], of_sam["deals_won"]) == (
        1,
        1234.5,
        None,
    )


def test_money_keeps_its_scale_and_rates_their_digits(scene: Scene) -> None:
    text = get(
        scene, scene.ada, "text/csv", select="metric,value,numerator,denominator,coverage"
    ).text
    lines = dict(line.split(",", 1) for line in text.splitlines())
    assert lines["cash_collected"] == "1234.50,1234.50,,"
    assert lines["show_rate"].startswith("0.5000000000000000")
    assert lines["offer_rate"].split(",")[1:3] == ["1", "1"]


def test_rows_and_columns_of_the_answer_can_be_chosen(scene: Scene) -> None:
    answer = get(scene, scene.ada, metric="eq.close_rate", select="metric,numerator,denominator")
    assert answer.json() == [{"metric": "close_rate", "numerator": 1, "denominator": 1}]


def test_post_answers_the_same_as_get(scene: Scene) -> None:
    as_of = "2026-04-01T00:00:00+00:00"
    posted = httpx.post(
        f"{scene.rest.url}/rpc/core_metrics",
        json={**MARCH, "as_of": as_of, "organization_id": str(scene.acme.id)},
        headers=bearer(scene, scene.ada),
        trust_env=False,
        timeout=30,
    )
    assert posted.json() == get(scene, scene.ada, as_of=as_of).json()
    assert {row["as_of"] for row in posted.json()} == {as_of}


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"start_date": "2026-04-01"}, 422, "PT422"),
        ({"end_date": "9999-01-01"}, 422, "PT422"),
        ({"organization_id": "01900000-0000-7000-8000-000000000000"}, 404, "PT404"),
        ({"start_date": "2026-02-30"}, 400, "22008"),
    ],
)
def test_bad_arguments_have_their_status(
    scene: Scene, given: dict[str, str], status: int, code: str
) -> None:
    answer = get(scene, scene.ada, **given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_others_are_refused(scene: Scene, committed_world: World) -> None:
    stranger = committed_world.organization("other").admin()
    asked = {"organization_id": str(scene.acme.id)}
    assert get(scene, stranger, **asked).status_code == 404
    assert get(scene, scene.eli, closer_id=str(scene.dana.closer_id)).status_code == 403
    assert get(scene, None).status_code == 401
