"""Acuity Scheduling: appointments and calendars.

Facts (November 2026): HTTP Basic with the numeric user id and the API key; answers are bare JSON
objects and arrays; errors are `{"status_code", "message", "error"}`; ten requests a second from
one address, whoever's accounts they ask for, and `Retry-After` may be missing from a 429. An
appointment keeps its id when it is moved.
Source: https://developers.acuityscheduling.com/reference/quick-start and .../api-errors.
"""

from __future__ import annotations

import base64

import httpx
import orjson

from salesdash.jsontext import storable_object
from vendors.base import (
    VendorClient,
    VendorRefused,
    VendorUnavailable,
    error_name,
    retry_after_s,
)

REQUESTS_PER_SECOND = 5.0
"""Half of what one address may do, so that two processes fit."""


class _Missing(VendorRefused):
    """There is nothing with this id."""


class Acuity:
    """Client of every Acuity account: the limit is one per address, not one per key.

    api_key of the calls: the user id, a colon, the key. All raise VendorUnavailable or
    VendorRefused.
    """

    def __init__(
        self,
        *,
        base_url: str,
        requests_per_second: float = REQUESTS_PER_SECOND,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = VendorClient(
            base_url=base_url,
            headers={"Accept": "application/json"},
            judge=_judge,
            requests_per_second=requests_per_second,
            transport=transport,
        )

    async def appointment(self, api_key: str, appointment_id: str) -> str | None:
        """The record of an appointment as JSON, canceled ones too; None when there is none."""
        try:
            response = await self._get(api_key, f"/api/v1/appointments/{appointment_id}")
        except _Missing:
            return None
        try:
            return storable_object(response.content)
        except ValueError:
            raise VendorUnavailable("Acuity's answer is no appointment", soon=False) from None

    async def calendars(self, api_key: str) -> tuple[dict[str, object], ...]:
        """The records of all calendars of the account."""
        response = await self._get(api_key, "/api/v1/calendars")
        try:
            found = orjson.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise VendorUnavailable("Acuity's answer is no list of calendars", soon=False)
        return tuple(calendar for calendar in found if isinstance(calendar, dict))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, api_key: str, path: str) -> httpx.Response:
        credentials = base64.b64encode(api_key.encode()).decode()
        return await self._client.request(
            "GET", path, headers={"Authorization": f"Basic {credentials}"}
        )


def _judge(response: httpx.Response) -> None:
    sentence = f"Acuity answered {response.status_code} {error_name(response, 'error')}".rstrip()
    if response.status_code == 429 or response.status_code >= 500:
        raise VendorUnavailable(sentence, retry_after_s=retry_after_s(response))
    if response.status_code == 404:
        raise _Missing(sentence)
    raise VendorRefused(sentence)
