"""Deliveries that wait at the same time share a call; each has its own answer."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from gateway.inbox import Delivery, Recorded
from gateway.intake import CALLS, MOST, MOST_CHARACTERS, Intake

ID = UUID(int=1)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the gateway runs on."""
    return "asyncio"


class Refused(psycopg.DatabaseError):
    """As the database refuses a delivery over the limit."""

    sqlstate = "PT429"


class Gone(psycopg.OperationalError):
    """Nobody answers."""


class Database:
    """Notes the calls that are made, and answers when it is let."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.called = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.refused: set[str] = set()
        self.error: psycopg.Error = Refused()

    async def record_deliveries(self, deliveries: Sequence[Delivery]) -> list[Recorded]:
        bodies = [one.body for one in deliveries]
        self.calls.append(bodies)
        if len(self.calls) > CALLS:
            self.called.set()
        await self.may_answer.wait()
        if self.refused & set(bodies):
            raise self.error
        return [Recorded(f"took {body[:9]}", ID) for body in bodies]


def delivery(body: object) -> Delivery:
    return Delivery(ID, uuid4(), str(body))


async def several(intake: Intake, count: int) -> list[asyncio.Task[Recorded]]:
    """So many deliveries, one after the other, all waiting."""
    sent = [asyncio.create_task(intake.record(delivery(number))) for number in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return sent


async def test_a_delivery_that_comes_alone_is_sent_at_once() -> None:
    database = Database()
    database.may_answer.set()
    assert await Intake(database).record(delivery("a")) == Recorded("took a", ID)
    assert database.calls == [["a"]]


async def test_those_that_come_while_calls_are_under_way_share_the_next() -> None:
    database = Database()
    sent = await several(Intake(database), CALLS + 5)
    assert database.calls == [[str(number)] for number in range(CALLS)]
    database.may_answer.set()
    answers = await asyncio.gather(*sent)
    assert [one.status for one in answers] == [f"took {number}" for number in range(CALLS + 5)]
    assert database.calls[CALLS:] == [[str(number) for number in range(CALLS, CALLS + 5)]]


async def test_a_call_takes_no_more_than_it_may() -> None:
    database = Database()
    intake = Intake(database)
    sent = await several(intake, CALLS + MOST + 1)
    large = [asyncio.create_task(intake.record(delivery("x" * MOST_CHARACTERS))) for _ in range(2)]
    await asyncio.sleep(0)
    database.may_answer.set()
    await asyncio.gather(*sent, *large)
    assert [len(call) for call in database.calls[CALLS:]] == [MOST, 1, 1, 1]


async def test_nobody_waits_long_for_calls_that_hang() -> None:
    database = Database()
    intake = Intake(database)
    sent = await several(intake, CALLS + 1)
    async with asyncio.timeout(5):
        await database.called.wait()
    assert database.calls[CALLS] == [str(CALLS)]
    sent += await several(intake, CALLS - 1)
    assert len(database.calls) == 2 * CALLS
    database.may_answer.set()
    await asyncio.gather(*sent)


async def test_when_one_is_refused_the_others_are_taken() -> None:
    database = Database()
    database.refused = {str(CALLS + 1)}
    sent = await several(Intake(database), CALLS + 3)
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(answers[CALLS + 1], Refused)
    assert [isinstance(one, Recorded) for one in answers].count(True) == CALLS + 2


async def test_when_the_database_is_gone_all_are_told_and_nothing_is_sent_again() -> None:
    database = Database()
    database.refused, database.error = {str(CALLS)}, Gone()
    sent = await several(Intake(database), CALLS + 3)
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(one) for one in answers[CALLS:]] == [Gone] * 3
    assert len(database.calls) == CALLS + 1


async def test_a_sender_that_went_away_keeps_nobody_from_an_answer() -> None:
    database = Database()
    sent = await several(Intake(database), CALLS + 2)
    sent[CALLS].cancel()
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(answers[CALLS], asyncio.CancelledError)
    assert answers[CALLS + 1] == Recorded(f"took {CALLS + 1}", ID)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_body_is_handed_over_as_it_came(is_late: bool) -> None:
    one = Delivery(ID, ID, '{"a": 1.50, "a": "ü"}', is_late)
    assert one.as_json().endswith(f'"is_late": {str(is_late).lower()}, "body": {one.body}}}')
