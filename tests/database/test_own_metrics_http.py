"""Own metrics over HTTP: an admin defines one, everybody gets what is theirs of it."""

from dataclasses import dataclass
from decimal import Decimal

import httpx
import pytest

from tests.fixtures.processes import Rest
from tests.world import Organization, Person, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
WORTH = {"op": "divide", "args": [{"metric": "cash_collected"}, {"metric": "shows"}]}
OWN = {"name": "worth", "label": "Worth of a show", "unit": "money", "expression": WORTH}


@dataclass(frozen=True)
class Scene:
    """Dana closed a call that sam set, and was paid for it; eli's lead did not come."""

    rest: Rest
    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person

    def ask(self, who: Person, method: str, path: str, **given: object) -> httpx.Response:
        token = self.acme.world.token(who, self.rest.jwt_secret)
        return httpx.request(
            method,
            f"{self.rest.url}/{path}",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=60,
            **({"params": given} if method == "GET" else {"json": given}),  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def scene(rest: Rest, committed_world: World) -> Scene:
    acme = committed_world.organization("acme")
    ada, dana, eli, sam = acme.admin(), acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    call = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.event(closer=eli, outcome="no_show")
    acme.payment(closer=dana, setter=sam, event=call, amount=Decimal("1234.50"))
    made = Scene(rest, acme, ada, dana, eli, sam)
    answer = made.ask(ada, "POST", "rpc/define_metric", **OWN, reason="We plan by it.")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["expression"]) == (1, WORTH)
    return made


def test_everybody_gets_what_is_theirs_of_it(scene: Scene) -> None:
    for who, value, shows in (
        (scene.ada, 1234.5, 1),
        (scene.dana, 1234.5, 1),
        (scene.eli, None, 0),
        (scene.sam, 1234.5, 1),
    ):
        answer = scene.ask(who, "GET", "rpc/core_metrics", **MARCH, metric="eq.worth")
        (row,) = answer.json()
        assert (row["value"], row["denominator"]) == (value, shows), who.name
        parts = scene.ask(
            who, "GET", "rpc/metric_breakdown", **MARCH, metric="worth", dimension="source"
        )
        assert [part["value"] for part in parts.json()] == [value], who.name
        series = scene.ask(who, "GET", "rpc/metric_series", **MARCH, metric="worth", bucket="month")
        assert [month["value"] for month in series.json()] == [value], who.name


def test_members_read_definitions_and_write_none(scene: Scene) -> None:
    for who in (scene.dana, scene.sam):
        (row,) = scene.ask(who, "GET", "metric_definitions", name="eq.worth").json()
        assert row["label"] == "Worth of a show"
        listed = scene.ask(who, "GET", "rpc/metrics", is_own="is.true").json()
        assert [metric["metric"] for metric in listed] == ["worth"]
        assert scene.ask(who, "POST", "rpc/define_metric", **OWN).status_code == 403
        assert scene.ask(who, "POST", "rpc/retire_metric", name="worth").status_code == 403


def test_what_is_wrong_is_told_with_its_place(scene: Scene) -> None:
    wrong = {"op": "divide", "args": [{"metric": "cash_collected"}, {"metric": "show"}]}
    answer = scene.ask(scene.ada, "POST", "rpc/define_metric", **OWN | {"expression": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "PT422")
    assert answer.json()["details"].startswith("$.args[1].metric ")
    assert "metric_catalog" in answer.json()["hint"]


def test_an_expression_is_tried_before_it_is_defined(scene: Scene) -> None:
    answer = scene.ask(scene.ada, "POST", "rpc/preview_metric", **MARCH, expression=WORTH)
    assert answer.json() == {
        "value": 1234.5,
        "numerator": 1234.5,
        "denominator": 1,
        "previous_value": None,
        "coverage": 1,
    }


def test_what_setters_may_not_see_is_refused_like_a_metric_of_the_catalog(scene: Scene) -> None:
    deals = OWN | {"name": "deals_twice", "unit": "count"}
    deals["expression"] = {"op": "multiply", "args": [{"metric": "deals_won"}, {"value": "2"}]}
    assert scene.ask(scene.ada, "POST", "rpc/define_metric", **deals).status_code == 200
    asked = {**MARCH, "metric": "deals_twice", "dimension": "source"}
    assert scene.ask(scene.sam, "GET", "rpc/metric_breakdown", **asked).status_code == 403
    assert scene.ask(scene.dana, "GET", "rpc/metric_breakdown", **asked).status_code == 200
    (row,) = scene.ask(
        scene.sam, "GET", "rpc/core_metrics", **MARCH, metric="eq.deals_twice"
    ).json()
    assert row["value"] is None


def test_strangers_find_nothing(scene: Scene, committed_world: World) -> None:
    stranger = committed_world.organization("other").admin()
    asked = {"organization_id": str(scene.acme.id)}
    assert scene.ask(stranger, "GET", "rpc/metrics", **asked).status_code == 404
    assert scene.ask(stranger, "GET", "metric_definitions").json() == []
    assert scene.ask(stranger, "POST", "rpc/define_metric", **OWN, **asked).status_code == 404
