"""Every delivery of Calendly on file, and what all of them leave, whatever their order."""

from collections.abc import Callable, Iterable

import pytest

from tests.calendly_events import example
from tests.database.inbox import Inbox, open_inbox
from tests.senders import SENDERS
from tests.world import World

FILES = sorted(path.stem for path in SENDERS["calendly"].payloads)


def as_they_happened(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (example(name)["created_at"], name))


def backwards(names: Iterable[str]) -> list[str]:
    return as_they_happened(names)[::-1]


@pytest.fixture
def inbox(world: World) -> Inbox:
    acme = world.organization("acme")
    for name in ("dana", "eli"):
        world.execute(
            "update app.closers set email = %s where id = %s",
            f"{name}.host@example.test",
            acme.closer(name).closer_id,
        )
    acme.setter("Sam")
    return open_inbox(acme, provider="calendly")


def calls(inbox: Inbox) -> list[tuple[object, ...]]:
    """(lead, state, who canceled, replaces another, closer, setter or the text, phone, type)."""
    rows = inbox.organization.world.rows(
        "select lower(l.email) as lead, e.call_status, e.canceled_by,"
        "       e.rescheduled_from_id is not null as replaces, c.email as closer,"
        "       coalesce(s.name, e.setter_name) as setter, l.phone, t.name as type"
        "  from app.events as e"
        "  join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id"
        "  join app.call_types as t"
        "    on t.organization_id = e.organization_id and t.id = e.call_type_id"
        "  left join app.closers as c"
        "    on c.organization_id = e.organization_id and c.id = e.closer_id"
        "  left join app.setters as s"
        "    on s.organization_id = e.organization_id and s.id = e.setter_id"
        " where e.organization_id = %s order by e.booked_at",
        inbox.organization.id,
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("order", [as_they_happened, backwards])
def test_all_of_them_leave_the_same_calls(
    inbox: Inbox, order: Callable[[Iterable[str]], list[str]]
) -> None:
    answers = {name: inbox.take(example(name)) for name in order(FILES)}
    queued = {name for name, answer in answers.items() if answer == "queued"}
    assert queued == {"invitee.created.without-slot"}
    assert answers["event_type.updated"] == "ignored"
    dana, eli = "dana.host@example.test", "eli.host@example.test"
    strategy, group = "Strategy session", "Group briefing"
    assert calls(inbox) == [
        # Canceled before the start: a no-show that is marked later does not count.
        (
            "mira.solberg@lead.test",
            "canceled",
            "invitee",
            False,
            dana,
            None,
            "+47 400 00 017",
            strategy,
        ),
        ("tomas@lead.test", "rescheduled", None, False, dana, "setter-17", None, strategy),
        ("ana@lead.test", "scheduled", None, False, dana, None, None, group),
        ("bo@lead.test", "canceled", "invitee", False, dana, None, None, group),
        # Of several hosts the first who is a closer; the first of these has no address.
        ("cleo@lead.test", "scheduled", None, False, dana, None, None, "Panel call"),
        ("dee.fox@lead.test", "canceled", "host", False, eli, "Sam", "+34 600 000 019", "Calls"),
        ("tomas@lead.test", "scheduled", None, True, dana, "setter-17", None, strategy),
    ]
    (touch,) = inbox.rows("lead_touches")
    assert touch["channel"] == "calendly_routing_form"
    assert inbox.open_exceptions() == {"failed_delivery", "unknown_setter"}
