"""Each data-quality check: the fault, its rows, the remedy through the API, and the end of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.database.by_hand import ask, ask_one
from tests.database.inbox import open_inbox
from tests.stripe_events import payment as stripe_payment
from tests.stripe_events import refund as stripe_refund
from tests.world import NOON, Organization, Person, Row, World

WHY = "Seen in the list."
LONG_AGO = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """An organization whose admin looks for what is wrong."""

    acme: Organization
    ada: Person
    dana: Person

    @property
    def world(self) -> World:
        return self.acme.world

    def check(self, name: str, **period: object) -> dict[str, Any]:
        """Run one check; what it answered."""
        return ask_one(self.world, self.ada, "qa_agent", checks=[name], **period)

    def call(self, function: str, **arguments: Any) -> list[dict[str, Any]]:
        return ask(self.world, self.ada, function, organization_id=self.acme.id, **arguments)

    def write(self, statement: str, **arguments: Any) -> None:
        """A direct write of the admin's, of exactly one row."""
        with self.world.acting_as(self.ada) as db:
            assert db.changed(statement, **arguments) == 1

    def listed(self, name: str, state: str = "open") -> list[dict[str, Any]]:
        return self.world.rows(
            "select * from app.exceptions where organization_id = %s and check_name = %s"
            " and state = %s order by dedupe_key",
            self.acme.id,
            name,
            state,
        )

    def found(self, name: str, *row_ids: UUID) -> dict[str, Any]:
        """The check finds one thing, about these rows, and a second run finds nothing new."""
        self.check(name)
        (one,) = self.listed(name)
        assert set(one["row_ids"]) == set(row_ids)
        again = self.check(name)
        assert (again["found"], again["opened"], again["healed"]) == (1, 0, 0)
        assert one["sentence"]
        assert one["remedy"]
        return one

    def mended(self, name: str) -> None:
        """The check finds nothing any more, and what it had listed is resolved."""
        answer = self.check(name)
        assert (answer["found"], self.listed(name)) == (0, [])
        assert len(self.listed(name, "resolved")) == 1


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    return Scene(acme, acme.admin(), acme.closer("dana"))


def test_a_call_without_a_closer_gets_one(scene: Scene) -> None:
    call = scene.acme.event()
    scene.found("event_without_closer", call.id)
    scene.write(
        "update api.events set closer_id = %(closer)s where id = %(id)s",
        closer=scene.dana.closer_id,
        id=call.id,
    )
    scene.mended("event_without_closer")


def test_an_open_outcome_is_told_by_its_closer(scene: Scene) -> None:
    call = scene.acme.event(closer=scene.dana)
    scene.acme.event(closer=scene.dana, outcome="no_show")
    scene.found("open_outcome", call.id)
    form = {"call_occurred": True, "lead_showed": True}
    ask(scene.world, scene.dana, "submit_post_call_form", event_id=call.id, form=Jsonb(form))
    scene.mended("open_outcome")


def test_a_payment_of_nobody_is_credited(scene: Scene) -> None:
    paid = scene.acme.payment()
    scene.acme.payment(closer=scene.dana)
    assert scene.found("unattributed_payment", paid.id)["severity"] == "critical"
    credit = {"role": "closer", "closer_id": str(scene.dana.closer_id), "share": 1}
    scene.call("set_payment_credits", payment_id=paid.id, credits=Jsonb([credit]), reason=WHY)
    scene.mended("unattributed_payment")


def test_a_payment_without_a_rate_counts_when_there_is_one(scene: Scene) -> None:
    paid = scene.acme.payment(currency="EUR", closer=scene.dana)
    scene.found("missing_rate", paid.id)
    scene.write(
        "insert into api.fx_rates (organization_id, day, from_currency, to_currency, rate)"
        " values (%(organization)s, %(day)s, 'EUR', 'USD', 1.10)",
        organization=scene.acme.id,
        day=NOON.date(),
    )
    scene.mended("missing_rate")


@pytest.mark.parametrize("answer", ["confirm_claim", "reject_claim"])
def test_a_claim_that_no_processor_tells_of_is_decided(scene: Scene, answer: str) -> None:
    claim = claimed(scene)
    assert scene.check("unmatched_claim")["found"] == 0
    open_inbox(scene.acme)
    scene.found("unmatched_claim", claim)
    scene.call(answer, payment_id=claim, reason=WHY)
    scene.mended("unmatched_claim")


def test_a_claim_that_fits_more_than_one_payment_is_decided(scene: Scene) -> None:
    open_inbox(scene.acme)
    claim = claimed(scene)
    lead = scene.world.value("select lead_id from app.payments where id = %s", claim)
    (paid,) = scene.call(
        "record_payment",
        amount=Decimal("500.00"),
        lead_id=lead,
        paid_at=NOON + timedelta(hours=2),
        reason=WHY,
    )
    said = scene.found("ambiguous_claim", claim, paid["id"])
    assert scene.check("unmatched_claim")["found"] == 0
    assert said["details"]["claim_id"] == str(claim)
    scene.call("reject_claim", payment_id=claim, reason=WHY)
    scene.mended("ambiguous_claim")


def test_more_that_went_back_than_came_in_is_won_back(scene: Scene) -> None:
    paid = scene.acme.payment(closer=scene.dana)
    scene.acme.refund(paid, amount=Decimal("1000.00"), refunded_at=NOON + timedelta(days=1))
    assert scene.check("refund_over_amount")["found"] == 0
    scene.acme.refund(
        paid, amount=Decimal("200.00"), refunded_at=NOON + timedelta(days=2), kind="dispute"
    )
    scene.found("refund_over_amount", paid.id)
    scene.call(
        "record_refund",
        payment_id=paid.id,
        amount=Decimal("200.00"),
        kind="dispute_won",
        reason=WHY,
    )
    scene.mended("refund_over_amount")


def test_a_refund_of_a_payment_that_nobody_told_of_finds_it(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    charge, _ = stripe_payment()
    inbox.take(stripe_refund(charge, 9900))
    assert scene.check("refund_without_payment")["found"] == 0
    scene.world.execute("update app.payment_refunds set created_at = now() - interval '1 day'")
    scene.found("refund_without_payment", inbox.row("payment_refunds")["id"])
    inbox.take(charge)
    scene.mended("refund_without_payment")


def test_a_deal_that_collected_too_much_gives_some_to_another(scene: Scene) -> None:
    lead = scene.acme.lead()
    deal = sold(scene, lead, Decimal("1000.00"))
    pay(scene, deal, Decimal("1000.00"))
    more = pay(scene, deal, Decimal("400.00"))
    scene.found("deal_over_collected", deal)
    other = sold(scene, lead, Decimal("400.00"))
    scene.call("attribute_payment", payment_id=more, deal_id=other, reason=WHY)
    scene.mended("deal_over_collected")


def test_a_deal_that_owes_is_paid(scene: Scene) -> None:
    due = [
        {"due_on": "2026-03-20", "amount": "300.00"},
        {"due_on": "2026-04-20", "amount": "700.00"},
    ]
    deal = sold(scene, scene.acme.lead(), Decimal("1000.00"), installments=Jsonb(due))
    said = scene.found("deal_under_collected", deal)
    assert "1000.00 is overdue" in said["sentence"]
    pay(scene, deal, Decimal("300.00"))
    assert scene.check("deal_under_collected")["found"] == 1
    (still,) = scene.listed("deal_under_collected")
    assert (still["id"], "700.00 is overdue" in still["sentence"]) == (said["id"], True)
    pay(scene, deal, Decimal("700.00"))
    scene.mended("deal_under_collected")


def test_an_unknown_host_is_one_thing_to_mend_not_two(scene: Scene) -> None:
    call = scene.acme.event()
    scene.world.execute(
        "select app.review_booking_people(%s, %s, array['host@acme.test'], %s)",
        scene.acme.id,
        call.id,
        NOON,
    )
    said = scene.found("unknown_host", call.id)
    assert said["details"] == {"hosts": ["host@acme.test"]}
    assert scene.check("event_without_closer")["found"] == 0
    scene.write(
        "update api.events set closer_id = %(closer)s where id = %(id)s",
        closer=scene.dana.closer_id,
        id=call.id,
    )
    scene.mended("unknown_host")


def test_an_unknown_host_of_a_deleted_call_is_nobodys_matter(scene: Scene) -> None:
    call = scene.acme.event()
    scene.world.execute(
        "select app.review_booking_people(%s, %s, '{}', %s)", scene.acme.id, call.id, NOON
    )
    scene.found("unknown_host", call.id)
    scene.world.execute("select app.delete_event(%s, %s, %s, now())", scene.acme.id, call.id, WHY)
    scene.mended("unknown_host")


def test_an_unknown_setter_becomes_an_alias(scene: Scene) -> None:
    sam, lead = scene.acme.setter("sam"), scene.acme.lead()
    scene.world.value("select app.named_setter(%s, 'Marta', 'leads', %s)", scene.acme.id, lead.id)
    scene.found("unknown_setter", lead.id)
    scene.write("update api.setters set aliases = '{marta}' where id = %(id)s", id=sam.setter_id)
    scene.mended("unknown_setter")


def test_leads_that_a_booking_fits_are_merged(scene: Scene) -> None:
    one, other = scene.acme.lead("one"), scene.acme.lead("other")
    for lead, kind, value in ((one, "email", "lee@lead.test"), (other, "phone", "15550100")):
        scene.call("add_lead_identity", lead_id=lead.id, kind=kind, value=value, reason=WHY)
    call = scene.world.value(
        "select app.book_call(organization_id => %s, scheduled_at => %s, closer_id => %s,"
        " email => 'lee@lead.test', phone => '15550100')",
        scene.acme.id,
        NOON,
        scene.dana.closer_id,
    )
    scene.found("ambiguous_lead", call, one.id, other.id)
    scene.call("merge_leads", into_lead_id=one.id, from_lead_ids=[other.id], reason=WHY)
    scene.mended("ambiguous_lead")


def test_a_form_submitted_again_answers_a_late_reschedule(scene: Scene) -> None:
    call = scene.acme.event(closer=scene.dana, outcome="no_show")
    scene.world.execute(
        "select app.record_exception(%s, 'rescheduled_after_outcome', %s, 'warning', 'events',"
        " array[%s::uuid], 'The booking platform rescheduled a call that already has its outcome.',"
        " 'Check the form.', as_of => %s)",
        scene.acme.id,
        str(call.id),
        call.id,
        NOON + timedelta(hours=3),
    )
    scene.found("rescheduled_after_outcome", call.id)
    scene.acme.form(call, at=NOON + timedelta(hours=4), call_occurred=True, lead_showed=True)
    scene.mended("rescheduled_after_outcome")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"email": "Lee@Lead.test"}, {"email": "lee+calls@lead.test"}),
        ({"phone": "+1 (212) 555-0100"}, {"phone": "212 555 0100"}),
    ],
)
def test_leads_of_one_mailbox_or_number_are_merged(
    scene: Scene, first: dict[str, str], second: dict[str, str]
) -> None:
    one, other = scene.acme.lead("one", **first), scene.acme.lead("other", **second)
    scene.acme.lead("third")
    scene.found("duplicate_person", one.id, other.id)
    scene.call("merge_leads", into_lead_id=one.id, from_lead_ids=[other.id], reason=WHY)
    scene.mended("duplicate_person")


def test_closers_of_one_alias_are_told_apart(scene: Scene) -> None:
    eli = scene.acme.closer("eli")
    scene.write("update api.closers set aliases = '{Dana}' where id = %(id)s", id=eli.closer_id)
    scene.found("duplicate_person", scene.dana.id, eli.id)
    scene.write("update api.closers set aliases = '{}' where id = %(id)s", id=eli.closer_id)
    scene.mended("duplicate_person")


def test_a_member_who_sees_nothing_is_linked(scene: Scene) -> None:
    mia = scene.acme.member()
    member = scene.world.value(
        "select id from app.organization_members where user_id = %s", mia.user_id
    )
    scene.found("member_without_entry", member)
    scene.write(
        "insert into api.setters (organization_id, name, profile_id)"
        " values (%(organization)s, 'mia', %(user)s)",
        organization=scene.acme.id,
        user=mia.user_id,
    )
    scene.mended("member_without_entry")


def test_a_dead_delivery_is_replayed(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    inbox.take(stripe_payment()[0])
    delivery = inbox.row("webhook_events")["id"]
    scene.world.execute(
        "update app.webhook_events set status = 'dead', error = 'no such table' where id = %s",
        delivery,
    )
    assert scene.found("failed_delivery", delivery)["severity"] == "critical"
    scene.call("replay_webhooks", ids=[delivery])
    scene.mended("failed_delivery")


def test_what_processing_listed_is_found_in_the_same_words(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    assert inbox.take(stripe_payment(currency="xqz")[0]) == "queued"
    assert inbox.take(stripe_payment(currency="eur")[0]) == "processed"
    before = words(scene)
    assert {"failed_delivery", "missing_rate", "unattributed_payment"} <= {row[0] for row in before}
    for check in ("failed_delivery", "missing_rate", "unattributed_payment"):
        answer = scene.check(check)
        assert (answer["opened"], answer["healed"]) == (0, 0), check
    assert words(scene) == before


def words(scene: Scene) -> set[tuple[str, ...]]:
    return {
        (row["check_name"], row["dedupe_key"], row["severity"], row["sentence"], row["remedy"])
        for row in scene.world.rows(
            "select * from app.exceptions where organization_id = %s and state = 'open'",
            scene.acme.id,
        )
    }


def test_the_next_delivery_that_is_read_closes_what_was_not(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    scene.world.execute(
        "select app.record_exception(%s, 'unreadable_delivery', %s, 'warning',"
        " 'webhook_connections', array[%s::uuid], 'Unreadable.', 'Mend it.', as_of => %s)",
        scene.acme.id,
        str(inbox.connection_id),
        inbox.connection_id,
        LONG_AGO,
    )
    scene.check("unreadable_delivery")
    assert len(scene.listed("unreadable_delivery")) == 1
    scene.world.execute("update app.exceptions set last_seen_at = %s", LONG_AGO)
    inbox.take(stripe_payment()[0])
    scene.mended("unreadable_delivery")


def test_an_appointment_that_becomes_known_is_missed_no_more(scene: Scene) -> None:
    inbox = open_inbox(scene.acme, provider="acuity")
    scene.world.execute(
        "select app.record_exception(%s, 'missing_appointment', %s, 'warning',"
        " 'webhook_connections', array[%s::uuid], 'Missing.', 'Look.',"
        ' \'{"appointment_id": "7"}\')',
        scene.acme.id,
        str(inbox.connection_id),
        inbox.connection_id,
    )
    scene.found("missing_appointment", inbox.connection_id)
    call = scene.acme.event(closer=scene.dana, provider_booking_id="7")
    assert scene.check("missing_appointment")["found"] == 1
    scene.world.execute("update app.events set provider = 'acuity' where id = %s", call.id)
    scene.mended("missing_appointment")


def test_a_silent_connection_may_be_switched_off(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    inbox.take(stripe_payment()[0])
    (kept,) = scene.world.rows("select * from app.webhook_events where status = 'processed'")
    for hours in range(25):
        scene.world.insert(
            "webhook_events",
            **{
                **{name: kept[name] for name in ("organization_id", "connection_id", "provider")},
                "provider_event_id": f"evt_{hours}",
                "event_type": kept["event_type"],
                "received_at": LONG_AGO - timedelta(hours=hours),
                "status": "processed",
                "body": Jsonb({}),
            },
        )
    scene.world.execute("delete from app.webhook_events where id = %s", kept["id"])
    scene.world.execute(
        "delete from app.connection_stats where organization_id = %s", scene.acme.id
    )
    scene.world.execute("update app.webhook_connections set last_webhook_at = %s", LONG_AGO)
    scene.found("silent_connection", inbox.connection_id)
    scene.call("update_webhook_connection", connection_id=inbox.connection_id, is_active=False)
    scene.mended("silent_connection")


def test_a_connection_that_turns_deliveries_away_gets_room(scene: Scene) -> None:
    inbox = open_inbox(scene.acme)
    scene.world.execute(
        "update app.webhook_connections set refused_since = now() - interval '1 hour',"
        " last_refused_at = now() where id = %s",
        inbox.connection_id,
    )
    scene.found("connection_refusals", inbox.connection_id)
    scene.call(
        "update_webhook_connection", connection_id=inbox.connection_id, rate_limit_per_minute=5000
    )
    scene.world.execute(
        "update app.webhook_connections set last_refused_at = now() - interval '1 hour'"
        " where id = %s",
        inbox.connection_id,
    )
    scene.mended("connection_refusals")


@pytest.mark.parametrize("fault", ["never delivered", "turned away for good"])
def test_a_dead_subscription_lives_again_with_a_delivery(scene: Scene, fault: str) -> None:
    made = {"created_at": LONG_AGO}
    if fault == "turned away for good":
        made |= {
            "last_webhook_at": LONG_AGO,
            "refused_since": LONG_AGO + timedelta(days=1),
            "last_refused_at": LONG_AGO + timedelta(days=2),
        }
    inbox = open_inbox(scene.acme, **made)
    scene.found("dead_subscription", inbox.connection_id)
    assert scene.check("silent_connection")["found"] == 0
    inbox.take(stripe_payment()[0])
    scene.mended("dead_subscription")


def test_a_failed_job_is_retried(scene: Scene) -> None:
    run = scene.world.insert(
        "sync_runs",
        organization_id=scene.acme.id,
        kind="data-quality",
        state="failed",
        finished_at=LONG_AGO,
        error="no answer",
    )
    scene.world.execute("select app.report_failed_run(%s, %s)", scene.acme.id, run)
    scene.found("failed_sync", run)
    scene.call("retry_sync", id=run)
    assert scene.check("failed_sync")["found"] == 1
    scene.world.execute(
        "update app.sync_runs set state = 'succeeded', finished_at = now() where id = %s", run
    )
    scene.mended("failed_sync")


def test_a_message_that_could_not_be_delivered_is_retried(scene: Scene) -> None:
    message = scene.world.insert(
        "outbox", organization_id=scene.acme.id, kind="crm-note", dedupe_key="one", state="dead"
    )
    scene.found("undeliverable_message", message)
    scene.call("retry_message", id=message)
    scene.mended("undeliverable_message")


# -- what holds for every check


def test_every_check_is_a_function_of_its_own(scene: Scene) -> None:
    checks = scene.world.rows("select * from app.data_quality_checks() order by ordinal")
    assert [row["ordinal"] for row in checks] == list(range(1, len(checks) + 1))
    answers = ask(scene.world, scene.ada, "qa_agent")
    assert [row["check_name"] for row in answers] == [row["check_name"] for row in checks]
    assert [row["severity"] for row in answers] == [row["severity"] for row in checks]
    made = scene.world.rows(
        "select substr(proname, 6) as name from pg_proc where pronamespace = 'app'::regnamespace"
        " and prorettype = 'app.finding'::regtype and proretset"
    )
    assert {row["name"] for row in made} == {row["check_name"] for row in checks}


def test_the_documents_name_every_check(scene: Scene) -> None:
    page = (Path(__file__).parents[2] / "docs/decisions/data-quality.md").read_text()
    for check in scene.world.rows("select * from app.data_quality_checks()"):
        assert f"| `{check['check_name']}` | {check['severity']} |" in page


def test_what_was_dismissed_opens_again_when_the_facts_change(scene: Scene) -> None:
    deal = sold(
        scene,
        scene.acme.lead(),
        Decimal("1000.00"),
        installments=Jsonb([{"due_on": "2026-03-20", "amount": "1000.00"}]),
    )
    said = scene.found("deal_under_collected", deal)
    scene.call("dismiss_exception", id=said["id"], reason="They pay in gold.")
    assert scene.check("deal_under_collected")["opened"] == 0
    assert len(scene.listed("deal_under_collected", "dismissed")) == 1
    pay(scene, deal, Decimal("100.00"))
    assert scene.check("deal_under_collected")["opened"] == 1
    (back,) = scene.listed("deal_under_collected")
    assert (back["id"], back["dismissed_reason"]) == (said["id"], "They pay in gold.")


def test_what_was_dismissed_and_mended_is_looked_at_anew_when_it_comes_back(scene: Scene) -> None:
    call = scene.acme.event()
    said = scene.found("event_without_closer", call.id)
    scene.call("dismiss_exception", id=said["id"], reason=WHY)
    for closer, state in ((scene.dana.closer_id, "resolved"), (None, "open")):
        scene.write(
            "update api.events set closer_id = %(closer)s where id = %(id)s",
            closer=closer,
            id=call.id,
        )
        scene.check("event_without_closer")
        assert len(scene.listed("event_without_closer", state)) == 1


def test_a_period_limits_what_is_listed_not_what_has_healed(scene: Scene) -> None:
    march = scene.acme.event(scheduled_at=NOON)
    april = scene.acme.event(scheduled_at=NOON + timedelta(days=31))
    period = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
    assert scene.check("event_without_closer", **period)["found"] == 1
    assert [row["row_ids"] for row in scene.listed("event_without_closer")] == [[march.id]]
    assert scene.check("event_without_closer")["opened"] == 1
    again = scene.check("event_without_closer", **period)
    assert (again["found"], again["healed"]) == (1, 0)
    assert len(scene.listed("event_without_closer")) == 2
    assert {row["happened_at"] for row in scene.listed("event_without_closer")} == {
        NOON,
        NOON + timedelta(days=31),
    }
    scene.write(
        "update api.events set closer_id = %(closer)s where id = %(id)s",
        closer=scene.dana.closer_id,
        id=april.id,
    )
    assert scene.check("event_without_closer", **period)["healed"] == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"checks": ["luck"]}, "PT422"),
        ({"checks": [None]}, "PT422"),
        ({"start_date": "2026-03-01"}, "PT422"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-01"}, "PT422"),
    ],
)
def test_meaningless_questions_are_refused(
    scene: Scene, given: dict[str, object], code: str
) -> None:
    with refused(code):
        ask(scene.world, scene.ada, "qa_agent", **given)


@pytest.mark.parametrize("who", ["closer", "setter", "member", "stranger"])
def test_only_admins_run_checks(scene: Scene, who: str) -> None:
    people: dict[str, Callable[[], Person]] = {
        "closer": lambda: scene.dana,
        "setter": scene.acme.setter,
        "member": scene.acme.member,
        "stranger": lambda: scene.world.organization("bolt").admin(),
    }
    with refused("PT404" if who == "stranger" else "42501"):
        ask(scene.world, people[who](), "qa_agent", organization_id=scene.acme.id)


# -- the scene's own words


def claimed(scene: Scene) -> UUID:
    """Money that a form said was collected, long ago."""
    scene.acme.event(
        closer=scene.dana,
        outcome="closed",
        form={"cash_collected": "500.00", "currency": "USD", "payment_type": "pif"},
    )
    claim: UUID = scene.world.value(
        "select id from app.payments where organization_id = %s and claim_state = 'pending'",
        scene.acme.id,
    )
    return claim


def sold(scene: Scene, lead: Row, value: Decimal, **more: Any) -> UUID:
    (deal,) = scene.call(
        "create_deal", lead_id=lead.id, contract_value=value, closed_at=NOON, reason=WHY, **more
    )
    made: UUID = deal["id"]
    return made


def pay(scene: Scene, deal: UUID, amount: Decimal) -> UUID:
    (paid,) = scene.call(
        "record_payment",
        amount=amount,
        deal_id=deal,
        paid_at=NOON + timedelta(days=1),
        reason=WHY,
    )
    made: UUID = paid["id"]
    return made
