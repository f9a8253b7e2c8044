"""Several senders at once, each thing told twice: nothing lost, nothing double."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from tests import stripe_events
from tests.calendly_events import BOOKED_AT, Invitee
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.stories.ending import differences, ending
from tests.stories.tales import DAY, HOUR, MIRA, PLOTS, Plot, answers, card, chat, tale
from tests.stories.telling import (
    Act,
    Cast,
    Delivery,
    Form,
    Stage,
    Step,
    act,
    as_seen_by,
    cast,
    queued,
    stage,
    tell,
)
from tests.world import NOON, World

SENDERS_AT_ONCE = 4


@pytest.fixture(scope="module")
def people(committed_world: World) -> Cast:
    return cast(committed_world)


def told_while_another_is_open(
    database: Database, acme: Stage, first: Delivery | Form, second: Delivery
) -> None:
    """The second comes when the first is processed and not committed, and has to wait for it."""
    with (
        psycopg.connect(database.deployer_url) as earlier,
        psycopg.connect(database.deployer_url) as later,
    ):
        for connection in (earlier, later):
            connection.execute("set role salesdash")
        seen = as_seen_by(acme, earlier)
        assert first.take(seen) if isinstance(first, Delivery) else first.happens(seen)
        waiting = threading.Thread(target=second.take, args=(as_seen_by(acme, later),))
        waiting.start()
        wait_until(
            lambda: acme.world.value(
                "select %s = any (pg_blocking_pids(%s))",
                earlier.info.backend_pid,
                later.info.backend_pid,
            ),
            lambda: "the second delivery did not wait for the first",
        )
        earlier.commit()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
        later.commit()


def told_at_once(database: Database, acme: Stage, shares: Sequence[Sequence[Step]]) -> list[Act]:
    """Each share by a connection of its own; what people could not do yet."""
    begin = threading.Barrier(len(shares))

    def tell_share(share: Sequence[Step]) -> list[Act]:
        with psycopg.connect(database.deployer_url, autocommit=True) as connection:
            connection.execute("set role salesdash")
            seen = as_seen_by(acme, connection)
            begin.wait()
            return tell(seen, share, at_once=True)

    with ThreadPoolExecutor(len(shares)) as pool:
        return [deed for waiting in pool.map(tell_share, shares) for deed in waiting]


def settle(acme: Stage) -> None:
    """What the worker does a minute later, for what met or missed each other in one moment."""
    with acme.world.acting_as_role("worker") as worker:
        worker.rows("select jobs.retry_webhook_events(as_of => now() + interval '1 day')")
        worker.rows("select jobs.link_refunds()")
        worker.rows("select jobs.settle_payments(as_of => now() + interval '2 minutes')")
        worker.rows("select jobs.settle_carriers(as_of => now() + interval '5 minutes')")


@pytest.mark.parametrize(("seed", "plot"), list(enumerate([*PLOTS[:3], PLOTS[0]])))
def test_several_senders_at_once_end_the_story_as_it_should(
    database: Database, committed_world: World, people: Cast, seed: int, plot: Plot
) -> None:
    steps = tale(plot, people)
    orderly, at_once = (stage(committed_world, people) for _ in range(2))
    for acme in (orderly, at_once):
        committed_world.execute(
            "update app.organizations set setter_attribution = %s where id = %s",
            plot.credits_setter,
            acme.acme.id,
        )
    assert tell(orderly, steps) == []

    again = [step for step in steps if isinstance(step, Delivery)]
    mixed = [*steps, *again]
    Random(seed).shuffle(mixed)
    shares = [mixed[number::SENDERS_AT_ONCE] for number in range(SENDERS_AT_ONCE)]
    waiting = told_at_once(database, at_once, shares)
    settle(at_once)
    assert queued(at_once) == []
    assert act(at_once, waiting) == []
    assert differences(ending(orderly), ending(at_once)) == []


def refunded(acme: Stage) -> tuple[float, float]:
    """What the only payment says was refunded of it, and what its refunds add up to."""
    end = ending(acme)
    (paid,) = end["payments"]
    made = [row["amount"] for row in end["payment_refunds"] if row["status"] == "succeeded"]
    return paid["refund_amount"], sum(made)


@pytest.mark.parametrize(
    ("told", "of", "together"),
    [(stripe_events.refunded, 30000, 300), (stripe_events.refund, 20000, 500)],
    ids=["a refund and the total count once", "two refunds both count"],
)
def test_refunds_of_the_same_moment(
    database: Database,
    committed_world: World,
    people: Cast,
    told: Callable[[stripe_events.Event, int], stripe_events.Event],
    of: int,
    together: int,
) -> None:
    acme = stage(committed_world, people)
    charge, _ = card(100000, MIRA, NOON, customer="cus_Mira0001")
    tell(acme, [Delivery("stripe", charge)])
    told_while_another_is_open(
        database,
        acme,
        Delivery("stripe", stripe_events.refund(charge, 30000)),
        Delivery("stripe", told(charge, of)),
    )
    assert refunded(acme) == (together, together)


def test_a_payment_of_the_moment_in_which_its_call_is_reported_is_of_the_closed_call(
    database: Database, committed_world: World, people: Cast
) -> None:
    """There is no deal yet that the payment could be placed in when it comes."""
    acme = stage(committed_world, people)
    call = Invitee(hosts=[people.dana.email], email=MIRA, start=NOON - HOUR)
    tell(acme, [Delivery("calendly", call.created())])
    charge, _ = card(100000, MIRA, NOON + HOUR, customer="cus_Mira0001")
    sold = Form(call, NOON, answers(PLOTS[3]))
    told_while_another_is_open(database, acme, sold, Delivery("stripe", charge))
    (paid,), (deal,) = ending(acme)["payments"], ending(acme)["deals"]
    assert (paid["attribution_confidence"], paid["installment_no"]) == (0.95, 1)
    assert (deal["contract_value"], paid["deal_id"]) == (3000, f"deal of {call.id}")


def test_a_payment_and_the_booking_of_its_lead_that_did_not_see_each_other_meet(
    database: Database, committed_world: World, people: Cast
) -> None:
    """There is no row yet at which they could wait for each other."""
    acme = stage(committed_world, people)
    call = Invitee(hosts=[people.dana.email], email=MIRA, start=NOON - HOUR)
    charge, _ = card(100000, MIRA, NOON + HOUR, customer="cus_Mira0001")
    with (
        psycopg.connect(database.deployer_url) as paying,
        psycopg.connect(database.deployer_url) as booking,
    ):
        for connection, step in (
            (paying, Delivery("stripe", charge)),
            (booking, Delivery("calendly", call.created())),
        ):
            connection.execute("set role salesdash")
            assert step.take(as_seen_by(acme, connection)) == "processed"
        paying.commit()
        booking.commit()
    assert [paid["attribution_method"] for paid in ending(acme)["payments"]] == ["none"]
    strange, _ = card(50000, "nobody@lead.test", NOON + HOUR, customer="cus_Nobody01")
    tell(stage(committed_world, people), [Delivery("stripe", strange)])
    with acme.world.acting_as_role("worker") as worker:
        worker.rows("select jobs.settle_payments(1, as_of => now() + interval '2 minutes')")
    (paid,) = ending(acme)["payments"]
    assert (paid["event_id"], paid["attribution_method"]) == (f"call {call.id}", "identity_event")
    assert ending(acme)["exceptions"] == []


def test_totals_told_before_their_payment_are_settled_with_it(
    database: Database, committed_world: World, people: Cast
) -> None:
    """There is no row yet at which the refund and the total wait for each other."""
    acme = stage(committed_world, people)
    charge, _ = card(100000, MIRA, NOON, customer="cus_Mira0001")
    told_while_another_is_open(
        database,
        acme,
        Delivery("stripe", stripe_events.refund(charge, 30000)),
        Delivery("stripe", stripe_events.refunded(charge, 30000)),
    )
    tell(acme, [Delivery("stripe", charge)])
    assert refunded(acme) == (300, 300)


def test_setters_named_in_the_same_moment_are_the_first_and_the_current_one(
    database: Database, committed_world: World, people: Cast
) -> None:
    acme = stage(committed_world, people)
    call = Invitee(hosts=[people.dana.email], email=MIRA, utm={"utm_content": people.sam.name})
    began = {**chat(people, BOOKED_AT - DAY), "event_id": "began", "setter": None}
    tell(acme, [Delivery("manychat", began)])
    told_while_another_is_open(
        database,
        acme,
        Delivery("calendly", call.created()),
        Delivery("manychat", chat(people, BOOKED_AT - HOUR)),
    )
    (lead,) = ending(acme)["leads"]
    assert (lead["original_setter_name"], lead["current_setter_name"]) == ("tia", "sam")
