"""A story told by all senders ends the same, whatever its order, repetitions and failures."""

from collections.abc import Callable

import psycopg
import pytest

from tests.stories.ending import Rows, differences, ending
from tests.stories.tales import PLOTS, Plot, tale
from tests.stories.telling import (
    Cast,
    Stage,
    Step,
    cast,
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
        assert tell(acme, reversed(steps)) == []
        assert differences(expected, ending(acme)) == []
