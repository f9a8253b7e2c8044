"""`/dev/mail`: what would have been e-mailed. Only in development, only for this machine.

The letters hold working sign-in links, so the page does not exist unless SALESDASH_DEV is on, no
RESEND_API_KEY is set, the visitor comes from this machine, and asks for it by a local name (so
that no foreign page can reach it through a name of its own).
"""

from __future__ import annotations

import html
import re
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from psycopg.rows import class_row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.database import Pool
from salesdash.mailbox import QUERY, Letter, SealedLetter, open_letter
from salesdash.secretbox import SecretUnreadable
from salesdash.settings import Settings

_LOCAL_NAMES = {"127.0.0.1", "localhost", "::1"}
_URL = re.compile(r"https?://[^\s<>\"']+")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c1c1a;background:#fff}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #d6d6d0}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f2;padding:1rem}"
)


async def inbox(request: Request) -> Response:
    """GET /dev/mail: the newest letters."""
    letters = await _read(request, max_rows=100, message_id=None)
    rows = "".join(
        f"<tr><td>{letter.sent_at:%Y-%m-%d %H:%M:%S}</td><td>{html.escape(letter.to)}</td>"
        f'<td><a href="/dev/mail/{letter.id}">{html.escape(letter.subject)}</a></td></tr>'
        for letter in letters
    )
    table = (
        "<table><thead><tr><th scope=col>Sent (UTC)</th><th scope=col>To</th>"
        f"<th scope=col>Subject</th></tr></thead><tbody>{rows}</tbody></table>"
        if letters
        else "<p>No e-mail yet.</p>"
    )
    return _page("Development mailbox", f"<p>Nothing here left this machine.</p>{table}")


async def letter(request: Request) -> Response:
    """GET /dev/mail/{id}: one letter as text, with its links."""
    try:
        message_id = UUID(request.path_params["id"])
    except ValueError:
        raise HTTPException(404) from None
    found = next(iter(await _read(request, max_rows=1, message_id=message_id)), None)
    if found is None:
        raise HTTPException(404)
    return _page(
        found.subject,
        f"<p>From {html.escape(found.sender)}<br>To {html.escape(found.to)}<br>"
        f"{found.sent_at:%Y-%m-%d %H:%M:%S} UTC</p><pre>{_linked(found.text)}</pre>"
        '<p><a href="/dev/mail">All e-mails</a></p>',
    )


async def _read(request: Request, *, max_rows: int, message_id: UUID | None) -> list[Letter]:
    _require_development(request)
    pool: Pool = request.app.state.pool
    async with (
        pool.connection() as connection,
        connection.cursor(row_factory=class_row(SealedLetter)) as cursor,
    ):
        await cursor.execute(QUERY, {"max_rows": max_rows, "message_id": message_id})
        rows = await cursor.fetchall()
    try:
        return [open_letter(request.app.state.box, row) for row in rows]
    except SecretUnreadable:
        raise HTTPException(409, "The letters were sealed with another master key.") from None


def _require_development(request: Request) -> None:
    """404, as for any page that does not exist, unless this is a developer's own machine."""
    settings: Settings = request.app.state.settings
    peer = request.client.host if request.client else ""
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    if not (
        settings.salesdash_dev
        and settings.resend_api_key is None
        and _is_loopback(peer)
        and name in _LOCAL_NAMES
    ):
        raise HTTPException(404)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _linked(text: str) -> str:
    """Escaped text in which web addresses can be followed."""
    parts: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        address = html.escape(match.group())
        parts += [html.escape(text[end : match.start()]), f'<a href="{address}">{address}</a>']
        end = match.end()
    return "".join([*parts, html.escape(text[end:])])


def _page(title: str, body: str) -> HTMLResponse:
    safe = html.escape(title)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{safe}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{safe}</h1>{body}</main></body></html>",
        headers=_HEADERS,
    )


ROUTES: list[BaseRoute] = [
    Route("/dev/mail", inbox, methods=["GET"]),
    Route("/dev/mail/{id}", letter, methods=["GET"]),
]
