"""Organizations stopped, resumed, closed and restored while their people are signed in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway, Rest
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.stripe_events import as_sent, payment
from tests.world import Organization, Person, World

WHY = "Unpaid."


@pytest.fixture
def api(rest: Rest, committed_world: World) -> Api:
    return Api(rest, committed_world)


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture(scope="module")
def root(committed_world: World) -> Person:
    return committed_world.super_admin()


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def endpoint(client: httpx.Client, acme: Organization) -> Endpoint:
    return open_endpoint(client, acme)


def test_members_of_a_suspended_organization_are_refused_until_it_is_resumed(
    api: Api, root: Person, acme: Organization, endpoint: Endpoint
) -> None:
    people = [acme.owner(), acme.admin(), acme.closer()]
    token = {who.user_id: api.world.token(who, api.rest.jwt_secret) for who in people}

    def asked(who: Person) -> tuple[int, str | None]:
        # The token of before: nobody has to sign in again.
        return outcome(
            httpx.get(
                f"{api.rest.url}/organizations",
                headers={"Authorization": f"Bearer {token[who.user_id]}"},
                trust_env=False,
            )
        )

    assert [asked(who) for who in people] == [(200, None)] * 3
    assert endpoint.post(as_sent(payment()[0])).status_code == 200
    answer = api.call(root, "suspend_organization", organization_id=acme.id, reason=WHY)
    assert answer.status_code == 200, answer.text
    assert [asked(who) for who in people] == [(403, "PT403")] * 3
    # Gateways hear of it at once, not in the same instant; the database refuses from the start.
    wait_until(
        lambda: endpoint.post(as_sent(payment()[0])).status_code == 404,
        lambda: "deliveries are still taken in",
    )
    assert api.call(root, "resume_organization", organization_id=acme.id).status_code == 200
    assert [asked(who) for who in people] == [(200, None)] * 3
    wait_until(
        lambda: endpoint.post(as_sent(payment()[0])).status_code == 200,
        lambda: "deliveries are still refused",
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("create_organization", {"name": "Mine"}),
        ("suspend_organization", {"reason": WHY}),
        ("resume_organization", {}),
        ("restore_organization", {}),
        ("invite_owner", {"email": "me@client.test"}),
        ("grant_super_admin", {"reason": WHY}),
        ("revoke_super_admin", {"reason": WHY}),
        ("platform_home", {}),
    ],
)
def test_the_platform_is_for_super_admins_alone(
    api: Api, acme: Organization, function: str, arguments: dict[str, Any]
) -> None:
    given = dict(arguments)
    if function in {"grant_super_admin", "revoke_super_admin"}:
        given["user_id"] = acme.owner("grantee").user_id
    elif function not in {"create_organization", "platform_home"}:
        given["organization_id"] = acme.id
    stranger = api.world.organization("bolt").owner()
    for who in (acme.owner(), acme.closer(), stranger):
        assert outcome(api.call(who, function, **given)) == (403, "42501")
    assert outcome(api.call(None, function, **given)) == (401, "42501")


def test_an_organization_is_made_owned_closed_and_restored(api: Api, root: Person) -> None:
    made = api.call(root, "create_organization", name="Client One", timezone="Europe/Rome")
    assert made.status_code == 200, made.text
    client_id = made.json()["id"]
    invited = api.call(root, "invite_owner", email="boss@one.test", organization_id=client_id)
    assert invited.json()["role"] == "owner"
    assert "token" not in invited.text
    (shown,) = api.send(root, "GET", f"invitations?organization_id=eq.{client_id}").json()
    assert (shown["email"], shown["role"]) == ("boss@one.test", "owner")

    boss = api.world.person("boss")
    api.world.execute("select app.add_member(%s, %s, 'owner')", client_id, boss.user_id)
    closed = api.call(boss, "delete_organization", organization_id=client_id, reason="Enough.")
    assert closed.status_code == 204
    assert outcome(api.call(boss, "me")) == (403, "PT403")
    home = api.send(root, "GET", f"rpc/platform_home?organization_id=eq.{client_id}").json()
    assert [(row["name"], row["state"], row["owners"]) for row in home] == [
        ("Client One", "deleted", 1)
    ]
    assert api.call(root, "restore_organization", organization_id=client_id).status_code == 200
    assert api.call(boss, "me").json()[0]["organization_id"] == client_id

    trail = api.send(
        root,
        "GET",
        f"audit_logs?organization_id=eq.{client_id}&table_name=eq.organizations"
        "&select=action,reason,actor_id&order=id",
    ).json()
    assert [row["action"] for row in trail] == ["INSERT", "UPDATE", "UPDATE"]
    assert trail[1] == {"action": "UPDATE", "reason": "Enough.", "actor_id": str(boss.user_id)}


def test_super_admins_read_every_trail_and_others_their_own(
    api: Api, root: Person, acme: Organization
) -> None:
    eve, admin, stranger = (
        api.world.person("eve"),
        acme.admin(),
        api.world.organization("bolt").admin(),
    )
    acme.lead()
    granted = api.call(root, "grant_super_admin", user_id=eve.user_id, reason="On call.")
    assert granted.status_code == 204
    assert api.call(eve, "platform_home").status_code == 200
    platform = "platform_audit_logs?table_name=eq.user_roles&reason=eq.On%20call.&select=actor_id"
    assert api.send(eve, "GET", platform).json() == [{"actor_id": str(root.user_id)}]
    assert outcome(api.send(admin, "GET", platform)) == (403, "42501")
    trail = f"audit_logs?organization_id=eq.{acme.id}&table_name=eq.leads&select=id"
    assert len(api.send(eve, "GET", trail).json()) == 1
    assert len(api.send(admin, "GET", trail).json()) == 1
    assert api.send(stranger, "GET", trail).json() == []

    revoked = api.call(root, "revoke_super_admin", user_id=eve.user_id, reason="Off call.")
    assert revoked.status_code == 204
    assert outcome(api.call(eve, "platform_home")) == (403, "42501")
