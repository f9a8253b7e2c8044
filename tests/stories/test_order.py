"""A story told by all senders ends the same, whatever its order, repetitions and failures."""

from collections.abc import Callable

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.stories.ending import Rows, differences, ending
from tests.stories.tales import PLOTS, Plot, tale
from tests.stories.telling import (
    Cast,
    Delivery,
    Stage,
    Step,
    act,
    cast,
    recover,
    stage,
    tell,
)
from tests.world import World


@pytest.fixture
def people(world: World) -> Cast:
    return cast(world)


@pytest.fixture
def acme(world: World, people: Cast) -> Stage:
    return stage(world, people)


def begin(acme: Stage, plot: Plot) -> None:
    """Set the organization up as the plot says."""
    acme.world.execute(
        "update app.organizations set setter_attribution = %s where id = %s",
        plot.credits_setter,
        acme.acme.id,
    )


@pytest.fixture
def orderly(
    db: psycopg.Connection, acme: Stage, people: Cast
) -> Callable[[Plot], tuple[list[Step], Rows]]:
    """The steps of a plot, and how they end when they are told as they happened: told once."""
    known: dict[Plot, tuple[list[Step], Rows]] = {}

    def told(plot: Plot) -> tuple[list[Step], Rows]:
        if plot not in known:
            steps = tale(plot, people)
            with db.transaction(force_rollback=True):
                begin(acme, plot)
                assert tell(acme, steps) == []
                known[plot] = steps, ending(acme)
        return known[plot]

    return told


def test_the_story_ends_as_it_should(
    orderly: Callable[[Plot], tuple[list[Step], Rows]],
) -> None:
    _, end = orderly(PLOTS[0])
    (lead,) = end["leads"]
    assert (lead["original_setter_name"], lead["current_setter_name"]) == ("tia", "sam")
    assert [call["call_status"] for call in end["events"]] == ["rescheduled", "completed"]
    (deal,) = end["deals"]
    assert {row["deal_id"] for row in end["payments"]} == {f"deal of {call_of(end)}"}
    assert (deal["contract_value"], len(end["deal_installments"])) == (3000, 3)
    counted = [row for row in end["payments"] if row["superseded_by_id"] is None]
    assert sum(row["net_revenue"] for row in counted) == 3 * 1000 + 500 - 500
    assert {row["installment_no"] for row in counted} == {1, 2, 3, None}
    assert end["exceptions"] == []


def call_of(end: Rows) -> str:
    (invitee,) = (
        call["calendly_invitee_uuid"]
        for call in end["events"]
        if call["call_status"] == "completed"
    )
    return str(invitee)


@pytest.mark.parametrize("plot", PLOTS)
def test_a_story_told_backwards_ends_the_same(
    db: psycopg.Connection,
    acme: Stage,
    orderly: Callable[[Plot], tuple[list[Step], Rows]],
    plot: Plot,
) -> None:
    steps, expected = orderly(plot)
    with db.transaction(force_rollback=True):
        begin(acme, plot)
        assert tell(acme, reversed(steps), together=16) == []
        assert differences(expected, ending(acme)) == []


# An example takes a second: what differs is said row by row, and not searched for a shorter order.
@settings(max_examples=15, phases=[Phase.generate])
@given(data=st.data())
def test_order_repetitions_failures_and_replays_change_nothing(
    db: psycopg.Connection,
    acme: Stage,
    orderly: Callable[[Plot], tuple[list[Step], Rows]],
    data: st.DataObject,
) -> None:
    plot = data.draw(st.sampled_from(PLOTS), label="plot")
    steps, expected = orderly(plot)
    deliveries = [step for step in steps if isinstance(step, Delivery)]
    spoilable = [step for step in deliveries if step.spoiled() is not None]
    again = data.draw(st.lists(st.sampled_from(deliveries), max_size=5), label="again")
    failing = data.draw(st.sets(st.sampled_from(spoilable), max_size=6), label="failing")
    order = data.draw(st.permutations([*steps, *again]), label="order")
    by = data.draw(st.sampled_from(["retry", "replay"]), label="by")
    together = data.draw(st.sampled_from([1, 2, 3, 16]), label="together")
    with db.transaction(force_rollback=True):
        begin(acme, plot)
        waiting = tell(acme, order, failing=failing, together=together)
        recover(acme, failing, by=by)
        assert act(acme, waiting) == []
        assert differences(expected, ending(acme)) == []
