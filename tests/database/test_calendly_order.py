"""Any order, repetition or delay of a booking's story ends as telling it in order does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calendly_events import BOOKED_AT, Event, Invitee, example
from tests.database.inbox import Inbox, open_inbox
from tests.world import NOON, Organization, Person, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
END = NOON + 3 * DAY
"""When the last booking of the stories takes place."""


@dataclass(frozen=True)
class Form:
    """A person's form for the call of an invitee, an hour after the start."""

    invitee: Invitee


Message = Event | Form


@dataclass(frozen=True)
class Scene:
    """An organization with rules, two closers and two setters, which Calendly tells of bookings.

    copies: two connections of one account, which both tell of everything.
    """

    acme: Organization
    dana: Person
    eli: Person
    sam: Person
    tia: Person
    copies: tuple[Inbox, Inbox]


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    youtube, instagram = acme.source("YouTube"), acme.source("Instagram")
    for position, (value, source) in enumerate([("yt", youtube), ("ig", instagram)]):
        world.insert(
            "source_rules", organization_id=acme.id, position=position, field="utm_source",
            operator="equals", value=value, source_id=source.id,
        )  # fmt: skip
    referral = acme.source("Referral")
    world.execute(
        "update app.call_types set default_source_id = %s where organization_id = %s and id = %s",
        referral.id, acme.id, acme.call_type("Strategy session").id,
    )  # fmt: skip
    return Scene(
        acme, acme.closer("dana"), acme.closer("eli"), acme.setter("sam"), acme.setter("tia"),
        (open_inbox(acme, provider="calendly"), open_inbox(acme, provider="calendly")),
    )  # fmt: skip


# -- stories


def chain(scene: Scene, links: int, *, keeps_tracking: bool, second: str | None) -> list[Invitee]:
    """Bookings that replace each other. second: who hosts and sets from the second one on."""
    utm = {"utm_source": "ig", "utm_content": scene.sam.name}
    bookings = [Invitee(hosts=[scene.dana.email], email="mira@lead.test", utm=utm)]
    starts = [NOON + DAY, NOON, END]
    for number in range(1, links):
        others: dict[str, Any] = {} if keeps_tracking else {"utm": {}}
        if second is not None:
            others["hosts"] = [scene.eli.email]
            others["utm"] = {"utm_source": "yt", "utm_content": scene.tia.name}
        bookings.append(
            bookings[-1].rescheduled_to(
                starts[number % 3] + number * HOUR, BOOKED_AT + number * HOUR, **others
            )
        )
        second = None if number == 1 else second
    return bookings


def told_of(bookings: Sequence[Invitee]) -> list[Message]:
    """What Calendly says of a chain, in order."""
    story: list[Message] = [bookings[0].created()]
    for old, new in pairwise(bookings):
        story += [old.canceled(new.booked_at, by="invitee", new=new), new.created()]
    return story


Ending = Callable[[Invitee], list[Message]]


def marked_and_withdrawn(last: Invitee) -> list[Message]:
    marked = last.no_show(last.start + HOUR)
    return [marked, last.no_show_withdrawn(last.start + 2 * HOUR, no_show=marked)]


ENDINGS: dict[str, Ending] = {
    "nothing": lambda last: [],
    "invitee cancels before": lambda last: [last.canceled(last.start - HOUR)],
    "invitee cancels after": lambda last: [last.canceled(last.start + HOUR)],
    "host cancels before": lambda last: [last.canceled(last.start - HOUR, by="host")],
    "host cancels after": lambda last: [last.canceled(last.start + HOUR, by="host")],
    "no-show": lambda last: [last.no_show(last.start + HOUR)],
    "no-show withdrawn": marked_and_withdrawn,
    "no-show marked anew": lambda last: [
        *marked_and_withdrawn(last),
        last.no_show(last.start + 3 * HOUR),
    ],
    "host cancels, no-show": lambda last: [
        last.canceled(last.start + HOUR, by="host"),
        last.no_show(last.start + 2 * HOUR),
    ],
    "invitee cancels, marked, withdrawn": lambda last: [
        last.canceled(last.start + HOUR),
        *marked_and_withdrawn(last),
    ],
    "canceled before, then marked": lambda last: [
        last.canceled(last.start - HOUR),
        last.no_show(last.start + HOUR),
    ],
    "a form": lambda last: [Form(last)],
    "no-show, form": lambda last: [last.no_show(last.start + HOUR), Form(last)],
    "form, marked, withdrawn": lambda last: [Form(last), *marked_and_withdrawn(last)],
    "host cancels, form": lambda last: [last.canceled(last.start + HOUR, by="host"), Form(last)],
    "another host": lambda last: [
        {**moved_to("eli", last), "event": "invitee_no_show.created"},
    ],
}


def moved_to(host: str, last: Invitee) -> Event:
    sent = last.no_show(last.start + HOUR)
    for member in sent["payload"]["scheduled_event"]["event_memberships"]:
        member.update(user=f"https://api.calendly.com/users/{host}", user_email="eli@moved.test")
    return sent


# -- telling them


def tell(scene: Scene, story: Sequence[Message]) -> dict[str, Any]:
    """What is there after these messages. A form waits for its call, as a person has to."""
    waiting: list[Form] = []
    copies = {id(message): 0 for message in story}
    for message in story:
        if isinstance(message, Form):
            waiting.append(message)
        else:
            scene.copies[copies[id(message)] % 2].take(message)
            copies[id(message)] += 1
        waiting = [form for form in waiting if not submitted(scene, form)]
    assert not waiting
    return state(scene)


def submitted(scene: Scene, form: Form) -> bool:
    calls = scene.acme.world.rows(
        "select id from app.events where organization_id = %s and calendly_invitee_uuid = %s",
        scene.acme.id, form.invitee.id,
    )  # fmt: skip
    for call in calls:
        scene.acme.world.value(
            "select app.record_form(organization_id => %s, event_id => %s, form => %s, at => %s)",
            scene.acme.id, call["id"], '{"call_occurred": true, "lead_showed": true}',
            form.invitee.start + HOUR,
        )  # fmt: skip
    return bool(calls)


def state(scene: Scene) -> dict[str, Any]:
    """The rows that count, with bookings in place of ids that are made anew each time.

    A cancellation that a person's form has overruled is history: whether the call keeps it depends
    on which of the two came first.
    """
    world, organization = scene.acme.world, scene.acme.id
    return {
        "calls": world.rows(
            """
            select e.calendly_invitee_uuid, e.call_status, e.event_outcome, e.pcf_submitted,
                   e.scheduled_at, e.scheduled_end_at, e.booked_at, e.closer_id, e.closer_name,
                   e.credited_closer_id, e.setter_id, e.setter_name, e.credited_setter_id,
                   e.source_id, e.traffic_type_id, e.source_origin, e.inherits, e.utm_source,
                   e.utm_content, e.answers, e.lead_name, e.lead_email, e.call_type_id,
                   e.deleted_at, e.duplicate_of_id,
                   case when f.is_human is not true then e.canceled_at end as canceled_at,
                   case when f.is_human is not true then e.canceled_by end as canceled_by,
                   r.calendly_invitee_uuid as root, p.calendly_invitee_uuid as follows,
                   f.is_human, f.answers ->> 'cause' as cause, f.submitted_at,
                   f.closer_id as form_closer
              from app.events as e
              left join app.events as r
                on r.organization_id = e.organization_id and r.id = e.root_event_id
              left join app.events as p
                on p.organization_id = e.organization_id and p.id = e.rescheduled_from_id
              left join app.post_call_forms as f
                on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
             where e.organization_id = %s order by 1
            """,
            organization,
        ),
        "leads": world.rows(
            "select full_name, email, phone, source_id, traffic_type_id, source_origin,"
            " original_setter_id, original_setter_name, current_setter_id, current_setter_name"
            " from app.leads where organization_id = %s order by email",
            organization,
        ),
        "open": world.rows(
            "select x.check_name, e.calendly_invitee_uuid from app.exceptions as x"
            " left join app.events as e on e.organization_id = x.organization_id"
            "  and e.id = any (x.row_ids)"
            " where x.organization_id = %s and x.state = 'open' order by 1, 2",
            organization,
        ),
        "touches": world.rows(
            "select channel, external_id, occurred_at from app.lead_touches"
            " where organization_id = %s order by 2",
            organization,
        ),
    }


@settings(max_examples=40)
@given(data=st.data())
def test_the_order_of_deliveries_and_repetitions_change_nothing(
    db: psycopg.Connection, scene: Scene, data: st.DataObject
) -> None:
    bookings = chain(
        scene,
        data.draw(st.integers(1, 3), label="links"),
        keeps_tracking=data.draw(st.booleans(), label="keeps tracking"),
        second=data.draw(st.sampled_from([None, "eli"]), label="second"),
    )
    ending = data.draw(st.sampled_from(sorted(ENDINGS)), label="ending")
    orderly = [*told_of(bookings), *ENDINGS[ending](bookings[-1])]
    if data.draw(st.booleans(), label="routing form"):
        orderly.insert(0, example("routing_form_submission.created"))
    again = [message for message in orderly if not isinstance(message, Form)]
    repeated = data.draw(st.lists(st.sampled_from(again), max_size=4), label="repeated")
    shuffled = data.draw(st.permutations([*orderly, *repeated]), label="order")
    with db.transaction(force_rollback=True):
        expected = tell(scene, orderly)
    with db.transaction(force_rollback=True):
        assert tell(scene, shuffled) == expected


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_a_story_told_backwards_ends_the_same(
    db: psycopg.Connection, scene: Scene, ending: str
) -> None:
    bookings = chain(scene, 3, keeps_tracking=False, second="eli")
    orderly = [*told_of(bookings), *ENDINGS[ending](bookings[-1])]
    with db.transaction(force_rollback=True):
        expected = tell(scene, orderly)
    with db.transaction(force_rollback=True):
        assert tell(scene, [*reversed(orderly)]) == expected
