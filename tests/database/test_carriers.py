"""What objects that say who paid make of payments, in any order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.database.by_hand import ask
from tests.world import Organization, World

PAID_AT = datetime(2026, 3, 11, 16, 0, tzinfo=UTC)

Telling = tuple[str, Mapping[str, object]]
"""payment or the kind of a carrier, and what is said of it."""


@dataclass(frozen=True)
class Processor:
    """A processor that tells an organization of payments and carriers."""

    organization: Organization

    def pays(self, key: str = "pi_1", **said: object) -> UUID:
        """A delivery about a payment of 100.00 USD."""
        told: dict[str, object] = {
            "provider": "stripe",
            "provider_account": "acct_1",
            "livemode": True,
            "amount": Decimal("100.00"),
            "currency": "USD",
            "paid_at": PAID_AT,
            "connection_id": None,
        }
        return self._call(
            "payment_id from app.record_processor_payments(array[app.told_payment({names})])",
            {**told, "provider_payment_id": key, **said},
        )

    def carries(self, kind: str, carrier_id: str, **said: object) -> UUID | None:
        """A delivery about a carrier; the payment that it answers."""
        told = {"provider": "stripe", "provider_account": "acct_1"}
        return self._call(
            "app.record_carrier({names})", {**told, "kind": kind, "carrier_id": carrier_id, **said}
        )

    def tell(self, telling: Telling) -> None:
        kind, said = telling
        if kind == "payment":
            self.pays(**said)  # type: ignore[arg-type]
        else:
            self.carries(kind, **said)  # type: ignore[arg-type]

    def _call(self, expression: str, arguments: dict[str, object]) -> Any:
        said = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in arguments.items()
        }
        names = ", ".join(f"{name} => %({name})s" for name in ("organization_id", *said))
        return self.organization.world.value(
            f"select {expression.format(names=names)}",
            organization_id=self.organization.id,
            **said,
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.organization.world.rows(
            f"select * from app.{table} where organization_id = %s order by id",
            self.organization.id,
        )

    def payment(self, key: str = "pi_1") -> dict[str, Any]:
        """The payment of this key."""
        (found,) = (row for row in self.rows("payments") if row["provider_payment_id"] == key)
        return found


@pytest.fixture
def stripe(world: World) -> Processor:
    return Processor(world.organization("acme"))


SESSION: Mapping[str, object] = {
    "payment_key": "pi_1",
    "customer_id": "cus_1",
    "email": "lee@lead.test",
    "phone": "+1 202 555 0143",
    "full_name": "Lee Lead",
    "reference": "D-1",
    "metadata": {"deal_id": "D-1"},
}


@pytest.mark.parametrize("carrier_first", [True, False])
def test_a_session_completes_its_payment_before_and_after_it(
    stripe: Processor, carrier_first: bool
) -> None:
    acme = stripe.organization
    dana = acme.closer("dana")
    acme.event(
        closer=dana,
        email="lee@lead.test",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    if carrier_first:
        assert stripe.carries("checkout_session", "cs_1", **SESSION) is None
        paid = stripe.pays()
    else:
        paid = stripe.pays()
        assert stripe.carries("checkout_session", "cs_1", **SESSION) == paid
    found = stripe.payment()
    assert (found["customer_email"], found["customer_name"], found["provider_customer_id"]) == (
        "lee@lead.test",
        "Lee Lead",
        "cus_1",
    )
    assert found["metadata"] == {"deal_id": "D-1", "client_reference_id": "D-1"}
    assert found["closer_id"] == dana.closer_id
    assert found["attribution_method"] == "identity_event"
    assert not [row for row in stripe.rows("exceptions") if row["state"] == "open"]


def test_an_invoice_reaches_its_payment_through_the_invoice_payment(stripe: Processor) -> None:
    paid = stripe.pays("pi_1")
    invoice = {"carrier_id": "in_1", "subscription_id": "sub_1", "email": "lee@lead.test"}
    assert stripe.carries("invoice", **invoice) is None  # type: ignore[arg-type]
    assert stripe.payment()["customer_email"] is None
    assert (
        stripe.carries("invoice_payment", "inpay_1", invoice_id="in_1", payment_key="pi_1") == paid
    )
    found = stripe.payment()
    assert (found["customer_email"], found["provider_subscription_id"]) == (
        "lee@lead.test",
        "sub_1",
    )
    # The session of a subscription names its invoice alone.
    assert (
        stripe.carries(
            "checkout_session", "cs_1", invoice_id="in_1", email="typed@lead.test", reference="D-1"
        )
        == paid
    )
    found = stripe.payment()
    assert found["customer_email"] == "typed@lead.test"
    assert found["metadata"] == {"client_reference_id": "D-1"}


def test_the_payers_own_address_wins_whatever_comes_first(stripe: Processor) -> None:
    stripe.carries("checkout_session", "cs_1", **SESSION)
    stripe.pays()
    stripe.pays(receipt_email="receipt@lead.test")
    assert stripe.payment()["customer_email"] == "receipt@lead.test"
    stripe.pays(customer_email="own@lead.test", customer_name="Own Name")
    found = stripe.payment()
    assert (found["customer_email"], found["customer_name"]) == ("own@lead.test", "Own Name")
    assert found["customer_phone"] == "+1 202 555 0143"
    stripe.carries("checkout_session", "cs_1", **SESSION)
    stripe.pays(receipt_email="receipt@lead.test")
    assert stripe.payment()["customer_email"] == "own@lead.test"


def test_what_is_nearer_outranks_what_is_farther(stripe: Processor) -> None:
    stripe.pays(provider_customer_id="cus_1", provider_subscription_id="sub_1")
    stripe.carries("invoice", "in_of_customer", customer_id="cus_1", email="customer@lead.test")
    assert stripe.payment()["customer_email"] == "customer@lead.test"
    stripe.carries("membership", "mem_1", subscription_id="sub_1", email="member@lead.test")
    assert stripe.payment()["customer_email"] == "member@lead.test"
    stripe.carries("invoice", "in_1", payment_key="pi_1", email="invoice@lead.test")
    assert stripe.payment()["customer_email"] == "invoice@lead.test"
    stripe.carries("checkout_session", "cs_1", payment_key="pi_1", email="session@lead.test")
    assert stripe.payment()["customer_email"] == "session@lead.test"


def test_a_later_purchase_of_a_customer_renames_no_earlier_one(stripe: Processor) -> None:
    said = {"customer_id": "cus_1"}
    stripe.pays(provider_customer_id="cus_1")
    stripe.carries("checkout_session", "cs_1", email="first@lead.test", carried_at=PAID_AT, **said)
    stripe.carries(
        "checkout_session",
        "cs_0",
        email="later@lead.test",
        carried_at=PAID_AT + timedelta(days=30),
        **said,
    )
    assert stripe.payment()["customer_email"] == "first@lead.test"


def test_a_reference_is_about_one_sale_and_its_renewals(stripe: Processor) -> None:
    stripe.carries(
        "checkout_session", "cs_1", **{**SESSION, "subscription_id": "sub_1", "payment_key": None}
    )
    stripe.pays("pi_renewal", provider_subscription_id="sub_1", metadata={"deal_id": "own"})
    stripe.pays("pi_other", provider_customer_id="cus_1")
    renewal, other = stripe.payment("pi_renewal"), stripe.payment("pi_other")
    assert renewal["metadata"] == {"deal_id": "own", "client_reference_id": "D-1"}
    assert (other["customer_email"], other["metadata"]) == ("lee@lead.test", {})


def test_an_invoice_hands_its_metadata_to_its_own_payment_alone(stripe: Processor) -> None:
    stripe.pays("pi_2", provider_subscription_id="sub_1")
    stripe.carries(
        "invoice", "in_1", payment_key="pi_1", subscription_id="sub_1", metadata={"month": "1"}
    )
    stripe.pays("pi_1")
    assert stripe.payment("pi_1")["metadata"] == {"month": "1"}
    assert stripe.payment("pi_2")["metadata"] == {}


def test_test_mode_completes_no_live_payment(stripe: Processor) -> None:
    stripe.carries("checkout_session", "cs_1", livemode=False, **SESSION)
    stripe.pays(provider_customer_id="cus_1")
    stripe.carries("checkout_session", "cs_2", livemode=False, **SESSION)
    assert stripe.payment()["customer_email"] is None
    stripe.pays("pi_test", livemode=False, provider_customer_id="cus_1")
    assert stripe.payment("pi_test")["customer_email"] == "lee@lead.test"


@pytest.mark.parametrize(
    "elsewhere", [{"provider_account": "acct_2"}, {"provider": "whop"}], ids=str
)
def test_another_accounts_carrier_is_about_other_money(
    stripe: Processor, elsewhere: dict[str, object]
) -> None:
    stripe.pays(provider_customer_id="cus_1")
    assert stripe.carries("checkout_session", "cs_1", **{**SESSION, **elsewhere}) is None
    assert stripe.payment()["customer_email"] is None


def test_another_organizations_carrier_is_nobodys_here(stripe: Processor, world: World) -> None:
    stripe.pays()
    Processor(world.organization("other")).carries("checkout_session", "cs_1", **SESSION)
    assert stripe.payment()["customer_email"] is None


def test_what_a_person_decided_stays(stripe: Processor) -> None:
    acme = stripe.organization
    dana, eli = acme.closer("dana"), acme.closer("eli")
    acme.event(
        closer=eli,
        email="lee@lead.test",
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
    )
    paid = stripe.pays()
    ask(
        acme.world,
        acme.admin(),
        "set_payment_credits",
        payment_id=paid,
        credits=Jsonb([{"role": "closer", "closer_id": str(dana.closer_id), "share": 1}]),
        reason="They asked for her.",
    )
    stripe.carries("checkout_session", "cs_1", **SESSION)
    found = stripe.payment()
    assert (found["customer_email"], found["closer_id"]) == ("lee@lead.test", dana.closer_id)


@pytest.mark.parametrize(
    ("said", "tax"),
    [
        (
            {"amount": Decimal("100.00"), "currency": "USD", "tax_amount": Decimal("20.00")},
            Decimal("20.00"),
        ),
        ({"amount": Decimal("200.00"), "currency": "USD", "tax_amount": Decimal("20.00")}, None),
        ({"amount": Decimal("100.00"), "currency": "EUR", "tax_amount": Decimal("20.00")}, None),
    ],
)
def test_tax_is_known_when_the_carrier_is_about_exactly_this_amount(
    stripe: Processor, said: dict[str, object], tax: Decimal | None
) -> None:
    stripe.carries("invoice", "in_1", payment_key="pi_1", **said)
    stripe.pays()
    assert stripe.payment()["tax_amount"] == tax


def test_a_payment_that_missed_its_carrier_by_a_moment_is_completed_by_the_worker(
    stripe: Processor,
) -> None:
    world = stripe.organization.world
    stripe.carries("checkout_session", "cs_1", **SESSION)
    stripe.pays()
    # As if neither had seen the other.
    world.execute(
        "update app.payments set customer_email = null, carried = '{}' where organization_id = %s",
        stripe.organization.id,
    )
    settle = "select app.settle_carriers(as_of => now() + make_interval(mins => %s))"
    assert world.value(settle, 0) == 0
    assert world.value(settle, 2) == 1
    assert stripe.payment()["customer_email"] == "lee@lead.test"
    assert world.value(settle, 2) == 0


def test_ids_beyond_what_providers_send_are_refused(stripe: Processor) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as raised:
        stripe.carries("invoice", "in_1", payment_key="p" * 256)
    assert raised.value.diag.constraint_name == "payment_carriers_ids_are_short"


# -- any order

KNOWN = (
    "customer_email",
    "customer_name",
    "customer_phone",
    "provider_customer_id",
    "provider_subscription_id",
    "description",
    "metadata",
    "carried",
    "tax_amount",
    "fee_amount",
    "lead_id",
    "event_id",
    "attribution_method",
    "attribution_steps",
)

STORY: Sequence[Telling] = (
    ("payment", {"key": "pi_1"}),
    ("payment", {"key": "pi_1", "receipt_email": "receipt@lead.test", "metadata": {"a": "1"}}),
    ("payment", {"key": "pi_2", "provider_customer_id": "cus_1", "metadata": {"a": "2"}}),
    ("payment", {"key": "pi_2", "fee_amount": Decimal("3.20"), "metadata": {"a": "3", "b": "1"}}),
    ("payment", {"key": "pi_3"}),
    ("payment", {"key": "pi_4", "customer_email": "own@lead.test"}),
    (
        "checkout_session",
        {
            "carrier_id": "cs_1",
            "invoice_id": "in_1",
            "subscription_id": "sub_1",
            "customer_id": "cus_1",
            "email": "lee@lead.test",
            "reference": "D-1",
            "metadata": {"a": "session", "c": "session"},
            "carried_at": PAID_AT,
        },
    ),
    (
        "checkout_session",
        {
            "carrier_id": "cs_2",
            "payment_key": "pi_4",
            "customer_id": "cus_1",
            "phone": "2025550143",
        },
    ),
    (
        "invoice",
        {
            "carrier_id": "in_1",
            "subscription_id": "sub_1",
            "customer_id": "cus_1",
            "email": "invoice@lead.test",
            "full_name": "Lee Lead",
            "amount": Decimal("100.00"),
            "currency": "USD",
            "tax_amount": Decimal("8.00"),
            "metadata": {"d": "invoice"},
        },
    ),
    ("invoice", {"carrier_id": "in_1", "payment_key": "pi_1", "email": "another@lead.test"}),
    ("invoice", {"carrier_id": "in_2", "subscription_id": "sub_1", "email": "moved@lead.test"}),
    ("invoice_payment", {"carrier_id": "inpay_2", "invoice_id": "in_2", "payment_key": "pi_3"}),
    ("membership", {"carrier_id": "mem_1", "subscription_id": "sub_1", "phone": "2025550199"}),
)


def ending(world: World, tellings: Sequence[Telling]) -> list[object]:
    """What is left of these tellings, in an organization of its own."""
    acme = world.organization("acme")
    for email in ("lee@lead.test", "invoice@lead.test"):
        acme.event(
            closer=acme.closer(email.split("@")[0]),
            email=email,
            scheduled_at=PAID_AT - timedelta(days=1),
            outcome="closed",
        )
    calls = {row["id"]: row["lead_email"] for row in world.rows("select * from app.events")}
    leads = {row["id"]: row["email"] for row in world.rows("select * from app.leads")}
    names = {**calls, **leads, None: None}
    stripe = Processor(acme)
    for telling in tellings:
        stripe.tell(telling)

    def named(row: dict[str, Any], column: str) -> object:
        value = row[column]
        match column:
            case "lead_id" | "event_id":
                return names[value]
            case "attribution_steps":
                return [(step["what"], step["decided"], step["because"]) for step in value]
            case _:
                return value

    payments = sorted(stripe.rows("payments"), key=lambda row: row["provider_payment_id"])
    carriers = sorted(stripe.rows("payment_carriers"), key=lambda row: row["carrier_id"])
    keys = {row["id"]: row["provider_payment_id"] for row in payments}
    return [
        [[row["provider_payment_id"], *(named(row, name) for name in KNOWN)] for row in payments],
        sorted(
            (keys[row["payment_id"]], row["amount_base"]) for row in stripe.rows("payment_credits")
        ),
        [
            {
                name: value
                for name, value in row.items()
                if name not in {"organization_id", "id", "created_at", "updated_at"}
            }
            for row in carriers
        ],
        sorted(row["check_name"] for row in stripe.rows("exceptions") if row["state"] == "open"),
    ]


@pytest.fixture
def in_order(db: psycopg.Connection, world: World) -> list[object]:
    """What the story leaves when it is told in order."""
    with db.transaction(force_rollback=True):
        return ending(world, STORY)


@settings(max_examples=20)
@given(data=st.data())
def test_the_order_of_payments_and_carriers_changes_nothing(
    db: psycopg.Connection, world: World, in_order: list[object], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(STORY), max_size=4), label="repeated")
    shuffled = data.draw(st.permutations([*STORY, *repeated]), label="order")
    with db.transaction(force_rollback=True):
        assert ending(world, shuffled) == in_order
