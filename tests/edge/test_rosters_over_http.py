"""Closers, setters and who is proposed for them, from the token to the HTTP status."""

import pytest
from psycopg.types.json import Jsonb

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import Organization, World


@pytest.fixture
def api(committed_world: World, rest: Rest) -> Api:
    return Api(rest, committed_world)


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


def test_admins_decide_about_proposals_and_nobody_else_sees_them(
    api: Api, acme: Organization
) -> None:
    listed = [{"user_id": str(n), "name": f"Host {n}", "email": f"{n}@x.test"} for n in (1, 2)]
    acme.world.value("select app.propose_hosts(%s, 'calendly', %s)", acme.id, Jsonb(listed))
    ada, beta = acme.admin(), acme.world.organization("beta")
    query = f"roster_proposals?select=id,name,state&organization_id=eq.{acme.id}&order=name"
    first, second = api.send(ada, "GET", query).json()
    for who, expected in (
        (acme.closer(), (403, "42501")),
        (acme.setter(), (403, "42501")),
        (acme.member(), (403, "42501")),
        (beta.owner(), (404, "PT404")),
        (None, (401, "42501")),
    ):
        for function in ("accept_roster_proposal", "dismiss_roster_proposal"):
            said = {"roster": "closer"} if function.startswith("accept") else {}
            answer = api.call(
                who, function, proposal_id=first["id"], organization_id=acme.id, **said
            )
            assert outcome(answer) == expected
        if who is not None:
            assert api.send(who, "GET", query).json() == []
    closer = api.call(ada, "accept_roster_proposal", proposal_id=first["id"], roster="closer")
    assert closer.status_code == 200, closer.text
    root = acme.world.super_admin()
    dismissed = api.call(
        root, "dismiss_roster_proposal", proposal_id=second["id"], organization_id=acme.id
    )
    assert dismissed.status_code == 204, dismissed.text
    assert [row["state"] for row in api.send(ada, "GET", query).json()] == [
        "accepted",
        "dismissed",
    ]
    made = api.send(ada, "GET", f"closers?id=eq.{closer.json()}&select=name,email").json()
    assert made == [{"name": "Host 1", "email": "1@x.test"}]


def test_admins_link_members_and_others_see_names_alone(api: Api, acme: Organization) -> None:
    ada, dana, sam = acme.admin(), acme.member("dana"), acme.setter()
    body = {"organization_id": str(acme.id), "name": "Dana", "email": "d@x.test", "aliases": ["DD"]}
    assert outcome(api.send(sam, "POST", "closers", body)) == (403, "42501")
    (made,) = api.send(ada, "POST", "closers", body).json()
    assert made["aliases"] == ["dd"]
    assert made["payee_id"]
    path = f"closers?id=eq.{made['id']}"
    (linked,) = api.send(ada, "PATCH", path, {"profile_id": str(dana.user_id)}).json()
    assert (linked["profile_id"], linked["payee_id"]) == (str(dana.user_id), made["payee_id"])
    (me,) = api.call(dana, "me").json()
    assert (me["closer_id"], me["payee_id"]) == (made["id"], made["payee_id"])
    (seen,) = api.send(sam, "GET", path).json()
    assert seen["name"] == "Dana"
    assert {seen[name] for name in ("profile_id", "payee_id", "email", "aliases")} == {None}
    stranger = acme.world.person("stranger")
    refused = api.send(ada, "PATCH", path, {"profile_id": str(stranger.user_id)})
    assert outcome(refused) == (422, "PT422")
    (free,) = api.send(ada, "PATCH", path, {"profile_id": None}).json()
    assert free["profile_id"] is None
    assert api.send(dana, "GET", "payees").json() == []
