"""What is told late counts as if it had been told in time."""

import pytest

from tests.calendly_events import BOOKED_AT, Invitee
from tests.stories.ending import Rows, ending
from tests.stories.tales import DAY, HOUR, MIRA, Plot, answers, card, chat, routing_form
from tests.stories.telling import Attribution, Cast, Delivery, Form, Stage, cast, stage, tell
from tests.world import NOON, World


@pytest.fixture
def people(world: World) -> Cast:
    return cast(world)


@pytest.fixture
def acme(world: World, people: Cast) -> Stage:
    return stage(world, people)


def booking(people: Cast) -> Invitee:
    utm = {"utm_source": "ig", "utm_content": people.sam.name}
    return Invitee(hosts=[people.dana.email], email=MIRA, utm=utm)


def setters(end: Rows) -> tuple[str, str]:
    (lead,) = end["leads"]
    return lead["original_setter_name"], lead["current_setter_name"]


@pytest.mark.parametrize("late", [False, True])
def test_the_first_setter_is_whoever_was_named_first(acme: Stage, people: Cast, late: bool) -> None:
    steps = [
        Delivery("manychat", chat(people, BOOKED_AT - DAY)),
        Delivery("calendly", booking(people).created()),
    ]
    tell(acme, reversed(steps) if late else steps)
    assert setters(ending(acme)) == ("tia", "sam")


def test_credits_follow_a_first_setter_who_is_told_late(acme: Stage, people: Cast) -> None:
    acme.world.execute(
        "update app.organizations set setter_attribution = 'original' where id = %s", acme.acme.id
    )
    call = booking(people)
    paid, _ = card(100000, MIRA, NOON + 2 * HOUR, customer="cus_Mira0001")
    tell(
        acme,
        [
            Delivery("calendly", call.created()),
            Form(call, NOON + HOUR, answers(Plot())),
            Delivery("stripe", paid),
            Delivery("manychat", chat(people, BOOKED_AT - DAY)),
        ],
    )
    credited = {row["setter_id"] for row in ending(acme)["payment_credits"]}
    assert credited == {None, "setter tia"}


def test_a_call_gets_the_number_that_is_told_after_it(acme: Stage, people: Cast) -> None:
    tell(
        acme,
        [
            Delivery("calendly", booking(people).created()),
            Delivery("calendly", routing_form(BOOKED_AT - HOUR)),
        ],
    )
    (call,) = ending(acme)["events"]
    assert call["lead_phone"] == "+47 400 00 017"


def test_claims_and_decided_payments_have_the_source_that_their_call_gets(
    acme: Stage, people: Cast
) -> None:
    """The later booking comes first; the source is that of the one it replaces."""
    first = booking(people)
    last = first.rescheduled_to(NOON + DAY, BOOKED_AT + HOUR, utm={})
    paid, _ = card(50000, "noah@lead.test", NOON + 2 * DAY, customer="cus_Spouse0001")
    tell(
        acme,
        [
            Delivery("calendly", last.created()),
            Form(last, NOON + DAY + HOUR, answers(Plot())),
            Delivery("stripe", paid),
            Attribution(paid["data"]["object"]["payment_intent"], last),
            Delivery("calendly", first.created()),
        ],
    )
    sources = {row["attribution_method"]: row["source_id"] for row in ending(acme)["payments"]}
    assert sources == {"form": "source Instagram", "manual": "source Instagram"}
