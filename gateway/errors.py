"""How every error that a route lets through becomes an answer: in the words of the API it hit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from psycopg import Error, OperationalError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.auth import routes as auth
from gateway.auth.errors import AuthRefused
from gateway.auth.passwords import TooManyWaiting
from gateway.bodies import BodyTooLarge
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
    away = isinstance(error, PoolTimeout) or (
        isinstance(error, OperationalError) and error.sqlstate is None
    )
    if _speaks_auth(request):
        refusal = (
            auth.unavailable()
            if away
            else auth.refusal_of(error)
            if isinstance(error, Error)
            else None
        )
        if refusal is not None:
            return refusal.response()
    elif away:
        return problem(
            503,
            "database_unavailable",
            "The database does not answer just now.",
            headers={"retry-after": "2"},
        )
    return await unforeseen(request, error)


async def unforeseen(request: Request, error: Exception) -> Response:
    """A defect: logged with its trace, told without details."""
    log.error("request failed", path=request.url.path, exc_info=error)
    if _speaks_auth(request):
        return AuthRefused(500, "unexpected_failure", "Something went wrong").response()
    return problem(500, "unexpected_failure", "Something went wrong; the log has the details.")


def _speaks_auth(request: Request) -> bool:
    return request.url.path.startswith("/auth/v1/")


HANDLERS: Mapping[type[Exception], Handler] = {
    AuthRefused: refused,
    BodyTooLarge: too_large,
    TooManyWaiting: too_many,
    PoolTimeout: database_error,
    Error: database_error,
    HTTPException: http_error,
    Exception: unforeseen,
}
