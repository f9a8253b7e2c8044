"""The Acuity client, against a server that follows Acuity's documentation."""

import asyncio
import json
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.vendors.fake_acuity import API_KEY, CALENDARS, FakeAcuity
from vendors.acuity import Acuity
from vendors.base import VendorRefused, VendorUnavailable

AT = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def asked(
    transport: httpx.AsyncBaseTransport, appointment_id: object, api_key: str = API_KEY
) -> tuple[str | None, tuple[dict[str, object], ...]]:
    acuity = Acuity(base_url="https://acuity.test", requests_per_second=1000, transport=transport)
    try:
        return (
            await acuity.appointment(api_key, str(appointment_id)),
            await acuity.calendars(api_key),
        )
    finally:
        await acuity.aclose()


def fetch(fake: FakeAcuity, appointment_id: object, api_key: str = API_KEY) -> Any:
    return run(asked(httpx.ASGITransport(fake.app), appointment_id, api_key))


def test_an_appointment_and_the_calendars_are_fetched() -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT)
    appointment, calendars = fetch(fake, made)
    record = json.loads(appointment)
    assert (record["id"], record["datetime"]) == (made, "2026-03-05T16:00:00+0100")
    assert {calendar["id"] for calendar in calendars} == set(CALENDARS)


def test_a_canceled_one_is_fetched_and_an_unknown_one_is_none() -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT)
    fake.cancel(made)
    assert json.loads(fetch(fake, made)[0])["canceled"] is True
    assert fetch(fake, 1)[0] is None


def test_text_that_postgres_cannot_keep_is_made_so() -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT, notes="a\x00b")
    assert json.loads(fetch(fake, made)[0])["notes"] == "a\ufffdb"


@pytest.mark.parametrize(("status", "name"), [(500, ""), (503, "down"), (429, "")])
def test_what_passes_soon_is_tried_again(status: int, name: str) -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT)
    fake.fail_next(status, name, retry_after="0")
    assert fetch(fake, made)[0] is not None
    assert len(fake.requests) == 3


def test_a_long_pause_is_the_callers_to_wait() -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT)
    fake.fail_next(429, "", retry_after="60")
    with pytest.raises(VendorUnavailable) as error:
        fetch(fake, made)
    assert error.value.retry_after_s == 60
    assert len(fake.requests) == 1


@pytest.mark.parametrize(("status", "name"), [(400, "invalid_id"), (403, "forbidden")])
def test_a_refusal_is_not_repeated_and_tells_no_address(status: int, name: str) -> None:
    fake = FakeAcuity(time.monotonic)
    made, _ = fake.book(at=AT)
    fake.fail_next(status, name)
    with pytest.raises(VendorRefused) as error:
        fetch(fake, made)
    assert len(fake.requests) == 1
    assert str(error.value) == f"Acuity answered {status} {name}"


def test_a_wrong_key_is_refused_without_being_told() -> None:
    with pytest.raises(VendorRefused) as error:
        fetch(FakeAcuity(time.monotonic), 1, "1234567:wrong_key")
    assert str(error.value) == "Acuity answered 401 unauthorized"


def test_an_eleventh_request_in_a_second_has_to_wait() -> None:
    fake = FakeAcuity(lambda: 1.0)
    made, _ = fake.book(at=AT)
    for _ in range(5):
        fetch(fake, made)
    with pytest.raises(VendorUnavailable):
        fetch(fake, made)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"id": 1'])
def test_an_answer_that_is_none_is_not_handed_on(body: bytes) -> None:
    def answers(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body)

    with pytest.raises(VendorUnavailable):
        run(asked(httpx.MockTransport(answers), 1))


def test_a_vendor_that_stays_away_is_unavailable() -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(VendorUnavailable, match="ConnectError"):
        run(asked(httpx.MockTransport(dead), 1))


def test_lists_leave_canceled_ones_out_and_are_cut() -> None:
    fake = FakeAcuity(time.monotonic)
    first, _ = fake.book(at=AT)
    second, _ = fake.book(at=AT.replace(hour=17))
    fake.cancel(first)

    async def listed(**query: str) -> list[int]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(fake.app), base_url="https://acuity.test"
        ) as client:
            user, _, key = API_KEY.partition(":")
            answer = await client.get("/api/v1/appointments", params=query, auth=(user, key))
            return [record["id"] for record in answer.json()]

    assert run(listed()) == [second]
    assert run(listed(canceled="true")) == [first]
    assert run(listed(showall="true")) == [second, first]
    assert run(listed(showall="true", direction="ASC", max="1")) == [first]
