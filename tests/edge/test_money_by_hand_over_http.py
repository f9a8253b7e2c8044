"""What admins do by hand with money, from the token to the HTTP status."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import Organization, Person, Row, World

WHY = "Paid by bank transfer."


@dataclass(frozen=True)
class Scene:
    """dana closed a call yesterday; somebody paid 1000.00 a few hours later."""

    api: Api
    acme: Organization
    ada: Person
    dana: Person
    call: Row
    paid: Row
    claim: UUID

    def by(self, who: Person | None, function: str, **arguments: Any) -> httpx.Response:
        given = {"organization_id": self.acme.id, **arguments}
        return self.api.call(who, function, **given)

    def by_ada(self, function: str, **arguments: Any) -> httpx.Response:
        return self.by(self.ada, function, **arguments)

    def deal(self) -> UUID:
        """The deal that followed the call."""
        made: UUID = self.acme.world.value(
            "select id from app.deals where organization_id = %s and origin_event_id = %s"
            " and is_automatic",
            self.acme.id,
            self.call.id,
        )
        return made

    def audited(self, table: str, row_id: object) -> list[dict[str, Any]]:
        """What the audit trail says about a row."""
        return self.acme.world.rows(
            "select action, actor_id, reason from app.audit_logs"
            " where organization_id = %s and table_name = %s and row_id = %s order by id",
            self.acme.id,
            table,
            row_id,
        )


@pytest.fixture
def scene(committed_world: World, rest: Rest) -> Scene:
    acme = committed_world.organization("acme")
    dana = acme.closer("dana")
    yesterday = committed_world.value("select date_trunc('second', now() - interval '1 day')")
    call = acme.event(
        closer=dana,
        scheduled_at=yesterday,
        outcome="closed",
        form={"cash_collected": Decimal("77.00")},
    )
    claim = committed_world.value(
        "select id from app.payments where organization_id = %s and claim_state = 'pending'",
        acme.id,
    )
    paid = acme.payment(paid_at=yesterday + timedelta(hours=3))
    return Scene(Api(rest, committed_world), acme, acme.admin(), dana, call, paid, claim)


def argument_sets(scene: Scene) -> dict[str, dict[str, Any]]:
    """A call of each function that an admin may make."""
    return {
        "record_payment": {"amount": "250.00", "reason": WHY, "event_id": scene.call.id},
        "record_refund": {"payment_id": scene.paid.id, "amount": "1.00", "reason": WHY},
        "attribute_payment": {
            "payment_id": scene.paid.id,
            "event_id": scene.call.id,
            "reason": WHY,
        },
        "set_payment_credits": {"payment_id": scene.paid.id, "credits": None, "reason": WHY},
        "confirm_claim": {"payment_id": scene.claim, "reason": WHY},
        "reject_claim": {"payment_id": scene.claim, "reason": WHY},
        "create_deal": {
            "origin_event_id": scene.call.id,
            "contract_value": "2500.00",
            "reason": WHY,
        },
        "void_deal": {"deal_id": scene.deal(), "reason": WHY},
    }


FUNCTIONS = [
    "record_payment",
    "record_refund",
    "attribute_payment",
    "set_payment_credits",
    "confirm_claim",
    "reject_claim",
    "create_deal",
    "void_deal",
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_admins_of_the_organization_and_super_admins_may(
    committed_world: World, scene: Scene, function: str
) -> None:
    arguments = argument_sets(scene)[function]
    stranger = committed_world.organization("beta").admin()
    assert outcome(scene.by(scene.dana, function, **arguments)) == (403, "42501")
    assert outcome(scene.by(stranger, function, **arguments)) == (404, "PT404")
    assert outcome(scene.by(None, function, **arguments)) == (401, "42501")
    assert outcome(scene.by_ada(function, **arguments)) == (200, None)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_money_moves_for_a_reason_only(scene: Scene, function: str, reason: str | None) -> None:
    arguments = {**argument_sets(scene)[function], "reason": reason}
    assert outcome(scene.by_ada(function, **arguments)) == (422, "PT422")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_of_another_organization_do_not_exist(
    committed_world: World, scene: Scene, function: str
) -> None:
    beta = committed_world.organization("beta")
    arguments = {**argument_sets(scene)[function], "organization_id": beta.id}
    answer = scene.api.call(beta.admin(), function, **arguments)
    assert outcome(answer) == (404, "PT404")


def test_a_super_admin_records_for_any_organization(committed_world: World, scene: Scene) -> None:
    root = committed_world.super_admin()
    made = scene.by(root, "record_payment", **argument_sets(scene)["record_payment"])
    assert outcome(made) == (200, None)
    assert made.json()["recorded_by"] == str(root.user_id)


def test_a_recorded_payment_answers_its_row_and_says_why_in_the_audit_trail(scene: Scene) -> None:
    made = scene.by_ada(
        "record_payment",
        amount="250.50",
        reason=WHY,
        event_id=scene.call.id,
        customer_name="Lee",
        payment_type="deposit",
        description="Wire 4711",
    ).json()
    assert (made["provider"], made["source"], made["status"]) == ("manual", "manual", "succeeded")
    assert (made["amount"], made["currency"], made["claim_state"]) == (250.5, "USD", None)
    assert (made["attribution_method"], made["attribution_confidence"]) == ("manual", 1)
    assert (made["event_id"], made["closer_id"]) == (str(scene.call.id), str(scene.dana.closer_id))
    assert (made["reason"], made["description"], made["payment_type"]) == (
        WHY,
        "Wire 4711",
        "deposit",
    )
    trail = scene.audited("payments", made["id"])
    assert {(line["actor_id"], line["reason"]) for line in trail} == {(scene.ada.user_id, WHY)}


def test_an_external_id_makes_a_payment_once(scene: Scene) -> None:
    wire = {"amount": "10.00", "reason": WHY, "external_id": "wire-1", "event_id": scene.call.id}
    first, again = scene.by_ada("record_payment", **wire), scene.by_ada("record_payment", **wire)
    assert again.json()["id"] == first.json()["id"]
    assert first.json()["provider_payment_id"] == "wire-1"
    other = scene.by_ada("record_payment", **{**wire, "amount": "11.00"})
    assert outcome(other) == (409, "PT409")
    assert first.json()["id"] in other.json()["details"]


def test_a_refund_answers_its_row_and_is_part_of_the_payment(scene: Scene) -> None:
    made = scene.by_ada(
        "record_refund", payment_id=scene.paid.id, amount="400.00", reason=WHY, external_id="r-1"
    )
    assert made.json()["provider_refund_id"] == "r-1"
    assert (made.json()["kind"], made.json()["reason"]) == ("refund", WHY)
    (trail,) = scene.audited("payment_refunds", made.json()["id"])
    assert (trail["actor_id"], trail["reason"]) == (scene.ada.user_id, WHY)
    again = scene.by_ada(
        "record_refund", payment_id=scene.paid.id, amount="400.00", reason=WHY, external_id="r-1"
    )
    assert again.json()["id"] == made.json()["id"]
    shown = scene.api.send(scene.ada, "GET", f"payments?id=eq.{scene.paid.id}").json()
    assert [(row["refund_amount"], row["net_revenue"]) for row in shown] == [(400, 600)]


def test_more_than_is_left_is_refused_with_what_is_left(scene: Scene) -> None:
    scene.by_ada("record_refund", payment_id=scene.paid.id, amount="999.00", reason=WHY)
    answer = scene.by_ada("record_refund", payment_id=scene.paid.id, amount="1.01", reason=WHY)
    assert outcome(answer) == (409, "PT409")
    assert "1.00 USD" in answer.json()["details"]
    assert outcome(
        scene.by_ada("record_refund", payment_id=scene.paid.id, amount="1.00", reason=WHY)
    ) == (200, None)


def test_an_attribution_answers_the_payment_and_says_why(scene: Scene) -> None:
    made = scene.by_ada(
        "attribute_payment", payment_id=scene.paid.id, event_id=scene.call.id, reason=WHY
    ).json()
    assert (made["event_id"], made["closer_id"]) == (str(scene.call.id), str(scene.dana.closer_id))
    assert made["attribution_method"] == "manual"
    (line,) = [line for line in scene.audited("payments", scene.paid.id) if line["reason"] == WHY][
        :1
    ]
    assert (line["action"], line["actor_id"]) == ("UPDATE", scene.ada.user_id)


def test_credits_are_answered_as_rows_and_null_takes_them_back(scene: Scene) -> None:
    eli = scene.acme.closer("eli")
    shares = [
        {"role": "closer", "closer_id": scene.dana.closer_id, "share": 0.25},
        {"role": "closer", "closer_id": eli.closer_id, "share": 0.75},
    ]
    made = scene.by_ada(
        "set_payment_credits", payment_id=scene.paid.id, credits=shares, reason=WHY
    ).json()
    assert [(row["closer_id"], row["share"], row["amount_base"]) for row in made] == [
        (str(eli.closer_id), 0.75, 750),
        (str(scene.dana.closer_id), 0.25, 250),
    ]
    (trail,) = scene.audited("payment_credits", made[0]["id"])
    assert (trail["action"], trail["reason"]) == ("INSERT", WHY)
    shown = scene.api.send(eli, "GET", "payments?select=id,credited_by_hand").json()
    assert shown == [{"id": str(scene.paid.id), "credited_by_hand": True}]
    taken_back = scene.by_ada(
        "set_payment_credits", payment_id=scene.paid.id, credits=None, reason=WHY
    )
    assert (taken_back.status_code, taken_back.json()) == (200, [])


@pytest.mark.parametrize(
    ("function", "state"), [("confirm_claim", "confirmed"), ("reject_claim", "rejected")]
)
def test_a_claim_is_decided_once_and_may_be_asked_again(
    scene: Scene, function: str, state: str
) -> None:
    for _ in range(2):
        answer = scene.by_ada(function, payment_id=scene.claim, reason=WHY)
        assert (answer.status_code, answer.json()["claim_state"]) == (200, state)
    assert outcome(scene.by_ada(function, payment_id=scene.paid.id, reason=WHY)) == (409, "PT409")


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("payments", "record_payment"),
        ("payment_refunds", "record_refund"),
        ("payment_credits", "set_payment_credits"),
        ("deals", "create_deal"),
        ("deal_installments", "create_deal"),
        ("lead_identities", "add_lead_identity"),
        ("lead_merges", "merge_leads"),
    ],
)
def test_direct_writes_are_refused_with_the_name_of_the_function(
    scene: Scene, path: str, function: str
) -> None:
    for who in (scene.ada, scene.dana):
        for method, query, body in (
            ("POST", "", {"organization_id": str(scene.acme.id)}),
            ("POST", "?on_conflict=organization_id,id", {"organization_id": str(scene.acme.id)}),
            ("PATCH", f"?organization_id=eq.{scene.acme.id}", {"organization_id": None}),
            ("PATCH", f"?id=eq.{scene.acme.id}", {"organization_id": None}),
            ("DELETE", f"?organization_id=eq.{scene.acme.id}", None),
        ):
            answer = scene.api.send(who, method, path + query, body)
            assert outcome(answer) == (403, "42501"), (method, query, answer.text)
            assert f"rpc/{function}" in answer.json()["hint"]
    kept = scene.acme.world.value(
        "select amount from app.payments where organization_id = %s and id = %s",
        scene.acme.id,
        scene.paid.id,
    )
    assert kept == Decimal("1000.00")


def test_a_deal_by_hand_answers_its_row_and_says_why_in_the_audit_trail(scene: Scene) -> None:
    made = scene.by_ada("create_deal", **argument_sets(scene)["create_deal"])
    assert made.status_code == 200
    row = made.json()
    assert (row["contract_value"], row["is_automatic"]) == (2500.00, False)
    assert row["recorded_by"] == str(scene.ada.user_id)
    voided = scene.by_ada("void_deal", deal_id=row["id"], reason="Never signed.")
    assert (voided.json()["status"], voided.json()["void_reason"]) == ("void", "Never signed.")
    assert outcome(scene.by_ada("void_deal", deal_id=row["id"], reason=WHY)) == (409, "PT409")
    trail = [(entry["action"], entry["reason"]) for entry in scene.audited("deals", row["id"])]
    assert trail == [("INSERT", WHY), ("UPDATE", "Never signed.")]
