"""Calendly's deliveries over HTTP: late ones, the URL without a connection, and what admins see."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.calendly_events import (
    Event,
    Invitee,
    as_sent,
    example,
    signature,
    signed_by_calendly,
)
from tests.fixtures.processes import Gateway, Rest
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.world import NOON, Organization, Person, World

ALIAS = "/functions/v1/calendly-webhook"
HOUR = 3600


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


def opened(client: httpx.Client, organization: Organization, key: str) -> Endpoint:
    return open_endpoint(
        client,
        organization,
        provider="calendly",
        secret=key,
        signed=lambda body: {"calendly-webhook-signature": signature(body, secret=key)},
    )


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    """A Calendly endpoint of an organization of its own."""
    return open_endpoint(
        client,
        committed_world.organization("acme"),
        provider="calendly",
        signed=signed_by_calendly,
        secret="signing-key-of-the-tests",
    )


def sent_to_alias(client: httpx.Client, event: Event, key: str) -> tuple[int, str]:
    """Deliver to the URL without a connection; status and word of the answer."""
    body = as_sent(event)
    answer = client.post(
        ALIAS, content=body, headers={"calendly-webhook-signature": signature(body, secret=key)}
    )
    said = answer.json()
    return answer.status_code, said.get("code") or said["status"]


def calls(organization: Organization) -> list[dict[str, Any]]:
    return organization.world.rows(
        "select * from app.events where organization_id = %s", organization.id
    )


# -- one connection


def test_a_booking_and_its_cancellation_are_one_canceled_call(endpoint: Endpoint) -> None:
    dana = endpoint.organization.closer()
    invitee = Invitee(hosts=[dana.email])
    assert endpoint.send(invitee.created()) == "processed"
    assert endpoint.send(invitee.created()) == "duplicate"
    assert endpoint.send(invitee.canceled(NOON.replace(hour=9))) == "processed"
    (call,) = endpoint.rows("events")
    assert (call["call_status"], call["closer_id"]) == ("canceled", dana.closer_id)


def test_a_late_delivery_counts_once_and_is_marked(endpoint: Endpoint) -> None:
    body = as_sent(Invitee().created())
    late = {"calendly-webhook-signature": signature(body, at=int(time.time()) - 24 * HOUR)}
    answers = [client_post(endpoint, body, late) for _ in range(2)]
    assert [answer.json()["status"] for answer in answers] == ["processed", "duplicate"]
    (delivery,) = endpoint.rows("webhook_events")
    assert delivery["is_late"] is True


@pytest.mark.parametrize("seconds", [-26 * HOUR, 10 * 60])
def test_what_is_too_old_or_from_the_future_is_refused(endpoint: Endpoint, seconds: int) -> None:
    body = as_sent(Invitee().created())
    header = signature(body, at=int(time.time()) + seconds)
    answer = client_post(endpoint, body, {"calendly-webhook-signature": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_genuine")
    assert endpoint.count("webhook_events") == 0


def client_post(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return endpoint.client.post(endpoint.path, content=body, headers=headers)


def test_an_unsigned_delivery_is_refused(endpoint: Endpoint) -> None:
    answer = client_post(endpoint, as_sent(Invitee().created()), {})
    assert answer.status_code == 401
    assert endpoint.count("webhook_events") == 0


def test_the_url_may_name_the_connection_in_its_query(endpoint: Endpoint) -> None:
    body = as_sent(example("routing_form_submission.created"))
    answer = endpoint.post(body, path=f"{ALIAS}?connection={endpoint.id}")
    assert answer.json() == {"status": "processed"}
    (touch,) = endpoint.rows("lead_touches")
    assert touch["channel"] == "calendly_routing_form"


# -- no connection


def test_a_closer_of_two_organizations_is_booked_in_the_one_whose_key_signed(
    client: httpx.Client, committed_world: World
) -> None:
    acme, beta = committed_world.organization("acme"), committed_world.organization("beta")
    dana = acme.closer()
    there = beta.closer(person=dana)
    opened(client, acme, "key of acme")
    opened(client, beta, "key of beta")
    event = Invitee(hosts=[dana.email.upper()]).created()
    assert sent_to_alias(client, event, "key of beta") == (200, "processed")
    assert calls(acme) == []
    (call,) = calls(beta)
    assert (call["closer_id"], call["organization_id"]) == (there.closer_id, beta.id)
    assert sent_to_alias(client, event, "key of beta") == (200, "duplicate")
    assert sent_to_alias(client, event, "key of acme") == (200, "processed")
    assert len(calls(acme)) == 1


def test_a_key_that_fits_nobody_or_two_is_for_nobody(
    client: httpx.Client, committed_world: World
) -> None:
    acme, beta = committed_world.organization("acme"), committed_world.organization("beta")
    dana = acme.closer()
    beta.closer(person=dana)
    for organization in (acme, beta):
        opened(client, organization, "the same key")
    event = Invitee(hosts=[dana.email]).created()
    assert sent_to_alias(client, event, "another key") == (404, "unknown_connection")
    assert sent_to_alias(client, event, "the same key") == (404, "unknown_connection")
    assert calls(acme) == calls(beta) == []


def test_a_host_whom_nobody_knows_proposes_nobody(
    client: httpx.Client, committed_world: World
) -> None:
    acme = committed_world.organization("acme")
    acme.closer()
    opened(client, acme, "key of acme")
    event = Invitee(hosts=["stranger@example.test"]).created()
    assert sent_to_alias(client, event, "key of acme") == (404, "unknown_connection")


def test_a_paused_connection_is_proposed_to_nobody(
    client: httpx.Client, committed_world: World
) -> None:
    acme = committed_world.organization("acme")
    dana = acme.closer()
    paused = opened(client, acme, "key of acme")
    committed_world.execute(
        "update app.webhook_connections set is_active = false where id = %s", paused.id
    )
    event = Invitee(hosts=[dana.email]).created()
    assert sent_to_alias(client, event, "key of acme") == (404, "unknown_connection")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"payload": 1}', b'{"payload": {"x": 1e999999}}']
)
def test_a_body_that_names_no_host_is_for_nobody(client: httpx.Client, body: bytes) -> None:
    answer = client.post(ALIAS, content=body, headers=dict(signed_by_calendly(body)))
    assert answer.status_code == 404


def test_a_connection_that_is_named_badly_is_not_searched_for(
    client: httpx.Client, committed_world: World
) -> None:
    acme = committed_world.organization("acme")
    dana = acme.closer()
    opened(client, acme, "signing-key-of-the-tests")
    body = as_sent(Invitee(hosts=[dana.email]).created())
    answer = client.post(
        f"{ALIAS}?connection=", content=body, headers=dict(signed_by_calendly(body))
    )
    assert answer.status_code == 404
    assert calls(acme) == []


# -- what admins see


def audit(rest: Rest, organization: Organization, who: Person) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{rest.url}/calendly_webhook_audit",
        params={"organization_id": f"eq.{organization.id}", "order": "id"},
        headers={"Authorization": f"Bearer {organization.world.token(who, rest.jwt_secret)}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_admins_read_what_calendly_sent_and_what_became_of_it(
    endpoint: Endpoint, rest: Rest
) -> None:
    acme = endpoint.organization
    dana, ada, stranger = acme.closer(), acme.admin(), acme.world.organization("beta").admin()
    endpoint.send(Invitee(hosts=[dana.email]).created())
    broken = Invitee().created()
    del broken["payload"]["scheduled_event"]
    assert endpoint.send(broken) == "queued"
    endpoint.send(example("event_type.updated"))

    booked, failed, unused = audit(rest, acme, ada)
    (call,) = endpoint.rows("events")
    assert (booked["status"], booked["event_id"]) == ("processed", str(call["id"]))
    assert booked["steps"][0]["decided"] == "booked"
    assert booked["payload"]["payload"]["email"] == call["lead_email"]
    assert (failed["status"], failed["event_id"]) == ("queued", None)
    assert "The booking lacks its time." in failed["error"]
    assert unused["status"] == "ignored"
    assert audit(rest, acme, dana) == audit(rest, acme, stranger) == []
