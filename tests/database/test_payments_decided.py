"""Whose sale a payment is and who is credited with it, once a person has said so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.by_hand import (
    ask,
    ask_one,
    credits_of,
    identities,
    open_exceptions,
    payment,
)
from tests.database.inbox import Inbox, open_inbox
from tests.stripe_events import payment as stripe_payment
from tests.world import ANSWERS, Organization, Person, Row, World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
EMAIL = "pays@lead.test"
WHY = "They told us."


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


@pytest.fixture
def call(acme: Organization) -> Row:
    """A closed call of lee, who has another address than EMAIL, with dana and sam."""
    return acme.event(
        lead=acme.lead("lee"),
        closer=acme.closer("dana"),
        setter=acme.setter("sam"),
        scheduled_at=PAID_AT - timedelta(days=2),
        outcome="closed",
    )


@pytest.fixture
def attribute(world: World, ada: Person) -> Callable[..., dict[str, Any]]:
    """ada says whose sale a payment is; the row that is answered."""

    def attributed(payment_id: UUID, **said: Any) -> dict[str, Any]:
        return ask_one(
            world, ada, "attribute_payment", payment_id=payment_id, **{"reason": WHY, **said}
        )

    return attributed


@pytest.fixture
def credit(world: World, ada: Person) -> Callable[..., None]:
    """ada says who is credited."""

    def credited(payment_id: UUID, said: object) -> None:
        ask(
            world,
            ada,
            "set_payment_credits",
            payment_id=payment_id,
            credits=None if said is None else Jsonb(said),
            reason=WHY,
        )

    return credited


def pay(
    inbox: Inbox, email: str | None = EMAIL, *, customer: str | None = None, **told: Any
) -> dict[str, Any]:
    """A payment that Stripe tells of, as it is afterwards."""
    charge, _ = stripe_payment(email=email, created=int(PAID_AT.timestamp()), **told)
    charge["data"]["object"]["customer"] = customer
    assert inbox.take(charge) == "processed"
    return inbox.rows("payments")[-1]


def lead_of(acme: Organization, call: Row) -> Row:
    return Row(
        acme.id,
        acme.world.value(
            "select lead_id from app.events where organization_id = %s and id = %s",
            acme.id,
            call.id,
        ),
    )


def closer_of(acme: Organization, call: Row) -> UUID:
    found: UUID = acme.world.value(
        "select credited_closer_id from app.events where organization_id = %s and id = %s",
        acme.id,
        call.id,
    )
    return found


# -- whose sale


def test_a_person_decides_and_the_exception_is_gone(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    paid = pay(inbox)
    assert "unattributed_payment" in open_exceptions(acme, paid["id"])
    made = attribute(paid["id"], event_id=call.id)
    assert (made["lead_id"], made["event_id"]) == (lead_of(acme, call).id, call.id)
    assert (made["attribution_method"], made["attribution_confidence"]) == ("manual", 1)
    assert [step["what"] for step in made["attribution_steps"]] == ["person"]
    assert made["closer_id"] == closer_of(acme, call)
    assert sum(credits_of(acme, paid["id"]).values()) == 2 * paid["amount_base"]
    assert open_exceptions(acme, paid["id"]) == set()


def test_the_next_payment_with_the_address_matches_by_itself(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    attribute(pay(inbox)["id"], lead_id=lead_of(acme, call).id)
    assert ("email", EMAIL) in identities(acme, lead_of(acme, call))
    following = pay(inbox)
    assert following["event_id"] == call.id
    assert following["attribution_method"] != "manual"


def test_payments_that_waited_with_the_same_address_are_attributed_at_once(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    first, second = pay(inbox), pay(inbox)
    other = pay(inbox, "other@lead.test", customer="cus_other")
    attribute(first["id"], event_id=call.id)
    assert payment(acme, second["id"])["event_id"] == call.id
    assert open_exceptions(acme, second["id"]) == set()
    assert payment(acme, other["id"])["event_id"] is None


def test_what_a_provider_calls_them_is_learned_too(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    paid = pay(inbox)
    acme.world.execute(
        "update app.payments set provider_customer_id = 'cus_9',"
        " provider_subscription_id = 'sub_9', customer_phone = '+1 (555) 010-9999'"
        " where organization_id = %s and id = %s",
        acme.id,
        paid["id"],
    )
    attribute(paid["id"], event_id=call.id)
    assert {
        ("email", EMAIL),
        ("phone", "15550109999"),
        ("stripe_customer", "cus_9"),
        ("stripe_subscription", "sub_9"),
    } <= identities(acme, lead_of(acme, call))


def test_the_next_payment_of_the_same_customer_matches_by_itself(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    waiting = pay(inbox, None, customer="cus_9")
    attribute(pay(inbox, customer="cus_9")["id"], event_id=call.id)
    assert payment(acme, waiting["id"])["event_id"] == call.id
    following = pay(inbox, "unknown@lead.test", customer="cus_9")
    assert (following["event_id"], following["attribution_method"]) == (
        call.id,
        "provider_customer",
    )


def test_nothing_is_learned_when_that_is_said(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    attribute(pay(inbox, customer="cus_9")["id"], event_id=call.id, learn=False)
    assert identities(acme, lead_of(acme, call)).isdisjoint(
        {("email", EMAIL), ("stripe_customer", "cus_9")}
    )
    assert pay(inbox, customer="cus_9")["event_id"] is None
    assert pay(inbox, None, customer="cus_9")["event_id"] is None


def test_an_address_of_another_lead_is_not_taken_away(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    kim = acme.lead("kim", email=EMAIL)
    paid = pay(inbox)
    with refused("PT409") as caught:
        attribute(paid["id"], event_id=call.id)
    assert str(kim.id) in str(caught.value.diag.message_detail)
    assert payment(acme, paid["id"])["attribution_method"] != "manual"
    assert attribute(paid["id"], event_id=call.id, learn=False)["event_id"] == call.id
    assert ("email", EMAIL) in identities(acme, kim)


def test_an_address_of_a_deleted_lead_is_free(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    gone = acme.lead("gone", email=EMAIL)
    acme.world.execute("update app.leads set deleted_at = now() where id = %s", gone.id)
    attribute(pay(inbox)["id"], event_id=call.id)
    assert ("email", EMAIL) in identities(acme, lead_of(acme, call))


def test_what_a_person_said_of_an_address_settles_between_two_leads(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    lee = lead_of(acme, call)
    acme.world.execute("update app.leads set email = %s where id = %s", EMAIL, lee.id)
    other = acme.event(lead=acme.lead("kim"), scheduled_at=PAID_AT - timedelta(days=1))
    acme.world.execute("update app.events set lead_email = %s where id = %s", EMAIL, other.id)
    paid = pay(inbox)
    assert paid["lead_id"] is None
    attribute(paid["id"], lead_id=lee.id)
    assert pay(inbox)["lead_id"] == lee.id


def test_with_nothing_given_the_ladder_decides_again(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    paid = pay(inbox)
    attribute(paid["id"], event_id=call.id, learn=False)
    back = attribute(paid["id"])
    assert (back["attribution_method"], back["event_id"], back["closer_id"]) == ("none", None, None)
    assert credits_of(acme, paid["id"]) == {}
    assert "unattributed_payment" in open_exceptions(acme, paid["id"])


def test_a_decision_outlives_deliveries_and_calls(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    charge, intent = stripe_payment(email=EMAIL, created=int(PAID_AT.timestamp()))
    inbox.take(intent)
    paid = inbox.row("payments")
    attribute(paid["id"], event_id=call.id, learn=False)
    inbox.take(charge)
    acme.event(
        email=EMAIL,
        closer=acme.closer("eli"),
        scheduled_at=PAID_AT - timedelta(hours=3),
        outcome="closed",
    )
    kept = payment(acme, paid["id"])
    assert (kept["event_id"], kept["closer_id"]) == (call.id, closer_of(acme, call))


def test_credits_follow_who_took_the_call_that_a_person_chose(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    paid = pay(inbox)
    attribute(paid["id"], event_id=call.id)
    cover = acme.closer("cover")
    acme.form(call, at=PAID_AT, **ANSWERS["closed"], closer_id=str(cover.closer_id))
    assert payment(acme, paid["id"])["closer_id"] == cover.closer_id
    assert credits_of(acme, paid["id"])[cover.closer_id] == paid["amount_base"]


def test_a_claim_stays_with_its_call(
    acme: Organization, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    acme.form(call, at=PAID_AT, **ANSWERS["closed"], cash_collected=Decimal("10.00"))
    claim = acme.world.value("select id from app.payments where organization_id = %s", acme.id)
    with refused("PT409"):
        attribute(claim, lead_id=acme.lead("kim").id)


def test_a_claim_counts_again_when_its_payment_was_somebody_elses(
    acme: Organization, inbox: Inbox, call: Row, attribute: Callable[..., dict[str, Any]]
) -> None:
    acme.world.execute(
        "update app.leads set email = %s where id = %s", EMAIL, lead_of(acme, call).id
    )
    acme.form(call, at=PAID_AT, **ANSWERS["closed"], cash_collected=Decimal("1499.00"))
    paid = pay(inbox, amount=149900)
    (claim,) = [row for row in inbox.rows("payments") if row["claim_state"]]
    assert claim["claim_state"] == "superseded"
    attribute(paid["id"], lead_id=acme.lead("kim").id, learn=False)
    kept = payment(acme, claim["id"])
    assert (kept["claim_state"], kept["superseded_by_id"]) == ("pending", None)


# -- who is credited


def share(role: str, person: Person, part: object) -> dict[str, object]:
    person_id = person.closer_id if role == "closer" else person.setter_id
    return {"role": role, f"{role}_id": str(person_id), "share": part}


def test_credits_of_a_person_outlive_deliveries_calls_and_attributions(
    acme: Organization,
    inbox: Inbox,
    call: Row,
    attribute: Callable[..., dict[str, Any]],
    credit: Callable[..., None],
) -> None:
    eli, fay = acme.closer("eli"), acme.closer("fay")
    charge, intent = stripe_payment(email=EMAIL, amount=10000, created=int(PAID_AT.timestamp()))
    inbox.take(intent)
    paid = inbox.row("payments")
    credit(paid["id"], [share("closer", eli, 0.9), share("closer", fay, "0.1")])
    wanted = {eli.closer_id: Decimal("90.00"), fay.closer_id: Decimal("10.00")}
    assert credits_of(acme, paid["id"]) == wanted
    assert open_exceptions(acme, paid["id"]) == set()
    inbox.take(charge)
    attribute(paid["id"], event_id=call.id)
    acme.form(call, at=PAID_AT, **ANSWERS["closed"], closer_id=str(acme.closer("cover").closer_id))
    attribute(paid["id"])
    assert credits_of(acme, paid["id"]) == wanted
    assert payment(acme, paid["id"])["closer_id"] == eli.closer_id


def test_null_gives_the_credits_back_to_the_rules(
    acme: Organization,
    inbox: Inbox,
    call: Row,
    attribute: Callable[..., dict[str, Any]],
    credit: Callable[..., None],
) -> None:
    paid = pay(inbox)
    attribute(paid["id"], event_id=call.id)
    credit(paid["id"], [share("closer", acme.closer("eli"), 1)])
    credit(paid["id"], None)
    kept = payment(acme, paid["id"])
    assert (kept["credited_by_hand"], kept["closer_id"]) == (False, closer_of(acme, call))
    assert len(credits_of(acme, paid["id"])) == 2


def test_credits_of_a_claim_outlive_its_next_form(
    acme: Organization, call: Row, credit: Callable[..., None]
) -> None:
    acme.form(call, at=PAID_AT, **ANSWERS["closed"], cash_collected=Decimal("100.00"))
    claim = acme.world.value("select id from app.payments where organization_id = %s", acme.id)
    eli, fay = acme.closer("eli"), acme.closer("fay")
    credit(claim, [share("closer", eli, 0.5), share("closer", fay, 0.5)])
    acme.form(
        call,
        at=PAID_AT + timedelta(hours=1),
        **ANSWERS["closed"],
        cash_collected=Decimal("33.33"),
    )
    parts = credits_of(acme, claim)
    assert set(parts) == {eli.closer_id, fay.closer_id}
    assert sorted(parts.values()) == [Decimal("16.66"), Decimal("16.67")]


def test_a_payment_without_credits_stays_in_sight(
    acme: Organization, inbox: Inbox, credit: Callable[..., None]
) -> None:
    paid = pay(inbox)
    credit(paid["id"], [share("setter", acme.setter("sam"), 1)])
    assert "unattributed_payment" in open_exceptions(acme, paid["id"])
    credit(paid["id"], [])
    assert credits_of(acme, paid["id"]) == {}


@pytest.mark.parametrize("kind", ["closer", "setter"])
@pytest.mark.parametrize("parts", [[0.5], [0.5, 0.4], [0.6, 0.6], ["0.333333333333"] * 3])
def test_shares_that_are_not_the_whole_are_refused_with_their_sum(
    acme: Organization, inbox: Inbox, credit: Callable[..., None], kind: str, parts: list[Any]
) -> None:
    people = [getattr(acme, kind)(f"p{n}") for n in range(len(parts))]
    with refused("PT422") as caught:
        credit(
            pay(inbox)["id"],
            [share(kind, who, part) for who, part in zip(people, parts, strict=True)],
        )
    assert str(sum(Decimal(str(part)) for part in parts)) in str(caught.value.diag.message_detail)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [1],
        [{"role": "owner", "share": 1}],
        [{"role": "closer", "share": 1}],
        [{"role": "closer", "closer_id": "dana", "share": 1}],
        [{"role": "closer", "closer_id": "00000000-0000-7000-8000-000000000000", "share": 1}],
        "no share",
        "nothing",
        "too much",
        "too fine",
        "a word",
        "twice",
        "the other role",
        "another organization's",
        "something else",
    ],
)
def test_credits_that_mean_nothing_are_refused(
    world: World, acme: Organization, inbox: Inbox, credit: Callable[..., None], wrong: Any
) -> None:
    dana, theirs = acme.closer("dana"), world.organization("beta").closer("eli")
    whole = share("closer", dana, 1)
    said = {
        "no share": [{**whole, "share": None}],
        "nothing": [whole, share("closer", acme.closer("eli"), 0)],
        "too much": [{**whole, "share": 1.5}, share("closer", acme.closer("eli"), -0.5)],
        "too fine": [share("closer", dana, "0.9999999999999")],
        "a word": [{**whole, "share": "all"}],
        "twice": [share("closer", dana, 0.5), share("closer", dana, 0.5)],
        "the other role": [{"role": "setter", "setter_id": str(dana.closer_id), "share": 1}],
        "another organization's": [share("closer", theirs, 1)],
        "something else": [{**whole, "amount": 5}],
    }
    paid = pay(inbox)
    with refused("PT422"):
        credit(paid["id"], said[wrong] if isinstance(wrong, str) else wrong)
    assert credits_of(acme, paid["id"]) == {}


@given(
    cents=st.integers(1, 10_000_000),
    weights=st.lists(st.integers(1, 1000), min_size=1, max_size=5),
)
def test_credits_add_up_to_the_payment_and_each_is_within_a_cent_of_its_share(
    world: World, cents: int, weights: list[int]
) -> None:
    with world.connection.transaction(force_rollback=True):
        acme = world.organization("acme")
        ada = acme.admin()
        amount = (Decimal(cents) / 100).quantize(Decimal("0.01"))
        paid = acme.payment(amount=amount)
        shares = [
            (Decimal(w) / sum(weights)).quantize(Decimal("1e-6")) or Decimal("1e-6")
            for w in weights
        ]
        shares[0] += 1 - sum(shares)
        people = [acme.closer(f"closer{n}") for n in range(len(shares))]
        ask(
            world,
            ada,
            "set_payment_credits",
            payment_id=paid.id,
            credits=Jsonb(
                [share("closer", who, str(part)) for who, part in zip(people, shares, strict=True)]
            ),
            reason=WHY,
        )
        parts = credits_of(acme, paid.id)
        assert sum(parts.values()) == amount
        for who, part in zip(people, shares, strict=True):
            assert abs(parts[who.closer_id] - amount * part) < Decimal("0.01")


# -- claims


@pytest.fixture
def decide(world: World, ada: Person) -> Callable[..., dict[str, Any]]:
    def decided(verb: str, claim_id: UUID) -> dict[str, Any]:
        return ask_one(world, ada, f"{verb}_claim", payment_id=claim_id, reason=WHY)

    return decided


def report(acme: Organization, call: Row, cash: Decimal, *, at: datetime = PAID_AT) -> UUID:
    """The form of the call claims money; the claim."""
    acme.form(call, at=at, **ANSWERS["closed"], cash_collected=cash)
    found: UUID = acme.world.value(
        "select id from app.payments where organization_id = %s and event_id = %s"
        " and claim_state is not null",
        acme.id,
        call.id,
    )
    return found


def known_as(acme: Organization, call: Row, email: str = EMAIL) -> None:
    acme.world.execute(
        "update app.leads set email = %s where id = %s", email, lead_of(acme, call).id
    )


def test_between_two_payments_a_confirmed_claim_is_other_money(
    acme: Organization, inbox: Inbox, call: Row, decide: Callable[..., dict[str, Any]]
) -> None:
    known_as(acme, call)
    pay(inbox, amount=10000)
    pay(inbox, amount=10000)
    claim = report(acme, call, Decimal("100.00"))
    assert open_exceptions(acme, claim) == {"ambiguous_claim"}
    assert decide("confirm", claim)["claim_state"] == "confirmed"
    assert open_exceptions(acme, claim) == set()


def test_confirming_one_of_two_claims_leaves_the_payment_to_the_other(
    acme: Organization, inbox: Inbox, call: Row, decide: Callable[..., dict[str, Any]]
) -> None:
    known_as(acme, call)
    later = acme.event(
        lead=lead_of(acme, call), closer=acme.closer("eli"), scheduled_at=PAID_AT - timedelta(1)
    )
    ours, theirs = (
        report(acme, call, Decimal("100.00")),
        report(acme, later, Decimal("100.00")),
    )
    paid = pay(inbox, amount=10000)
    assert open_exceptions(acme, ours) == {"ambiguous_claim"}
    decide("confirm", ours)
    assert payment(acme, ours)["claim_state"] == "confirmed"
    assert payment(acme, theirs)["superseded_by_id"] == paid["id"]
    assert open_exceptions(acme, theirs) == set()


def test_a_payment_that_comes_after_the_confirmation_takes_the_place_of_the_claim(
    acme: Organization, inbox: Inbox, call: Row, decide: Callable[..., dict[str, Any]]
) -> None:
    known_as(acme, call)
    claim = report(acme, call, Decimal("100.00"))
    decide("confirm", claim)
    paid = pay(inbox, amount=10000)
    kept = payment(acme, claim)
    assert (kept["claim_state"], kept["superseded_by_id"]) == ("superseded", paid["id"])
    with refused("PT409") as caught:
        decide("confirm", claim)
    assert str(paid["id"]) in str(caught.value.diag.message_detail)
    with refused("PT409"):
        decide("reject", claim)


def test_a_rejected_claim_is_shown_and_counts_nowhere(
    world: World,
    acme: Organization,
    ada: Person,
    inbox: Inbox,
    call: Row,
    decide: Callable[..., dict[str, Any]],
) -> None:
    known_as(acme, call)
    world.execute("update app.organizations set timezone = 'UTC' where id = %s", acme.id)
    claim = report(acme, call, Decimal("100.00"))
    kept_at = world.value(
        "update app.payments set payment_date = now() - interval '1 hour'"
        " where organization_id = %s and id = %s returning payment_date",
        acme.id,
        claim,
    )

    def collected() -> Any:
        with world.acting_as(ada) as db:
            return db.value(
                "select value from api.core_metrics(start_date => %s, end_date => %s)"
                " where metric = 'cash_collected'",
                kept_at.date(),
                kept_at.date(),
            )

    assert collected() == Decimal("100.00")
    decide("reject", claim)
    assert collected() == 0
    with world.acting_as(ada) as db:
        assert db.ids("select id from api.payments where claim_state = 'rejected'") == {claim}
    assert decide("confirm", claim)["claim_state"] == "confirmed"
    assert collected() == Decimal("100.00")


def test_a_form_that_claims_another_amount_is_undecided_again(
    acme: Organization, call: Row, decide: Callable[..., dict[str, Any]]
) -> None:
    claim = report(acme, call, Decimal("100.00"))
    decide("reject", claim)
    report(acme, call, Decimal("100.00"), at=PAID_AT + timedelta(hours=1))
    assert payment(acme, claim)["claim_state"] == "rejected"
    report(acme, call, Decimal("200.00"), at=PAID_AT + timedelta(hours=2))
    kept = payment(acme, claim)
    assert (kept["claim_state"], kept["claim_decided_at"]) == ("pending", None)


def test_money_recorded_by_hand_beside_an_equal_claim_asks_a_person(
    world: World,
    acme: Organization,
    ada: Person,
    call: Row,
    decide: Callable[..., dict[str, Any]],
) -> None:
    claim = report(acme, call, Decimal("100.00"))
    world.execute(
        "update app.payments set payment_date = now() where organization_id = %s and id = %s",
        acme.id,
        claim,
    )
    recorded = ask_one(
        world, ada, "record_payment", amount=Decimal("100.00"), event_id=call.id, reason=WHY
    )
    assert payment(acme, claim)["claim_state"] == "pending"
    assert open_exceptions(acme, claim) == {"ambiguous_claim"}
    decide("reject", claim)
    assert open_exceptions(acme, claim) == set()
    assert payment(acme, recorded["id"])["superseded_by_id"] is None


def test_a_claim_behind_a_locked_payout_is_not_rejected(
    world: World, acme: Organization, call: Row, decide: Callable[..., dict[str, Any]]
) -> None:
    claim = report(acme, call, Decimal("100.00"))
    decide("confirm", claim)
    payee = world.value(
        "select payee_id from app.closers where organization_id = %s and id = %s",
        acme.id,
        closer_of(acme, call),
    )
    acme.lock(payee, payment_id=claim)
    with refused("PT409"):
        decide("reject", claim)
