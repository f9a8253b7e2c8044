"""ManyChat's contacts over HTTP: who is a lead, what is a touch, and who set them."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers import contact_object
from gateway.verify import DeliveryRejected
from gateway.verify.manychat import verify_delivery
from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint, open_endpoint, sealed
from tests.world import Organization, World

TOKEN = "a token of the tests"

# As an External Request with a hand-written body sends it: texts, and "" for what is unset.
CONTACT: Mapping[str, object] = {
    "contact_id": "901234567",
    "first_name": "Ada",
    "last_name": "Kowalski",
    "ig_username": "ada.k",
    "phone": "",
    "email": "",
    "stage": "qualified",
    "setter": "Marta",
    "last_text": "yes, tomorrow works",
    "sent_at": "2026-03-02T15:04:05+01:00",
    "utm_source": "instagram",
}

# As it sends Full Contact Data: numbers, null, custom fields as an object.
FULL: Mapping[str, object] = {
    "id": 901234567,
    "key": "user:901234567",
    "page_id": 100200300,
    "status": "active",
    "first_name": "Ada",
    "last_name": "Kowalski",
    "name": "Ada Kowalski",
    "last_interaction": "2026-03-02T15:03:58+00:00",
    "email": None,
    "phone": None,
    "ig_id": 17840000000000001,
    "custom_fields": {"setter": "Marta", "score": 7, "utm_campaign": "spring", "booked_at": None},
}


def with_token(_body: bytes) -> Mapping[str, str]:
    return {"content-type": "application/json", "x-webhook-token": TOKEN}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def chat(client: httpx.Client, acme: Organization) -> Endpoint:
    return opened(client, acme)


def opened(client: httpx.Client, organization: Organization) -> Endpoint:
    return open_endpoint(client, organization, provider="manychat", signed=with_token, secret=TOKEN)


def contact(**changes: object) -> dict[str, Any]:
    """Somebody new who reaches the step. changes: fields to replace, or, as None, to leave out."""
    fresh = {**CONTACT, "contact_id": uuid4().hex, **changes}
    return {name: value for name, value in fresh.items() if value is not None}


def marta(organization: Organization) -> object:
    """A setter who is known by an alias."""
    setter = organization.setter("sam")
    organization.world.execute(
        "update app.setters set aliases = '{marta}' where organization_id = %s and id = %s",
        organization.id,
        setter.setter_id,
    )
    return setter.setter_id


def exceptions(endpoint: Endpoint, check: str) -> list[tuple[object, object]]:
    return [
        (row["dedupe_key"], row["state"])
        for row in endpoint.rows("exceptions")
        if row["check_name"] == check
    ]


# -- leads, touches, setters


def test_a_contact_is_a_lead_with_a_touch_and_its_setter(
    chat: Endpoint, acme: Organization
) -> None:
    setter_id = marta(acme)
    assert chat.send(contact(contact_id="77", event="qualified")) == "processed"
    (lead,) = chat.rows("leads")
    assert (lead["full_name"], lead["email"], lead["phone"]) == ("Ada Kowalski", None, None)
    assert (lead["original_setter_id"], lead["current_setter_id"]) == (setter_id, setter_id)
    assert lead["current_setter_name"] == "sam"
    assert [(row["kind"], row["value"]) for row in chat.rows("lead_identities")] == [
        ("manychat_subscriber", "77")
    ]
    (touch,) = chat.rows("lead_touches")
    assert (touch["lead_id"], touch["channel"], touch["utm_source"]) == (
        lead["id"],
        "manychat",
        "instagram",
    )
    assert touch["occurred_at"] == datetime(2026, 3, 2, 14, 4, 5, tzinfo=UTC)
    assert touch["details"]["stage"] == "qualified"  # type: ignore[index]
    (event,) = chat.rows("webhook_events")
    assert (event["status"], event["event_type"], event["lead_id"]) == (
        "processed",
        "qualified",
        lead["id"],
    )
    assert [step["what"] for step in event["steps"]] == [  # type: ignore[attr-defined]
        "lead",
        "touch",
        "setter",
    ]
    assert exceptions(chat, "unknown_setter") == []


def test_full_contact_data_says_the_same(chat: Endpoint, acme: Organization) -> None:
    setter_id = marta(acme)
    assert chat.send(contact(contact_id="901234567")) == "processed"
    assert chat.send(dict(FULL)) == "processed"
    (lead,) = chat.rows("leads")
    assert lead["current_setter_id"] == setter_id
    touches = chat.rows("lead_touches", "occurred_at")
    assert [row["utm_campaign"] for row in touches] == [None, "spring"]
    assert touches[1]["details"]["custom_fields"]["score"] == 7  # type: ignore[index]


def test_a_booked_lead_is_recognised_by_its_address(chat: Endpoint, acme: Organization) -> None:
    known = acme.lead(email="ada@client.test")
    assert chat.send(contact(email=" Ada@Client.test ", phone="+34 600 000 001")) == "processed"
    (lead,) = chat.rows("leads")
    assert (lead["id"], lead["phone"]) == (known.id, "+34 600 000 001")
    assert {row["kind"] for row in chat.rows("lead_identities")} == {
        "email",
        "phone",
        "manychat_subscriber",
    }


@pytest.mark.parametrize("email", ["none", "{{email}}", "a@b", "a b@c.test", "@", "x" * 600])
def test_what_is_no_address_identifies_nobody(chat: Endpoint, email: str) -> None:
    assert chat.send(contact(email=email)) == "processed"
    assert chat.send(contact(email=email)) == "processed"
    assert chat.count("leads") == 2
    assert {row["kind"] for row in chat.rows("lead_identities")} == {"manychat_subscriber"}


def test_a_setter_nobody_knows_is_text_and_an_exception(chat: Endpoint, acme: Organization) -> None:
    assert chat.send(contact(contact_id="5", setter="Marta")) == "processed"
    (lead,) = chat.rows("leads")
    assert (lead["original_setter_id"], lead["current_setter_id"]) == (None, None)
    assert lead["original_setter_name"] == "Marta"
    assert chat.count("setters") == 0
    assert exceptions(chat, "unknown_setter") == [("marta", "open")]
    setter_id = marta(acme)
    assert chat.send(contact(contact_id="5", setter="MARTA ")) == "processed"
    (lead,) = chat.rows("leads")
    assert (lead["original_setter_id"], lead["current_setter_id"]) == (setter_id, setter_id)
    assert exceptions(chat, "unknown_setter") == [("marta", "resolved")]


def test_a_name_of_two_setters_is_nobodys(chat: Endpoint, acme: Organization) -> None:
    setter_id = marta(acme)
    second = acme.setter("Marta")
    assert chat.send(contact(contact_id="1")) == "processed"
    assert exceptions(chat, "unknown_setter") == [("marta", "open")]
    acme.world.execute(
        "update app.setters set is_active = false where organization_id = %s and id = %s",
        acme.id,
        second.setter_id,
    )
    assert chat.send(contact(contact_id="2")) == "processed"
    assert {row["current_setter_id"] for row in chat.rows("leads")} == {None, setter_id}


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_latest_touch_names_the_current_setter(
    chat: Endpoint, acme: Organization, newest_first: bool
) -> None:
    acme.setter("Bea")
    later = acme.setter("Cleo")
    story = [
        contact(contact_id="9", setter="Bea", sent_at="2026-03-02T10:00:00Z"),
        contact(contact_id="9", setter="Cleo", sent_at="2026-03-03T10:00:00Z"),
        contact(contact_id="9", setter="Nobody", sent_at="2026-03-04T10:00:00Z"),
    ]
    for event in reversed(story) if newest_first else story:
        assert chat.send(event) == "processed"
    (lead,) = chat.rows("leads")
    assert lead["current_setter_id"] == later.setter_id
    assert chat.count("lead_touches") == 3


def test_a_call_without_a_setter_leaves_the_leads_as_it_is(
    chat: Endpoint, acme: Organization
) -> None:
    setter_id = marta(acme)
    assert chat.send(contact(email="ada@client.test")) == "processed"
    acme.event(email="ada@client.test")
    (lead,) = chat.rows("leads")
    assert lead["current_setter_id"] == setter_id


# -- the same event, and others


def test_the_same_call_twice_is_a_duplicate(chat: Endpoint) -> None:
    event = contact()
    assert [chat.send(event) for _ in range(3)] == ["processed", "duplicate", "duplicate"]
    assert chat.count("lead_touches") == 1
    assert chat.send({**event, "stage": "booked"}) == "processed"
    assert chat.count("lead_touches") == 2


def test_an_event_id_decides_alone(chat: Endpoint) -> None:
    event = contact(event_id="qualified-1")
    assert chat.send(event) == "processed"
    assert chat.send({**event, "stage": "other"}) == "duplicate"
    assert chat.send({**event, "event_id": "qualified-2"}) == "processed"
    assert chat.send(contact(event_id="qualified-1")) == "processed"
    assert chat.send(contact(event_id="x" * 500)) == "processed"


def test_a_second_account_has_contacts_of_its_own(
    client: httpx.Client, chat: Endpoint, acme: Organization
) -> None:
    second = opened(client, acme)
    acme.world.execute(
        "update app.webhook_connections set provider_account = '42' where organization_id = %s"
        " and id = %s",
        acme.id,
        second.id,
    )
    event = contact(contact_id="7")
    assert chat.send(event) == second.send(event) == "processed"
    assert {row["value"] for row in chat.rows("lead_identities")} == {"7", "42:7"}
    assert chat.count("lead_touches") == 2


def test_another_organization_has_leads_of_its_own(
    client: httpx.Client, chat: Endpoint, acme: Organization, committed_world: World
) -> None:
    other = opened(client, committed_world.organization("other"))
    setter_id = marta(acme)
    event = contact(email="ada@client.test")
    assert chat.send(event) == other.send(event) == "processed"
    (theirs,) = other.rows("leads")
    (ours,) = chat.rows("leads")
    assert theirs["id"] != ours["id"]
    assert (ours["current_setter_id"], theirs["current_setter_id"]) == (setter_id, None)
    answer = other.post(b"{}", path=chat.path)
    assert answer.status_code == 200  # the same token: two connections may have it
    assert other.count("webhook_events") == 1


def test_a_contact_of_two_leads_waits_for_a_person(chat: Endpoint, acme: Organization) -> None:
    acme.lead(email="ada@client.test")
    acme.lead("Bob", phone="+34600000009")
    assert chat.send(contact(email="ada@client.test", phone="34600000009")) == "queued"
    assert chat.count("lead_touches") == 0
    ((_, state),) = exceptions(chat, "failed_delivery")
    assert state == "open"


# -- bodies that flows break


@pytest.mark.parametrize(
    "body", [b'{"last_text": "she said "yes"", "contact_id": }', b"[]", b'"a"', b"null", b"a=b"]
)
def test_what_is_no_json_object_is_kept_for_a_person(chat: Endpoint, body: bytes) -> None:
    answer = chat.post(body)
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
    assert chat.count("leads") == 0
    (event,) = chat.rows("webhook_events")
    assert event["body"] == {"unreadable_body": body.decode()}
    assert exceptions(chat, "unreadable_delivery") == [(str(chat.id), "open")]


@pytest.mark.parametrize("body", [b"", b"  ", b"\xff\xfe"])
def test_what_is_no_text_is_refused(chat: Endpoint, body: bytes) -> None:
    answer = chat.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


@given(st.binary())
def test_whatever_is_sent_is_an_object_or_refused(body: bytes) -> None:
    try:
        text = contact_object(body)
    except ValueError:
        return
    assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize(
    "changes",
    [
        {"contact_id": None},
        {"contact_id": {"id": 1}},
        {"contact_id": ["7"]},
        {"contact_id": ""},
        {"contact_id": "7" * 501},
    ],
)
def test_a_contact_that_is_nobody_waits(chat: Endpoint, changes: dict[str, object]) -> None:
    assert chat.send(contact(**changes)) == "queued"
    assert chat.count("leads") == chat.count("lead_touches") == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"custom_fields": [1, {"name": "x"}]},
        {"custom_fields": "none", "setter": 7},
        {"setter": {"name": "Marta"}, "event": ["x"], "first_name": None, "last_name": {}},
        {"sent_at": "yesterday", "occurred_at": 1e300},
        {"sent_at": "2099-01-01T00:00:00Z"},
        {"contact_id": 17840000000000001, "setter": "x" * 400, "event": "y" * 400},
        {"last_text": "\x00\ud7ff'; drop table", "phone": "12"},
        {"api_token": "secret", "unreadable_body": "x"},
    ],
)
def test_odd_fields_cost_nobody_the_lead(chat: Endpoint, changes: dict[str, object]) -> None:
    assert chat.send(contact(**changes)) == "processed"
    assert chat.count("leads") == chat.count("lead_touches") == 1
    (touch,) = chat.rows("lead_touches")
    assert "secret" not in str(touch["details"])


def test_a_contact_with_very_many_fields_is_taken_in_for_its_setter(
    chat: Endpoint, acme: Organization
) -> None:
    setter_id = marta(acme)
    assert chat.send(contact(custom_fields={f"k{n}": n for n in range(40_000)})) == "processed"
    (lead,) = chat.rows("leads")
    (touch,) = chat.rows("lead_touches")
    assert (lead["current_setter_id"], touch["details"]) == (setter_id, {"setter": "Marta"})


# -- tokens


@pytest.mark.parametrize(
    "headers",
    [
        {"x-webhook-token": TOKEN},
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer  {TOKEN} "},
        {"x-webhook-token": f" {TOKEN}", "authorization": "Bearer other"},
        {"x-webhook-token": "previous token"},
    ],
)
def test_a_token_is_known_in_either_header(headers: dict[str, str]) -> None:
    verify_delivery(b"", headers, [TOKEN.encode(), b"previous token"], 0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-webhook-token": ""},
        {"x-webhook-token": TOKEN[:-1]},
        {"x-webhook-token": f"{TOKEN}x"},
        {"x-webhook-token": TOKEN.upper()},
        {"x-webhook-token": f"Bearer {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"token": TOKEN, "x-hub-signature": TOKEN},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    for secrets in ([TOKEN.encode()], [TOKEN.encode(), b""], [], [b""]):
        with pytest.raises(DeliveryRejected):
            verify_delivery(b"", headers, secrets, 0)


@given(st.text(), st.text())
def test_no_header_raises_anything_else(token: str, authorization: str) -> None:
    with pytest.raises(DeliveryRejected):
        verify_delivery(
            b"", {"x-webhook-token": token, "authorization": authorization}, [b"a" * 99], 0
        )


def test_without_its_token_nothing_is_taken_in(chat: Endpoint, client: httpx.Client) -> None:
    body = json.dumps(contact()).encode()
    wrong: list[dict[str, str]] = [{}, {"x-webhook-token": "other"}, {"authorization": "Bearer x"}]
    for headers in wrong:
        answer = client.post(chat.path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_genuine")
    for query in (f"?token={TOKEN}", f"?x-webhook-token={TOKEN}"):
        assert client.post(chat.path + query, content=body).status_code == 401
    assert chat.count("webhook_events") == chat.count("leads") == 0
    old_name = f"/functions/v1/manychat-webhook?connection={chat.id}"
    assert client.post(old_name, content=body).status_code == 401
    assert chat.post(body, path=old_name).json() == {"status": "processed"}


def test_the_previous_token_counts_for_a_while(
    chat: Endpoint, client: httpx.Client, acme: Organization
) -> None:
    acme.world.execute(
        "update app.webhook_connections set webhook_secret = %s, webhook_secret_previous ="
        " webhook_secret, webhook_secret_previous_until = now() + interval '1 hour'"
        " where organization_id = %s and id = %s",
        sealed("another token", acme.id, chat.id),
        acme.id,
        chat.id,
    )
    for token in (TOKEN, "another token"):
        answer = client.post(
            chat.path,
            content=json.dumps(contact()).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.json() == {"status": "processed"}
