"""/rest/v1 passed through to PostgREST, streaming both ways. No business of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.bodies import BodyTooLarge, check_declared_length
from gateway.problem import problem
from gateway.turns import TooManyAtOnce, Turns
from salesdash.logs import get_logger

PREFIX = "/rest/v1"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MAX_BODY_BYTES = 16 * 1024 * 1024
TIMEOUT = httpx.Timeout(35.0, connect=2.0, pool=10.0)
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_NOT_FORWARDED = _HOP_BY_HOP | {
    "accept-profile",
    "apikey",
    "content-profile",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "x-request-id",
}
_NOT_RETURNED = _HOP_BY_HOP | {"date", "server", "x-request-id"}

log = get_logger("gateway.passthrough")


def make_client(postgrest_url: str, *, anon_key: str | None = None) -> httpx.AsyncClient:
    """A client of one PostgREST that adds nothing of its own to a request.

    Requests of one token take turns; anon_key: the token that everybody shares.
    """
    transport = httpx.AsyncHTTPTransport(limits=LIMITS, retries=1, trust_env=False)
    client = httpx.AsyncClient(
        base_url=postgrest_url,
        timeout=TIMEOUT,
        limits=LIMITS,
        trust_env=False,
        transport=Turns(transport, shared=(anon_key,) if anon_key else ()),
    )
    client.headers.clear()
    return client


async def rest(request: Request) -> Response:
    """One request to PostgREST and its answer, bytes untouched."""
    check_declared_length(request, MAX_BODY_BYTES)
    client: httpx.AsyncClient = request.app.state.postgrest
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    forwarded = client.build_request(
        request.method,
        upstream_path(request),
        headers=forwarded_headers(request),
        content=_bounded(request) if has_body else None,
    )
    try:
        response = await _send(client, forwarded, may_repeat=not has_body)
    except BodyTooLarge:
        raise
    except TooManyAtOnce:
        return too_many_at_once()
    except httpx.TimeoutException as error:
        if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
            return _unavailable(error)
        return problem(504, "rest_timeout", "The database took too long to answer.")
    except httpx.ConnectError as error:
        return _unavailable(error)
    except httpx.TransportError as error:
        log.warning("postgrest broke off", error=type(error).__name__)
        return problem(502, "rest_broke_off", "The REST service broke off; try again.")
    result = StreamingResponse(_relayed(response), status_code=response.status_code)
    result.raw_headers = [
        (name.lower(), value)
        for name, value in response.headers.raw
        if (lower := name.lower().decode("latin-1")) not in _NOT_RETURNED
        and not lower.startswith("access-control-")
    ]
    return result


def upstream_path(request: Request) -> str:
    """Path and query as PostgREST gets them, percent-encoding untouched."""
    raw: bytes = request.scope.get("raw_path") or quote(request.url.path).encode()
    path = raw.decode("latin-1").partition("?")[0].removeprefix(PREFIX) or "/"
    query: bytes = request.scope["query_string"]
    return f"{path}?{query.decode('latin-1')}" if query else path


def forwarded_headers(request: Request) -> list[tuple[str, str]]:
    """The request's headers for PostgREST.

    Supabase clients name the schema `public`, which is `api` here. A request with only an `apikey`
    speaks as that key.
    """
    headers = [
        (name, value) for name, value in request.headers.items() if name not in _NOT_FORWARDED
    ]
    for name in ("accept-profile", "content-profile"):
        profile = request.headers.get(name)
        if profile is not None:
            headers.append((name, "api" if profile == "public" else profile))
    key = request.headers.get("apikey")
    if key and "authorization" not in request.headers:
        headers.append(("authorization", f"Bearer {key}"))
    headers.append(("x-request-id", request.scope["state"]["request_id"]))
    return headers


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, *, may_repeat: bool
) -> httpx.Response:
    """Send; a reading request meets a connection that died while idle at most once."""
    try:
        return await client.send(request, stream=True)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        if not may_repeat or request.method not in {"GET", "HEAD"}:
            raise
    return await client.send(request, stream=True)


async def _bounded(request: Request) -> AsyncIterator[bytes]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
        if part:
            yield part


async def _relayed(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in response.aiter_raw():
            yield part
    finally:
        await response.aclose()


def too_many_at_once() -> Response:
    """The answer to a request that waited too long for others of its token."""
    return problem(
        429,
        "too_many_at_once",
        "Too many requests of this token are under way; wait for some of them.",
        headers={"retry-after": "5"},
    )


def _unavailable(error: httpx.TransportError) -> Response:
    log.warning("postgrest does not answer", error=type(error).__name__)
    return problem(
        503,
        "rest_unavailable",
        "The REST service does not answer just now.",
        headers={"retry-after": "2"},
    )
