"""The Resend client, against a server that follows Resend's documentation."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.vendors.fake_resend import API_KEY, DAY_S, FakeResend
from vendors.base import VendorRefused, VendorUnavailable, retry_after_s
from vendors.resend import QUOTA_WAIT_S, Email, Resend

EMAIL = Email(
    sender="Northgate <reports@mail.northgate.example>",
    to="ines@northgate.example",
    subject="Your sign-in link",
    text="Hello\n",
    html="<p>Hello</p>",
    tags=(("message", "m-1"),),
)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def send(fake: FakeResend, *emails: tuple[str, Email], api_key: str = API_KEY) -> list[str]:
    resend = Resend(
        api_key,
        base_url="https://resend.test",
        requests_per_second=1000,
        transport=httpx.ASGITransport(fake.app),
    )
    try:
        return [await resend.send_email(email, idempotency_key=key) for key, email in emails]
    finally:
        await resend.aclose()


def test_an_email_goes_out_as_the_documentation_says() -> None:
    fake = FakeResend(time.monotonic)
    (sent_id,) = run(send(fake, ("outbox-1", EMAIL)))
    (sent,) = fake.sent
    assert sent == {
        "id": sent_id,
        "idempotency_key": "outbox-1",
        "from": EMAIL.sender,
        "to": [EMAIL.to],
        "subject": EMAIL.subject,
        "text": EMAIL.text,
        "html": EMAIL.html,
        "tags": [{"name": "message", "value": "m-1"}],
    }


def test_the_same_key_sends_once_within_a_day() -> None:
    now = [0.0]
    fake = FakeResend(lambda: now[0])
    assert len(set(run(send(fake, ("outbox-1", EMAIL), ("outbox-1", EMAIL))))) == 1
    assert len(fake.sent) == 1
    now[0] = DAY_S
    run(send(fake, ("outbox-1", EMAIL)))
    assert len(fake.sent) == 2


def test_the_same_key_with_another_message_is_refused() -> None:
    fake = FakeResend(time.monotonic)
    with pytest.raises(VendorRefused, match="invalid_idempotent_request"):
        run(send(fake, ("outbox-1", EMAIL), ("outbox-1", EMAIL._replace(subject="Other"))))


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (500, "application_error"),
        (503, "service_unavailable"),
        (429, "rate_limit_exceeded"),
        (409, "resource_locked"),
    ],
)
def test_what_passes_soon_is_tried_again_with_the_same_key(status: int, name: str) -> None:
    fake = FakeResend(time.monotonic)
    fake.fail_next(status, name, retry_after="0")
    run(send(fake, ("outbox-1", EMAIL)))
    assert len(fake.sent) == 1
    assert {request.headers["idempotency-key"] for request in fake.requests} == {"outbox-1"}
    assert len(fake.requests) == 2


def test_a_first_request_that_still_runs_is_waited_for() -> None:
    fake = FakeResend(time.monotonic)
    fake.hold("outbox-1")
    run(send(fake, ("outbox-1", EMAIL)))
    assert len(fake.sent) == 1


def test_a_long_pause_is_the_callers_to_wait() -> None:
    fake = FakeResend(time.monotonic)
    fake.fail_next(429, "rate_limit_exceeded", retry_after="60")
    with pytest.raises(VendorUnavailable) as error:
        run(send(fake, ("outbox-1", EMAIL)))
    assert error.value.retry_after_s == 60
    assert len(fake.requests) == 1


def test_a_used_up_quota_is_not_hammered() -> None:
    fake = FakeResend(time.monotonic)
    fake.fail_next(429, "daily_quota_exceeded")
    with pytest.raises(VendorUnavailable) as error:
        run(send(fake, ("outbox-1", EMAIL)))
    assert error.value.retry_after_s == QUOTA_WAIT_S
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("status", "name"),
    [(422, "invalid_parameter"), (403, "validation_error"), (401, "restricted_api_key")],
)
def test_a_refusal_is_not_repeated_and_tells_no_address(status: int, name: str) -> None:
    fake = FakeResend(time.monotonic)
    fake.fail_next(status, name)
    with pytest.raises(VendorRefused) as error:
        run(send(fake, ("outbox-1", EMAIL)))
    assert len(fake.requests) == 1
    assert str(error.value) == f"Resend answered {status} {name}"


def test_a_wrong_key_is_refused_without_being_told() -> None:
    with pytest.raises(VendorRefused) as error:
        run(send(FakeResend(time.monotonic), ("outbox-1", EMAIL), api_key="re_wrong_1234"))
    assert "re_wrong" not in str(error.value)


def test_a_vendor_that_stays_away_is_unavailable() -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async def work() -> None:
        resend = Resend(
            API_KEY,
            base_url="https://resend.test",
            requests_per_second=1000,
            transport=httpx.MockTransport(dead),
        )
        await resend.send_email(EMAIL, idempotency_key="outbox-1")

    with pytest.raises(VendorUnavailable, match="ConnectError"):
        run(work())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("1.5", 1.5), ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0), ("soon", None)],
)
def test_retry_after_is_read_as_number_or_date(value: str, seconds: float | None) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    response = httpx.Response(429, headers={"retry-after": value})
    assert retry_after_s(response, now=now) == seconds
    if seconds == 60.0:
        assert retry_after_s(response, now=now + timedelta(hours=1)) == 0
