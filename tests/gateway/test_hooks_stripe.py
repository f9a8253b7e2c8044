"""Every kind of event that Stripe sends, as it sends it, signed, to an organization of its own."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import httpx
import pytest

from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.stripe_events import DATA, Event, example
from tests.world import World


class Left(NamedTuple):
    """What a delivery leaves: its status, payments, refunds (status, amount), carriers."""

    status: str
    payments: list[tuple[str, str]] = []  # noqa: RUF012
    refunds: list[tuple[str, str, str]] = []  # noqa: RUF012
    carriers: list[tuple[str, str | None]] = []  # noqa: RUF012


IGNORED = Left("ignored")
PAID = Left("processed", payments=[("1499.00", "USD")])
REFUND = ("refund", "succeeded", "500.00")

OUTCOMES: dict[str, Left] = {
    "charge.dispute.closed": IGNORED,
    "charge.dispute.created": IGNORED,
    "charge.dispute.funds_reinstated": Left(
        "processed", refunds=[("dispute_won", "succeeded", "990.00")]
    ),
    "charge.dispute.funds_withdrawn": Left(
        "processed", refunds=[("dispute", "succeeded", "990.00")]
    ),
    "charge.dispute.updated": IGNORED,
    "charge.failed": IGNORED,
    "charge.refund.updated": Left("processed", refunds=[REFUND]),
    "charge.refunded.partial-1": Left("processed", refunds=[REFUND]),
    "charge.refunded.partial-2-now-full": Left(
        "processed", refunds=[("refund", "succeeded", "1499.00")]
    ),
    "charge.succeeded.authorized-not-captured": IGNORED,
    "charge.succeeded.jpy-guest-no-email": Left("processed", payments=[("30000", "JPY")]),
    "charge.succeeded": PAID,
    "charge.succeeded.kwd-three-decimal": Left("processed", payments=[("45.990", "KWD")]),
    "charge.succeeded.legacy-without-payment-intent": Left(
        "processed", payments=[("25.00", "USD")]
    ),
    "charge.succeeded.subscription-renewal-email-on-customer-only": Left(
        "processed", payments=[("297.00", "USD")]
    ),
    "charge.updated": PAID,
    "checkout.session.completed": Left(
        "processed", carriers=[("checkout_session", "pi_3SVh2MFx7aQd0Lm41kTz9Yq0")]
    ),
    "invoice.paid": Left("processed", carriers=[("invoice", None)]),
    "invoice_payment.paid": Left(
        "processed", carriers=[("invoice_payment", "pi_3SVqX1Fx7aQd0Lm43Renew001")]
    ),
    "payment_intent.payment_failed": IGNORED,
    "payment_intent.succeeded.connected-account": Left("processed", payments=[("520.00", "EUR")]),
    "payment_intent.succeeded": PAID,
    "refund.created": Left("processed", refunds=[REFUND]),
    "refund.failed": Left("processed", refunds=[("refund", "failed", "200.00")]),
    "refund.updated": Left("processed", refunds=[REFUND]),
}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def endpoint(client: httpx.Client, committed_world: World) -> Endpoint:
    """A Stripe endpoint of an organization of its own."""
    return open_endpoint(client, committed_world.organization("acme"))


def test_every_event_on_file_has_an_outcome() -> None:
    on_file = {path.stem for path in DATA.glob("*.json")} - {"_signing_vectors"}
    assert on_file == OUTCOMES.keys()


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_event_leaves_what_it_means_and_no_more(endpoint: Endpoint, name: str) -> None:
    status = endpoint.send(example(name))
    assert (
        Left(
            status,
            [(str(row["amount"]), str(row["currency"])) for row in endpoint.rows("payments")],
            [
                (str(row["kind"]), str(row["status"]), str(row["amount"]))
                for row in endpoint.rows("payment_refunds")
            ],
            [(row["kind"], row["payment_key"]) for row in endpoint.rows("payment_carriers")],  # type: ignore[misc]
        )
        == OUTCOMES[name]
    )
    (event,) = endpoint.rows("webhook_events")
    assert (event["status"], event["error"], event["livemode"]) == (status, None, False)
    assert all(step["because"] for step in event["steps"])  # type: ignore[attr-defined]
    assert endpoint.rows("exceptions") == []


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_event_told_again_under_another_id_leaves_the_same(
    endpoint: Endpoint, name: str
) -> None:
    def left() -> list[list[dict[str, object]]]:
        return [
            [{**row, "updated_at": None} for row in endpoint.rows(table)]
            for table in ("payments", "payment_refunds", "payment_carriers")
        ]

    first = endpoint.send(example(name))
    before = left()
    assert endpoint.send({**example(name), "id": "evt_again"}) == first
    assert left() == before


def live(name: str) -> Event:
    """An event as it is on file, but of live mode."""
    return {**example(name), "livemode": True}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_renewal_is_named_by_its_invoice(endpoint: Endpoint, backwards: bool) -> None:
    names = [
        "charge.succeeded.subscription-renewal-email-on-customer-only",
        "invoice_payment.paid",
        "invoice.paid",
    ]
    for name in reversed(names) if backwards else names:
        assert endpoint.send(live(name)) == "processed"
    (paid,) = endpoint.rows("payments")
    assert (paid["amount"], paid["customer_email"], paid["customer_name"]) == (
        Decimal("297.00"),
        "sam.okafor@example.com",
        "Sam Okafor",
    )
    assert paid["provider_subscription_id"] == "sub_1SVqX0Fx7aQd0Lm4Sub00001"
    assert paid["metadata"] == {"tenant_ref": "northwind"}


def test_the_delivery_of_a_session_points_to_the_payment_it_completed(endpoint: Endpoint) -> None:
    endpoint.send(live("payment_intent.succeeded"))
    endpoint.send(live("checkout.session.completed"))
    (paid,) = endpoint.rows("payments")
    assert paid["metadata"]["client_reference_id"] == "D-20418"  # type: ignore[index]
    assert {row["payment_id"] for row in endpoint.rows("webhook_events")} == {paid["id"]}


def test_a_thin_event_is_kept_and_ignored(endpoint: Endpoint) -> None:
    thin: Event = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2026-11-21T10:00:00.000Z",
        "livemode": True,
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/1"},
    }
    assert endpoint.send(thin) == "ignored"
    (event,) = endpoint.rows("webhook_events")
    assert event["occurred_at"] is not None
    assert endpoint.rows("exceptions") == []
