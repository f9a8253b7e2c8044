"""Why there is no file, as answers."""

from __future__ import annotations

import httpx
import orjson

from gateway.as_caller import Refused, refusal
from gateway.problem import problem


def too_many_exports() -> Refused:
    """As many exports run as may."""
    return Refused(
        problem(
            429,
            "too_many_exports",
            "As many exports as may run at once are running; wait for one to end.",
            headers={"retry-after": "10"},
        )
    )


def no_room() -> Refused:
    """The disk has too little room for one more workbook, or more of it."""
    return Refused(
        problem(
            507,
            "no_room",
            "There is no room to write this workbook just now. Try later, or take csv or json, "
            "which need none.",
            headers={"retry-after": "60"},
        )
    )


def workbook_too_large() -> Refused:
    """One workbook would take more of the disk than one may."""
    return Refused(
        problem(
            422,
            "workbook_too_large",
            "This would be a larger workbook than can be made. Ask for fewer days or columns, or "
            "for csv.",
        )
    )


def told(answer: httpx.Response) -> Refused:
    """PostgREST's refusal as a problem, under its own code."""
    as_fields = refusal(answer)
    if as_fields.answer.media_type == "application/problem+json":
        return as_fields
    try:
        said = orjson.loads(answer.content)
        code, detail = str(said["code"]), str(said["message"])
        if said.get("details"):
            detail = f"{detail} {said['details']}"
    except (ValueError, KeyError, TypeError):
        return as_fields
    return Refused(problem(answer.status_code, code, detail))
