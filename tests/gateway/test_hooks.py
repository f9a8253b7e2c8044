"""Deliveries over HTTP: what is accepted, what is refused, and what is left behind."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint, open_endpoint, sealed
from tests.stripe_events import SECRET, as_sent, example, fresh, payment, signature
from tests.world import Person, World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
EMAIL = "jordan.reyes@example.com"


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    """A Stripe endpoint of an organization of its own."""
    return open_endpoint(client, committed_world.organization("acme"))


def sold_by(endpoint: Endpoint, *, email: str = EMAIL) -> tuple[Person, Person]:
    """A closed call with this address, the day before PAID_AT; its closer and setter."""
    acme = endpoint.organization
    closer, setter = acme.closer(), acme.setter()
    acme.event(
        closer=closer,
        setter=setter,
        email=email,
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    return closer, setter


# -- what is accepted


@pytest.mark.parametrize("first", ["charge.succeeded", "payment_intent.succeeded"])
def test_charge_and_intent_are_one_payment_in_either_order(endpoint: Endpoint, first: str) -> None:
    closer, setter = sold_by(endpoint)
    names = ["charge.succeeded", "payment_intent.succeeded"]
    for name in sorted(names, key=lambda name: name != first):
        assert endpoint.send(example(name)) == "processed"

    (paid,) = endpoint.rows("payments")
    assert (paid["amount"], paid["currency"], paid["provider_payment_id"]) == (
        Decimal("1499.00"),
        "USD",
        "pi_3SVh2MFx7aQd0Lm41kTz9Yq0",
    )
    assert paid["payment_date"] == PAID_AT
    assert (paid["customer_email"], paid["customer_name"]) == (EMAIL, "Jordan Reyes")
    assert (paid["closer_id"], paid["setter_id"]) == (closer.closer_id, setter.setter_id)
    assert {
        (row["role"], row["closer_id"] or row["setter_id"], row["amount_base"])
        for row in endpoint.rows("payment_credits")
    } == {
        ("closer", closer.closer_id, Decimal("1499.00")),
        ("setter", setter.setter_id, Decimal("1499.00")),
    }
    assert [row["status"] for row in endpoint.rows("webhook_events")] == ["processed"] * 2


def test_the_payment_is_read_by_its_closer_and_admins_and_nobody_else(
    endpoint: Endpoint, gateway: Gateway, committed_world: World
) -> None:
    closer, setter = sold_by(endpoint, email="lee@lead.test")
    charge, intent = payment(email="lee@lead.test")
    endpoint.send(intent)
    endpoint.send(charge)
    acme = endpoint.organization
    stranger = committed_world.organization("other")

    def amounts(person: Person) -> list[object]:
        answer = endpoint.client.get(
            "/rest/v1/payments",
            params={"select": "amount,closer_id", "organization_id": f"eq.{acme.id}"},
            headers={
                "authorization": f"Bearer {committed_world.token(person, gateway.jwt_secret)}"
            },
        )
        assert answer.status_code == 200, answer.text
        return [row["amount"] for row in answer.json()]

    assert amounts(acme.admin()) == [1499.00]
    assert amounts(closer) == [1499.00]
    assert amounts(acme.closer("eli")) == []
    assert amounts(setter) == []
    assert amounts(stranger.admin()) == []


def test_the_connection_shows_what_came(
    endpoint: Endpoint, gateway: Gateway, committed_world: World
) -> None:
    admin = endpoint.organization.admin()
    charge, intent = payment()
    assert [endpoint.send(event) for event in (charge, intent, charge)] == [
        "processed",
        "processed",
        "duplicate",
    ]
    answer = endpoint.client.get(
        "/rest/v1/webhook_connections",
        params={
            "select": "webhook_count,duplicate_count,last_webhook_at",
            "id": f"eq.{endpoint.id}",
        },
        headers={"authorization": f"Bearer {committed_world.token(admin, gateway.jwt_secret)}"},
    )
    assert answer.status_code == 200, answer.text
    (shown,) = answer.json()
    assert (shown["webhook_count"], shown["duplicate_count"]) == (2, 1)
    ago = datetime.now(UTC) - datetime.fromisoformat(shown["last_webhook_at"])
    assert timedelta(0) < ago < timedelta(minutes=5)


def test_the_same_event_twice_is_a_duplicate(endpoint: Endpoint) -> None:
    charge, _ = payment()
    assert [endpoint.send(charge) for _ in range(3)] == ["processed", "duplicate", "duplicate"]
    assert endpoint.count("payments") == endpoint.count("webhook_events") == 1


def test_a_second_event_about_the_same_change_adds_nothing(endpoint: Endpoint) -> None:
    charge, _ = payment()
    again = {**charge, "id": f"evt_{uuid4().hex}"}
    assert [endpoint.send(charge), endpoint.send(again)] == ["processed", "processed"]
    (paid,) = endpoint.rows("payments")
    assert paid["amount"] == Decimal("1499.00")


def test_eight_senders_of_the_pair_at_once_make_one_payment(endpoint: Endpoint) -> None:
    closer, _ = sold_by(endpoint, email="lee@lead.test")
    charge, intent = payment(email="lee@lead.test")
    copies = [{**event, "id": f"evt_{uuid4().hex}"} for event in (charge, intent) * 4]
    with ThreadPoolExecutor(8) as senders:
        assert set(senders.map(endpoint.send, copies)) == {"processed"}
    (paid,) = endpoint.rows("payments")
    assert (paid["amount"], paid["closer_id"]) == (Decimal("1499.00"), closer.closer_id)
    assert endpoint.count("payment_credits") == 2


def test_the_alias_of_the_seed_takes_the_same_deliveries(endpoint: Endpoint) -> None:
    charge, intent = payment()
    alias = f"/functions/v1/generic-webhook?connection={endpoint.id}"
    answer = endpoint.post(as_sent(charge), path=alias)
    assert (answer.status_code, answer.json()) == (200, {"status": "processed"})
    assert endpoint.send(intent) == "processed"
    assert endpoint.count("payments") == 1


def test_an_event_that_moves_no_money_is_stored_and_ignored(endpoint: Endpoint) -> None:
    assert endpoint.send(fresh("charge.failed")) == "ignored"
    assert endpoint.send(fresh("charge.succeeded.authorized-not-captured")) == "ignored"
    assert endpoint.count("payments") == 0
    assert [row["status"] for row in endpoint.rows("webhook_events")] == ["ignored", "ignored"]


def test_an_unknown_currency_is_kept_and_queued_and_an_exception(endpoint: Endpoint) -> None:
    charge, _ = payment(currency="xqz")
    assert endpoint.send(charge) == "queued"
    assert endpoint.count("payments") == 0
    (event,) = endpoint.rows("webhook_events")
    assert (event["status"], event["body"]) == ("queued", charge)
    assert event["next_attempt_at"] is not None
    (exception,) = endpoint.rows("exceptions")
    assert (exception["check_name"], exception["state"]) == ("failed_delivery", "open")
    assert exception["row_ids"] == [event["id"]]


def test_test_mode_makes_a_payment_that_is_marked(endpoint: Endpoint) -> None:
    charge, _ = payment(livemode=False)
    assert endpoint.send(charge) == "processed"
    (paid,) = endpoint.rows("payments")
    assert paid["livemode"] is False
    assert endpoint.rows("exceptions") == []


def test_a_body_keeps_every_digit_and_loses_only_nul(endpoint: Endpoint) -> None:
    event = fresh("charge.dispute.updated", huge=12345678901234567890123456789, text="a\0b \\u0000")
    assert endpoint.send(event) == "ignored"
    (stored,) = endpoint.rows("webhook_events")
    kept = stored["body"]["data"]["object"]  # type: ignore[index]
    assert (kept["huge"], kept["text"]) == (12345678901234567890123456789, "a\ufffdb \\u0000")


# -- what is refused


def nothing_is_kept(endpoint: Endpoint) -> bool:
    tables = ("webhook_events", "webhook_event_keys", "payments", "payment_refunds", "exceptions")
    return all(endpoint.count(table) == 0 for table in tables)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_a_wrong_signature_is_refused(endpoint: Endpoint) -> None:
    body = as_sent(payment()[0])
    for header in (
        signature(body, secret="whsec_of_somebody_else"),
        signature(body + b" "),
        signature(body).replace("v1=", "v0="),
        "",
        "t=now,v1=00",
        f"t={int(time.time())}",
        f"t={int(time.time())},v1=\xe9",
    ):
        answer = endpoint.post(body, header=header)
        assert refusal(answer) == (401, "not_genuine"), header
    assert endpoint.client.post(endpoint.path, content=body).status_code == 401
    assert nothing_is_kept(endpoint)


@pytest.mark.parametrize("seconds", [-301, 360])
def test_a_stale_or_early_time_is_refused(endpoint: Endpoint, seconds: int) -> None:
    body = as_sent(payment()[0])
    header = signature(body, at=int(time.time()) + seconds)
    assert refusal(endpoint.post(body, header=header)) == (401, "not_genuine")
    assert nothing_is_kept(endpoint)


def test_a_time_within_five_minutes_is_accepted(endpoint: Endpoint) -> None:
    body = as_sent(payment()[0])
    assert endpoint.post(body, header=signature(body, at=int(time.time()) - 290)).status_code == 200


def test_an_unknown_connection_is_not_found(endpoint: Endpoint) -> None:
    body = as_sent(payment()[0])
    for path in (
        f"/hooks/stripe/{uuid4()}",
        "/hooks/stripe/none",
        f"/hooks/whop/{endpoint.id}",
        f"/hooks/nobody/{endpoint.id}",
        "/functions/v1/generic-webhook",
        f"/functions/v1/generic-webhook?connection={uuid4()}",
    ):
        assert refusal(endpoint.post(body, path=path)) == (404, "unknown_connection"), path
    assert nothing_is_kept(endpoint)


def test_another_organizations_secret_does_not_open_this_door(
    endpoint: Endpoint, committed_world: World
) -> None:
    theirs = open_endpoint(
        endpoint.client, committed_world.organization("theirs"), secret="whsec_theirs"
    )
    body = as_sent(payment()[0])
    header = signature(body, secret="whsec_theirs")
    assert endpoint.post(body, header=header).status_code == 401
    assert theirs.post(body, header=header).status_code == 200
    assert nothing_is_kept(endpoint)


def test_a_body_beyond_one_mebibyte_is_refused(endpoint: Endpoint) -> None:
    body = b" " * (2 * 1024 * 1024)
    assert refusal(endpoint.post(body)) == (413, "body_too_large")
    answer = endpoint.client.post(
        endpoint.path,
        content=iter([body[: 1024 * 1024], b"  "]),
        headers={"stripe-signature": "t=1,v1=00"},
    )
    assert refusal(answer) == (413, "body_too_large")
    assert nothing_is_kept(endpoint)


def test_a_body_of_one_mebibyte_is_read(endpoint: Endpoint) -> None:
    body = as_sent(fresh("charge.failed"))
    body += b" " * (1024 * 1024 - len(body))
    assert endpoint.post(body).json() == {"status": "ignored"}


def test_a_declared_length_that_is_too_long_is_refused_before_it_comes(endpoint: Endpoint) -> None:
    url = endpoint.client.base_url
    with socket.create_connection((url.host, url.port), timeout=10) as line:
        request = f"POST {endpoint.path} HTTP/1.1\r\nhost: here\r\ncontent-length: 99999999\r\n\r\n"
        line.sendall(request.encode())
        assert line.recv(64).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"id=evt_1&type=charge.succeeded",
        b"[]",
        b'"text"',
        b'{"id": "evt_1"',
        b'{"id": NaN}',
        b'{"id": "\\ud800"}',
        b'{"id": "\xff"}',
        b'{"id": 1e999999}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_a_json_object_is_refused(endpoint: Endpoint, body: bytes) -> None:
    assert refusal(endpoint.post(body, header=signed_bytes(body))) == (400, "not_json")
    assert nothing_is_kept(endpoint)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "not_an_event"),
        (b'{"id": 7, "type": "charge.succeeded"}', "not_an_event"),
        (b'{"id": "evt_1"}', "not_an_event"),
        (b'{"id": "' + b"e" * 300 + b'", "type": "charge.succeeded"}', "not_an_event"),
        (b'{"id": "evt_1", "type": "x", "n": 1e-99999}', "not_storable"),
    ],
)
def test_json_that_is_no_event_is_refused(endpoint: Endpoint, body: bytes, code: str) -> None:
    assert refusal(endpoint.post(body, header=signed_bytes(body))) == (400, code)
    assert nothing_is_kept(endpoint)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"object": "text"},
        {"object": {}},
        {"object": {"id": "ch_1", "status": "succeeded", "captured": True, "currency": "usd"}},
        {"object": {"id": "ch_1", "status": "succeeded", "captured": True, "currency": 7}},
        {
            "object": {
                "id": "ch_1",
                "status": "succeeded",
                "captured": True,
                "currency": "usd",
                "amount_captured": 1.5,
            }
        },
        {
            "object": {
                "id": "ch_1",
                "status": "succeeded",
                "captured": True,
                "currency": "usd",
                "amount_captured": -5,
            }
        },
    ],
)
def test_a_genuine_event_that_makes_no_sense_is_kept_for_a_person(
    endpoint: Endpoint, data: object
) -> None:
    event = {**fresh("charge.succeeded"), "data": data}
    assert endpoint.send(event) == "queued"
    (stored,) = endpoint.rows("webhook_events")
    assert stored["error"]
    assert endpoint.count("payments") == 0
    assert endpoint.count("exceptions") == 1


def signed_bytes(body: bytes) -> str:
    """A good header for bytes that need not be text."""
    at = int(time.time())
    digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


# -- connections that change


def test_a_paused_connection_is_gone_at_once(endpoint: Endpoint, committed_world: World) -> None:
    charge, intent = payment()
    assert endpoint.send(charge) == "processed"
    committed_world.execute(
        "update app.webhook_connections set is_active = false where id = %s", endpoint.id
    )
    answer = endpoint.post(as_sent(intent))
    assert refusal(answer) == (404, "unknown_connection")
    assert endpoint.count("webhook_events") == 1


def test_both_secrets_count_while_one_is_rotated(
    endpoint: Endpoint, committed_world: World
) -> None:
    acme = endpoint.organization.id
    charge, intent = payment()
    assert endpoint.send(charge) == "processed"
    committed_world.execute(
        "update app.webhook_connections set webhook_secret = %s, webhook_secret_previous = %s,"
        " webhook_secret_previous_until = now() + interval '1 hour' where id = %s",
        sealed("whsec_new", acme, endpoint.id),
        sealed(SECRET, acme, endpoint.id),
        endpoint.id,
    )
    body = as_sent(intent)

    def accepted(secret: str) -> bool:
        header = signature(body, secret=secret)
        return endpoint.post(body, header=header).status_code == 200

    wait_until(lambda: accepted("whsec_new"), lambda: "the new secret is not known")
    assert accepted(SECRET)
    committed_world.execute(
        "update app.webhook_connections set webhook_secret_previous_until = now() where id = %s",
        endpoint.id,
    )
    wait_until(lambda: not accepted(SECRET), lambda: "the old secret still counts")
    assert accepted("whsec_new")


# -- limits


def test_over_the_limit_a_delivery_is_refused_and_not_kept(
    client: httpx.Client, committed_world: World
) -> None:
    endpoint = open_endpoint(client, committed_world.organization("busy"), rate_limit_per_minute=3)
    answers = [endpoint.post(as_sent(payment()[0])) for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code != 200]
    # Six in a row may meet the turn of a minute: then one more fits, never two.
    assert len(refused) in {2, 3}
    assert {refusal(answer) for answer in refused} == {(429, "rate_limited")}
    assert all(1 <= int(answer.headers["retry-after"]) <= 120 for answer in refused)
    assert endpoint.count("payments") == endpoint.count("webhook_event_keys") == 6 - len(refused)


# -- what is said about refusals


def test_refusals_are_counted_and_nothing_that_was_sent_is_logged(
    endpoint: Endpoint, logs: Path
) -> None:
    charge, _ = payment(email="very.secret@lead.test")
    endpoint.send(charge)
    body = json.dumps({"id": "evt_1", "type": "x", "note": "4242424242424242"}).encode()
    for _ in range(3):
        assert endpoint.post(body, header=signature(body, secret="whsec_forged")).status_code == 401

    def rejected() -> int:
        found = endpoint.organization.world.value(
            "select coalesce(sum(rejected), 0)::integer from app.connection_stats"
            " where connection_id = %s",
            endpoint.id,
        )
        return int(found)

    wait_until(lambda: rejected() == 3, lambda: "refusals were not written down")
    log = (logs / "gateway.log").read_text()
    assert "deliveries refused" in log
    for secret in (SECRET, "whsec_", "very.secret", "4242424242424242", "evt_1", "v1="):
        assert secret not in log, secret
