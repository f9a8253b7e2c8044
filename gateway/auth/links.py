"""Links and codes by e-mail: asking for them, and following them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.auth.errors import API_VERSION, AuthRefused, invalid_credentials, validation_failed
from gateway.auth.redirects import with_fragment, with_query
from gateway.auth.secrets import code_hash, new_code, new_token, token_hash
from gateway.auth.service import (
    MAX_BODY_BYTES,
    AuthService,
    answer,
    email_address,
    json_object,
    service,
    text,
    visitor,
)
from gateway.auth.store import Challenge, Followed
from gateway.bodies import read_body
from salesdash.sealing import seal_secret

LIFETIME = timedelta(hours=1)
MAIL_KIND = "email"
LINK_KINDS: dict[str, tuple[str, ...]] = {
    "magiclink": ("magiclink",),
    "email": ("magiclink", "signup"),
    "recovery": ("recovery",),
    "signup": ("signup",),
    "invite": ("invite",),
}
"""The `type` that clients send, and the kinds of token that it accepts."""


async def otp(request: Request) -> Response:
    """POST /otp: e-mail a sign-in link and code. Creates nobody: people are invited."""
    body = await json_object(request)
    if text(body, "email") is None and text(body, "phone") is not None:
        raise AuthRefused(422, "phone_provider_disabled", "Phone sign-ins are not offered")
    return await _request_link(request, body, "magiclink")


async def recover(request: Request) -> Response:
    """POST /recover: e-mail a link for setting a new password."""
    return await _request_link(request, await json_object(request), "recovery")


async def resend(request: Request) -> Response:
    """POST /resend: e-mail the confirmation of a new address once more."""
    body = await json_object(request)
    if body.get("type") != "signup":
        raise validation_failed("Only the type signup can be sent again")
    return await _request_link(request, body, "signup")


async def verify_posted(request: Request) -> Response:
    """POST /verify: JSON answers with a session; a form, as our own page posts it, is led on."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        raw = await read_body(request, MAX_BODY_BYTES)
        return await _follow(request, dict(parse_qsl(raw.decode("utf-8", "replace"))))
    return await _verify(request, await json_object(request))


async def verify_followed(request: Request) -> Response:
    """GET /verify: the link itself, led on to where it was asked for."""
    return await _follow(request, dict(request.query_params))


async def _request_link(request: Request, body: Mapping[str, Any], kind: str) -> Response:
    """The same answer for every address. The mail is made before we know whether it is wanted."""
    auth = service(request)
    email = email_address(body)
    redirect_to = auth.redirects.allowed(request.query_params.get("redirect_to"))
    link_token, code = new_token(), new_code()
    link = link_url(auth.site_url, kind, link_token, redirect_to)
    accepted = await auth.store.request_link(
        kind=kind,
        email=email,
        token_hash=token_hash(link_token),
        code_hash=code_hash(code, email, auth.jwt_secrets[0]),
        redirect_to=redirect_to,
        challenge=_challenge(body),
        lifetime=LIFETIME,
        payload={
            "template": kind,
            "site_url": auth.site_url,
            "minutes": int(LIFETIME.total_seconds() // 60),
        },
        secret=seal_secret(
            auth.box,
            json.dumps({"link": link, "code": code}),
            organization_id=None,
            kind=MAIL_KIND,
        ),
        address=visitor(request).address,
    )
    if not accepted:
        raise AuthRefused(
            429,
            "over_email_send_rate_limit",
            "Too many e-mails were asked for. Try again later.",
            headers={"retry-after": "600"},
        )
    return answer({})


def link_url(site_url: str, kind: str, link_token: str, redirect_to: str | None) -> str:
    """The page that a mail leads to; everything it needs is in the fragment.

    Opening the page spends nothing: mail scanners open links, people press buttons.
    """
    page = "new-password" if kind == "recovery" and redirect_to is None else "sign-in"
    values = {"token_hash": link_token, "type": kind}
    if redirect_to is not None:
        values["redirect_to"] = redirect_to
    return f"{site_url}/{page}#{urlencode(values)}"


async def _verify(request: Request, body: Mapping[str, Any]) -> Response:
    """A session for {token_hash, type} or {email, token, type}."""
    auth = service(request)
    kinds = LINK_KINDS.get(text(body, "type") or "")
    if kinds is None:
        raise AuthRefused(400, "validation_failed", "This type of token is not offered")
    link_token, code = text(body, "token_hash"), text(body, "token")
    refresh_token = new_token()
    if link_token is not None:
        followed = await auth.store.verify_link(
            kinds=kinds,
            token_hash=token_hash(link_token),
            refresh_hash=token_hash(refresh_token),
            browser_code_hash=None,
            visitor=visitor(request),
        )
    elif code is not None:
        email = email_address(body)
        followed = await auth.store.verify_code(
            kinds=kinds,
            email=email,
            code_hash=code_hash(code, email, auth.jwt_secrets[0]),
            refresh_hash=token_hash(refresh_token),
            visitor=visitor(request),
        )
    else:
        raise AuthRefused(400, "validation_failed", "Either token_hash or token is required")
    if followed is None or followed.session_id is None or followed.user_document is None:
        await auth.hasher.spend()
        raise invalid_credentials()
    return answer(auth.session_body(followed.session_id, followed.user_document, refresh_token))


async def _follow(request: Request, values: Mapping[str, str]) -> Response:
    """Spend a link and lead on: with a code for PKCE clients, with a session for others."""
    auth = service(request)
    fallback = auth.redirects.allowed(values.get("redirect_to")) or f"{auth.site_url}/sign-in"
    kind = values.get("type", "")
    link_token = values.get("token_hash") or values.get("token") or ""
    refresh_token, browser_code = new_token(), new_token()
    followed = await auth.store.verify_link(
        kinds=LINK_KINDS.get(kind, ()),
        token_hash=token_hash(link_token),
        refresh_hash=token_hash(refresh_token),
        browser_code_hash=token_hash(browser_code),
        visitor=visitor(request),
    )
    if followed is None:
        await auth.hasher.spend()
        refusal = invalid_credentials()
        error = {
            "error": "access_denied",
            "error_code": refusal.code,
            "error_description": refusal.message,
        }
        return _led_on(with_fragment(with_query(fallback, error), error))
    target = auth.redirects.allowed(followed.redirect_to) or fallback
    if followed.gave_browser_code:
        return _led_on(with_query(target, {"code": browser_code}))
    return _led_on(with_fragment(target, _fragment(auth, followed, refresh_token, kind)))


def _fragment(
    auth: AuthService, followed: Followed, refresh_token: str, kind: str
) -> dict[str, str]:
    if followed.session_id is None or followed.user_document is None:
        raise invalid_credentials()
    body = auth.session_body(followed.session_id, followed.user_document, refresh_token)
    names = ("access_token", "expires_in", "expires_at", "refresh_token", "token_type")
    return {name: str(body[name]) for name in names} | {"type": kind}


def _led_on(url: str) -> Response:
    return RedirectResponse(
        url,
        status_code=303,
        headers={**API_VERSION, "cache-control": "no-store", "referrer-policy": "no-referrer"},
    )


def _challenge(body: Mapping[str, Any]) -> Challenge | None:
    challenge = text(body, "code_challenge")
    if challenge is None:
        return None
    method = (text(body, "code_challenge_method") or "plain").lower()
    if method not in {"s256", "plain"} or len(challenge) > 128:
        raise validation_failed("The code challenge is malformed")
    return Challenge(challenge, method)
