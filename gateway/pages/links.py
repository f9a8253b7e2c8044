"""The five link pages."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.pages.html import PAGES, render
from gateway.problem import problem

_STATIC = Path(__file__).parent / "static"
_ASSETS = {path.name: path for path in _STATIC.iterdir() if path.suffix in {".css", ".js"}}
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_DOCUMENTS = {path: render(page) for path, page in PAGES.items()}
HEADERS = {
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def content_security_policy(form_targets: tuple[str, ...] = ()) -> str:
    """Nothing but our own files; forms may be led on to form_targets (origins)."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


async def page(request: Request) -> Response:
    """One of the five link pages."""
    settings = request.app.state.settings
    return HTMLResponse(
        _DOCUMENTS[request.url.path],
        headers={
            **HEADERS,
            "content-security-policy": content_security_policy(settings.allowed_origins),
        },
    )


async def asset(request: Request) -> Response:
    """A style sheet or script of the pages."""
    path = _ASSETS.get(request.path_params["name"])
    if path is None:
        return problem(404, "not_found", "There is no such file.")
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=HEADERS)


ROUTES: list[BaseRoute] = [
    *(Route(path, page, methods=["GET"]) for path in PAGES),
    Route("/assets/{name}", asset, methods=["GET"]),
]
