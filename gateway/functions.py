"""The functions that earlier frontends know, each done by a function of the database.

    POST /functions/v1/{name}   also GET where nothing is written

Arguments are a JSON object, or the query of a GET; names are taken in both spellings, `event_id`
and `eventId`. Asked as the caller, answered as PostgREST answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import (
    Refused,
    RestUnavailable,
    ask,
    handed_on,
    invalid,
    refusal,
    unavailable,
)
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem

MAX_BODY = 2 * 1024 * 1024


@dataclass(frozen=True)
class Function:
    """One function of the database under another name.

    rpc: its name there. needed, optional: the names of its arguments here; those ending in `id` are
    ids, those ending in `ids` lists of them. renamed: what an argument is called there, where the
    two differ. Every function takes organization_id. reads: writes nothing, so GET will do.
    """

    rpc: str
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reads: bool = False

    def wrong_fields(self, given: Fields) -> dict[str, str]:
        """What each field needs that is missing, unknown or no id."""
        known = {*self.needed, *self.optional, "organization_id"}
        wrong = dict.fromkeys(given.keys() - known, "This function has no such argument.")
        wrong |= {
            name: "This argument is needed." for name in self.needed if given.get(name) is None
        }
        for name, value in given.items():
            if name not in wrong and value is not None:
                if name.endswith("ids") and not _are_ids(value):
                    wrong[name] = "A list of ids, each a UUID."
                elif name.endswith("id") and not _is_id(value):
                    wrong[name] = "The id of a row, a UUID."
        return wrong

    def arguments(self, given: Fields) -> dict[str, Any]:
        """What is sent to the database: the arguments under their names there."""
        return {
            self.renamed.get(name, name): _listed(value) if name.endswith("ids") else value
            for name, value in given.items()
        }


FUNCTIONS: Final[Mapping[str, Function]] = {
    "batch-restore-payments": Function(
        "batch_restore_payments", needed=("payment_ids",), optional=("reason",)
    ),
    "debug-calendly-event": Function(
        "explain_event", needed=("event_id",), renamed={"event_id": "id"}, reads=True
    ),
    "delete-auth-user": Function("delete_user", needed=("user_id",)),
    "delete-events": Function("delete_events", needed=("event_ids",), optional=("reason",)),
    "get-calendly-utilization": Function(
        "get_calendly_utilization",
        needed=("start_date", "end_date"),
        optional=("closer_id",),
        reads=True,
    ),
    "revoke-api-key": Function("revoke_api_key", needed=("key_id",)),
    "revoke-portal-link": Function("revoke_access_link", needed=("link_id",)),
    "qa-agent": Function("qa_agent", optional=("start_date", "end_date", "checks")),
}


async def call(request: Request) -> Response:
    """The answer of the function, for whom the database lets call it."""
    function = FUNCTIONS[request.url.path.rpartition("/")[2]]
    try:
        sent = await sent_fields(request, MAX_BODY)
        given = {name: value for name, value in sent.items() if value not in (None, "")}
        if wrong := function.wrong_fields(given):
            raise invalid(wrong)
        arguments = orjson.dumps(function.arguments(given))
        answer = await ask(request, "POST", f"/rpc/{function.rpc}", arguments)
    except NotAnObject:
        return problem(400, "not_json", "The body is not a JSON object.")
    except Refused as refused:
        return refused.answer
    except RestUnavailable:
        return unavailable()
    # As it stands: decoded, amounts would become floating-point numbers.
    return handed_on(answer) if answer.is_success else refusal(answer).answer


def _listed(value: Any) -> Any:
    """The ids of a query, which are one text with commas, as a list."""
    return value.split(",") if isinstance(value, str) else value


def _are_ids(value: object) -> bool:
    ids = _listed(value)
    return isinstance(ids, list) and all(_is_id(one) for one in ids)


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


ROUTES: list[BaseRoute] = [
    Route(f"/functions/v1/{name}", call, methods=["GET", "POST"] if function.reads else ["POST"])
    for name, function in FUNCTIONS.items()
]
