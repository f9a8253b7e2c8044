"""The upper rungs of the ladder, the customer's other payments, and what is suggested."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.world import NOON, Organization, Row, World

Pay = Callable[..., dict[str, Any]]


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def pay(acme: Organization) -> Pay:
    """A processor's payment of 1000.00 an hour after NOON; what it has become."""

    def paid(**given: Any) -> dict[str, Any]:
        facts = {
            "organization_id": acme.id,
            "provider": "stripe",
            "provider_account": "acct_1",
            "provider_payment_id": f"pi_{uuid4().hex}",
            "connection_id": None,
            "livemode": True,
            "amount": Decimal("1000.00"),
            "currency": "USD",
            "paid_at": NOON + timedelta(hours=1),
            **given,
        }
        if "metadata" in facts:
            facts["metadata"] = Jsonb(facts["metadata"])
        names = ", ".join(f"{name} => %({name})s" for name in facts)
        made = acme.world.value(
            "select payment_id from app.record_processor_payments("
            f"array[app.told_payment({names})])",
            **facts,
        )
        return look(acme, made)

    return paid


def look(acme: Organization, payment_id: object) -> dict[str, Any]:
    """A payment as it is now."""
    (row,) = acme.world.rows(
        "select * from app.payments where organization_id = %s and id = %s", acme.id, payment_id
    )
    return row


def steps(paid: dict[str, Any]) -> dict[str, str]:
    """What each rung decided."""
    return {step["what"]: step["decided"] for step in paid["attribution_steps"]}


def suggestions(acme: Organization, paid: dict[str, Any]) -> list[dict[str, Any]]:
    """What the open exception of a payment suggests."""
    found: list[dict[str, Any]] = acme.world.value(
        "select details -> 'suggestions' from app.exceptions where organization_id = %s"
        " and check_name = 'unattributed_payment' and dedupe_key = %s and state = 'open'",
        acme.id,
        str(paid["id"]),
    )
    return found


def known_as(acme: Organization, lead: Row, kind: str, value: str) -> None:
    acme.world.insert(
        "lead_identities", organization_id=acme.id, lead_id=lead.id, kind=kind, value=value
    )


# -- our own references


@pytest.mark.parametrize("key", ["salesdash_event_id", "client_reference_id"])
def test_a_call_that_the_payment_names_outranks_the_payers_address(
    acme: Organization, pay: Pay, key: str
) -> None:
    named = acme.event(lead=acme.lead("lee"), closer=acme.closer("dana"), outcome="showed_offer")
    acme.event(email="kim@lead.test", closer=acme.closer("eli"), outcome="closed")
    paid = pay(customer_email="kim@lead.test", metadata={key: str(named.id)})
    assert (paid["event_id"], paid["attribution_method"]) == (named.id, "reference")
    assert paid["attribution_confidence"] == 1
    assert steps(paid) == {"reference": "call"}


def test_a_named_deal_takes_the_payment(acme: Organization, pay: Pay) -> None:
    call = acme.event(closer=acme.closer(), outcome="closed", form={"contract_value": "3000.00"})
    deal = acme.world.value(
        "select id from app.deals where organization_id = %s and origin_event_id = %s",
        acme.id,
        call.id,
    )
    paid = pay(metadata={"salesdash_deal_id": str(deal)}, paid_at=NOON + timedelta(days=400))
    assert (paid["deal_id"], paid["event_id"]) == (deal, call.id)
    assert (paid["attribution_method"], paid["attribution_confidence"]) == ("reference", 1)


def test_a_named_lead_brings_the_call_that_it_was_sold_on(acme: Organization, pay: Pay) -> None:
    lee = acme.lead("lee")
    call = acme.event(lead=lee, closer=acme.closer(), outcome="closed")
    paid = pay(metadata={"salesdash_lead_id": str(lee.id)})
    assert (paid["event_id"], paid["attribution_method"]) == (call.id, "reference")


def test_of_a_rescheduled_call_the_last_booking_is_meant(acme: Organization, pay: Pay) -> None:
    lee = acme.lead("lee")
    first = acme.event(lead=lee, scheduled_at=NOON - timedelta(days=3))
    last = acme.event(lead=lee, closer=acme.closer(), rescheduled_from=first, outcome="closed")
    assert pay(metadata={"salesdash_event_id": str(first.id)})["event_id"] == last.id


def test_an_id_of_another_organization_names_nothing(
    world: World, acme: Organization, pay: Pay
) -> None:
    other = world.organization("other")
    theirs = other.event(closer=other.closer(), outcome="closed")
    paid = pay(metadata={"client_reference_id": str(theirs.id)})
    assert (paid["event_id"], paid["lead_id"]) == (None, None)
    assert steps(paid)["reference"] == "nothing"


@pytest.mark.parametrize("value", ["no id", 7, None, ["x"], "a0eebc99-9c0b-4ef8-bb6d"])
def test_what_is_no_id_names_nothing(acme: Organization, pay: Pay, value: object) -> None:
    assert steps(pay(metadata={"client_reference_id": value}))["reference"] == "nothing"


def test_ids_of_two_leads_are_not_chosen_between(acme: Organization, pay: Pay) -> None:
    lee, kim = acme.lead("lee"), acme.lead("kim")
    call = acme.event(lead=lee, closer=acme.closer(), outcome="closed")
    paid = pay(metadata={"salesdash_event_id": str(call.id), "salesdash_lead_id": str(kim.id)})
    assert (steps(paid)["reference"], paid["event_id"]) == ("ambiguous", None)


# -- the provider's customers


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("stripe_customer", {"provider_customer_id": "x_1"}),
        ("stripe_subscription", {"provider_subscription_id": "x_1"}),
        ("whop_user", {"provider": "whop", "provider_customer_id": "x_1"}),
        ("whop_membership", {"provider": "whop", "provider_subscription_id": "x_1"}),
    ],
)
@pytest.mark.parametrize("known_first", [True, False])
def test_a_known_customer_outranks_the_payers_address(
    acme: Organization, pay: Pay, kind: str, given: dict[str, str], known_first: bool
) -> None:
    lee = acme.lead("lee")
    call = acme.event(lead=lee, closer=acme.closer("dana"), outcome="closed")
    acme.event(email="kim@lead.test", closer=acme.closer("eli"), outcome="closed")
    if known_first:
        known_as(acme, lee, kind, "x_1")
    paid = pay(customer_email="kim@lead.test", **given)
    if not known_first:
        assert paid["lead_id"] != lee.id
        known_as(acme, lee, kind, "x_1")
    paid = look(acme, paid["id"])
    assert (paid["event_id"], paid["attribution_method"]) == (call.id, "provider_customer")
    assert paid["attribution_confidence"] == Decimal("0.9025")


@pytest.mark.parametrize("learn", [True, False])
def test_what_a_person_decided_is_known_of_the_next_payment_if_it_was_to_be_learned(
    acme: Organization, pay: Pay, learn: bool
) -> None:
    call = acme.event(lead=acme.lead("lee"), closer=acme.closer(), outcome="closed")
    first = pay(provider_customer_id="cus_1")
    acme.world.execute(
        "select app.attribute_by_hand(%s, %s, null, %s, null, %s)",
        acme.id,
        first["id"],
        call.id,
        learn,
    )
    second = pay(provider_customer_id="cus_1")
    assert second["event_id"] == (call.id if learn else None)


def test_a_reference_tells_whose_the_customer_is_in_its_account(
    acme: Organization, pay: Pay
) -> None:
    call = acme.event(lead=acme.lead("lee"), closer=acme.closer(), outcome="closed")
    waiting = pay(provider_customer_id="cus_1")
    pay(provider_customer_id="cus_1", metadata={"salesdash_event_id": str(call.id)})
    known = look(acme, waiting["id"])
    assert (known["event_id"], known["attribution_method"]) == (call.id, "provider_customer")
    assert pay(provider_customer_id="cus_1", provider_account="acct_2")["event_id"] is None


def test_a_customer_of_two_leads_is_nobodys(acme: Organization, pay: Pay) -> None:
    for name in ("lee", "kim"):
        call = acme.event(lead=acme.lead(name), closer=acme.closer(name), outcome="closed")
        pay(provider_customer_id="cus_1", metadata={"salesdash_event_id": str(call.id)})
    paid = pay(provider_customer_id="cus_1")
    assert steps(paid)["provider_customer"] == "ambiguous"
    assert (paid["lead_id"], paid["attribution_method"]) == (None, "none")
    assert {s["lead_id"] is not None for s in suggestions(acme, paid)} == {True}
    assert len(suggestions(acme, paid)) == 2


def test_payments_without_a_name_wait_for_the_one_that_has_it(acme: Organization, pay: Pay) -> None:
    call = acme.event(email="lee@lead.test", closer=acme.closer(), outcome="closed")
    by_customer = pay(provider_customer_id="cus_1")
    by_subscription = pay(provider_subscription_id="sub_1")
    assert by_customer["lead_id"] is by_subscription["lead_id"] is None
    pay(
        customer_email="lee@lead.test",
        provider_customer_id="cus_1",
        provider_subscription_id="sub_1",
    )
    for waiting in (by_customer, by_subscription):
        now = look(acme, waiting["id"])
        assert (now["event_id"], now["attribution_method"]) == (call.id, "provider_customer")
        assert steps(now)["other_payments"] == "lead"
    assert (
        acme.world.value(
            "select count(*) from app.exceptions where organization_id = %s and state = 'open'",
            acme.id,
        )
        == 0
    )


def test_a_customer_whose_payments_name_two_people_is_not_chosen_between(
    acme: Organization, pay: Pay
) -> None:
    waiting = pay(provider_customer_id="cus_1")
    for name in ("lee", "kim"):
        acme.event(email=f"{name}@lead.test", closer=acme.closer(name), outcome="closed")
        own = pay(customer_email=f"{name}@lead.test", provider_customer_id="cus_1")
        assert own["attribution_method"] == "identity_event"
    assert steps(look(acme, waiting["id"]))["other_payments"] == "ambiguous"
    assert look(acme, waiting["id"])["lead_id"] is None


def test_a_phone_that_a_later_lead_has_finds_its_payment(acme: Organization, pay: Pay) -> None:
    paid = pay(customer_phone="+1 (555) 010-2030")
    lee = acme.lead("lee", phone="1 555 0102030")
    call = acme.event(lead=lee, closer=acme.closer(), outcome="closed")
    assert look(acme, paid["id"])["event_id"] == call.id


# -- suggestions


def test_between_two_leads_both_are_suggested_the_likelier_first(
    world: World, acme: Organization, pay: Pay
) -> None:
    open_call = acme.event(email="kim@lead.test", closer=acme.closer("eli"))
    sold = acme.event(email="lee@lead.test", closer=acme.closer("dana"), outcome="closed")
    world.execute(
        "update app.events set lead_email = 'both@lead.test' where organization_id = %s", acme.id
    )
    found = suggestions(acme, pay(customer_email="both@lead.test"))
    assert [s["event_id"] for s in found] == [str(sold.id), str(open_call.id)]
    assert found[0]["deal_id"] is not None
    assert found[0]["confidence"] > found[1]["confidence"]
    assert all(s["because"] for s in found)


def test_near_misses_are_suggested(acme: Organization, pay: Pay) -> None:
    claimed = acme.event(
        closer=acme.closer("dana"), outcome="closed", form={"cash_collected": "1000.00"}
    )
    namesake = acme.lead("Robin Poe")
    found = suggestions(acme, pay(customer_name=" robin POE "))
    assert [s["event_id"] for s in found] == [str(claimed.id), None]
    assert found[1]["lead_id"] == str(namesake.id)


def test_a_call_just_outside_the_window_is_suggested(acme: Organization, pay: Pay) -> None:
    missed = acme.event(
        email="lee@lead.test",
        closer=acme.closer(),
        outcome="showed_offer",
        scheduled_at=NOON - timedelta(days=100),
    )
    paid = pay(customer_email="lee@lead.test")
    assert paid["event_id"] is None
    assert [s["event_id"] for s in suggestions(acme, paid)] == [str(missed.id)]


def test_other_peoples_claims_and_names_stay_in_their_organization(
    world: World, acme: Organization, pay: Pay
) -> None:
    other = world.organization("other")
    other.lead("Robin Poe")
    other.event(closer=other.closer(), outcome="closed", form={"cash_collected": "1000.00"})
    assert suggestions(acme, pay(customer_name="Robin Poe")) == []


def test_whose_a_customer_is_costs_the_same_however_many_others_the_organization_knows(
    acme: Organization, pay: Pay
) -> None:
    acme.world.execute(
        "insert into app.leads (organization_id, id, full_name)"
        " select %(org)s, md5(n::text)::uuid, 'Lead ' || n from generate_series(1, 300) as n",
        org=acme.id,
    )
    acme.world.execute(
        "insert into app.lead_identities (organization_id, lead_id, kind, value)"
        " select %(org)s, md5(n::text)::uuid, 'stripe_customer', 'cus_' || n"
        "   from generate_series(1, 300) as n",
        org=acme.id,
    )
    with_kept_plans(acme, "lead_identities")
    pay(provider_customer_id="cus_6")  # plans are made
    before = rows_read(acme, "lead_identities")
    paid = pay(provider_customer_id="cus_7")
    assert steps(paid)["provider_customer"] == "lead"
    assert rows_read(acme, "lead_identities") - before < 10


def test_whose_a_phone_is_costs_the_same_however_many_nobody_knows(
    acme: Organization, pay: Pay
) -> None:
    strangers(acme, 300)
    paid = pay(customer_phone="+1 (555) 010-2030")
    with_kept_plans(acme, "payments")
    acme.lead("max", phone="1 555 0102031")  # plans are made
    before = rows_read(acme, "payments")
    lee = acme.lead("lee", phone="1 555 0102030")
    assert look(acme, paid["id"])["lead_id"] == lee.id
    assert rows_read(acme, "payments") - before < 30


def test_what_came_a_moment_ago_is_settled_at_the_same_cost_however_many_are_nobodys(
    acme: Organization, pay: Pay
) -> None:
    strangers(acme, 300)
    pay(customer_email="lee@lead.test")
    with_kept_plans(acme, "payments")
    before = rows_read(acme, "payments")
    settle = "select jobs.settle_payments(as_of => now() + interval '2 minutes')"
    assert acme.world.value(settle) == 0
    assert rows_read(acme, "payments") - before < 10


def strangers(acme: Organization, count: int) -> None:
    """So many payments of an hour ago that nobody knows, each with a phone."""
    acme.world.execute(
        "insert into app.payments (organization_id, source, provider, provider_payment_id, status,"
        " amount, currency, amount_base, base_currency, payment_date, created_at, customer_phone)"
        " select %(org)s, 'stripe', 'stripe', 'pi_' || n, 'succeeded', 10.00, 'USD', 10.00, 'USD',"
        " %(noon)s, now() - interval '1 hour', '+44 20 7946 ' || n"
        " from generate_series(1001, 1000 + %(count)s) as n",
        org=acme.id,
        noon=NOON,
        count=count,
    )


def with_kept_plans(acme: Organization, table: str) -> None:
    """As ingest.record_deliveries has it: plans that do not know the values."""
    acme.world.execute(f"analyze app.{table}")
    acme.world.execute("set local plan_cache_mode = force_generic_plan")
    acme.world.execute("set local enable_seqscan = off")


def rows_read(acme: Organization, table: str) -> int:
    """Rows of a table that this transaction has fetched by an index."""
    read: int = acme.world.value(
        "select pg_stat_get_xact_tuples_fetched(%s::regclass)", f"app.{table}"
    )
    return read
