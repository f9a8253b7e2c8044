"""Forms that are taken back, and what the CRM hears of forms."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.acting import refused
from tests.world import ANSWERS, NOON, Organization, Row, World

AFTER = NOON + timedelta(hours=1)
BEFORE = NOON - timedelta(hours=2)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def call(acme: Organization) -> Row:
    return acme.event(closer=acme.closer(), setter=acme.setter())


def void(acme: Organization, call: Row | None = None, form: Row | None = None) -> Any:
    return acme.world.rows(
        "select * from app.void_form(%s, %s, %s, 'A mistake.', %s)",
        acme.id,
        call and call.id,
        form and form.id,
        AFTER + timedelta(days=1),
    )[0]


def canceled_at(acme: Organization, call: Row) -> Any:
    return acme.world.value("select canceled_at from app.events where id = %s", call.id)


@pytest.mark.parametrize("outcome", ["closed", "no_show", "lead_canceled", "closer_absent"])
def test_without_its_form_a_call_waits_for_one_again(
    acme: Organization, call: Row, outcome: str
) -> None:
    form = acme.form(call, at=AFTER, **ANSWERS[outcome])
    row = void(acme, call)
    assert (row["id"], row["is_active"], row["voided_reason"]) == (form.id, False, "A mistake.")
    assert acme.state(call) == ("scheduled", None)
    assert canceled_at(acme, call) is None
    acme.form(call, at=AFTER, **ANSWERS["showed_offer"])
    assert acme.state(call) == ("completed", "showed_offer")


def test_the_version_before_rules_again(acme: Organization, call: Row) -> None:
    eli = acme.closer("eli")
    acme.form(call, at=AFTER, **ANSWERS["closer_absent"])
    acme.form(call, at=AFTER, **ANSWERS["closed"], closer_id=eli.closer_id)
    third = acme.form(call, at=AFTER, **ANSWERS["no_show"])
    void(acme, form=third)
    assert acme.state(call) == ("completed", "closed")
    credited = "select credited_closer_id from app.events where id = %s"
    assert acme.world.value(credited, call.id) == eli.closer_id
    void(acme, call)
    assert acme.state(call) == ("canceled", None)
    assert canceled_at(acme, call) == AFTER
    void(acme, call)
    assert (acme.state(call), canceled_at(acme, call)) == (("scheduled", None), None)
    with refused("PT409"):
        void(acme, call)


def test_an_older_version_is_taken_back_without_moving_the_call(
    acme: Organization, call: Row
) -> None:
    first = acme.form(call, at=AFTER, **ANSWERS["no_show"])
    second = acme.form(call, at=AFTER, **ANSWERS["closed"])
    void(acme, form=first)
    assert acme.state(call) == ("completed", "closed")
    assert void(acme, form=first)["voided_at"] == AFTER + timedelta(days=1)
    void(acme, form=second)
    assert acme.state(call) == ("scheduled", None)


def test_a_call_that_was_canceled_before_its_form_is_so_again(
    acme: Organization, call: Row
) -> None:
    acme.cancel(call, at=BEFORE)
    acme.form(call, at=AFTER, **ANSWERS["closed"])
    void(acme, call)
    assert acme.state(call) == ("canceled", None)
    assert canceled_at(acme, call) == BEFORE


def test_a_host_who_canceled_late_leaves_it_scheduled(acme: Organization, call: Row) -> None:
    acme.cancel(call, at=AFTER, by="host")
    acme.form(call, at=AFTER + timedelta(hours=1), **ANSWERS["closed"])
    void(acme, call)
    assert (acme.state(call), canceled_at(acme, call)) == (("scheduled", None), AFTER)


def test_a_systems_no_show_is_taken_back_and_its_withdrawal_then_changes_nothing(
    acme: Organization, call: Row, world: World
) -> None:
    world.execute("select app.report_no_show(%s, %s, %s)", acme.id, call.id, AFTER)
    acme.form(call, at=AFTER, **ANSWERS["closed"])
    void(acme, call)
    assert acme.state(call) == ("no_show", "no_show")
    void(acme, call)
    assert acme.state(call) == ("scheduled", None)
    assert not world.value(
        "select changed from app.withdraw_no_show(%s, %s, %s)", acme.id, call.id, AFTER
    )


def test_money_and_deal_of_a_form_go_with_it(acme: Organization, call: Row, world: World) -> None:
    def money() -> list[Decimal]:
        rows = world.rows(
            "select amount from app.payments where organization_id = %s and deleted_at is null",
            acme.id,
        )
        return [row["amount"] for row in rows]

    def deals() -> list[Decimal | None]:
        rows = world.rows(
            "select contract_value from app.deals where organization_id = %s"
            " and deleted_at is null and status = 'won'",
            acme.id,
        )
        return [row["contract_value"] for row in rows]

    acme.form(call, at=AFTER, **ANSWERS["closed"], cash_collected=100, contract_value=500)
    acme.form(call, at=AFTER, **ANSWERS["closed"], cash_collected=200, contract_value=900)
    assert (money(), deals()) == ([Decimal("200.00")], [Decimal("900.00")])
    void(acme, call)
    assert (money(), deals()) == ([Decimal("100.00")], [Decimal("500.00")])
    void(acme, call)
    assert (money(), deals()) == ([], [])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *itertools.product(["closed", "no_show", None], ["closed", "no_show", "lead_canceled"]),
        ("lead_canceled", "closed"),
        ("canceled", "closed"),
        ("canceled", "no_show"),
    ],
)
def test_every_way_back_that_is_listed_is_open(
    acme: Organization, call: Row, first: str | None, second: str
) -> None:
    if first == "canceled":
        acme.cancel(call, at=BEFORE)
        acme.form(call, at=AFTER, **ANSWERS["closed"])
    elif first is not None:
        acme.form(call, at=AFTER, **ANSWERS[first])
    first_state = acme.state(call)
    acme.form(call, at=AFTER, **ANSWERS[second])
    void(acme, call)
    assert acme.state(call) == first_state
    if first == "canceled":
        void(acme, call)
        assert acme.state(call) == ("canceled", None)


@pytest.mark.parametrize("rests_on", ["call", "claim"])
def test_a_form_under_a_locked_payout_is_corrected_but_not_taken_back(
    acme: Organization, call: Row, world: World, rests_on: str
) -> None:
    acme.form(call, at=AFTER, **ANSWERS["closed"], cash_collected=100)
    claim = world.value("select id from app.payments where organization_id = %s", acme.id)
    acme.lock(
        acme.closer("kim").payee_id,
        **({"event_id": call.id} if rests_on == "call" else {"payment_id": claim}),
    )
    lines = "select * from app.commission_ledger where organization_id = %s"
    before = world.rows(lines, acme.id)
    with refused("PT409"):
        void(acme, call)
    assert acme.state(call) == ("completed", "closed")
    acme.form(call, at=AFTER + timedelta(days=90), **ANSWERS["no_show"])
    assert acme.state(call) == ("no_show", "no_show")
    assert world.rows(lines, acme.id) == before


def test_only_admins_take_forms_back_and_say_why(
    acme: Organization, call: Row, world: World
) -> None:
    dana = acme.closer("dana")
    call = acme.event(closer=dana, outcome="closed")
    statement = (
        "select voided_reason"
        "  from api.void_post_call_form(%s, reason => %s, organization_id => %s)"
    )
    for who in (dana, acme.setter("sue"), acme.member()):
        with world.acting_as(who) as db, refused("42501"):
            db.value(statement, call.id, "No.", acme.id)
    with world.acting_as(world.organization("umbrella").admin()) as db:
        with refused("PT404"):
            db.value(statement, call.id, "No.", acme.id)
        with refused("PT404"):
            db.value(statement, call.id, "No.", None)
    with world.acting_as(acme.admin()) as db:
        with refused("PT422"):
            db.value(statement, call.id, " ", None)
        assert db.value(statement, call.id, "Wrong call.", None) == "Wrong call."
    assert world.rows(
        "select id from app.audit_logs where organization_id = %s"
        " and table_name = 'post_call_forms' and reason = 'Wrong call.'",
        acme.id,
    )


def test_a_form_of_a_call_that_was_rescheduled_since_stays(acme: Organization, call: Row) -> None:
    acme.form(
        call, at=BEFORE, call_occurred=False, non_occurrence_reason="reschedule_requested"
    )  # fmt: skip
    acme.event(scheduled_at=NOON + timedelta(days=1), rescheduled_from=call)
    with refused("PT409"):
        void(acme, call)


# -- the CRM


@pytest.fixture
def crm(acme: Organization, world: World) -> str:
    world.execute(
        "insert into app.organization_integrations as i (organization_id, primary_crm)"
        " values (%s, 'ghl') on conflict (organization_id) do update set primary_crm = 'ghl'",
        acme.id,
    )
    return "ghl"


def messages(acme: Organization, state: str = "pending") -> list[dict[str, Any]]:
    return acme.world.rows(
        "select id, kind, payload from app.outbox where organization_id = %s and state = %s"
        " and kind like 'crm-%%' order by kind desc, id",
        acme.id,
        state,
    )


def mark_sent(world: World, acme: Organization) -> None:
    world.execute(
        "update app.outbox set state = 'sent', sent_at = now(), transport = 'ghl'"
        " where organization_id = %s and state = 'pending'",
        acme.id,
    )


def test_the_crm_hears_of_a_form_with_its_stage_notes_and_answers(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    acme.publish_form({"name": "pain", "type": "text"})
    stage = world.insert(
        "opportunity_statuses", organization_id=acme.id, name="Won", external_id="stage-9",
        pipeline_external_id="pipe-1",
    )  # fmt: skip
    form = acme.form(
        call, at=AFTER, **ANSWERS["closed"], notes="Great.", pain="x", opportunity_status_id=stage
    )
    update, note = messages(acme)
    assert (update["kind"], note["kind"]) == ("crm-update", "crm-note")
    assert (
        update["payload"].items()
        >= {
            "crm": crm,
            "form_id": str(form.id),
            "event_id": str(call.id),
            "version": 1,
            "event_outcome": "closed",
            "stage_external_id": "stage-9",
            "pipeline_external_id": "pipe-1",
            "answers": {"pain": "x"},
        }.items()
    )
    assert "notes" not in update["payload"]
    assert (note["payload"]["notes"], note["payload"]["answers"]) == ("Great.", {"pain": "x"})


def test_a_new_version_replaces_what_waits_of_the_one_before(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    acme.form(call, at=AFTER, **ANSWERS["closed"], notes="one")
    second = acme.form(call, at=AFTER, **ANSWERS["no_show"])
    (only,) = messages(acme)
    assert only["payload"]["form_id"] == str(second.id)
    assert len(messages(acme, "cancelled")) == 2
    mark_sent(world, acme)
    third = acme.form(call, at=AFTER, **ANSWERS["closed"], notes="three")
    assert {row["payload"]["form_id"] for row in messages(acme)} == {str(third.id)}
    assert len(messages(acme, "sent")) == 1


def test_the_crm_hears_what_rules_after_a_form_was_taken_back(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    first = acme.form(call, at=AFTER, **ANSWERS["no_show"])
    void(acme, call)
    assert messages(acme) == []  # it never heard of it
    again = acme.form(call, at=AFTER, **ANSWERS["showed_offer"])
    mark_sent(world, acme)
    acme.form(call, at=AFTER, **ANSWERS["closed"])
    mark_sent(world, acme)
    void(acme, call)
    (restored,) = messages(acme)
    assert restored["payload"]["form_id"] == str(again.id)
    assert restored["payload"]["event_outcome"] == "showed_offer"
    void(acme, call)
    (nothing,) = messages(acme)
    assert nothing["payload"]["voided"] is True
    assert "event_outcome" not in nothing["payload"]
    assert first.id != again.id


def test_nothing_is_told_where_nobody_could_hear_it(
    acme: Organization, world: World, crm: str
) -> None:
    nameless = Row(
        acme.id, world.value("select app.book_call(%s, scheduled_at => %s)", acme.id, NOON)
    )
    acme.form(nameless, at=AFTER, **ANSWERS["closed"])
    test_lead = acme.lead("Tess", is_test=True)
    acme.form(acme.event(lead=test_lead), at=AFTER, **ANSWERS["closed"])
    world.value(
        "select id from app.record_form(%s, %s, '{\"call_occurred\": true}', %s,"
        " submitted_via => 'import')",
        acme.id,
        acme.event().id,
        AFTER,
    )
    assert messages(acme) == []
    known = acme.lead("Kim", email="", ghl_contact_id="c1")
    acme.form(acme.event(lead=known), at=AFTER, **ANSWERS["closed"])
    assert [row["payload"]["ghl_contact_id"] for row in messages(acme)] == ["c1"]


def test_without_a_crm_nothing_is_queued(acme: Organization, call: Row) -> None:
    acme.form(call, at=AFTER, **ANSWERS["closed"], notes="x")
    assert messages(acme) == []


def test_a_systems_no_show_is_told_and_so_is_its_withdrawal(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    world.execute("select app.report_no_show(%s, %s, %s)", acme.id, call.id, AFTER)
    (told,) = messages(acme)
    assert (told["kind"], told["payload"]["event_outcome"]) == ("crm-update", "no_show")
    mark_sent(world, acme)
    world.execute("select app.withdraw_no_show(%s, %s, %s)", acme.id, call.id, AFTER)
    (withdrawn,) = messages(acme)
    assert withdrawn["payload"]["voided"] is True


def test_a_worker_leaves_what_it_cannot_send_where_it_is(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    acme.form(call, at=AFTER, **ANSWERS["closed"], notes="x")
    claim = "select id from jobs.claim_outbox('one', %s, 1000, now() + interval '1 day')"
    waiting = {row["id"] for row in messages(acme)}
    with world.acting_as_role("worker") as worker:
        assert not worker.ids(claim, ["email"]) & waiting
        assert worker.ids(claim, ["crm-update", "crm-note"]) >= waiting
    assert {row["id"] for row in messages(acme, "sending")} == waiting


def test_a_form_that_is_rolled_back_tells_nothing(
    acme: Organization, call: Row, world: World, crm: str
) -> None:
    with world.connection.transaction() as doomed:
        acme.form(call, at=AFTER, **ANSWERS["closed"])
        raise psycopg.Rollback(doomed)
    assert messages(acme) == []
