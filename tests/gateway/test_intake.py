"""Deliveries that wait at the same time share a call; each has its own answer."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from gateway.inbox import Delivery, Recorded
from gateway.intake import ALONE, CALLS, ENOUGH, MOST, MOST_CHARACTERS, Busy, Intake

ID, OTHER = UUID(int=1), UUID(int=2)

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
    """Notes the calls that are made, and answers when it is let.

    locked: organizations whose rows somebody has: who may wait for him does.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.called = asyncio.Condition()
        self.may_answer = asyncio.Event()
        self.refused: set[str] = set()
        self.error: psycopg.Error = Refused()
        self.locked: set[UUID] = set()
        self.unlocked = asyncio.Event()

    async def record_deliveries(
        self, deliveries: Sequence[Delivery], *, may_wait: bool
    ) -> list[Recorded]:
        bodies = [one.body for one in deliveries]
        async with self.called:
            self.calls.append(bodies)
            self.called.notify_all()
        await self.may_answer.wait()
        if self.locked & {one.organization_id for one in deliveries}:
            if not may_wait:
                raise psycopg.errors.LockNotAvailable
            await self.unlocked.wait()
        if self.refused & set(bodies):
            raise self.error
        return [Recorded(f"took {body[:9]}", ID) for body in bodies]

    async def has_had(self, calls: int) -> None:
        """Wait until so many calls were made."""
        async with asyncio.timeout(5), self.called:
            await self.called.wait_for(lambda: len(self.calls) >= calls)


def delivery(body: object, organization_id: UUID = ID) -> Delivery:
    return Delivery(organization_id, uuid4(), str(body))


def several(
    intake: Intake, count: int, *, first: int = 0, organization_id: UUID = ID
) -> list[asyncio.Task[Recorded]]:
    """So many deliveries, one after the other, all waiting."""
    return [
        asyncio.create_task(intake.record(delivery(number, organization_id)))
        for number in range(first, first + count)
    ]


def numbers(first: int, count: int) -> list[str]:
    return [str(number) for number in range(first, first + count)]


FULL = 1 + (CALLS - 1) * ENOUGH
"""Deliveries with which all calls are under way: the first came alone."""


async def test_a_delivery_that_comes_alone_is_sent_at_once() -> None:
    database = Database()
    database.may_answer.set()
    intake = Intake(database)
    for _ in range(2):
        assert await intake.record(delivery("a")) == Recorded("took a", ID)
    assert database.calls == [["a"], ["a"]]


async def test_enough_that_come_at_the_same_time_share_a_call() -> None:
    database = Database()
    sent = several(Intake(database), FULL)
    await database.has_had(CALLS)
    assert database.calls == [["0"], *(numbers(1 + n * ENOUGH, ENOUGH) for n in range(CALLS - 1))]
    database.may_answer.set()
    answers = await asyncio.gather(*sent)
    assert [one.status for one in answers] == [f"took {number}" for number in range(FULL)]


async def test_fewer_wait_for_company_only_a_moment() -> None:
    database = Database()
    sent = several(Intake(database), ENOUGH)
    await database.has_had(2)
    assert database.calls == [["0"], numbers(1, ENOUGH - 1)]
    database.may_answer.set()
    await asyncio.gather(*sent)


async def test_when_all_calls_are_under_way_the_others_share_the_next() -> None:
    database = Database()
    sent = several(Intake(database), FULL + MOST)
    await database.has_had(CALLS)
    database.may_answer.set()
    await asyncio.gather(*sent)
    assert database.calls[CALLS:] == [numbers(FULL, MOST)]


async def test_a_call_takes_no_more_than_it_may() -> None:
    database = Database()
    intake = Intake(database)
    sent = several(intake, FULL + MOST + ENOUGH)
    large = [asyncio.create_task(intake.record(delivery("x" * MOST_CHARACTERS))) for _ in range(2)]
    await database.has_had(CALLS)
    database.may_answer.set()
    await asyncio.gather(*sent, *large)
    assert [len(call) for call in database.calls[CALLS:]] == [MOST, ENOUGH, 1, 1]


async def test_calls_that_hang_are_waited_for_no_more() -> None:
    database = Database()
    intake = Intake(database)
    sent = several(intake, FULL + 1)
    await database.has_had(CALLS + 1)
    assert database.calls[CALLS] == [str(FULL)]
    sent += several(intake, ENOUGH, first=FULL + 1)
    await database.has_had(CALLS + 2)
    database.may_answer.set()
    await asyncio.gather(*sent)


async def test_when_one_is_refused_the_others_are_taken() -> None:
    database = Database()
    database.refused = {"2"}
    sent = several(Intake(database), 1 + ENOUGH)
    await database.has_had(2)
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(answers[2], Refused)
    assert [isinstance(one, Recorded) for one in answers].count(True) == ENOUGH


async def test_when_the_database_is_gone_all_are_told_and_nothing_is_sent_again() -> None:
    database = Database()
    database.refused, database.error = {"1"}, Gone()
    sent = several(Intake(database), 1 + ENOUGH)
    await database.has_had(2)
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(one) for one in answers[1:]] == [Gone] * ENOUGH
    assert len(database.calls) == 2


async def hanging(database: Database, intake: Intake, count: int) -> list[asyncio.Task[Recorded]]:
    """So many deliveries of an organization whose rows are locked, as far as they come."""
    database.locked = {ID}
    database.may_answer.set()
    sent = several(intake, count)
    async with asyncio.timeout(5), database.called:
        await database.called.wait_for(lambda: len(alone(database)) == ALONE)
    return sent


def alone(database: Database) -> set[str]:
    """Bodies that were sent again, by themselves."""
    bodies = [body for call in database.calls for body in call]
    return {call[0] for call in database.calls if len(call) == 1 and bodies.count(call[0]) == 2}


async def test_of_an_organization_that_hangs_few_are_under_way_and_others_are_taken() -> None:
    database = Database()
    intake = Intake(database)
    sent = await hanging(database, intake, FULL)
    answers = await asyncio.gather(*several(intake, 2 * MOST, first=100, organization_id=OTHER))
    assert [one.status for one in answers] == [f"took {body}" for body in numbers(100, 2 * MOST)]
    assert len(alone(database)) == ALONE
    assert not any(one.done() for one in sent)
    database.unlocked.set()
    assert [one.status for one in await asyncio.gather(*sent)] == [
        f"took {body}" for body in numbers(0, FULL)
    ]


async def test_what_comes_of_an_organization_that_hangs_shares_no_call() -> None:
    database = Database()
    intake = Intake(database, long_s=0)
    sent = await hanging(database, intake, 1 + ENOUGH)
    calls = len(database.calls)
    sent += several(intake, ENOUGH, first=100)
    others = several(intake, ENOUGH, first=200, organization_id=OTHER)
    await asyncio.gather(*others)
    assert {body for call in database.calls[calls:] for body in call} == {*numbers(200, ENOUGH)}
    database.unlocked.set()
    await asyncio.gather(*sent)
    assert all([body] in database.calls[calls:] for body in numbers(100, ENOUGH))


async def test_who_finds_no_place_in_time_is_told_so() -> None:
    database = Database()
    intake = Intake(database, line_s=0)
    sent = await hanging(database, intake, 1 + ENOUGH)
    done, under_way = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    while len(under_way) > ALONE:
        more, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert {type(one.exception()) for one in done} == {Busy}
    database.unlocked.set()
    assert len(await asyncio.gather(*under_way)) == ALONE


async def test_a_sender_that_went_away_keeps_nobody_from_an_answer() -> None:
    database = Database()
    sent = several(Intake(database), 1 + ENOUGH)
    await database.has_had(2)
    sent[1].cancel()
    database.may_answer.set()
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert answers[2] == Recorded("took 2", ID)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_body_is_handed_over_as_it_came(is_late: bool) -> None:
    one = Delivery(ID, ID, '{"a": 1.50, "a": "ü"}', is_late)
    assert one.as_json().endswith(f'"is_late": {str(is_late).lower()}, "body": {one.body}}}')
