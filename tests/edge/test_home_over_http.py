"""Dashboards over HTTP: each number is exactly the rows to which it leads, for whoever sees it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Gateway, Rest
from tests.world import NOON, Organization, Person, Row, World

AS_OF = NOON + timedelta(hours=6)
MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@dataclass(frozen=True)
class Scene:
    """A month of two closers and two setters, with everything that a dashboard counts.

    moved: sam's set, moved twice, closed by dana; 1,000.00 of it went back in part. lost: of eli.
    """

    api: Api
    client: httpx.Client
    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person
    sue: Person
    moved: Row
    late: Row
    today: Row
    tomorrow: Row

    def home(self, who: Person | None, name: str, **given: Any) -> dict[str, Any]:
        answer = self.asked(who, name, **given)
        assert answer.status_code == 200, answer.text
        home: dict[str, Any] = parsed(answer)
        return home

    def asked(self, who: Person | None, name: str, **given: Any) -> httpx.Response:
        return self.api.call(who, name, **{**MARCH, "as_of": AS_OF.isoformat(), **given})

    def rows(self, who: Person, path: str) -> list[dict[str, Any]]:
        token = self.api.world.token(who, self.api.rest.jwt_secret)
        answer = self.client.get(f"/{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        rows: list[dict[str, Any]] = parsed(answer)
        return rows


def parsed(answer: httpx.Response) -> Any:
    """JSON with its numbers as they were written."""
    return json.loads(answer.content, parse_float=Decimal)


@pytest.fixture(scope="module")
def scene(rest: Rest, committed_world: World) -> Iterator[Scene]:
    acme = committed_world.organization("acme")
    ada, dana, eli = acme.admin(), acme.closer("dana"), acme.closer("eli")
    sam, sue = acme.setter("sam"), acme.setter("sue")
    day = timedelta(days=1)

    first = acme.event(
        closer=eli, setter=sam, scheduled_at=NOON - 8 * day, booked_at=NOON - 9 * day
    )
    lead = Row(acme.id, one(acme, "select lead_id from app.events where id = %s", first.id))
    second = acme.event(
        closer=eli,
        lead=lead,
        rescheduled_from=first,
        scheduled_at=NOON - 7 * day,
        booked_at=NOON - 8.5 * day,
    )
    moved = acme.event(
        closer=dana,
        lead=lead,
        rescheduled_from=second,
        scheduled_at=NOON - 5 * day,
        booked_at=NOON - 8 * day,
        outcome="closed",
    )
    paid = acme.payment(
        closer=dana,
        setter=sam,
        event=moved,
        lead=lead,
        paid_at=NOON - 4 * day,
        amount=Decimal("1000.00"),
    )
    acme.refund(paid, amount=Decimal("250.00"), refunded_at=NOON - 2 * day)
    for number, (closer, setter, outcome_) in enumerate(
        (
            (dana, sam, "showed_offer"),
            (dana, sue, "no_show"),
            (eli, sue, "closed"),
            (eli, sam, "canceled"),
            (eli, None, "showed_no_offer"),
        )
    ):
        acme.event(
            closer=closer, setter=setter, outcome=outcome_, scheduled_at=NOON - (3 + number) * day
        )
    acme.event(closer=dana, setter=sam, outcome="closed", scheduled_at=NOON - 20 * day)
    acme.payment(closer=eli, setter=sue, paid_at=NOON - day, amount=Decimal("700.00"))
    acme.payment(paid_at=NOON - day, amount=Decimal("50.00"))
    late = acme.event(closer=dana, setter=sam, scheduled_at=NOON - day)
    acme.event(setter=sue, scheduled_at=NOON - day)
    acme.event(closer=dana, lead=acme.lead("test", is_test=True), scheduled_at=NOON - day)
    today = acme.event(closer=dana, setter=sue, scheduled_at=NOON + timedelta(hours=5, minutes=30))
    tomorrow = acme.event(closer=dana, setter=sam, scheduled_at=NOON + day)
    twice = acme.lead("twice")
    acme.event(closer=eli, lead=twice, scheduled_at=NOON + 2 * day)
    acme.event(closer=eli, lead=twice, scheduled_at=NOON + 2 * day + timedelta(minutes=30))
    committed_world.insert(
        "webhook_connections", organization_id=acme.id, name="Stripe", connection_type="stripe"
    )
    for check in ("event_without_closer", "unattributed_payment", "open_outcome"):
        committed_world.rows(
            "select * from app.run_data_quality_check(%s, %s, %s)", acme.id, check, AS_OF
        )
    with httpx.Client(base_url=rest.url, trust_env=False, timeout=30) as client:
        yield Scene(
            Api(rest, committed_world),
            client,
            *(acme, ada, dana, eli, sam, sue),
            *(moved, late, today, tomorrow),
        )


def one(organization: Organization, query: str, *arguments: object) -> Any:
    return organization.world.value(query, *arguments)


def numbers(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every number of a dashboard, with where it stands."""
    if isinstance(part, dict):
        if "value" in part:
            yield place, part
        for name, inner in part.items():
            yield from numbers(inner, f"{place}/{name}")
    elif isinstance(part, list):
        for position, inner in enumerate(part):
            yield from numbers(inner, f"{place}/{position}")


def recounted(scene: Scene, who: Person, path: str | None) -> Decimal | int:
    """What the rows behind a part of a number come to: their amounts if they have any."""
    if path is None:
        return 0
    rows = scene.rows(who, path)
    if rows and rows[0].get("amount") is not None:
        return sum((Decimal(row["amount"]) for row in rows), Decimal(0))
    return len(rows)


def same_numbers(scene: Scene, who: Person, home: dict[str, Any]) -> int:
    """Fetch the rows of every number and count them again; answers how many numbers there were."""
    count = 0
    for place, number in numbers(home):
        if number["value"] is None and number.get("numerator") is None:
            assert number["rows"] is None, place
            continue
        count += 1
        over = number.get("denominator")
        value = number["numerator"] if over is not None else number["value"]
        if place.endswith("unattributed/payments"):
            assert len(scene.rows(who, number["rows"])) == value, place
        else:
            assert recounted(scene, who, number["rows"]) == value, place
        if over is not None:
            assert recounted(scene, who, number["denominator_rows"]) == over, place
        if number.get("previous_value") is not None:
            before = recounted(scene, who, number["previous_rows"])
            if number["previous_denominator_rows"] is not None:
                base = recounted(scene, who, number["previous_denominator_rows"])
                assert abs(number["previous_value"] * base - before) < Decimal("1e-9"), place
            else:
                assert before == number["previous_value"], place
    return count


def test_every_number_of_an_admin_is_the_rows_to_which_it_leads(scene: Scene) -> None:
    home = scene.home(scene.ada, "admin_home")
    assert same_numbers(scene, scene.ada, home) > 60


def test_every_number_of_a_closer_is_the_rows_to_which_it_leads(scene: Scene) -> None:
    home = scene.home(scene.dana, "rep_home")
    home["leaderboard"] = [row for row in home["leaderboard"] if row["is_self"]]
    assert same_numbers(scene, scene.dana, home) > 25


def test_every_number_of_a_setter_is_the_rows_to_which_it_leads(scene: Scene) -> None:
    home = scene.home(scene.sam, "setter_home")
    home["leaderboard"] = [row for row in home["leaderboard"] if row["is_self"]]
    assert same_numbers(scene, scene.sam, home) > 20


def test_an_admin_sees_what_needs_somebody(scene: Scene) -> None:
    home = scene.home(scene.ada, "admin_home")
    assert home["overdue_forms"]["value"] == 2
    names = {row["closer_name"]: row["value"] for row in home["overdue_forms"]["closers"]}
    assert names == {"dana": 1, None: 1}
    assert (home["duplicates"]["value"], home["unattributed"]["cash"]["value"]) == (1, 50)
    assert home["numbers"]["net_cash"]["value"] == 1500
    assert [row["name"] for row in home["closers"]] == ["dana", "eli"]
    assert [row["rank"] for row in home["closers"]] == [1, 2]
    assert home["exceptions"]["critical"]["value"] == 1
    (connection,) = home["connections"]
    assert (connection["name"], connection["dead_7d"]["value"]) == ("Stripe", 0)
    newest = home["calls"]["newest"][0]
    assert (newest["closer_name"], newest["call_status"]) == ("eli", "scheduled")


def test_a_closer_sees_today_what_comes_and_what_is_due(scene: Scene) -> None:
    home = scene.home(scene.dana, "rep_home")
    assert [call["id"] for call in home["today_calls"]["calls"]] == [str(scene.today.id)]
    assert [call["id"] for call in home["upcoming"]["calls"]] == [str(scene.tomorrow.id)]
    (due,) = home["pending_forms"]["calls"]
    assert (due["id"], due["is_overdue"]) == (str(scene.late.id), True)
    form = {"call_occurred": True, "lead_showed": True}
    sent = scene.api.call(scene.dana, "submit_post_call_form", event_id=scene.late.id, form=form)
    assert sent.status_code == 200, sent.text
    after = scene.home(scene.dana, "rep_home")
    assert after["pending_forms"]["value"] == 0
    assert after["numbers"]["shows"]["value"] == home["numbers"]["shows"]["value"] + 1


def test_a_closer_sees_of_others_what_the_organization_permits(scene: Scene) -> None:
    seen = {}
    for visibility in ("none", "rank", "rates", "full"):
        settings(scene, leaderboard_visibility=visibility)
        board = scene.home(scene.dana, "rep_home")["leaderboard"]
        (mine,) = [row for row in board if row["is_self"]]
        assert mine["numbers"]["cash_collected"]["value"] == 1000
        seen[visibility] = [set(row["numbers"]) for row in board if not row["is_self"]]
        assert ("rank" in mine) == (visibility != "none")
        others = [row for row in board if not row["is_self"]]
        assert all(n["rows"] is None for row in others for n in row["numbers"].values())
        if visibility == "rates":
            shown = [n for row in others for n in row["numbers"].values()]
            assert shown
            assert all(n["numerator"] is None and n["denominator"] is None for n in shown)
    settings(scene, leaderboard_visibility="rates")
    rates = {"show_rate", "offer_rate", "close_rate"}
    assert (seen["none"], seen["rank"], seen["rates"]) == ([], [set()], [rates])
    assert seen["full"][0] > rates


def test_money_that_the_organization_hides_is_in_no_part_of_a_home(scene: Scene) -> None:
    settings(scene, show_cash=False)
    rep, setter = scene.home(scene.dana, "rep_home"), scene.home(scene.sam, "setter_home")
    settings(scene, show_cash=True)
    for home in (rep, setter):
        assert home["numbers"]["cash_collected"]["value"] is None
        shown = [n for _, n in numbers(home) if n["unit"] == "money" and n["value"] is not None]
        assert shown == []


def test_a_set_is_followed_to_what_became_of_it(scene: Scene) -> None:
    sets = scene.home(scene.sam, "setter_home")["sets"]
    (moved,) = [card for card in sets["newest"] if card["moved"] == 2]
    assert (moved["call"]["id"], moved["call"]["event_outcome"]) == (str(scene.moved.id), "closed")
    assert moved["call"]["closer_name"] == "dana"
    assert moved["credited_cash"]["value"] == 1000
    assert sum(sets["became"].values()) == sets["value"]
    assert "rescheduled" not in sets["became"]


def test_each_dashboard_is_for_its_people(scene: Scene) -> None:
    acme, bolt = scene.acme, scene.acme.world.organization("bolt")
    stranger = bolt.admin()
    for who in (scene.dana, scene.sam, acme.member()):
        assert outcome(scene.asked(who, "admin_home")) == (403, "42501")
    for name in ("admin_home", "rep_home", "setter_home"):
        assert outcome(scene.asked(None, name)) == (401, "42501")
        theirs = scene.asked(stranger, name, organization_id=acme.id)
        assert outcome(theirs) == (404, "PT404")
    assert outcome(scene.asked(scene.sam, "rep_home")) == (404, "PT404")
    assert outcome(scene.asked(scene.dana, "setter_home")) == (404, "PT404")
    other = scene.asked(scene.dana, "rep_home", closer_id=scene.eli.closer_id)
    assert outcome(other) == (403, "42501")
    looked = scene.home(scene.ada, "rep_home", closer_id=scene.dana.closer_id)
    assert looked["closer_name"] == "dana"
    assert outcome(scene.asked(scene.ada, "rep_home", closer_id=acme.id)) == (404, "PT404")
    backwards = scene.asked(scene.ada, "admin_home", end_date="2026-02-01")
    assert outcome(backwards) == (422, "PT422")


def test_the_rows_of_a_number_are_for_whom_the_number_is(scene: Scene) -> None:
    asked = {"metric": "deals_won", "organization_id": scene.acme.id}
    assert outcome(scene.asked(scene.sam, "metric_rows", **asked)) == (403, "42501")
    asked = {"metric": "shows", "closer_id": scene.eli.closer_id}
    assert outcome(scene.asked(scene.dana, "metric_rows", **asked)) == (403, "42501")
    assert outcome(scene.asked(scene.ada, "metric_rows", metric="luck")) == (422, "PT422")
    no_part = scene.asked(scene.ada, "metric_rows", metric="shows", part="denominator")
    assert outcome(no_part) == (422, "PT422")


def test_the_list_of_calls_says_what_is_due(scene: Scene) -> None:
    """At the present moment, which is later than all of this, whatever was not reported is due."""
    path = f"events?organization_id=eq.{scene.acme.id}&select=id,is_pending,is_overdue,is_test"
    due = scene.rows(scene.ada, f"{path}&is_overdue=is.true")
    assert due
    assert all(row["is_pending"] and not row["is_test"] for row in due)
    everything = scene.rows(scene.ada, path)
    assert {row["is_test"] for row in everything} == {True, False}
    assert not any(row["is_pending"] for row in everything if row["is_test"])


def test_a_layout_that_is_wrong_says_where(scene: Scene) -> None:
    sent = {"organization_id": str(scene.acme.id), "user_id": str(scene.dana.user_id)}
    wrong = {"widgets": [{"type": "number", "metric": "luck", "position": {"x": 0}}]}
    answer = scene.api.send(scene.dana, "POST", "dashboard_layouts", {**sent, "layout": wrong})
    assert outcome(answer) == (422, "PT422")
    assert set(json.loads(answer.json()["details"])) == {
        "widgets[0].metric",
        "widgets[0].position",
    }
    kept = scene.api.send(
        scene.dana, "POST", "dashboard_layouts", {**sent, "layout": {"widgets": []}}
    )
    assert kept.status_code == 201
    assert scene.api.call(scene.dana, "dashboard_layout").json()["origin"] == "own"
    default = {"organization_id": str(scene.acme.id), "layout": {"widgets": []}}
    refused = scene.api.send(scene.dana, "POST", "dashboard_layouts", default)
    assert outcome(refused) == (403, "42501")


def test_admins_run_checks_and_everybody_sees_what_is_theirs(
    scene: Scene, gateway: Gateway
) -> None:
    def qa_agent(who: Person, **sent: object) -> httpx.Response:
        token = scene.api.world.token(who, gateway.jwt_secret)
        return scene.client.post(
            f"{gateway.url}/functions/v1/qa-agent",
            json=sent,
            headers={"Authorization": f"Bearer {token}"},
        )

    checks = ["open_outcome", "unattributed_payment"]
    for who in (scene.dana, scene.sam, scene.acme.member()):
        assert outcome(qa_agent(who, checks=checks)) == (403, "42501")
    answer = qa_agent(scene.ada, checks=checks, startDate="2026-03-01", endDate="2026-03-31")
    assert [row["check_name"] for row in answer.json()] == checks
    assert qa_agent(scene.ada, checks=["luck"]).status_code == 422
    path = f"exceptions?organization_id=eq.{scene.acme.id}&state=eq.open"
    every = scene.rows(scene.ada, path)
    assert {row["check_name"] for row in every} > {"open_outcome"}
    for who, column, own in (
        (scene.dana, "closer_id", scene.dana.closer_id),
        (scene.sam, "setter_id", scene.sam.setter_id),
    ):
        seen = scene.rows(who, path)
        assert seen
        assert {row["check_name"] for row in seen} == {"open_outcome"}
        assert {row[column] for row in seen} == {str(own)}
        theirs = [
            row for row in every if row["check_name"] == "open_outcome" and row[column] == str(own)
        ]
        assert {row["id"] for row in seen} == {row["id"] for row in theirs}


def settings(scene: Scene, **columns: object) -> None:
    sent = scene.api.send(
        scene.ada, "PATCH", f"portal_settings?organization_id=eq.{scene.acme.id}", columns
    )
    assert sent.status_code == 200, sent.text
    assert len(sent.json()) == 1
