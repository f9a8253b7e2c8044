"""What every vendor client shares: one way to ask, to wait, and to fail.

Two exceptions say what a caller can do: `VendorUnavailable` means try later, `VendorRefused` means
a person must look. Both messages are safe to log: they hold no key, no body, no address.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
import orjson
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

USER_AGENT = "salesdash/0.1"
TIMEOUT = httpx.Timeout(10, connect=5)
LONGEST_WAIT_S = 5.0


class VendorError(Exception):
    """Base of the two ways in which a vendor does not do what was asked."""


class VendorUnavailable(VendorError):
    """The vendor cannot answer now; the same request may succeed later.

    retry_after_s: seconds to wait at least, if the vendor said so; soon: whether trying again
    within the same call makes sense.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, soon: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.soon = soon


class VendorRefused(VendorError):
    """The vendor will not do this however often it is asked; a person must look."""


class VendorClient:
    """One vendor, one key: timeouts, a rate budget, retries with jitter that honour Retry-After.

    judge: raises VendorUnavailable or VendorRefused for an answer that is not a success. It is
    told the answer only, and knows the vendor's error names.
    """

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        judge: Callable[[httpx.Response], None],
        requests_per_second: float,
        attempts: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": USER_AGENT, **headers},
            timeout=TIMEOUT,
            follow_redirects=False,
            transport=transport,
        )
        self._judge = judge
        self._budget = AsyncLimiter(
            max(1.0, requests_per_second), max(1.0, requests_per_second) / requests_per_second
        )
        self._attempts = attempts

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, sent again with the same bytes while the vendor is briefly unavailable.

        Raises VendorUnavailable when it stays so or asks for a longer wait than LONGEST_WAIT_S
        seconds, VendorRefused at once.
        """
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_is_worth_another),
            wait=_wait,
            stop=stop_after_attempt(self._attempts),
            reraise=True,
        ):
            with attempt:
                return await self._once(method, path, content, headers, params)
        raise AssertionError("tenacity ended without an outcome")

    async def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
    ) -> httpx.Response:
        async with self._budget:
            try:
                response = await self._http.request(
                    method, path, content=content, headers=headers, params=params
                )
            except httpx.TransportError as error:
                raise VendorUnavailable(
                    f"no answer from {self._http.base_url.host}: {type(error).__name__}"
                ) from None
        if not response.is_success:
            self._judge(response)
            raise VendorRefused(f"unexpected answer {response.status_code}")
        return response


def retry_after_s(response: httpx.Response, *, now: datetime | None = None) -> float | None:
    """Seconds that the header Retry-After asks for, as number or as date; None without one."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def error_name(response: httpx.Response, member: str) -> str:
    """The machine name of an error, if its body has one there.

    Its message is left out, since that may repeat what was asked, and addresses.
    """
    try:
        name = orjson.loads(response.content)[member]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return str(name)[:80] if isinstance(name, str) and name.isidentifier() else ""


def _is_worth_another(error: BaseException) -> bool:
    return (
        isinstance(error, VendorUnavailable)
        and error.soon
        and (error.retry_after_s or 0) <= LONGEST_WAIT_S
    )


def _wait(state: RetryCallState) -> float:
    """Half a second doubling, with jitter, and never less than the vendor asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, VendorUnavailable) else None
    backing_off = min(LONGEST_WAIT_S, 0.5 * 2.0 ** (state.attempt_number - 1))
    jittered: float = backing_off * random.uniform(0.5, 1.0)  # noqa: S311
    return max(asked or 0.0, jittered)
