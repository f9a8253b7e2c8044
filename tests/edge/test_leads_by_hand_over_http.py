"""Leads that an admin merges, and what they are known by, from the token to the HTTP status."""

from typing import Any

import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import World

WHY = "They are one person."


@pytest.mark.parametrize(
    "function", ["merge_leads", "unmerge_leads", "add_lead_identity", "remove_lead_identity"]
)
def test_only_admins_of_the_organization_may_and_for_a_reason_only(
    committed_world: World, rest: Rest, function: str
) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    ada, stays, goes, gone = acme.admin(), acme.lead("a"), acme.lead("b"), acme.lead("c")
    arguments: dict[str, dict[str, Any]] = {
        "merge_leads": {"into_lead_id": stays.id, "from_lead_ids": [goes.id]},
        "unmerge_leads": {"lead_id": gone.id},
        "add_lead_identity": {"lead_id": stays.id, "kind": "email", "value": "new@lead.test"},
        "remove_lead_identity": {"lead_id": stays.id, "kind": "email", "value": "old@lead.test"},
    }
    given = {**arguments[function], "reason": WHY, "organization_id": acme.id}
    if function == "unmerge_leads":
        api.call(
            ada,
            "merge_leads",
            into_lead_id=stays.id,
            from_lead_ids=[gone.id],
            reason=WHY,
            organization_id=acme.id,
        )
    elif function == "remove_lead_identity":
        api.call(ada, "add_lead_identity", **given)
        api.call(ada, "add_lead_identity", **{**given, "value": "other@lead.test"})
    stranger = committed_world.organization("beta").admin()
    assert outcome(api.call(acme.closer(), function, **given)) == (403, "42501")
    assert outcome(api.call(stranger, function, **given)) == (404, "PT404")
    assert outcome(api.call(None, function, **given)) == (401, "42501")
    assert outcome(api.call(ada, function, **{**given, "reason": " "})) == (422, "PT422")
    answer = api.call(ada, function, **given)
    assert answer.status_code == (204 if function == "remove_lead_identity" else 200), answer.text


def test_admins_read_who_merged_what_and_others_do_not(committed_world: World, rest: Rest) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    ada, stays, goes = acme.admin(), acme.lead("a"), acme.lead("b")
    (made,) = api.call(
        ada, "merge_leads", into_lead_id=stays.id, from_lead_ids=[goes.id], reason=WHY
    ).json()
    query = "lead_merges?select=id,reason,merged_by,moved"
    assert api.send(ada, "GET", query).json() == [
        {"id": made["id"], "reason": WHY, "merged_by": str(ada.user_id), "moved": made["moved"]}
    ]
    assert api.send(acme.closer(), "GET", query).json() == []
    trail = api.call(ada, "record_history", table="leads", id=goes.id).json()
    assert (trail[0]["reason"], trail[0]["changes"]["merged_into_id"]["new"]) == (
        WHY,
        str(stays.id),
    )
