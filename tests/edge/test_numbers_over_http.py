"""Series, parts, leaderboards and calendars as an admin, a closer and a setter ask for them."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Gateway, Rest
from tests.world import NOON, Organization, Person, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@dataclass(frozen=True)
class Scene:
    """Dana closed sam's call and was paid for it; eli's lead did not come; sam dialled."""

    api: Api
    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person

    def rows(self, who: Person, function: str, **given: Any) -> list[dict[str, Any]]:
        answer = self.api.call(who, function, **{**MARCH, **given})
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    def outcome(self, who: Person | None, function: str, **given: Any) -> tuple[int, str | None]:
        return outcome(self.api.call(who, function, **{**MARCH, **given}))


@pytest.fixture(scope="module")
def scene(rest: Rest, committed_world: World) -> Scene:
    acme = committed_world.organization("acme")
    ada, dana, eli, sam = acme.admin(), acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    sold = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.event(closer=eli, outcome="no_show", scheduled_at=NOON + timedelta(days=1))
    acme.payment(closer=dana, setter=sam, event=sold, amount=Decimal("1234.50"))
    committed_world.insert(
        "setter_activities",
        organization_id=acme.id,
        setter_id=sam.setter_id,
        activity_date="2026-03-10",
        provider="close",
        dials=20,
        connects=5,
    )
    committed_world.insert(
        "capacity_snapshots",
        organization_id=acme.id,
        closer_id=dana.closer_id,
        day="2026-03-10",
        captured_at="2026-03-09 03:00Z",
        free_slots=3,
        booked_slots=1,
    )
    return Scene(Api(rest, committed_world), acme, ada, dana, eli, sam)


def test_a_series_is_for_everybody_their_own(scene: Scene) -> None:
    asked = {"metric": "show_rate", "bucket": "week", "end_date": "2026-03-15"}
    weeks = scene.rows(scene.ada, "metric_series", **asked)
    assert [(w["bucket_start"], w["value"]) for w in weeks] == [
        ("2026-03-01", None),
        ("2026-03-02", None),
        ("2026-03-09", 0.5),
    ]
    assert [w["value"] for w in scene.rows(scene.dana, "metric_series", **asked)] == [None, None, 1]
    assert [w["value"] for w in scene.rows(scene.eli, "metric_series", **asked)] == [None, None, 0]
    assert scene.outcome(scene.eli, "metric_series", **{**asked, "metric": "dials"})[0] == 403
    assert scene.outcome(scene.ada, "metric_series", **{**asked, "bucket": "hour"}) == (
        422,
        "PT422",
    )


def test_a_number_by_closer_has_its_unassigned_part(scene: Scene) -> None:
    asked = {"metric": "cash_collected", "dimension": "closer"}
    parts = scene.rows(scene.ada, "metric_breakdown", **asked)
    assert [(p["label"], p["value"]) for p in parts] == [
        ("dana", 1234.5),
        ("eli", 0),
        ("Unassigned", 0),
    ]
    own = scene.rows(scene.sam, "metric_breakdown", **{**asked, "dimension": "setter"})
    assert [(p["label"], p["value"]) for p in own] == [("sam", 1234.5), ("Unassigned", 0)]


def test_leaderboards_show_each_what_is_theirs(scene: Scene) -> None:
    rows = scene.rows(scene.ada, "closer_leaderboard")
    assert [(r["rank"], r["closer_name"], r["cash_collected"]) for r in rows] == [
        (1, "dana", 1234.5),
        (2, "eli", 0),
    ]
    seen = scene.rows(scene.eli, "closer_leaderboard")
    assert [(r["is_self"], r["show_rate"], r["shows"], r["cash_collected"]) for r in seen] == [
        (False, 1, None, None),
        (True, 0, 0, 0),
    ]
    (sam,) = scene.rows(scene.sam, "setter_leaderboard", order_by="dials")
    assert (sam["rank"], sam["sets"], sam["dials"], sam["cash_from_sets"]) == (1, 1, 20, 1234.5)
    assert scene.outcome(scene.ada, "closer_leaderboard", order_by="charm") == (422, "PT422")


def test_a_setters_funnel_and_a_closers_calendar_are_their_own(scene: Scene) -> None:
    (sam,) = scene.rows(scene.sam, "setter_funnel")
    assert (sam["connect_rate"], sam["dials_per_set"], sam["set_close_rate"]) == (0.25, 20, 1)
    assert len(scene.rows(scene.ada, "setter_funnel")) == 2
    assert scene.outcome(scene.dana, "setter_funnel") == (404, "PT404")
    days = scene.rows(scene.dana, "get_calendly_utilization")
    assert [d["utilization"] for d in days if not d["is_missing"]] == [0.25]
    assert scene.outcome(scene.sam, "get_calendly_utilization") == (403, "42501")
    assert scene.outcome(None, "get_calendly_utilization")[0] == 401


def test_the_calendar_answers_under_its_old_name(scene: Scene, gateway: Gateway) -> None:
    token = scene.api.world.token(scene.ada, scene.api.rest.jwt_secret)
    answer = httpx.get(
        f"{gateway.url}/functions/v1/get-calendly-utilization",
        params={
            "organizationId": str(scene.acme.id),
            "startDate": "2026-03-10",
            "endDate": "2026-03-10",
        },
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert [(d["closer_name"], d["available_slots"], d["is_missing"]) for d in answer.json()] == [
        ("dana", 4, False),
        ("eli", None, True),
    ]


def test_rows_of_a_leaderboard_can_be_chosen_and_ordered_again(scene: Scene) -> None:
    token = scene.api.world.token(scene.ada, scene.api.rest.jwt_secret)
    answer = httpx.get(
        f"{scene.api.rest.url}/rpc/closer_leaderboard",
        params={**MARCH, "select": "closer_name,no_shows", "no_shows": "gt.0"},
        headers={"Authorization": f"Bearer {token}", "Accept": "text/csv"},
        trust_env=False,
        timeout=30,
    )
    assert answer.text == "closer_name,no_shows\neli,1"
