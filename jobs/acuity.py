"""Appointments that Acuity told of: fetched one by one, and handed over as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from jobs.kinds import Counts, Job, RunLost
from jobs.queue import ClaimedRun, Queue
from salesdash.jsontext import storable_object
from salesdash.sealing import open_connection_api_key
from salesdash.secretbox import SecretBox, SecretUnreadable
from vendors.acuity import Acuity
from vendors.base import VendorRefused


@dataclass(frozen=True)
class AcuityJobs:
    """The jobs that ask Acuity. box: opens the keys of connections."""

    box: SecretBox
    acuity: Acuity

    @property
    def jobs(self) -> Mapping[str, Job]:
        """By kind."""
        return {"fetch-acuity-appointment": self.fetch_appointment}

    async def fetch_appointment(self, queue: Queue, run: ClaimedRun) -> Counts:
        """One appointment, with its calendar; both as they are now, whatever was told of them."""
        wanted = await queue.acuity_appointment(run)
        if wanted is None or run.organization_id is None:
            raise RunLost
        if not wanted.is_in_use:
            return {"skipped": 1}
        if wanted.api_key is None:
            raise VendorRefused("the Acuity connection has no API key")
        try:
            api_key = open_connection_api_key(
                self.box,
                wanted.api_key,
                organization_id=run.organization_id,
                connection_id=wanted.connection_id,
            )
        except SecretUnreadable as error:
            raise VendorRefused(f"the API key of the Acuity connection: {error}") from None
        appointment = await self.acuity.appointment(api_key, wanted.appointment_id)
        calendar = await self._calendar(api_key, appointment) if appointment else None
        what = await queue.record_acuity_appointment(run, appointment, calendar)
        if what is None:
            raise RunLost
        return {what: 1}

    async def _calendar(self, api_key: str, appointment: str) -> str | None:
        """The calendar of an appointment, whose own record names no address."""
        wanted = orjson.loads(appointment).get("calendarID")
        for calendar in await self.acuity.calendars(api_key):
            if calendar.get("id") == wanted:
                return storable_object(orjson.dumps(calendar))
        return None
