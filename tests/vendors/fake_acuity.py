"""An Acuity of our own: what its documentation says it does, and nothing it does not say.

Basic credentials, bare objects and arrays, worded dates beside offsets without a colon, lists that
leave canceled appointments out and are cut at `max`, ten requests a second, failures on demand; and
hooks that are forms of ids, signed with the key, with `changed` beside each kind if asked to.
"""

import base64
import hashlib
import hmac
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fixtures.ports import free_port, wait_until

USER_ID = "1234567"
KEY = "acuity key of the tests"
API_KEY = f"{USER_ID}:{KEY}"
ZONE = ZoneInfo("Europe/Madrid")
CALENDARS = {
    7310044: {"name": "Ines Ortega", "email": "ines@acuity.test"},
    7310045: {"name": "Bruno Sá", "email": "bruno@acuity.test"},
}

_ids = count(482910377)


@dataclass
class FakeAcuity:
    """clock: seconds. per_second: requests that fit into one second.

    tells_changed: whether `changed` is hooked beside the other kinds; prefix: what hooks put before
    the kind; says_canceled: whether records have the field `canceled`, which is not documented.
    """

    clock: Callable[[], float]
    per_second: int = 10
    tells_changed: bool = False
    prefix: str = ""
    says_canceled: bool = True
    appointments: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    failures: deque[Response] = field(default_factory=deque)
    _second: tuple[int, int] = (0, 0)

    # -- what happens in the account; each answers the forms that the hooks send

    def book(
        self,
        *,
        at: datetime,
        email: str = "ada.k@client.test",
        phone: str = "+34600000001",
        calendar: int = 7310044,
        appointment_type: int = 20911835,
        minutes: int = 30,
        forms: list[dict[str, Any]] | None = None,
        **fields: object,
    ) -> tuple[int, list[bytes]]:
        """A new appointment: its id, and the forms. fields: further ones of the record."""
        made = next(_ids)
        created = datetime.now(UTC).astimezone(ZONE)
        self.appointments[made] = {
            "id": made,
            "firstName": "Ada",
            "lastName": "Kowalski",
            "phone": phone,
            "email": email,
            "dateCreated": f"{created:%B} {created.day}, {created.year}",
            "datetimeCreated": f"{created:%Y-%m-%dT%H:%M:%S%z}",
            **_times(at, minutes),
            "price": "0.00",
            "paid": "no",
            "amountPaid": "0.00",
            "type": "Discovery call",
            "appointmentTypeID": appointment_type,
            "addonIDs": [],
            "classID": None,
            "category": "",
            "duration": str(minutes),
            "calendar": CALENDARS.get(calendar, {"name": "Somebody"})["name"],
            "calendarID": calendar,
            "calendarTimezone": "Europe/Madrid",
            "certificate": None,
            "confirmationPage": "https://acuityscheduling.test/schedule.php?id=abcdef",
            "location": "",
            "notes": "",
            "timezone": "Europe/Warsaw",
            "canceled": False,
            "canClientCancel": True,
            "canClientReschedule": True,
            "labels": None,
            "forms": forms or [],
            "formsText": "",
            **fields,
        }
        return made, self._told(made, "scheduled")

    def reschedule(self, made: int, *, at: datetime, calendar: int | None = None) -> list[bytes]:
        """Move an appointment; it keeps its id."""
        record = self.appointments[made]
        record.update(_times(at, int(record["duration"])))
        if calendar is not None:
            name = CALENDARS.get(calendar, {"name": "Somebody"})["name"]
            record.update(calendarID=calendar, calendar=name)
        return self._told(made, "rescheduled")

    def cancel(self, made: int, *, no_show: bool | None = None) -> list[bytes]:
        """Cancel an appointment; no_show: what staff say besides."""
        self.appointments[made]["canceled"] = True
        if no_show is not None:
            self.appointments[made]["noShow"] = no_show
        return self._told(made, "canceled")

    def change(self, made: int, **fields: object) -> list[bytes]:
        """Edit an appointment."""
        self.appointments[made].update(fields)
        return [self.hook(made, "changed")]

    def hook(self, made: int, action: str) -> bytes:
        """The form that a hook sends."""
        record = self.appointments[made]
        return urlencode(
            {
                "action": self.prefix + action,
                "id": made,
                "calendarID": record["calendarID"],
                "appointmentTypeID": record["appointmentTypeID"],
            }
        ).encode()

    def fail_next(self, status: int, name: str, **headers: str) -> None:
        """The next request that is not yet spoken for fails like this."""
        self.failures.append(problem(status, name, headers))

    def _told(self, made: int, action: str) -> list[bytes]:
        also = ["changed"] if self.tells_changed else []
        return [self.hook(made, kind) for kind in (action, *also)]

    # -- what it answers

    @property
    def app(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/api/v1/appointments", self._list),
                Route("/api/v1/appointments/{id:int}", self._get),
                Route("/api/v1/calendars", self._calendars),
            ]
        )

    async def _get(self, request: Request) -> Response:
        refused = self._admit(request)
        if refused is not None:
            return refused
        record = self.appointments.get(request.path_params["id"])
        return problem(404, "") if record is None else JSONResponse(self._shown(record))

    async def _list(self, request: Request) -> Response:
        refused = self._admit(request)
        if refused is not None:
            return refused
        query = request.query_params
        wanted = {"true": (True,)}.get(query.get("canceled", ""), (False,))
        if query.get("showall") == "true":
            wanted = (False, True)
        found = [record for record in self.appointments.values() if record["canceled"] in wanted]
        for name in ("calendarID", "appointmentTypeID"):
            found = [r for r in found if name not in query or r[name] == int(query[name])]
        found = [
            r
            for r in found
            if query.get("minDate", "") <= r["datetime"][:10] <= query.get("maxDate", "9999")
        ]
        found.sort(
            key=lambda record: str(record["datetime"]), reverse=query.get("direction") != "ASC"
        )
        return JSONResponse([self._shown(r) for r in found[: int(query.get("max", "100"))]])

    async def _calendars(self, request: Request) -> Response:
        refused = self._admit(request)
        if refused is not None:
            return refused
        return JSONResponse([{"id": made, **calendar} for made, calendar in CALENDARS.items()])

    def _shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in record.items() if k != "canceled" or self.says_canceled}

    def _admit(self, request: Request) -> Response | None:
        self.requests.append(request)
        wanted = base64.b64encode(API_KEY.encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return problem(401, "unauthorized", message="Unauthorized")
        if self.failures:
            return self.failures.popleft()
        second, used = self._second
        now = int(self.clock())
        self._second = (now, used + 1 if second == now else 1)
        return problem(429, "") if self._second[1] > self.per_second else None


def signature(body: bytes, *, key: str = KEY) -> str:
    """The header x-acuity-signature of a form."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def problem(
    status: int,
    name: str,
    headers: Mapping[str, str] | None = None,
    *,
    message: str = "for ada.k@client.test",
) -> Response:
    """An error in Acuity's words."""
    return JSONResponse(
        {"status_code": status, "message": message, "error": name},
        status_code=status,
        headers={key.replace("_", "-"): value for key, value in (headers or {}).items()},
    )


def _times(at: datetime, minutes: int) -> dict[str, str]:
    local = at.astimezone(ZONE)
    end = local + timedelta(minutes=minutes)
    return {
        "date": f"{local:%B} {local.day}, {local.year}",
        "time": _clock(local),
        "endTime": _clock(end),
        "datetime": f"{local:%Y-%m-%dT%H:%M:%S%z}",
    }


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M}{'am' if at.hour < 12 else 'pm'}"


@contextmanager
def serving(fake: FakeAcuity) -> Iterator[str]:
    """The fake on a port of its own, until the end of the block; answers its base URL."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(fake.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, lambda: "the fake did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
