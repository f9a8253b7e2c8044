"""How every error that a route lets through becomes an answer: in the words of the API it hit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from psycopg import Error
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.auth import routes as auth
from gateway.auth.errors import AuthRefused
from gateway.auth.passwords import TooManyWaiting
from gateway.bodies import BodyTooLarge
from gateway.database import is_passing
from gateway.problem import http_problem, problem
from salesdash.logs import get_logger

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]

log = get_logger("gateway.errors")


async def refused(_request: Request, error: Exception) -> Response:
    """A refusal by /auth/v1."""
    if not isinstance(error, AuthRefused):
        raise error
    return error.response()


async def http_error(request: Request, error: Exception) -> Response:
    """No such route, or not with this method."""
    if not _speaks_auth(request):
        return await http_problem(request, error)
    status = error.status_code if isinstance(error, HTTPException) else 500
    phrase = HTTPStatus(status).phrase
    return AuthRefused(status, phrase.lower().replace(" ", "_"), phrase).response()


async def too_large(request: Request, error: Exception) -> Response:
    """A body beyond the limit of its route."""
    detail = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if _speaks_auth(request):
        return AuthRefused(413, "request_too_large", detail).response()
    return problem(413, "body_too_large", detail)


async def too_many(_request: Request, _error: Exception) -> Response:
    """More passwords wait than can be hashed soon."""
    return auth.overloaded().response()


async def database_error(request: Request, error: Exception) -> Response:
    """What the database raised, or that it does not answer."""
    if not isinstance(error, Error):
        raise error
    if is_passing(error):
        log.warning("the database did not serve a request", sqlstate=error.sqlstate)
        if _speaks_auth(request):
            return auth.unavailable().response()
        return problem(
            503,
            "database_unavailable",
            "The database does not answer just now.",
            headers={"retry-after": "2"},
        )
    refusal = auth.refusal_of(error) if _speaks_auth(request) else None
    if refusal is not None:
        return refusal.response()
    # The whole error would show rows: its detail quotes them.
    log.error(
        "the database refused a request",
        path=request.url.path,
        sqlstate=error.sqlstate,
        message=error.diag.message_primary,
        constraint=error.diag.constraint_name,
    )
    return _something_went_wrong(request)


async def unforeseen(request: Request, error: Exception) -> Response:
    """A defect: logged with its trace, told without details."""
    log.error("request failed", path=request.url.path, exc_info=error)
    return _something_went_wrong(request)


def _something_went_wrong(request: Request) -> Response:
    if _speaks_auth(request):
        return AuthRefused(500, "unexpected_failure", "Something went wrong").response()
    return problem(500, "unexpected_failure", "Something went wrong; the log has the details.")


def _speaks_auth(request: Request) -> bool:
    return request.url.path.startswith("/auth/v1/")


HANDLERS: Mapping[type[Exception], Handler] = {
    AuthRefused: refused,
    BodyTooLarge: too_large,
    TooManyWaiting: too_many,
    Error: database_error,
    HTTPException: http_error,
    Exception: unforeseen,
}
