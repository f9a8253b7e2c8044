"""Every cell of the transition table of calls, with the times and people that guard it."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.acting import refused
from tests.world import ANSWERS, NOON, Organization, Row, World

BEFORE = NOON - timedelta(hours=1)
EARLY = NOON - timedelta(minutes=16)
ALMOST = NOON - timedelta(minutes=15)
START = NOON
AFTER = NOON + timedelta(hours=2)

NOTHING = "nothing"  # a vendor's message changes nothing, a person is refused
COMPLETED = ("completed", "showed_offer")
NO_SHOW = ("no_show", "no_show")
CANCELED = ("canceled", None)
RESCHEDULED = ("rescheduled", None)
SCHEDULED = ("scheduled", None)


class Cell(NamedTuple):
    """start: a scene below. at: when it happens. then: (status, outcome), or NOTHING."""

    start: str
    action: str
    at: object
    then: tuple[str, str | None] | str


CELLS = [
    # invitee cancels
    Cell("scheduled", "invitee_cancels", BEFORE, CANCELED),
    Cell("scheduled", "invitee_cancels", START, NO_SHOW),
    Cell("scheduled", "invitee_cancels", AFTER, NO_SHOW),
    Cell("pending after the host canceled late", "invitee_cancels", AFTER, NO_SHOW),
    *(
        Cell(start, "invitee_cancels", at, NOTHING)
        for start in ("canceled", "canceled by form", "rescheduled", "completed", "no_show")
        for at in (BEFORE, AFTER)
    ),
    # host cancels
    Cell("scheduled", "host_cancels", BEFORE, CANCELED),
    Cell("scheduled", "host_cancels", START, SCHEDULED),
    Cell("scheduled", "host_cancels", AFTER, SCHEDULED),
    Cell("pending after the host canceled late", "host_cancels", AFTER, NOTHING),
    *(
        Cell(start, "host_cancels", at, NOTHING)
        for start in ("canceled", "canceled by form", "rescheduled", "completed", "no_show")
        for at in (BEFORE, AFTER)
    ),
    # reschedule
    *(
        Cell(start, "reschedule", at, RESCHEDULED)
        for start in ("scheduled", "canceled", "canceled by form")
        for at in (BEFORE, AFTER)
    ),
    Cell("rescheduled, successor unknown", "reschedule", AFTER, RESCHEDULED),
    Cell("rescheduled", "reschedule", AFTER, NOTHING),
    Cell("completed", "reschedule", AFTER, NOTHING),
    Cell("no_show", "reschedule", AFTER, NOTHING),
    Cell("no_show by vendor", "reschedule", AFTER, NOTHING),
    # a vendor's no-show, and its withdrawal
    Cell("scheduled", "vendor_no_show", AFTER, NO_SHOW),
    Cell("pending after the host canceled late", "vendor_no_show", AFTER, NO_SHOW),
    *(
        Cell(start, action, AFTER, NOTHING)
        for start in ("canceled", "canceled by form", "rescheduled", "completed", "no_show")
        for action in ("vendor_no_show", "vendor_no_show_withdrawn")
    ),
    Cell("no_show by vendor", "vendor_no_show", AFTER, NOTHING),
    Cell("scheduled", "vendor_no_show_withdrawn", AFTER, NOTHING),
    Cell("no_show by vendor", "vendor_no_show_withdrawn", AFTER, SCHEDULED),
    Cell("no_show by late cancel", "vendor_no_show_withdrawn", AFTER, NOTHING),
    Cell("no_show by vendor, then by a person", "vendor_no_show_withdrawn", AFTER, NOTHING),
]

FORMS = [
    # (start, what the form says, at, then): a refused form raises PT409, whoever sends it
    *(("scheduled", says, at, SCHEDULED_RESULT) for says, at, SCHEDULED_RESULT in (
        ("showed_offer", ALMOST, COMPLETED),
        ("showed_offer", AFTER, COMPLETED),
        ("showed_offer", EARLY, NOTHING),
        ("no_show", ALMOST, NO_SHOW),
        ("no_show", EARLY, NOTHING),
        ("closer_absent", ALMOST, CANCELED),
        ("closer_absent", EARLY, NOTHING),
        ("lead_canceled", BEFORE - timedelta(days=1), CANCELED),
        ("lead_canceled", AFTER, CANCELED),
        ("reschedule_requested", BEFORE - timedelta(days=1), CANCELED),
    )),
    *(("pending after the host canceled late", says, AFTER, then) for says, then in (
        ("showed_offer", COMPLETED), ("no_show", NO_SHOW), ("closer_absent", CANCELED))),
    *((start, says, AFTER, then) for start in ("canceled", "canceled by form") for says, then in (
        ("showed_offer", COMPLETED),
        ("no_show", NOTHING),
        ("lead_canceled", NOTHING),
        ("closer_absent", NOTHING),
    )),
    ("canceled", "showed_offer", EARLY, NOTHING),
    *((start, says, AFTER, NOTHING)
      for start in ("rescheduled", "rescheduled, successor unknown")
      for says in ("showed_offer", "no_show", "lead_canceled", "closer_absent")),
    *((start, says, AFTER, then)
      for start in ("completed", "no_show", "no_show by vendor", "no_show by late cancel")
      for says, then in (
          ("showed_offer", COMPLETED),
          ("no_show", NO_SHOW),
          ("lead_canceled", CANCELED),
          ("closer_absent", CANCELED),
      )),
]  # fmt: skip

SAYS = {
    **ANSWERS,
    "reschedule_requested": {
        "call_occurred": False,
        "non_occurrence_reason": "reschedule_requested",
    },
}


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def scene(acme: Organization, start: str) -> Row:
    """A call in this state."""
    call = acme.event(closer=acme.closer(), setter=acme.setter())
    match start:
        case "scheduled":
            pass
        case "canceled":
            acme.cancel(call, at=BEFORE)
        case "canceled by form":
            acme.form(call, at=AFTER, **SAYS["reschedule_requested"])
        case "rescheduled":
            acme.event(scheduled_at=NOON + timedelta(days=1), rescheduled_from=call)
        case "rescheduled, successor unknown":
            move(acme, call, "reschedule", BEFORE, actor="vendor")
        case "completed":
            acme.form(call, at=AFTER, **SAYS["closed"])
        case "no_show":
            acme.form(call, at=AFTER, **SAYS["no_show"])
        case "no_show by vendor":
            move(acme, call, "vendor_no_show", AFTER, actor="vendor")
        case "no_show by late cancel":
            move(acme, call, "invitee_cancels", AFTER, actor="vendor")
        case "no_show by vendor, then by a person":
            move(acme, call, "vendor_no_show", AFTER, actor="vendor")
            acme.form(call, at=AFTER, **SAYS["no_show"])
        case "pending after the host canceled late":
            move(acme, call, "host_cancels", AFTER, actor="vendor")
        case _:
            raise AssertionError(start)
    return call


def move(
    acme: Organization,
    call: Row,
    action: str,
    at: object,
    *,
    actor: str,
    successor: UUID | None = None,
) -> dict[str, Any]:
    (answer,) = acme.world.rows(
        """
        select * from app.move_event(organization_id => %(organization_id)s, event_id => %(call)s,
            action => %(action)s, at => %(at)s, actor => %(actor)s, successor_id => %(successor)s)
        """,
        organization_id=acme.id,
        call=call.id,
        action=action,
        at=at,
        actor=actor,
        successor=successor,
    )
    return answer


def everything_about(acme: Organization) -> list[Any]:
    """All calls and forms of the organization, to see that nothing changed."""
    return [
        acme.world.rows("select * from app.events where organization_id = %s order by id", acme.id),
        acme.world.rows(
            "select * from app.post_call_forms where organization_id = %s order by id", acme.id
        ),
    ]


@pytest.mark.parametrize("actor", ["person", "vendor"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.start}-{c.action}-{c.at:%d_%H%M}")
def test_a_call_moves_as_the_table_says(acme: Organization, cell: Cell, actor: str) -> None:
    call = scene(acme, cell.start)
    successor = (
        acme.event(scheduled_at=NOON + timedelta(days=2)).id
        if cell.action == "reschedule"
        else None
    )
    before, state = everything_about(acme), acme.state(call)

    if cell.then == NOTHING and actor == "person":
        with refused("PT409"):
            move(acme, call, cell.action, cell.at, actor=actor, successor=successor)
    else:
        answer = move(acme, call, cell.action, cell.at, actor=actor, successor=successor)
        assert answer["changed"] == (cell.then != NOTHING)
        assert answer["because"]
        assert answer["call_status"] == acme.state(call)[0]
    if cell.then == NOTHING:
        assert everything_about(acme) == before
        assert acme.state(call) == state
    else:
        assert acme.state(call) == cell.then


@pytest.mark.parametrize(("start", "says", "at", "then"), FORMS)
def test_a_form_moves_a_call_as_the_table_says(
    acme: Organization, start: str, says: str, at: Any, then: Any
) -> None:
    call = scene(acme, start)
    before = everything_about(acme)
    if then == NOTHING:
        with refused("PT409"):
            acme.form(call, at=at, **SAYS[says])
        assert everything_about(acme) == before
    else:
        acme.form(call, at=at, **SAYS[says])
        assert acme.state(call) == then


def test_every_transition_that_is_listed_is_tried_here_but_one(world: World) -> None:
    """Only a system's completed call could be marked a no-show, and no system completes calls."""
    acme = world.organization("acme")
    seen = set()
    for cell in CELLS:
        if cell.then != NOTHING:
            seen.add((acme.state(scene(acme, cell.start))[0], cell.action, cell.then[0]))
    for start, _, _, then in FORMS:
        if then != NOTHING:
            seen.add((acme.state(scene(acme, start))[0], "form", then[0]))
    listed = {
        tuple(row.values())
        for row in world.rows(
            "select from_status, action, to_status from app.event_transitions"
            " where action <> 'void_form'"
        )
    }
    assert listed - seen == {("completed", "vendor_no_show", "no_show")}
    assert seen - listed == {("rescheduled", "reschedule", "rescheduled")}


def test_a_refused_form_names_the_successor(acme: Organization) -> None:
    call = acme.event(closer=acme.closer())
    successor = acme.event(scheduled_at=NOON + timedelta(days=1), rescheduled_from=call)
    with refused("PT409") as caught:
        acme.form(call, **ANSWERS["closed"])
    assert str(successor.id) in caught.value.diag.message_detail


def test_the_table_is_the_only_way_even_for_the_owner(acme: Organization) -> None:
    call = acme.event(closer=acme.closer())
    for change in (
        "call_status = 'canceled', canceled_at = now(), canceled_by = 'host'",
        "call_status = 'rescheduled'",
        "canceled_at = now()",
        "pcf_submitted = true, call_status = 'completed', event_outcome = 'closed'",
    ):
        with refused("42501"):
            acme.world.execute(f"update app.events set {change} where id = %s", call.id)


def test_an_action_opens_no_other_way_than_its_own(acme: Organization) -> None:
    call = acme.event(closer=acme.closer())
    acme.world.execute("select set_config('app.event_action', 'vendor_no_show_withdrawn', true)")
    with refused("42501"):
        acme.world.execute(
            "update app.events set call_status = 'rescheduled' where id = %s", call.id
        )


def test_a_new_call_starts_scheduled(acme: Organization) -> None:
    for columns in (
        {"call_status": "rescheduled"},
        {"call_status": "canceled", "canceled_at": NOON, "canceled_by": "host"},
        {"call_status": "no_show", "event_outcome": "no_show", "pcf_submitted": True},
        {"canceled_at": NOON},
    ):
        with refused("PT422"):
            acme.world.insert("events", organization_id=acme.id, scheduled_at=NOON, **columns)


def test_only_a_scheduled_call_changes_its_time(acme: Organization) -> None:
    later = NOON + timedelta(days=1)
    change = "update app.events set scheduled_at = %s where id = %s"
    call = acme.event(closer=acme.closer())
    acme.world.execute(change, later, call.id)
    assert acme.world.value(
        "select scheduled_end_at from app.events where id = %s", call.id
    ) == later + timedelta(hours=1)
    for start in ("canceled", "rescheduled", "completed", "no_show"):
        moved = scene(acme, start)
        with refused("PT409"):
            acme.world.execute(change, later, moved.id)


@pytest.mark.parametrize("start", ["scheduled", "canceled", "rescheduled", "completed", "no_show"])
def test_people_and_type_of_a_call_change_in_every_state(acme: Organization, start: str) -> None:
    call, eli, kim = scene(acme, start), acme.closer("eli"), acme.setter("kim")
    acme.world.execute(
        "update app.events set closer_id = %s, setter_id = %s, call_type_id = %s where id = %s",
        eli.closer_id,
        kim.setter_id,
        acme.call_type().id,
        call.id,
    )
    (row,) = acme.world.rows("select * from app.events where id = %s", call.id)
    assert (row["closer_name"], row["setter_name"]) == ("eli", "kim")


def test_a_late_cancel_keeps_who_canceled_and_when(acme: Organization) -> None:
    call = scene(acme, "pending after the host canceled late")
    (row,) = acme.world.rows("select * from app.events where id = %s", call.id)
    assert (row["canceled_at"], row["canceled_by"]) == (AFTER, "host")
    assert row["call_status"] == "scheduled"


def test_a_call_that_took_place_after_all_keeps_its_cancellation_as_history(
    acme: Organization,
) -> None:
    call = scene(acme, "canceled")
    acme.form(call, at=AFTER, **ANSWERS["closed"])
    (row,) = acme.world.rows("select * from app.events where id = %s", call.id)
    assert (row["canceled_at"], row["canceled_by"]) == (BEFORE, "invitee")


def test_a_reschedule_after_the_outcome_is_an_exception_for_a_person(acme: Organization) -> None:
    call = scene(acme, "completed")
    follow_up = acme.event(scheduled_at=NOON + timedelta(days=2))
    move(acme, call, "reschedule", AFTER, actor="vendor", successor=follow_up.id)
    (exception,) = acme.world.rows(
        "select * from app.exceptions where organization_id = %s", acme.id
    )
    assert exception["check_name"] == "rescheduled_after_outcome"
    assert exception["row_ids"] == [call.id, follow_up.id]


def test_a_withdrawn_no_show_keeps_the_voided_form(acme: Organization) -> None:
    call = scene(acme, "no_show by vendor")
    move(acme, call, "vendor_no_show_withdrawn", AFTER, actor="vendor")
    (form,) = acme.world.rows("select * from app.post_call_forms where event_id = %s", call.id)
    assert not form["is_active"]
    assert form["voided_at"] == AFTER
    acme.form(call, at=AFTER, **ANSWERS["closed"])
    assert acme.state(call) == ("completed", "closed")


@pytest.mark.parametrize(("booking", "via"), [("b1", "calendly"), (None, "system")])
@pytest.mark.parametrize("action", ["vendor_no_show", "invitee_cancels"])
def test_a_no_show_nobody_reported_rests_on_a_form_of_the_system(
    acme: Organization, booking: str | None, via: str, action: str
) -> None:
    dana = acme.closer("dana")
    call = acme.event(closer=dana, provider_booking_id=booking)
    move(acme, call, action, AFTER, actor="vendor")
    (form,) = acme.world.rows("select * from app.post_call_forms where event_id = %s", call.id)
    assert (form["submitted_via"], form["is_human"], form["closer_id"]) == (via, False, dana.id)
    assert (form["answers"], form["submitted_at"]) == ({"cause": action}, AFTER)


def test_a_deleted_call_takes_nothing_more(acme: Organization) -> None:
    call = scene(acme, "scheduled")
    acme.world.execute(
        "select app.delete_event(%s, %s, 'test booking', %s)", acme.id, call.id, AFTER
    )
    assert not move(acme, call, "invitee_cancels", BEFORE, actor="vendor")["changed"]
    with refused("PT404"):
        move(acme, call, "invitee_cancels", BEFORE, actor="person")
    with refused("PT404"):
        acme.form(call, at=AFTER, **ANSWERS["closed"])


def test_a_call_that_a_locked_payout_rests_on_is_not_deleted(acme: Organization) -> None:
    call = scene(acme, "completed")
    dana = acme.closer("dana-2")
    acme.lock(dana.payee_id, event_id=call.id)
    with refused("PT409"):
        acme.world.execute("select app.delete_event(%s, %s, 'double', now())", acme.id, call.id)
    original = acme.event(lead=acme.lead("other"))
    with refused("PT409"):
        acme.world.execute("select app.mark_duplicate(%s, %s, %s)", acme.id, call.id, original.id)
