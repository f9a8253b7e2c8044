"""Calls that an admin books, changes, hands over and deletes, from the token to the HTTP status."""

from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Gateway, Rest
from tests.world import NOON, Organization, Person, Row, World

WHY = "Agreed by telephone."
LATER = (NOON + timedelta(days=2)).isoformat()


class Scene(NamedTuple):
    """A call of dana's that sam set, one that could be the same, and one that was deleted."""

    api: Api
    acme: Organization
    ada: Person
    dana: Person
    sam: Person
    stranger: Person
    call: Row
    twin: Row
    gone: Row
    payment: Row

    def given(self, function: str) -> dict[str, Any]:
        """Arguments with which an admin succeeds."""
        about = {
            "create_event": {"scheduled_at": LATER, "email": "new@lead.test"},
            "update_event": {"event_id": self.call.id, "changes": {"notes": "Late."}},
            "cancel_event": {"event_id": self.call.id, "canceled_by": "host"},
            "reschedule_event": {"event_id": self.call.id, "scheduled_at": LATER},
            "reassign_events": {"event_ids": [self.call.id], "to_closer_id": self.acme.closer().id},
            "mark_duplicate": {"event_id": self.twin.id, "duplicate_of_id": self.call.id},
            "delete_events": {"event_ids": [self.call.id]},
            "restore_events": {"event_ids": [self.gone.id]},
            "delete_payments": {"payment_ids": [self.payment.id]},
            "batch_restore_payments": {"payment_ids": [self.payment.id]},
            "upsert_lead": {"email": "new@lead.test"},
        }
        return {**about[function], "reason": WHY, "organization_id": self.acme.id}

    def rows(self) -> list[list[dict[str, Any]]]:
        return [
            self.acme.world.rows(
                f"select * from app.{table} where organization_id = %s order by id", self.acme.id
            )
            for table in ("events", "leads", "payments", "audit_logs")
        ]


@pytest.fixture
def scene(committed_world: World, rest: Rest) -> Scene:
    acme = committed_world.organization("acme")
    dana, sam, lee = acme.closer("dana"), acme.setter("sam"), acme.lead()
    call = acme.event(closer=dana, setter=sam, lead=lee)
    twin = acme.event(closer=dana, lead=lee, scheduled_at=NOON + timedelta(minutes=30))
    gone = acme.event(closer=dana)
    committed_world.execute("select app.delete_event(%s, %s, 'A test.', now())", acme.id, gone.id)
    stranger = committed_world.organization("beta").admin()
    return Scene(
        api=Api(rest, committed_world),
        acme=acme,
        ada=acme.admin(),
        dana=dana,
        sam=sam,
        stranger=stranger,
        call=call,
        twin=twin,
        gone=gone,
        payment=acme.payment(closer=dana),
    )


FUNCTIONS = [
    "create_event",
    "update_event",
    "cancel_event",
    "reschedule_event",
    "reassign_events",
    "mark_duplicate",
    "delete_events",
    "restore_events",
    "delete_payments",
    "batch_restore_payments",
    "upsert_lead",
]
WITHOUT_REASON = {"create_event", "upsert_lead"}


def test_only_admins_of_the_organization_change_calls_by_hand(scene: Scene) -> None:
    for function in FUNCTIONS:
        given, before = scene.given(function), scene.rows()
        for who, told in (
            (scene.dana, (403, "42501")),
            (scene.sam, (403, "42501")),
            (scene.stranger, (404, "PT404")),
            (None, (401, "42501")),
        ):
            assert outcome(scene.api.call(who, function, **given)) == told, (function, who)
        if function not in WITHOUT_REASON:
            said = scene.api.call(scene.ada, function, **{**given, "reason": " "})
            assert outcome(said) == (422, "PT422"), function
        assert scene.rows() == before, function


def test_an_admin_does_all_of_it(scene: Scene) -> None:
    api, ada = scene.api, scene.ada
    for function in ("update_event", "reassign_events", "mark_duplicate", "delete_payments",
                     "batch_restore_payments", "upsert_lead", "create_event", "reschedule_event",
                     "delete_events", "restore_events"):  # fmt: skip
        answer = api.call(ada, function, **scene.given(function))
        assert answer.status_code == 200, (function, answer.text)
        rows = answer.json() if isinstance(answer.json(), list) else [answer.json()]
        assert all(row.get("is_done", True) for row in rows), (function, rows)
    undone = api.call(
        ada, "unmark_duplicate", event_id=scene.twin.id, reason=WHY, organization_id=scene.acme.id
    )
    assert undone.json()["duplicate_of_id"] is None
    asked_again = api.call(
        ada, "unmark_duplicate", event_id=scene.twin.id, reason=WHY, organization_id=scene.acme.id
    )
    assert outcome(asked_again) == (409, "PT409")
    trail = api.call(ada, "record_history", table="events", id=scene.twin.id).json()
    assert {entry["reason"] for entry in trail} >= {WHY}


def test_candidates_are_shown_to_whoever_sees_both_calls(scene: Scene) -> None:
    query = "duplicate_candidates?select=id,candidate_id,minutes_apart,is_certain,because"
    (pair,) = scene.api.send(scene.ada, "GET", query).json()
    assert pair == {
        "id": str(scene.twin.id),
        "candidate_id": str(scene.call.id),
        "minutes_apart": 30,
        "is_certain": False,
        "because": "Same lead, starting within 60 minutes of each other.",
    }
    assert scene.api.send(scene.dana, "GET", query).json() == [pair]
    for who in (scene.sam, scene.stranger):
        assert scene.api.send(who, "GET", query).json() == []
    refused = scene.api.send(scene.ada, "PATCH", "duplicate_candidates", {"lead_id": None})
    assert outcome(refused) == (403, "42501")


def test_the_history_of_a_lead_s_setters_is_read_and_its_first_one_stays(scene: Scene) -> None:
    api, ada, sue = scene.api, scene.ada, scene.acme.setter("sue")
    lead = api.call(ada, "upsert_lead", email="a@lead.test", current_setter_id=scene.sam.id).json()
    path = f"leads?id=eq.{lead['id']}"
    changed = api.send(ada, "PATCH", path, {"current_setter_id": str(sue.id)}).json()
    assert changed[0]["original_setter_id"] == str(scene.sam.id)
    assert changed[0]["current_setter_name"] == "sue"
    assert outcome(api.send(ada, "PATCH", path, {"original_setter_id": str(sue.id)}))[0] == 403
    history = f"lead_setter_changes?lead_id=eq.{lead['id']}&order=id&select=setter_id,changed_by"
    assert api.send(ada, "GET", history).json() == [
        {"setter_id": str(scene.sam.id), "changed_by": str(ada.user_id)},
        {"setter_id": str(sue.id), "changed_by": str(ada.user_id)},
    ]
    assert api.send(scene.stranger, "GET", history).json() == []
    assert api.send(scene.dana, "GET", history).json() == []


def test_earlier_frontends_delete_calls_and_restore_payments_by_their_names(
    scene: Scene, gateway: Gateway
) -> None:
    world, acme = scene.acme.world, scene.acme
    token = world.token(scene.ada, gateway.jwt_secret)

    def send(name: str, **sent: Any) -> httpx.Response:
        return httpx.post(
            f"{gateway.url}/functions/v1/{name}",
            headers={"authorization": f"Bearer {token}"},
            json={"organizationId": str(acme.id), "reason": WHY, **sent},
            trust_env=False,
            timeout=30,
        )

    deleted = send("delete-events", eventIds=[str(scene.call.id)])
    assert [row["is_done"] for row in deleted.json()] == [True]
    assert send("delete-events", event_ids=["x"]).json()["code"] == "invalid_fields"
    scene.api.call(scene.ada, "delete_payments", **scene.given("delete_payments"))
    restored = send("batch-restore-payments", paymentIds=[str(scene.payment.id)])
    assert [row["is_done"] for row in restored.json()] == [True]
    unsaid = send("batch-restore-payments", payment_ids=[str(scene.payment.id)], reason="")
    assert unsaid.status_code == 422
