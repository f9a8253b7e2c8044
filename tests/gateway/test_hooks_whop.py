"""Whop's deliveries over HTTP: every payload on file, signed as its generation is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import NamedTuple

import httpx
import pytest

from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.whop_events import DATA, SECRET, as_sent, example, fresh, signed_by_whop
from tests.world import World

EMAIL = "jordan.reyes@example.com"


class Expected(NamedTuple):
    """What is left of one payload on file.

    payment: (id, amount, currency, e-mail, day). refund: (id, kind, status, amount, day).
    """

    status: str
    event_type: str
    payment: tuple[str, str, str, str | None, str] | None = None
    refund: tuple[str, str, str, str, str] | None = None


FIRST = ("pay_J0rdan1stPay01", "297.00", "USD", EMAIL, "2026-11-20")
FIRST_UNNAMED = ("pay_J0rdan1stPay01", "297.00", "USD", None, "2026-11-20")
RENEWAL = ("pay_J0rdanRenew001", "297.00", "USD", EMAIL, "2026-12-20")
RENEWAL_UNNAMED = ("pay_J0rdanRenew001", "297.00", "USD", None, "2026-12-20")
UNNAMED = ("pay_N0Email000001", "297.00", "USD", None, "2026-11-20")
EURO = ("pay_EurOneTime0001", "450.50", "EUR", EMAIL, "2026-11-20")
PENDING = ("rf_J0rdanPart001", "refund", "pending", "100.00", "2026-11-22")
REFUNDED = ("rf_J0rdanPart001", "refund", "succeeded", "100.00", "2026-11-22")
DISPUTED = ("dspt_J0rdan000001", "dispute", "succeeded", "297.00", "2026-12-10")
LOST = ("dspt_J0rdan000001", "dispute", "succeeded", "297.00", "2027-01-14")

PAID = "payment.succeeded"
VALID, INVALID = "membership.went_valid", "membership.went_invalid"
ENDING = "membership.cancel_at_period_end_changed"

ON_FILE = {
    "v1-dated.dispute.created": Expected("processed", "dispute.created", None, DISPUTED),
    "v1-dated.membership.activated": Expected("processed", "membership.activated"),
    "v1-dated.membership.updated.activated": Expected("processed", "membership.updated"),
    "v1-dated.membership.updated.cancel-scheduled": Expected("processed", "membership.updated"),
    "v1-dated.membership.updated.deactivated": Expected("processed", "membership.updated"),
    "v1-dated.payment.failed": Expected("ignored", "payment.failed"),
    "v1-dated.payment.succeeded": Expected("processed", PAID, FIRST),
    "v1-dated.payment.succeeded.no-email": Expected("processed", PAID, UNNAMED),
    "v1-dated.payment.succeeded.renewal": Expected("processed", PAID, RENEWAL),
    "v1-dated.refund.created.legacy-data": Expected("processed", "refund.created", None, PENDING),
    "v1-dated.refund.updated.native-data": Expected("processed", "refund.updated", None, REFUNDED),
    "v1-unpinned.dispute.created": Expected("processed", "dispute.created", None, DISPUTED),
    "v1-unpinned.dispute.updated": Expected("processed", "dispute.updated", None, LOST),
    "v1-unpinned.membership.activated": Expected("processed", "membership.activated"),
    "v1-unpinned.membership.cancel_at_period_end_changed": Expected("processed", ENDING),
    "v1-unpinned.membership.deactivated": Expected("processed", "membership.deactivated"),
    "v1-unpinned.payment.failed": Expected("ignored", "payment.failed"),
    "v1-unpinned.payment.succeeded": Expected("processed", PAID, FIRST),
    "v1-unpinned.payment.succeeded.eur": Expected("processed", PAID, EURO),
    "v1-unpinned.payment.succeeded.no-email-permission": Expected("processed", PAID, UNNAMED),
    "v1-unpinned.payment.succeeded.renewal": Expected("processed", PAID, RENEWAL),
    "v1-unpinned.refund.created": Expected("processed", "refund.created", None, PENDING),
    "v1-unpinned.refund.updated": Expected("processed", "refund.updated", None, REFUNDED),
    "v2.membership.cancel_at_period_end_changed": Expected("processed", ENDING),
    "v2.membership.metadata_updated": Expected("processed", "membership.metadata_updated"),
    "v2.membership.went_invalid": Expected("processed", INVALID),
    "v2.membership.went_valid": Expected("processed", VALID),
    "v2.membership.went_valid.expanded-objects": Expected("processed", VALID),
    "v2.payment.failed": Expected("ignored", "payment.failed"),
    "v2.payment.succeeded": Expected("processed", PAID, FIRST_UNNAMED),
    "v2.payment.succeeded.body-key-variant": Expected("processed", PAID, FIRST),
    "v2.payment.succeeded.expanded-objects": Expected("processed", PAID, FIRST),
    "v5.app_membership.went_valid": Expected("processed", VALID),
    "v5.app_payment.succeeded": Expected("processed", PAID, FIRST_UNNAMED),
    "v5.dispute.created": Expected("processed", "dispute.created", None, DISPUTED),
    "v5.dispute.updated": Expected(
        "processed", "dispute.updated", None, (*DISPUTED[:4], "when it came")
    ),
    "v5.membership.cancel_at_period_end_changed": Expected("processed", ENDING),
    "v5.membership.went_invalid": Expected("processed", INVALID),
    "v5.membership.went_valid": Expected("processed", VALID),
    "v5.payment.failed": Expected("ignored", "payment.failed"),
    "v5.payment.pending": Expected("ignored", "payment.pending"),
    "v5.payment.succeeded": Expected("processed", PAID, FIRST_UNNAMED),
    "v5.payment.succeeded.renewal": Expected("processed", PAID, RENEWAL_UNNAMED),
    "v5.refund.created": Expected("processed", "refund.created", None, PENDING),
    "v5.refund.updated": Expected("processed", "refund.updated", None, REFUNDED),
}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    """A Whop endpoint of an organization of its own."""
    return open_whop(client, committed_world)


def open_whop(client: httpx.Client, world: World) -> Endpoint:
    return open_endpoint(
        client, world.organization("acme"), provider="whop", signed=signed_by_whop, secret=SECRET
    )


def test_every_payload_on_file_is_expected_to_do_something() -> None:
    assert set(ON_FILE) == {path.stem for path in DATA.glob("v*.json")}


@pytest.mark.parametrize("name", sorted(ON_FILE))
def test_a_payload_on_file_leaves_what_is_expected(endpoint: Endpoint, name: str) -> None:
    expected, body = ON_FILE[name], (DATA / f"{name}.json").read_bytes()
    answer = endpoint.post(body)
    assert (answer.status_code, answer.json()) == (200, {"status": expected.status})
    assert endpoint.post(body).json() == {"status": "duplicate"}

    (event,) = endpoint.rows("webhook_events")
    assert (event["status"], event["event_type"]) == (expected.status, expected.event_type)
    assert event["steps"] != []

    def when(at: object) -> str:
        return "when it came" if at == event["received_at"] else str(at)[:10]

    payments = [
        (
            row["provider_payment_id"],
            str(row["amount"]),
            row["currency"],
            row["customer_email"],
            when(row["payment_date"]),
        )
        for row in endpoint.rows("payments")
    ]
    refunds = [
        (
            row["provider_refund_id"],
            row["kind"],
            row["status"],
            str(row["amount"]),
            when(row["refunded_at"]),
        )
        for row in endpoint.rows("payment_refunds")
    ]
    assert payments == [expected.payment] * (expected.payment is not None)
    assert refunds == [expected.refund] * (expected.refund is not None)


def test_a_delivery_to_both_names_of_the_url_is_one_event(endpoint: Endpoint) -> None:
    for name in ("v1-dated.payment.succeeded", "v5.payment.succeeded", "v2.payment.succeeded"):
        event = example(name)
        answers = [
            endpoint.post(as_sent(event), path=f"/functions/v1/{alias}?connection={endpoint.id}")
            for alias in ("whop-webhook", "generic-webhook")
        ]
        assert [answer.json() for answer in answers] == [
            {"status": "processed"},
            {"status": "duplicate"},
        ]
        assert endpoint.send(event) == "duplicate"
    assert endpoint.count("webhook_events") == 3
    assert endpoint.count("payments") == 1


def test_two_webhooks_of_two_generations_tell_of_one_payment(
    endpoint: Endpoint, committed_world: World
) -> None:
    second = open_endpoint(
        endpoint.client,
        endpoint.organization,
        provider="whop",
        signed=lambda body: signed_by_whop(body, secret="ws_second"),
        secret="ws_second",
    )
    committed_world.execute(
        "update app.webhook_connections set provider_account = 'biz_N0rthw1ndC0ach' where id = %s",
        second.id,
    )
    assert endpoint.send(example("v5.payment.succeeded")) == "processed"
    assert second.send(example("v1-dated.payment.succeeded")) == "processed"
    (paid,) = endpoint.rows("payments")
    assert (paid["amount"], paid["customer_email"]) == (Decimal("297.00"), EMAIL)


def test_senders_of_every_generation_at_once_make_one_payment(endpoint: Endpoint) -> None:
    names = ["v2.payment.succeeded", "v5.payment.succeeded", "v1-dated.payment.succeeded"]
    events = [fresh(name) for name in names] + [fresh("v1-unpinned.payment.succeeded")] * 5
    with ThreadPoolExecutor(8) as senders:
        assert set(senders.map(endpoint.send, events)) <= {"processed", "duplicate"}
    (paid,) = endpoint.rows("payments")
    assert (paid["amount"], paid["customer_email"]) == (Decimal("297.00"), EMAIL)


@pytest.mark.parametrize("name", ["v1-dated.payment.succeeded", "v5.payment.succeeded"])
def test_a_signature_of_somebody_else_is_refused(endpoint: Endpoint, name: str) -> None:
    body = as_sent(example(name))
    forged = signed_by_whop(body, secret="ws_of_somebody_else")
    swapped = {"x-whop-signature": "", "webhook-signature": "", **signed_by_whop(body + b" ")}
    for headers in (forged, swapped, {}):
        answer = endpoint.client.post(endpoint.path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_genuine")
    assert endpoint.count("webhook_events") == endpoint.count("payments") == 0


def test_a_cryptocurrency_is_kept_and_queued_and_an_exception(endpoint: Endpoint) -> None:
    assert endpoint.send(fresh("v1-unpinned.payment.succeeded", currency="btc")) == "queued"
    assert endpoint.count("payments") == 0
    (exception,) = endpoint.rows("exceptions")
    assert (exception["check_name"], exception["state"]) == ("failed_delivery", "open")


@pytest.mark.parametrize(
    "event",
    [{}, {"data": {}}, {"action": ""}, {"type": 7}, {"type": "x" * 300}, {"id": 7, "action": []}],
    ids=lambda event: str(event)[:20],
)
def test_what_is_no_event_is_refused(endpoint: Endpoint, event: dict[str, object]) -> None:
    answer = endpoint.post(as_sent(event))
    assert (answer.status_code, answer.json()["code"]) == (400, "not_an_event")
    assert endpoint.count("webhook_events") == 0
