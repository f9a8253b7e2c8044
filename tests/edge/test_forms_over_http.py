"""From the token to the HTTP status: a post-call form through the real PostgREST."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fixtures.processes import Rest
from tests.world import ANSWERS, Organization, Person, Row, World


@dataclass(frozen=True)
class Scene:
    """A call of dana's that sam set, an hour ago."""

    acme: Organization
    dana: Person
    sam: Person
    call: Row


@pytest.fixture
def scene(committed_world: World) -> Scene:
    acme = committed_world.organization("acme")
    dana, sam = acme.closer("dana"), acme.setter("sam")
    an_hour_ago = committed_world.value("select now() - interval '1 hour'")
    return Scene(acme, dana, sam, acme.event(closer=dana, setter=sam, scheduled_at=an_hour_ago))


def send(
    rest: Rest,
    scene: Scene,
    who: Person | None,
    path: str,
    body: object,
    *,
    method: str = "POST",
) -> httpx.Response:
    headers = {"Prefer": "return=representation"}
    if who is not None:
        token = scene.acme.world.token(who, rest.jwt_secret)
        headers["Authorization"] = f"Bearer {token}"
    return httpx.request(
        method, f"{rest.url}/{path}", json=body, headers=headers, trust_env=False, timeout=30
    )


def submit(
    rest: Rest, scene: Scene, who: Person | None, form: dict[str, Any], **more: str
) -> httpx.Response:
    body = {"event_id": str(scene.call.id), "form": form, **more}
    return send(rest, scene, who, "rpc/submit_post_call_form", body)


def test_the_closer_gets_the_form_that_rules_now(rest: Rest, scene: Scene) -> None:
    answer = submit(rest, scene, scene.dana, {**ANSWERS["closed"], "cash_collected": 1500.5})
    assert answer.status_code == 200
    form = answer.json()
    assert form["event_id"] == str(scene.call.id)
    assert (form["version"], form["is_active"], form["cash_collected"]) == (1, True, 1500.50)
    again = submit(rest, scene, scene.dana, {"event_outcome": "showed"})
    assert (again.json()["version"], again.json()["deal_closed"]) == (2, False)
    assert scene.acme.state(scene.call) == ("completed", "showed_no_offer")


def test_the_columns_of_the_answer_can_be_chosen(rest: Rest, scene: Scene) -> None:
    body = {"event_id": str(scene.call.id), "form": ANSWERS["closed"]}
    path = "rpc/submit_post_call_form?select=version,deal_closed"
    answer = send(rest, scene, scene.dana, path, body)
    assert answer.json() == {"version": 1, "deal_closed": True}


def test_every_problem_of_a_form_is_named_by_its_field(rest: Rest, scene: Scene) -> None:
    form = {"call_occurred": True, "lead_showed": False, "cash_collected": "1.005", "hat": "red"}
    answer = submit(rest, scene, scene.dana, form)
    assert answer.status_code == 422
    assert answer.json()["code"] == "PT422"
    problems = json.loads(answer.json()["details"])
    assert problems.keys() == {"lead_showed", "cash_collected", "hat"}


def test_others_are_told_no_more_than_they_may_know(rest: Rest, scene: Scene) -> None:
    stranger = scene.acme.world.organization("umbrella").admin()
    form = dict(ANSWERS["closed"])
    assert submit(rest, scene, None, form).status_code == 401
    assert submit(rest, scene, scene.sam, form).status_code == 403
    assert submit(rest, scene, scene.acme.closer("eli"), form).status_code == 404
    assert submit(rest, scene, stranger, form).status_code == 404
    named = submit(rest, scene, stranger, form, organization_id=str(scene.acme.id))
    assert named.status_code == 404
    assert submit(rest, scene, scene.acme.member(), form).status_code == 404
    assert scene.acme.state(scene.call) == ("scheduled", None)


def test_a_form_at_the_wrong_moment_is_a_conflict(rest: Rest, scene: Scene) -> None:
    scene.acme.cancel(scene.call, at=scene.acme.world.value("select now() - interval '1 day'"))
    answer = submit(rest, scene, scene.dana, dict(ANSWERS["no_show"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "PT409")
    assert submit(rest, scene, scene.dana, dict(ANSWERS["closed"])).status_code == 200


def test_the_time_of_a_form_cannot_be_faked(rest: Rest, scene: Scene) -> None:
    faked = submit(rest, scene, scene.dana, dict(ANSWERS["closed"]), as_of="2030-01-01T00:00:00Z")
    assert faked.status_code == 403


def test_a_form_is_inserted_as_the_first_frontends_do(rest: Rest, scene: Scene) -> None:
    row = {"organization_id": str(scene.acme.id), "event_id": str(scene.call.id)}
    answer = send(rest, scene, scene.dana, "post_call_forms", {**row, **ANSWERS["showed_offer"]})
    assert answer.status_code == 201, answer.text
    (form,) = answer.json()
    assert (form["version"], form["is_active"], form["closer_id"]) == (
        1,
        True,
        str(scene.dana.closer_id),
    )
    assert scene.acme.state(scene.call) == ("completed", "showed_offer")
    changed = send(
        rest,
        scene,
        scene.dana,
        f"post_call_forms?id=eq.{form['id']}",
        {"offer_made": False},
        method="PATCH",
    )
    assert changed.status_code == 403
    assert "submit_post_call_form" in changed.json()["hint"]


def publish(
    rest: Rest, scene: Scene, who: Person | None, *fields: dict[str, Any], preview: bool = False
) -> httpx.Response:
    body = {"fields": fields, "preview": preview, "organization_id": str(scene.acme.id)}
    return send(rest, scene, who, "rpc/publish_form_config", body)


PAIN = {"name": "pain", "type": "select", "required": True, "options": ["sales", "leads"]}


def test_an_admin_publishes_what_the_form_asks_and_everybody_sees_it(
    rest: Rest, scene: Scene
) -> None:
    assert submit(rest, scene, scene.dana, dict(ANSWERS["closed"])).status_code == 200
    ada = scene.acme.admin()
    tried = publish(rest, scene, ada, PAIN, preview=True).json()
    (failing,) = tried["failing"]
    assert (failing["field"], failing["forms"], tried["version"]) == ("pain", 1, None)
    assert publish(rest, scene, ada, PAIN).json()["version"] == 1
    shown = send(rest, scene, scene.dana, "form_configs?is_active=is.true", {}, method="GET")
    assert shown.json()[0]["fields"] == [PAIN]
    wrong = publish(rest, scene, ada, {"name": "pain", "type": "colour"})
    assert wrong.status_code == 422
    assert json.loads(wrong.json()["details"])["pain"].keys() == {"type"}


def test_only_admins_of_the_organization_publish(rest: Rest, scene: Scene) -> None:
    elsewhere = scene.acme.world.organization("umbrella").admin()
    answers = {
        who and who.name: publish(rest, scene, who, PAIN).status_code
        for who in (None, scene.dana, scene.sam, scene.acme.member(), elsewhere)
    }
    assert answers == {None: 401, "dana": 403, "sam": 403, "mia": 403, "ada": 404}


def test_own_answers_are_inserted_with_the_form(rest: Rest, scene: Scene) -> None:
    scene.acme.publish_form(PAIN)
    row = {"organization_id": str(scene.acme.id), "event_id": str(scene.call.id)}
    form = {**row, **ANSWERS["closed"]}
    refused = send(rest, scene, scene.dana, "post_call_forms", form)
    assert (refused.status_code, json.loads(refused.json()["details"]).keys()) == (422, {"pain"})
    made = send(rest, scene, scene.dana, "post_call_forms", {**form, "answers": {"pain": "leads"}})
    assert made.json()[0]["answers"] == {"pain": "leads"}
    again = submit(rest, scene, scene.dana, {**ANSWERS["closed"], "pain": "sales"})
    assert (again.json()["version"], again.json()["answers"]) == (2, {"pain": "sales"})


def test_forms_of_many_calls_are_inserted_together_or_not_at_all(rest: Rest, scene: Scene) -> None:
    acme = scene.acme
    an_hour_ago = acme.world.value("select now() - interval '1 hour'")
    calls = [acme.event(closer=scene.dana, scheduled_at=an_hour_ago) for _ in range(3)]
    rows: list[dict[str, object]] = [
        {"organization_id": str(acme.id), "event_id": str(call.id), "call_occurred": True}
        for call in calls
    ]
    rows[2]["call_occurred"] = None
    refused = send(rest, scene, scene.dana, "post_call_forms", rows)
    assert refused.status_code == 422
    assert acme.state(calls[0]) == ("scheduled", None)
    rows[2]["call_occurred"] = "true"
    made = send(rest, scene, scene.dana, "post_call_forms", rows)
    assert [form["event_id"] for form in made.json()] == [str(call.id) for call in calls]
    assert {acme.state(call)[0] for call in calls} == {"completed"}
