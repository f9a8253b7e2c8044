"""Lists that admins keep and everybody reads, from the token to the HTTP status."""

from typing import Any

import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import World

NEW: dict[str, dict[str, Any]] = {
    "sources": {},
    "traffic_types": {},
    "call_types": {"duration_minutes": 30},
    "call_outcomes": {"call_status": "completed", "event_outcome": "closed"},
    "opportunity_statuses": {},
    "packages": {"currency": "USD", "price": 100},
}


@pytest.mark.parametrize("table", sorted(NEW))
def test_admins_keep_a_list_that_members_read_and_strangers_do_not_see(
    committed_world: World, rest: Rest, table: str
) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    ada, mia = acme.admin(), acme.member()
    stranger = committed_world.organization("bolt").owner()
    new = {"organization_id": str(acme.id), "name": "Alpha", **NEW[table]}
    if table == "packages":
        new["price"] = "100.00"

    for who in (mia, stranger):
        assert outcome(api.send(who, "POST", table, new)) == (403, "42501")
    answer = api.send(ada, "POST", table, new)
    assert answer.status_code == 201, answer.text
    one = f"{table}?organization_id=eq.{acme.id}&id=eq.{answer.json()[0]['id']}"
    assert outcome(api.send(ada, "POST", table, {**new, "name": "alpha "})) == (409, "23505")

    for who in (mia, stranger):
        assert api.send(who, "PATCH", one, {"name": "Mine"}).json() == []
        assert api.send(who, "DELETE", one).json() == []
    (seen,) = api.send(mia, "GET", one).json()
    assert (seen["name"], seen["position"], seen["archived_at"]) == ("Alpha", 1, None)
    assert api.send(stranger, "GET", one).json() == []

    (archived,) = api.send(ada, "PATCH", one, {"archived_at": "now"}).json()
    assert archived["archived_at"] is not None
    (offered,) = api.send(ada, "PATCH", one, {"archived_at": None}).json()
    assert offered["archived_at"] is None
    assert len(api.send(ada, "DELETE", one).json()) == 1


def test_what_is_in_use_is_not_deleted_and_the_answer_says_what_to_do(
    committed_world: World, rest: Rest
) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    ada, source = acme.admin(), acme.source()
    acme.event(source=source)
    one = f"sources?organization_id=eq.{acme.id}&id=eq.{source.id}"
    answer = api.send(ada, "DELETE", one)
    assert outcome(answer) == (409, "PT409")
    assert "archived_at" in answer.json()["hint"]
    assert api.send(ada, "PATCH", one, {"archived_at": "now"}).json()[0]["is_active"] is False
    assert outcome(api.call(acme.member(), "arrange_list", list="sources", ids=[source.id])) == (
        403,
        "42501",
    )
    assert api.call(ada, "arrange_list", list="sources", ids=[source.id]).json() == 1
