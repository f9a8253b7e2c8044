"""GET /functions/v1/export-data: the rows of a view as a file, for who may see them.

    GET  /functions/v1/export-data?table=events&start_date=2026-01-01&end_date=2026-01-31
    POST /functions/v1/export-data   the same as a JSON object; both also at /export

The rows are read with the caller's own token. That they leave is on record before the first one
does (rpc/begin_export).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.as_caller import Refused, RestUnavailable, ask, invalid, unavailable
from gateway.exports.formats import Csv, Format, JsonArray, JsonLines
from gateway.exports.plan import Plan
from gateway.exports.refusals import told
from gateway.exports.running import Download, Exports, Pages
from gateway.exports.scratch import Scratch
from gateway.exports.xlsx import Workbook
from gateway.fields import Fields, NotAnObject, sent_fields
from gateway.problem import problem
from salesdash.tokens import TokenInvalid, read_access_token

MAX_BODY = 64 * 1024
_ARGUMENTS = ("table", "format", "date_column", "columns", "organization_id")
_DAYS = ("start_date", "end_date")
_SWITCHES = ("bom", "escape_formulas")
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Asked:
    """What was asked for. arguments: of rpc/begin_export, JSON."""

    arguments: dict[str, Any]
    start_date: date | None
    end_date: date | None
    has_bom: bool
    escapes_formulas: bool

    def format(self, plan: Plan, scratch: Scratch) -> Format:
        """The file that the plan's rows are written to."""
        match self.arguments["format"]:
            case "csv":
                return Csv(plan, has_bom=self.has_bom, escapes_formulas=self.escapes_formulas)
            case "ndjson":
                return JsonLines(plan)
            case "xlsx":
                return Workbook(plan, scratch)
            case _:
                return JsonArray(plan)

    @property
    def is_workbook(self) -> bool:
        return bool(self.arguments["format"] == "xlsx")


async def export(request: Request) -> Response:
    """The file, or why there is none."""
    if request.method == "HEAD":
        # Starlette answers HEAD wherever GET is; nobody means to export by it.
        raise HTTPException(405, headers={"allow": "GET, POST"})
    exports: Exports = request.app.state.exports
    try:
        asked = _asked(await sent_fields(request, MAX_BODY))
        with ExitStack() as places:
            places.enter_context(exports.place(_user(request)))
            plan = await _begun(request, asked)
            prefer = f"timezone={plan.timezone}" if asked.is_workbook else None
            pages = Pages(request, exports, plan, prefer)
            return Download(pages, asked.format(plan, exports.scratch), places.pop_all())
    except NotAnObject:
        return problem(400, "not_json", "The body is not a JSON object.")
    except Refused as refused:
        return refused.answer
    except RestUnavailable:
        return unavailable()


def _asked(given: Fields) -> Asked:
    """Raises Refused, naming every field that cannot be used."""
    sent = {name: value for name, value in given.items() if value not in (None, "")}
    known = {*_ARGUMENTS, *_DAYS, *_SWITCHES}
    wrong = dict.fromkeys(sent.keys() - known, "This function has no such argument.")
    read: dict[str, Any] = {}
    for names, reader, needed in (
        (_DAYS, _day, "A date such as 2026-01-31."),
        (_SWITCHES, _switch, "Either true or false."),
        (("table", "format", "date_column"), _word, "One word."),
        (("columns",), _names, "Names of columns, with commas between them."),
        (("organization_id",), _id, "The id of an organization, a UUID."),
    ):
        for name in names:
            try:
                read[name] = reader(sent[name]) if name in sent else None
            except ValueError:
                wrong[name] = needed
    if "table" not in sent:
        wrong["table"] = "Say which table, such as events."
    if wrong:
        raise invalid(wrong)
    arguments = {name: read[name] for name in _ARGUMENTS if read[name] is not None}
    return Asked(
        arguments={"format": "json", **arguments} | {name: _text(read[name]) for name in _DAYS},
        start_date=read["start_date"],
        end_date=read["end_date"],
        has_bom=bool(read["bom"]),
        escapes_formulas=read["escape_formulas"] is not False,
    )


def _day(value: object) -> date:
    return date.fromisoformat(_word(value))


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _id(value: object) -> str:
    return str(UUID(_word(value)))


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in _WORDS:
        raise ValueError
    return _WORDS[value.lower()]


def _names(value: object) -> list[str]:
    listed = value if isinstance(value, list) else _word(value).split(",")
    return [_word(name).strip() for name in listed]


def _text(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _user(request: Request) -> UUID:
    """Whose places are counted; that their session lives is the database's to say."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.headers.get("apikey", "")
    try:
        return read_access_token(token.strip(), request.app.state.auth.jwt_secrets).user_id
    except TokenInvalid:
        raise Refused(
            problem(
                401,
                "not_signed_in",
                "Sign in, and send the access token as Bearer.",
                headers={"www-authenticate": "Bearer"},
            )
        ) from None


async def _begun(request: Request, asked: Asked) -> Plan:
    arguments = orjson.dumps(asked.arguments)
    answer = await ask(request, "POST", "/rpc/begin_export", arguments)
    if not answer.is_success:
        raise told(answer)
    return Plan.of(
        asked.arguments["table"], asked.start_date, asked.end_date, orjson.loads(answer.content)
    )


ROUTES: list[BaseRoute] = [
    Route(path, export, methods=["GET", "POST"])
    for path in ("/functions/v1/export-data", "/export")
]
