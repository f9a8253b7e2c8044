"""Leads that are one person, and what they are known by: merged, and unmerged as if never."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acting import refused
from tests.database.by_hand import ask, ask_one, identities, open_exceptions, payment
from tests.database.inbox import Inbox, open_inbox
from tests.stripe_events import payment as stripe_payment
from tests.world import Organization, Person, Row, World

PAID_AT = datetime.fromtimestamp(1795168800, UTC)
WHY = "They are one person."
MOVES = (
    "lead_identities",
    "lead_touches",
    "payments",
    "payment_credits",
    "deals",
    "setter_calls",
    "custom_field_values",
    "events",
)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


@pytest.fixture
def inbox(acme: Organization) -> Inbox:
    return open_inbox(acme)


class Desk:
    """Where ada merges leads."""

    def __init__(self, acme: Organization, ada: Person) -> None:
        self.acme, self.world, self.ada = acme, acme.world, ada

    def merge(self, into: Row, *leads: Row) -> list[dict[str, Any]]:
        return ask(
            self.world,
            self.ada,
            "merge_leads",
            into_lead_id=into.id,
            from_lead_ids=[lead.id for lead in leads],
            reason=WHY,
        )

    def unmerge(self, **which: UUID) -> dict[str, Any]:
        return ask_one(self.world, self.ada, "unmerge_leads", reason="They are two.", **which)

    def know(self, lead: Row, kind: str, value: str) -> dict[str, Any]:
        given = {"lead_id": lead.id, "kind": kind, "value": value, "reason": WHY}
        return ask_one(self.world, self.ada, "add_lead_identity", **given)

    def forget(self, lead: Row, kind: str, value: str) -> None:
        given = {"lead_id": lead.id, "kind": kind, "value": value, "reason": WHY}
        ask(self.world, self.ada, "remove_lead_identity", **given)

    def lead(self, lead: Row) -> dict[str, Any]:
        (row,) = self.world.rows(
            "select * from app.leads where organization_id = %s and id = %s", self.acme.id, lead.id
        )
        return row

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All rows that a merge may touch, without their timestamps of change and history."""
        return {
            table: self.world.rows(
                f"select (to_jsonb(t) - '{{updated_at,created_at}}'::text[])"
                f" - case when %s = 'payment_credits' then 'id' else '' end as row"
                f" from app.{table} as t where organization_id = %s order by 1",
                table,
                self.acme.id,
            )
            for table in (*MOVES, "leads")
        }


@pytest.fixture
def desk(acme: Organization, ada: Person) -> Desk:
    return Desk(acme, ada)


def pay(
    inbox: Inbox,
    email: str | None,
    at: datetime = PAID_AT,
    *,
    customer: str | None = None,
    **told: Any,
) -> dict[str, Any]:
    charge, _ = stripe_payment(email=email, created=int(at.timestamp()), **told)
    charge["data"]["object"]["customer"] = customer
    assert inbox.take(charge) == "processed"
    return inbox.rows("payments")[-1]


# -- what moves


def test_everything_of_the_merged_lead_is_the_others_now(
    world: World, acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    stays, goes = acme.lead("lee", email="lee@lead.test"), acme.lead("li", email="li@lead.test")
    call = acme.event(
        lead=goes,
        closer=acme.closer(),
        scheduled_at=PAID_AT - timedelta(days=1),
        outcome="closed",
        form={"cash_collected": Decimal("70.00")},
    )
    paid = pay(inbox, "li@lead.test")
    touch = world.insert(
        "lead_touches",
        organization_id=acme.id,
        lead_id=goes.id,
        channel="utm",
        occurred_at=PAID_AT,
    )
    (made,) = desk.merge(stays, goes)
    assert (made["into_lead_id"], made["from_lead_id"]) == (stays.id, goes.id)
    assert {"events", "payments", "lead_identities", "lead_touches"} <= set(made["moved"])
    assert made["moved"]["lead_touches"] == [str(touch)]
    assert ("email", "li@lead.test") in identities(acme, stays)
    assert identities(acme, goes) == set()
    kept = payment(acme, paid["id"])
    assert (kept["lead_id"], kept["event_id"]) == (stays.id, call.id)
    assert desk.lead(goes)["merged_into_id"] == stays.id
    left_behind = {
        table: world.value(
            f"select count(*) from app.{table} where organization_id = %s and lead_id = %s",
            acme.id,
            goes.id,
        )
        for table in MOVES
        if table != "payment_credits"
    }
    assert set(left_behind.values()) == {0}


def test_bookings_and_payments_of_the_merged_lead_go_to_the_other_from_now_on(
    acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li", email="li@lead.test")
    desk.merge(stays, goes)
    call = acme.event(
        email="li@lead.test", closer=acme.closer(), scheduled_at=PAID_AT - timedelta(1)
    )
    paid = pay(inbox, "li@lead.test")
    assert (paid["lead_id"], paid["event_id"]) == (stays.id, call.id)


def test_a_payment_that_nobody_had_between_two_leads_is_attributed(
    world: World, acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    stays, goes = acme.lead("lee", email="lee@lead.test"), acme.lead("li")
    call = acme.event(
        lead=goes, closer=acme.closer(), scheduled_at=PAID_AT - timedelta(1), outcome="closed"
    )
    world.execute("update app.events set lead_email = 'lee@lead.test' where id = %s", call.id)
    paid = pay(inbox, "lee@lead.test")
    assert paid["lead_id"] is None
    desk.merge(stays, goes)
    kept = payment(acme, paid["id"])
    assert (kept["lead_id"], kept["event_id"]) == (stays.id, call.id)
    assert open_exceptions(acme, paid["id"]) == set()


def test_a_call_that_fitted_two_leads_finds_the_one_that_is_left(
    acme: Organization, desk: Desk
) -> None:
    stays = acme.lead("lee", email="lee@lead.test")
    goes = acme.lead("li", email="li@lead.test", phone="+1 555 010 7777")
    call = book_for_two(acme)
    assert open_exceptions(acme, call) == {"ambiguous_lead"}
    (made,) = desk.merge(stays, goes)
    assert made["moved"]["events_found"] == [str(call)]
    assert lead_of(acme, call) == stays.id
    assert open_exceptions(acme, call) == set()
    desk.unmerge(merge_id=made["id"])
    assert lead_of(acme, call) is None
    assert open_exceptions(acme, call) == {"ambiguous_lead"}


def book_for_two(acme: Organization) -> UUID:
    """A booking with the address of lee and the phone of li."""
    booked: UUID = acme.world.value(
        "select app.book_call(organization_id => %s, scheduled_at => %s, email => 'lee@lead.test',"
        " phone => '15550107777')",
        acme.id,
        PAID_AT - timedelta(days=1),
    )
    return booked


def lead_of(acme: Organization, event_id: UUID) -> UUID | None:
    found: UUID | None = acme.world.value(
        "select lead_id from app.events where organization_id = %s and id = %s", acme.id, event_id
    )
    return found


def test_what_a_person_decided_moves_and_stays_decided(
    world: World, acme: Organization, ada: Person, desk: Desk
) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li")
    call = acme.event(lead=goes, closer=acme.closer("dana"), outcome="closed")
    acme.event(lead=stays, closer=acme.closer("eli"), outcome="closed")
    paid = acme.payment()
    ask_one(
        world, ada, "attribute_payment", payment_id=paid.id, event_id=call.id, reason="It is theirs"
    )
    desk.merge(stays, goes)
    kept = payment(acme, paid.id)
    assert (kept["lead_id"], kept["event_id"], kept["attribution_method"]) == (
        stays.id,
        call.id,
        "manual",
    )


def test_a_claim_of_one_and_a_payment_of_the_other_are_the_same_money_while_they_are_one(
    acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    stays, goes = acme.lead("lee", email="lee@lead.test"), acme.lead("li", email="li@lead.test")
    acme.event(
        lead=goes,
        closer=acme.closer(),
        scheduled_at=PAID_AT - timedelta(hours=2),
        outcome="closed",
        form={"cash_collected": Decimal("100.00")},
    )
    (claim,) = inbox.rows("payments")
    paid = pay(inbox, "lee@lead.test", amount=10000)
    (made,) = desk.merge(stays, goes)
    assert payment(acme, claim["id"])["superseded_by_id"] == paid["id"]
    desk.unmerge(merge_id=made["id"])
    kept = payment(acme, claim["id"])
    assert (kept["claim_state"], kept["superseded_by_id"]) == ("pending", None)


# -- what the lead that stays learns


def test_the_lead_that_stays_learns_what_it_lacks_and_keeps_what_it_has(
    world: World, acme: Organization, desk: Desk
) -> None:
    source = acme.source()
    stays = acme.lead("lee", email="lee@lead.test")
    goes = acme.lead("li", phone="+1 555 010 7777", source_id=source.id, ghl_contact_id="g1")
    (made,) = desk.merge(stays, goes)
    learned = desk.lead(stays)
    assert (learned["full_name"], learned["email"]) == ("lee", "lee@lead.test")
    assert (learned["phone"], learned["source_id"]) == ("+1 555 010 7777", source.id)
    assert made["filled"]["ghl_contact_id"] == [None, "g1"]
    desk.unmerge(lead_id=goes.id)
    assert (desk.lead(stays)["phone"], desk.lead(stays)["ghl_contact_id"]) == (None, None)


def set_setters(acme: Organization, lead: Row, original: Person | None, current: Person) -> None:
    acme.world.execute(
        "update app.leads set original_setter_id = %s, current_setter_id = %s where id = %s",
        original and original.setter_id,
        current.setter_id,
        lead.id,
    )


@pytest.mark.parametrize("older_stays", [True, False])
def test_the_original_setter_is_that_of_the_lead_that_was_there_first(
    acme: Organization, desk: Desk, older_stays: bool
) -> None:
    sam, cy, first, second = acme.setter("sam"), acme.setter("cy"), acme.lead("a"), acme.lead("b")
    set_setters(acme, first, sam, sam)
    set_setters(acme, second, cy, cy)
    stays, goes = (first, second) if older_stays else (second, first)
    desk.merge(stays, goes)
    merged = desk.lead(stays)
    assert merged["original_setter_id"] == sam.setter_id
    assert merged["current_setter_id"] == (sam if older_stays else cy).setter_id
    with refused("PT409"):
        acme.world.execute(
            "update app.leads set original_setter_id = %s where id = %s", cy.setter_id, stays.id
        )
    desk.unmerge(lead_id=goes.id)
    assert desk.lead(stays)["original_setter_id"] == (sam if older_stays else cy).setter_id


def test_of_three_leads_the_first_ones_setter_is_the_original_in_whatever_order(
    acme: Organization, desk: Desk
) -> None:
    setters = [acme.setter(name) for name in ("s0", "s1", "s2")]
    leads = [acme.lead(name) for name in ("l0", "l1", "l2")]
    for lead, setter in zip(leads, setters, strict=True):
        set_setters(acme, lead, setter, setter)
    desk.merge(leads[2], leads[0])
    desk.merge(leads[2], leads[1])
    assert desk.lead(leads[2])["original_setter_id"] == setters[0].setter_id
    desk.unmerge(lead_id=leads[0].id)
    assert desk.lead(leads[2])["original_setter_id"] == setters[1].setter_id
    desk.unmerge(lead_id=leads[1].id)
    assert desk.lead(leads[2])["original_setter_id"] == setters[2].setter_id


def test_what_somebody_changed_after_the_merge_stays(acme: Organization, desk: Desk) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li", phone="+1 555 010 7777")
    desk.merge(stays, goes)
    acme.world.execute("update app.leads set phone = '+1 555 010 8888' where id = %s", stays.id)
    desk.unmerge(lead_id=goes.id)
    assert desk.lead(stays)["phone"] == "+1 555 010 8888"


def test_what_one_had_told_the_other_tells_when_the_first_leaves(
    acme: Organization, desk: Desk
) -> None:
    stays = acme.lead("lee")
    first, second = acme.lead("a", phone="+1 555 010 0001"), acme.lead("b", phone="+1 555 010 0002")
    desk.merge(stays, first, second)
    assert desk.lead(stays)["phone"] == "+1 555 010 0001"
    desk.unmerge(lead_id=first.id)
    assert desk.lead(stays)["phone"] == "+1 555 010 0002"
    desk.unmerge(lead_id=second.id)
    assert desk.lead(stays)["phone"] is None


# -- what comes after, chains, and what is refused


def test_what_comes_after_the_merge_stays_with_the_lead_that_stayed(
    acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li", email="li@lead.test")
    before = acme.event(lead=goes, scheduled_at=PAID_AT - timedelta(days=3))
    desk.merge(stays, goes)
    after = acme.event(email="li@lead.test", scheduled_at=PAID_AT - timedelta(days=1))
    desk.know(stays, "email", "new@lead.test")
    desk.unmerge(lead_id=goes.id)
    assert (lead_of(acme, before.id), lead_of(acme, after.id)) == (goes.id, stays.id)
    assert ("email", "li@lead.test") in identities(acme, goes)
    assert ("email", "new@lead.test") in identities(acme, stays)


def test_a_row_that_somebody_gave_to_a_third_lead_stays_there(
    acme: Organization, desk: Desk
) -> None:
    stays, goes, third = acme.lead("a"), acme.lead("b"), acme.lead("c")
    call = acme.event(lead=goes)
    desk.merge(stays, goes)
    acme.world.execute("update app.events set lead_id = %s where id = %s", third.id, call.id)
    desk.unmerge(lead_id=goes.id)
    assert lead_of(acme, call.id) == third.id


def test_chains_of_merges_end_in_one_lead_and_are_undone_from_their_end(
    acme: Organization, desk: Desk
) -> None:
    a, b, c = acme.lead("a"), acme.lead("b"), acme.lead("c")
    call = acme.event(lead=a)
    desk.merge(b, a)
    desk.merge(c, b)
    assert (desk.lead(a)["merged_into_id"], desk.lead(b)["merged_into_id"]) == (c.id, c.id)
    assert lead_of(acme, call.id) == c.id
    with refused("PT409") as caught:
        desk.unmerge(lead_id=a.id)
    assert str(c.id) in str(caught.value.diag.message_detail)
    desk.unmerge(lead_id=b.id)
    assert desk.lead(a)["merged_into_id"] == b.id
    assert lead_of(acme, call.id) == b.id
    desk.unmerge(lead_id=a.id)
    assert desk.lead(a)["merged_into_id"] is None
    assert lead_of(acme, call.id) == a.id


def test_leads_never_become_part_of_each_other(acme: Organization, desk: Desk) -> None:
    a, b, c = acme.lead("a"), acme.lead("b"), acme.lead("c")
    first = desk.merge(a, b)
    assert [row["id"] for row in desk.merge(a, b)] == [row["id"] for row in first]
    for into, goes in ((b, a), (b, c), (c, b)):
        with refused("PT409"):
            desk.merge(into, goes)
    with refused("PT422"):
        desk.merge(a, a)
    with refused("PT422"):
        desk.merge(a)


def test_a_merge_is_undone_once(acme: Organization, desk: Desk) -> None:
    a, b = acme.lead("a"), acme.lead("b")
    (made,) = desk.merge(a, b)
    undone = desk.unmerge(merge_id=made["id"])
    assert (undone["unmerge_reason"], undone["unmerged_by"]) == ("They are two.", desk.ada.user_id)
    with refused("PT409"):
        desk.unmerge(merge_id=made["id"])
    with refused("PT404"):
        desk.unmerge(lead_id=b.id)
    with refused("PT422"):
        desk.unmerge()
    assert desk.merge(a, b)[0]["id"] != made["id"]


def test_leads_of_others_and_deleted_ones_cannot_be_merged(
    world: World, acme: Organization, desk: Desk
) -> None:
    here, theirs, gone = acme.lead("a"), world.organization("beta").lead("b"), acme.lead("c")
    world.execute("update app.leads set deleted_at = now() where id = %s", gone.id)
    for other in (theirs, gone):
        with refused("PT404"):
            desk.merge(here, other)
        with refused("PT404"):
            desk.merge(other, here)


def test_a_merged_lead_is_still_read_and_not_edited(
    world: World, acme: Organization, ada: Person, desk: Desk
) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li")
    desk.merge(stays, goes)
    with world.acting_as(ada) as db:
        assert db.value("select merged_into_id from api.leads where id = %s", goes.id) == stays.id
        with refused("PT409"):
            db.rows("update api.leads set email = 'x@lead.test' where id = %s", goes.id)
    with refused("PT409"):
        desk.know(goes, "email", "x@lead.test")


def test_a_row_that_was_written_while_its_lead_was_merged_follows(
    world: World, acme: Organization, desk: Desk
) -> None:
    stays, goes = acme.lead("lee"), acme.lead("li")
    (made,) = desk.merge(stays, goes)
    late = acme.event(lead=goes)
    assert world.value("select app.settle_merges(now() - interval '1 hour')") == 1
    assert lead_of(acme, late.id) == stays.id
    assert world.value("select app.settle_merges(now() - interval '1 hour')") == 0
    desk.unmerge(merge_id=made["id"])
    assert lead_of(acme, late.id) == goes.id


# -- what a lead is known by


def test_an_identity_that_is_added_finds_the_payments_that_carry_it(
    acme: Organization, inbox: Inbox, desk: Desk
) -> None:
    lee = acme.lead("lee")
    call = acme.event(
        lead=lee, closer=acme.closer(), scheduled_at=PAID_AT - timedelta(1), outcome="closed"
    )
    paid = pay(inbox, "spouse@lead.test")
    assert desk.know(lee, "email", " Spouse@Lead.test ")["value"] == "spouse@lead.test"
    assert payment(acme, paid["id"])["event_id"] == call.id
    assert desk.know(lee, "email", "spouse@lead.test")["lead_id"] == lee.id
    desk.forget(lee, "email", "spouse@lead.test")
    assert payment(acme, paid["id"])["event_id"] is None
    assert "unattributed_payment" in open_exceptions(acme, paid["id"])
    with refused("PT404"):
        desk.forget(lee, "email", "spouse@lead.test")


def test_an_identity_belongs_to_one_lead(acme: Organization, desk: Desk) -> None:
    lee, kim = acme.lead("lee"), acme.lead("kim", email="kim@lead.test")
    with refused("PT409") as caught:
        desk.know(lee, "email", "kim@lead.test")
    assert str(kim.id) in str(caught.value.diag.message_detail)
    with refused("PT409"):
        desk.forget(kim, "email", "kim@lead.test")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "nobody"),
        ("email", " "),
        ("phone", "123"),
        ("whop_user", ""),
        ("passport", "1"),
        ("", "1"),
    ],
)
def test_what_can_be_no_identity_is_refused(
    acme: Organization, desk: Desk, kind: str, value: str
) -> None:
    with refused("PT422"):
        desk.know(acme.lead(), kind, value)


def test_identities_that_a_person_changes_are_in_the_audit_trail(
    world: World, acme: Organization, desk: Desk
) -> None:
    made = desk.know(acme.lead(), "phone", "+1 (555) 010-7777")
    (line,) = world.rows(
        "select actor_id, reason, new_data from app.audit_logs"
        " where organization_id = %s and table_name = 'lead_identities' and row_id = %s",
        acme.id,
        made["id"],
    )
    assert (line["actor_id"], line["reason"]) == (desk.ada.user_id, WHY)
    assert line["new_data"]["value"] == "15550107777"


# -- as if nothing had been

LEADS = st.integers(0, 2)
STORY = st.lists(
    st.one_of(
        st.tuples(st.just("call"), LEADS, st.sampled_from([None, "closed", "showed_offer"])),
        st.tuples(st.just("claim"), LEADS, st.sampled_from([100, 250])),
        st.tuples(st.just("payment"), LEADS, st.sampled_from([100, 250])),
        st.tuples(st.just("both"), LEADS, LEADS),
        st.tuples(st.just("touch"), LEADS, LEADS),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12)
@given(
    story=STORY,
    known=st.lists(st.booleans(), min_size=6, max_size=6),
    rule=st.sampled_from(["event", "original", "current"]),
    merges=st.permutations([1, 2]),
    chain=st.booleans(),
)
def test_merging_and_unmerging_leaves_every_row_as_it_was(
    world: World,
    story: list[tuple[str, int, Any]],
    known: list[bool],
    rule: str,
    merges: list[int],
    chain: bool,
) -> None:
    with world.connection.transaction(force_rollback=True):
        acme = world.organization("acme")
        desk, inbox = Desk(acme, acme.admin()), open_inbox(acme)
        world.execute(
            "update app.organizations set setter_attribution = %s where id = %s", rule, acme.id
        )
        leads = [
            acme.lead(
                f"l{n}",
                email=f"l{n}@lead.test",
                phone=f"+1 555 010 000{n}" if known[n] else None,
                ghl_contact_id=f"g{n}" if known[3 + n] else None,
            )
            for n in range(3)
        ]
        people = [(acme.closer(f"c{n}"), acme.setter(f"s{n}")) for n in range(3)]
        for at, (what, who, more) in enumerate(story):
            tell(acme, inbox, leads, people, PAID_AT - timedelta(hours=30 - at), what, who, more)
        states = [desk.everything()]
        into = leads[0]
        undo = []
        for n in merges:
            (made,) = desk.merge(into, leads[n])
            undo.append(made["id"])
            states.append(desk.everything())
            if chain and n == merges[0]:
                into = last = leads[merges[1]]
                (made,) = desk.merge(last, leads[0])
                undo.append(made["id"])
                states.append(desk.everything())
                break
        states.pop()
        while undo:
            desk.unmerge(merge_id=undo.pop())
            assert desk.everything() == states.pop()


def tell(
    acme: Organization,
    inbox: Inbox,
    leads: list[Row],
    people: list[tuple[Person, Person]],
    at: datetime,
    what: str,
    who: int,
    more: Any,
) -> None:
    """One thing that happens in the story."""
    closer, setter = people[who]
    if what in ("call", "claim"):
        acme.event(
            lead=leads[who],
            closer=closer,
            setter=setter,
            scheduled_at=at,
            outcome="closed" if what == "claim" else more,
            form={"cash_collected": Decimal(f"{more}.00")} if what == "claim" else None,
        )
    elif what == "payment":
        pay(inbox, f"l{who}@lead.test", at, customer=f"cus_{who}", amount=more * 100)
    elif what == "both":
        acme.world.execute(
            "select app.book_call(organization_id => %s, scheduled_at => %s, email => %s,"
            " phone => %s, setter_id => %s)",
            acme.id,
            at,
            f"l{who}@lead.test",
            f"1555010000{more}",
            setter.setter_id,
        )
    else:
        acme.world.insert(
            "lead_touches",
            organization_id=acme.id,
            lead_id=leads[who].id,
            channel="utm",
            occurred_at=at,
        )


def test_merges_at_the_same_moment_wait_for_each_other(
    committed_world: World, database: Any
) -> None:
    """Each merges into the other's lead; one waits, and then finds that it came too late."""
    import psycopg  # noqa: PLC0415

    acme = committed_world.organization("acme")
    a, b = acme.lead("a"), acme.lead("b")
    committed_world.execute(
        "select app.merge_leads(%s, %s, array[%s]::uuid[], 'x')", acme.id, a.id, b.id
    )
    with (
        psycopg.connect(database.superuser_url) as one,
        psycopg.connect(database.superuser_url) as other,
    ):
        c = acme.lead("c")
        one.execute("select app.merge_leads(%s, %s, array[%s]::uuid[], 'x')", (acme.id, c.id, a.id))
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(
                "select app.merge_leads(%s, %s, array[%s]::uuid[], 'x')", (acme.id, a.id, c.id)
            )
        other.rollback()
        one.commit()
        with pytest.raises(psycopg.Error) as caught:
            other.execute(
                "select app.merge_leads(%s, %s, array[%s]::uuid[], 'x')", (acme.id, a.id, c.id)
            )
        assert caught.value.sqlstate == "PT409"
