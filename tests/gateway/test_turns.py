"""One client never has all of PostgREST's connections."""

import asyncio
from collections import Counter

import httpx
import pytest

from gateway.turns import TooManyAtOnce, Turns

ANON = "Bearer the anonymous key"


class Slow(httpx.AsyncBaseTransport):
    """Answers when it is told to, and counts who is being served."""

    def __init__(self) -> None:
        self.serving: Counter[str] = Counter()
        self.go = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "")
        self.serving[token] += 1
        try:
            await self.go.wait()
        finally:
            self.serving[token] -= 1
        return httpx.Response(200)


def ask(client: httpx.AsyncClient, token: str, times: int) -> list[asyncio.Task[httpx.Response]]:
    headers = {"authorization": token} if token else {}
    return [asyncio.create_task(client.get("/events", headers=headers)) for _ in range(times)]


async def settle() -> None:
    """Let every task come as far as it gets."""
    for _ in range(50):
        await asyncio.sleep(0)


def make(slow: Slow, patience_s: float = 60.0) -> httpx.AsyncClient:
    turns = Turns(slow, shared=(ANON.removeprefix("Bearer "),), at_once=5, patience_s=patience_s)
    return httpx.AsyncClient(transport=turns, base_url="http://postgrest.test")


def test_requests_of_one_token_take_turns_and_nobody_elses_wait() -> None:
    async def scene() -> None:
        slow = Slow()
        async with make(slow) as client:
            asked = [*ask(client, "Bearer a", 20), *ask(client, "Bearer b", 2)]
            asked += [*ask(client, ANON, 9), *ask(client, "", 9)]
            await settle()
            assert slow.serving == {"Bearer a": 5, "Bearer b": 2, ANON: 9, "": 9}
            slow.go.set()
            answers = await asyncio.gather(*asked)
            assert {answer.status_code for answer in answers} == {200}
            assert len(answers) == 40

    asyncio.run(scene())


def test_whoever_waits_too_long_is_told_and_takes_no_turn() -> None:
    async def scene() -> None:
        slow = Slow()
        async with make(slow, patience_s=0.0) as client:
            under_way = ask(client, "Bearer a", 5)
            await settle()
            for late in ask(client, "Bearer a", 3):
                with pytest.raises(TooManyAtOnce):
                    await late
            slow.go.set()
            await asyncio.gather(*under_way)
            (again,) = await asyncio.gather(*ask(client, "Bearer a", 1))
            assert again.status_code == 200

    asyncio.run(scene())


def test_who_goes_away_gives_the_turn_back() -> None:
    async def scene() -> None:
        slow = Slow()
        async with make(slow) as client:
            gone, waiting = ask(client, "Bearer a", 5), ask(client, "Bearer a", 5)
            await settle()
            for task in (*gone, waiting[0]):
                task.cancel()
            await settle()
            assert slow.serving["Bearer a"] == 4
            slow.go.set()
            assert len(await asyncio.gather(*waiting[1:])) == 4

    asyncio.run(scene())


def test_one_token_is_one_however_it_is_written() -> None:
    """PostgREST takes any case of the scheme, any spaces, and the first of two headers."""

    async def scene() -> None:
        slow = Slow()
        spellings = [
            {"authorization": "Bearer a"},
            {"authorization": "bearer a"},
            {"authorization": "Bearer   a"},
            {"authorization": "BEARER\ta"},
            [("authorization", "Bearer a"), ("authorization", "Bearer b")],
            {"authorization": f"bearer  {ANON.removeprefix('Bearer ')}"},
        ]
        async with make(slow) as client:
            asked = [
                asyncio.create_task(client.get("/events", headers=headers))
                for headers in spellings
                for _ in range(6)
            ]
            await settle()
            counted = sum(slow.serving.values())
            assert counted == 5 + 6, slow.serving
            slow.go.set()
            assert len(await asyncio.gather(*asked)) == 36

    asyncio.run(scene())
