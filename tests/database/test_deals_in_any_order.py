"""Deals, payments and credits do not depend on the order in which facts are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.world import ANSWERS, NOON, Organization, Row, World


@dataclass(frozen=True)
class Booked:
    """A call. day: after NOON."""

    name: str
    lead: str
    day: int


@dataclass(frozen=True)
class Reported:
    """A version of a call's form. package: whether it names the one with a schedule."""

    name: str
    version: int
    outcome: str
    value: str | None
    cash: str | None
    package: bool


@dataclass(frozen=True)
class Paid:
    """A processor's payment. kind: a payment type that its metadata names."""

    name: str
    day: int
    amount: str
    email: str | None
    customer: str | None
    subscription: str | None
    kind: str | None


@dataclass(frozen=True)
class Refunded:
    """Part of a payment that went back."""

    name: str
    amount: str


Fact = Booked | Reported | Paid | Refunded


@st.composite
def stories(draw: st.DrawFn) -> tuple[Fact, ...]:
    """What happened to one or two leads, each call before its forms."""
    facts: list[Fact] = []
    for name in ("first", "second", "third")[: draw(st.integers(0, 3))]:
        facts.append(Booked(name, draw(st.sampled_from(["lee", "kim"])), draw(st.integers(0, 60))))
        facts.extend(
            Reported(
                name,
                version,
                draw(st.sampled_from(["closed", "closed", "showed_offer", "no_show"])),
                draw(st.sampled_from([None, "1000.00", "3000.00"])),
                draw(st.sampled_from([None, None, "450.00"])),
                draw(st.booleans()),
            )
            for version in range(draw(st.integers(0, 2)))
        )
    for number in range(draw(st.integers(1, 5))):
        email = draw(st.sampled_from(["lee", "lee", "kim", None]))
        facts.append(
            Paid(
                f"pi_{number}",
                draw(st.integers(-2, 160)),
                draw(st.sampled_from(["1000.00", "500.00", "3000.00"])),
                email,
                draw(st.sampled_from([None, "cus_1", "cus_2"])),
                draw(st.sampled_from([None, None, "sub_1", "sub_2"])),
                draw(st.sampled_from([None, None, None, "deposit"])),
            )
        )
        if draw(st.booleans()):
            facts.append(Refunded(f"pi_{number}", "100.00"))
    return tuple(facts)


def in_some_order(data: st.DataObject, story: Sequence[Fact]) -> list[Fact]:
    """A permutation that keeps each call before its forms, and those in their order."""
    order = data.draw(st.permutations(story), label="order")
    calls = {fact.name for fact in story if isinstance(fact, Booked)}
    queues = {
        name: [f for f in story if isinstance(f, Booked | Reported) and f.name == name]
        for name in calls
    }
    return [
        queues[fact.name].pop(0) if isinstance(fact, Booked | Reported) else fact for fact in order
    ]


class Telling:
    """An organization that is told of facts, and what it makes of them."""

    def __init__(self, acme: Organization) -> None:
        self.acme = acme
        self.closers = {name: acme.closer(name) for name in ("first", "second", "third")}
        self.calls: dict[str, Row] = {}
        self.package = Row(
            acme.id,
            acme.world.insert(
                "packages",
                organization_id=acme.id,
                name="Mentoring",
                price=Decimal("3000.00"),
                currency="USD",
                installment_count=3,
            ),
        )

    def tell(self, fact: Fact) -> None:
        world = self.acme.world
        match fact:
            case Booked():
                self.calls[fact.name] = self.acme.event(
                    email=f"{fact.lead}@lead.test",
                    closer=self.closers[fact.name],
                    scheduled_at=NOON + timedelta(days=fact.day, minutes=len(fact.name)),
                    booked_at=NOON - timedelta(days=9),
                )
            case Reported():
                said = dict(ANSWERS[fact.outcome])
                if fact.outcome == "closed":
                    said |= {"contract_value": fact.value, "cash_collected": fact.cash}
                    if fact.package:
                        said["package_id"] = str(self.package.id)
                at = NOON + timedelta(days=61, hours=fact.version)
                self.acme.form(self.calls[fact.name], at=at, **said)
            case Paid():
                self.pay([fact])
            case Refunded():
                world.execute(
                    "select app.record_processor_refund(%s, 'stripe', '', %s, null, %s, 'refund',"
                    " 'succeeded', %s, 'USD', %s)",
                    self.acme.id,
                    fact.name,
                    f"re_{fact.name}",
                    Decimal(fact.amount),
                    NOON + timedelta(days=200),
                )

    def pay(self, payments: Sequence[Paid]) -> None:
        """Tell of payments at once."""
        one = (
            "app.told_payment(%s, 'stripe', '', %s, null, true, %s, 'USD', %s,"
            " customer_email => %s, provider_customer_id => %s, provider_subscription_id => %s,"
            " metadata => %s)"
        )
        values = [
            value
            for fact in payments
            for value in (
                self.acme.id,
                fact.name,
                Decimal(fact.amount),
                NOON + timedelta(days=fact.day, hours=int(fact.name[-1])),
                fact.email and f"{fact.email}@lead.test",
                fact.customer,
                fact.subscription,
                Jsonb({"salesdash_payment_type": fact.kind} if fact.kind else {}),
            )
        ]
        self.acme.world.execute(
            f"select from app.record_processor_payments(array[{', '.join([one] * len(payments))}])",
            *values,
        )

    def outcome(self) -> dict[str, list[Any]]:
        """Deals that are not void, payments and credits, by names instead of ids."""
        names: dict[UUID | None, Any] = {None: None}
        names |= {row.id: name for name, row in self.calls.items()}
        names |= {person.closer_id: name for name, person in self.closers.items()}
        names |= {row["id"]: row["email"] for row in self._rows("leads")}
        payments = self._rows("payments")
        for row in payments:
            names[row["id"]] = row["provider_payment_id"] or ("claim", names[row["event_id"]])
        deals = [row for row in self._rows("deals") if row["status"] != "void"]
        for row in deals:
            names[row["id"]] = (
                names[row["origin_event_id"]],
                names[row["origin_payment_id"]],
            )
        return {
            "deals": sorted(
                [
                    repr(names[row["id"]]),
                    names[row["lead_id"]],
                    names[row["closer_id"]],
                    row["contract_value"],
                    row["contract_value_base"],
                    row["contract_value_source"],
                    row["deal_type"],
                    row["provider_subscription_id"],
                    row["closed_at"],
                    sorted(
                        (part["installment_no"], part["due_on"], part["amount"])
                        for part in self._rows("deal_installments")
                        if part["deal_id"] == row["id"]
                    ),
                ]
                for row in deals
            ),
            "payments": sorted(
                [
                    repr(names[row["id"]]),
                    names[row["lead_id"]],
                    names[row["event_id"]],
                    names[row["deal_id"]],
                    row["installment_no"],
                    row["deal_type"],
                    row["attribution_method"],
                    row["attribution_confidence"],
                    names[row["closer_id"]],
                    names[row["superseded_by_id"]],
                    row["deleted_at"] is not None,
                    row["net_revenue"],
                ]
                for row in payments
                # A claim that was withdrawn before it mattered is as good as none.
                if row["deleted_at"] is None
            ),
            "credits": sorted(
                [repr(names[row["payment_id"]]), names[row["closer_id"]], row["amount_base"]]
                for row in self._rows("payment_credits")
                if names[row["payment_id"]] is not None
            ),
            "exceptions": sorted(
                [row["check_name"], repr([names.get(row_id) for row_id in row["row_ids"]])]
                for row in self._rows("exceptions")
                if row["state"] == "open"
            ),
        }

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.acme.world.rows(
            f"select * from app.{table} where organization_id = %s", self.acme.id
        )


def told(
    db: psycopg.Connection, world: World, facts: Sequence[Fact], *, together: bool = False
) -> dict[str, list[Any]]:
    """What a new organization makes of these facts in this order.

    together: payments that follow each other are told of at once.
    """
    with db.transaction(force_rollback=True):
        telling = Telling(world.organization("acme"))
        for is_paid, group in groupby(facts, lambda fact: together and isinstance(fact, Paid)):
            if is_paid:
                telling.pay([fact for fact in group if isinstance(fact, Paid)])
            else:
                for fact in group:
                    telling.tell(fact)
        return telling.outcome()


@settings(max_examples=20)
@given(data=st.data())
def test_any_order_of_the_facts_makes_the_same_deals_payments_and_credits(
    db: psycopg.Connection, world: World, data: st.DataObject
) -> None:
    story = data.draw(stories(), label="story")
    shuffled = in_some_order(data, story)
    together = data.draw(st.booleans(), label="together")
    assert told(db, world, shuffled, together=together) == told(db, world, story)


@settings(max_examples=8)
@given(story=stories())
def test_settling_again_changes_nothing(
    db: psycopg.Connection, world: World, story: tuple[Fact, ...]
) -> None:
    with db.transaction(force_rollback=True):
        telling = Telling(world.organization("acme"))
        for fact in story:
            telling.tell(fact)
        before = telling.outcome()
        audited = world.value("select count(*) from app.audit_logs")
        world.execute(
            "select app.settle_deals(l.organization_id, l.id) from app.leads as l"
            " where l.organization_id = %s",
            telling.acme.id,
        )
        assert telling.outcome() == before
        assert world.value("select count(*) from app.audit_logs") == audited
