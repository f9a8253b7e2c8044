"""The routes of /auth/v1, and how refusals and failures below it are told."""

from __future__ import annotations

from psycopg import Error
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.auth import admin, links, users
from gateway.auth.errors import AuthRefused, session_over
from gateway.auth.service import answer, service
from gateway.auth.sign_up import sign_up
from gateway.auth.token import token

NAME = "Sales Dash"

_REFUSALS = {
    "42501": AuthRefused(403, "not_admin", "User not allowed"),
    "23505": AuthRefused(422, "email_exists", "This email address is registered already"),
    "23514": AuthRefused(422, "validation_failed", "A value is not acceptable"),
    "23503": AuthRefused(409, "conflict", "Other records still need this user"),
    "PT401": session_over(),
    "PT404": AuthRefused(400, "invalid_credentials", "Invalid login credentials"),
    "PT409": AuthRefused(422, "user_already_exists", "User already registered"),
    "PT422": AuthRefused(422, "validation_failed", "A value is not acceptable"),
}
"""What SQL raises, as the clients' words. Its own text may name constraints and is not shown."""


async def settings(request: Request) -> Response:
    """GET /settings: what this installation offers."""
    autoconfirm = service(request).autoconfirm
    return answer(
        {
            "external": {"email": True, "phone": False, "anonymous_users": False},
            "disable_signup": not autoconfirm,
            "mailer_autoconfirm": autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )


async def health(_request: Request) -> Response:
    """GET /health: this process answers."""
    return answer({"name": NAME, "version": "1", "description": "Sign-in of Sales Dash"})


async def not_offered(_request: Request) -> Response:
    """Everything else of the GoTrue API."""
    raise AuthRefused(404, "not_found", "This endpoint is not offered")


ROUTES: list[BaseRoute] = [
    Route("/auth/v1/token", token, methods=["POST"]),
    Route("/auth/v1/otp", links.otp, methods=["POST"]),
    Route("/auth/v1/verify", links.verify_posted, methods=["POST"]),
    Route("/auth/v1/verify", links.verify_followed, methods=["GET"]),
    Route("/auth/v1/signup", sign_up, methods=["POST"]),
    Route("/auth/v1/recover", links.recover, methods=["POST"]),
    Route("/auth/v1/resend", links.resend, methods=["POST"]),
    Route("/auth/v1/user", users.get_user, methods=["GET"]),
    Route("/auth/v1/user", users.put_user, methods=["PUT"]),
    Route("/auth/v1/logout", users.logout, methods=["POST"]),
    Route("/auth/v1/admin/users", admin.list_users, methods=["GET"]),
    Route("/auth/v1/admin/users", admin.create_user, methods=["POST"]),
    Route("/auth/v1/admin/users/{user_id}", admin.get_user, methods=["GET"]),
    Route("/auth/v1/admin/users/{user_id}", admin.update_user, methods=["PUT"]),
    Route("/auth/v1/admin/users/{user_id}", admin.delete_user, methods=["DELETE"]),
    Route("/auth/v1/settings", settings, methods=["GET"]),
    Route("/auth/v1/health", health, methods=["GET"]),
    Route(
        "/auth/v1/{rest:path}",
        not_offered,
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    ),
]


def refusal_of(error: Error) -> AuthRefused | None:
    """The refusal that a database error means; None for an error that nobody foresaw."""
    code = error.sqlstate or ""
    return _REFUSALS["PT422"] if code.startswith("22") else _REFUSALS.get(code)


def unavailable() -> AuthRefused:
    """The database does not answer just now; clients try again by themselves."""
    return AuthRefused(
        503, "unavailable", "Sign-in is not available just now", headers={"retry-after": "2"}
    )


def overloaded() -> AuthRefused:
    """Too many people sign in at once."""
    return AuthRefused(
        429,
        "over_request_rate_limit",
        "Too many sign-ins at once. Try again shortly.",
        headers={"retry-after": "5"},
    )
