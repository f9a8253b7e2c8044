"""A call cannot be in a state that means nothing: every combination, tried one by one."""

import itertools

import psycopg
import pytest

STATUSES = ("scheduled", "completed", "no_show", "canceled", "rescheduled", "showed")
OUTCOMES = (None, "showed_no_offer", "showed_offer", "closed", "no_show", "showed")
HELD = ("showed_no_offer", "showed_offer", "closed")

COMBINATIONS = list(itertools.product(STATUSES, OUTCOMES, (False, True), (None, "invitee", "host")))


def means_something(status: str, outcome: str | None, form: bool, canceled_by: str | None) -> bool:
    """The state model in words: completed and no-show rest on a form and say how the call went.

    Nothing else has an outcome; a scheduled call has no form; a canceled one says who canceled.
    """
    if status == "completed":
        return outcome in HELD and form
    if status == "no_show":
        return outcome == "no_show" and form
    if outcome is not None:
        return False
    if status == "scheduled":
        return not form
    if status == "canceled":
        return canceled_by is not None
    return status == "rescheduled"


@pytest.fixture
def bare(db: psycopg.Connection) -> psycopg.Connection:
    """A table with the columns and checks of events and nothing else: no keys, no triggers."""
    db.execute("create schema bare")
    db.execute(
        "create table bare.events"
        " (like app.events including defaults including constraints including generated)"
    )
    return db


def accepted(db: psycopg.Connection, **columns: object) -> bool:
    """Does the table take such a row? False only when a check of the table refuses it."""
    row = {
        "organization_id": "00000000-0000-7000-8000-000000000001",
        "id": "00000000-0000-7000-8000-000000000002",
        "root_event_id": "00000000-0000-7000-8000-000000000002",
        "scheduled_at": "2026-03-01 10:00+00",
        "scheduled_end_at": "2026-03-01 11:00+00",
        "booked_at": "2026-02-01 10:00+00",
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    try:
        with db.transaction():
            db.execute(f"insert into bare.events ({names}) values ({marks})".encode(), row)
    except psycopg.errors.CheckViolation:
        return False
    return True


def test_exactly_the_states_that_mean_something_are_accepted(bare: psycopg.Connection) -> None:
    wrong = []
    for status, outcome, form, canceled_by in COMBINATIONS:
        taken = accepted(
            bare,
            call_status=status,
            event_outcome=outcome,
            pcf_submitted=form,
            canceled_by=canceled_by,
            canceled_at=canceled_by and "2026-02-15 10:00+00",
        )
        if taken != means_something(status, outcome, form, canceled_by):
            wrong.append((status, outcome, form, canceled_by, "taken" if taken else "refused"))
    assert wrong == []


def test_a_cancellation_says_when_and_by_whom(bare: psycopg.Connection) -> None:
    when = "2026-02-15 10:00+00"
    assert accepted(bare, call_status="canceled", canceled_by="host", canceled_at=when)
    assert not accepted(bare, call_status="canceled", canceled_by="host")
    assert not accepted(bare, call_status="canceled", canceled_at=when)
    assert not accepted(bare, call_status="canceled", canceled_by="somebody", canceled_at=when)


def test_a_chain_has_one_root_and_a_call_ends_after_it_starts(bare: psycopg.Connection) -> None:
    other = "00000000-0000-7000-8000-000000000003"
    own = "00000000-0000-7000-8000-000000000002"
    assert accepted(bare, root_event_id=other, rescheduled_from_id=other)
    assert not accepted(bare, root_event_id=other)
    assert not accepted(bare, rescheduled_from_id=other)
    assert not accepted(bare, rescheduled_from_id=own, root_event_id=other)
    assert not accepted(bare, duplicate_of_id=own)
    assert not accepted(bare, scheduled_end_at="2026-03-01 10:00+00")


def test_a_call_has_one_successor_and_one_row_for_each_invitee(db: psycopg.Connection) -> None:
    """Chains never branch, and what a provider announces twice is one row: per organization."""
    keys = {
        name
        for (name,) in db.execute(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'app.events'::regclass and contype = 'u'"
        )
    }
    assert {
        "UNIQUE (organization_id, rescheduled_from_id)",
        "UNIQUE (organization_id, calendly_invitee_uuid)",
        "UNIQUE (organization_id, provider, provider_booking_id)",
    } <= keys
