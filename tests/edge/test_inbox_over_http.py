"""The inbox through the real PostgREST and gateway: replay, explanations, exceptions, health."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.database.inbox import Inbox, open_inbox
from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Gateway, Rest
from tests.stripe_events import payment
from tests.world import Organization, Person, World


@pytest.fixture
def api(rest: Rest, committed_world: World) -> Api:
    return Api(rest, committed_world)


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


@pytest.fixture
def stranger(committed_world: World) -> Person:
    return committed_world.organization("bolt").admin()


def test_replaying_answers_how_each_delivery_stands(
    api: Api, acme: Organization, inbox: Inbox
) -> None:
    inbox.take(payment()[0])
    stored, unknown = inbox.row("webhook_events")["id"], uuid4()
    answer = api.call(acme.admin(), "replay_webhooks", ids=[stored, unknown])
    assert answer.json() == [
        {"id": str(stored), "outcome": "processed"},
        {"id": str(unknown), "outcome": "unknown"},
    ]
    assert outcome(api.call(acme.closer(), "replay_webhooks", ids=[stored])) == (403, "42501")
    assert outcome(api.call(None, "replay_webhooks", ids=[stored])) == (401, "42501")
    too_many = [uuid4() for _ in range(1001)]
    assert outcome(api.call(acme.admin(), "replay_webhooks", ids=too_many)) == (422, "PT422")


def test_a_replay_of_a_connection_is_a_run(
    api: Api, acme: Organization, inbox: Inbox, stranger: Person
) -> None:
    asked = {"connection_id": inbox.connection_id, "since": "2026-01-01"}
    run = api.call(acme.admin(), "replay_webhooks_since", **asked).json()
    assert (run["kind"], run["state"]) == ("replay-webhooks", "queued")
    assert run["parameters"]["connection_id"] == str(inbox.connection_id)
    assert outcome(api.call(stranger, "replay_webhooks_since", **asked)) == (404, "PT404")
    assert outcome(api.call(acme.closer(), "replay_webhooks_since", **asked)) == (403, "42501")


def test_a_reading_request_explains_a_payment(
    api: Api, acme: Organization, inbox: Inbox, stranger: Person
) -> None:
    inbox.take(payment()[0])
    path = f"rpc/explain_payment?id={inbox.row('payments')['id']}"
    lines = api.send(acme.admin(), "GET", path).json()
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert {"at", "what", "decided", "because"} <= set(lines[0])
    assert "delivery" in {line["what"] for line in lines}
    assert outcome(api.send(stranger, "GET", path)) == (404, "PT404")
    assert outcome(api.send(acme.closer(), "GET", path)) == (403, "42501")


def test_dismissing_says_why(api: Api, acme: Organization, inbox: Inbox) -> None:
    inbox.take(payment(currency="xqz")[0])
    found = inbox.row("exceptions")["id"]
    answer = api.call(acme.admin(), "dismiss_exception", id=found, reason="A test.")
    assert (answer.status_code, answer.json()["state"]) == (200, "dismissed")
    again = api.call(acme.admin(), "dismiss_exception", id=found, reason="A test.")
    assert outcome(again) == (409, "PT409")


# -- /functions/v1/debug-calendly-event


class Functions:
    """The gateway's functions as a person calls them."""

    def __init__(self, gateway: Gateway, world: World) -> None:
        self.gateway, self.world = gateway, world

    def debug(self, who: Person | None, method: str = "POST", **sent: Any) -> httpx.Response:
        token = who and self.world.token(who, self.gateway.jwt_secret)
        return httpx.request(
            method,
            f"{self.gateway.url}/functions/v1/debug-calendly-event",
            headers={"authorization": f"Bearer {token}"} if token else {},
            trust_env=False,
            timeout=30,
            **({"json": sent} if method == "POST" else {"params": sent}),
        )


@pytest.fixture
def functions(gateway: Gateway, committed_world: World) -> Functions:
    return Functions(gateway, committed_world)


def test_both_spellings_and_both_methods_explain_a_call(
    functions: Functions, acme: Organization
) -> None:
    call, admin = acme.event(closer=acme.closer()), acme.admin()
    answers = [
        functions.debug(admin, event_id=str(call.id)),
        functions.debug(admin, eventId=str(call.id), organizationId=str(acme.id)),
        functions.debug(admin, "GET", eventId=str(call.id)),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert answers[0].json()[0]["what"] == "booking"


def test_debugging_is_for_admins_of_the_calls_organization(
    functions: Functions, acme: Organization, stranger: Person
) -> None:
    dana = acme.closer("dana")
    call = str(acme.event(closer=dana).id)
    assert outcome(functions.debug(dana, event_id=call)) == (403, "42501")
    assert outcome(functions.debug(stranger, event_id=call)) == (404, "PT404")
    theirs = functions.debug(stranger, event_id=call, organization_id=str(acme.id))
    assert outcome(theirs) == (404, "PT404")
    assert functions.debug(None, event_id=call).status_code == 401


@pytest.mark.parametrize("sent", [{}, {"event_id": "x"}, {"event_id": 7}])
def test_debugging_needs_an_id(
    functions: Functions, acme: Organization, sent: dict[str, Any]
) -> None:
    answer = functions.debug(acme.admin(), **sent)
    assert outcome(answer) == (422, "invalid_fields")
    assert set(answer.json()["errors"]) == {"event_id"}


# -- how connections are


def test_admins_read_the_health_of_their_connections(
    api: Api, acme: Organization, inbox: Inbox, stranger: Person
) -> None:
    inbox.take(payment()[0])
    path = f"connection_health?organization_id=eq.{acme.id}"
    (seen,) = api.send(acme.admin(), "GET", path).json()
    assert (seen["id"], seen["processed_24h"], seen["is_silent"]) == (
        str(inbox.connection_id),
        1,
        False,
    )
    assert api.send(stranger, "GET", path).json() == []
    assert api.send(acme.closer(), "GET", path).json() == []
