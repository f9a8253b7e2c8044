"""Is the process alive, is everything it needs ready, and what has it counted."""

from __future__ import annotations

import asyncio

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from psycopg import Error
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.auth.service import service

READY = "ready"
WORKER_SILENCE_S = 15.0
"""A worker that has not been seen for so long counts as gone."""
PROBE_TIMEOUT_S = 3.0


async def alive(_request: Request) -> Response:
    """GET /healthz and /livez: this process answers."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """GET /readyz: 200 when database, PostgREST and a worker are ready, else 503 and why not."""
    (database, worker), postgrest = await asyncio.gather(_database(request), _postgrest(request))
    checks = {"database": database, "postgrest": postgrest, "worker": worker}
    all_ready = all(state == READY for state in checks.values())
    return JSONResponse(
        {"status": READY if all_ready else "not ready", "checks": checks},
        status_code=200 if all_ready else 503,
        headers={"cache-control": "no-store"},
    )


async def metrics(request: Request) -> Response:
    """GET /metrics, in the Prometheus text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def _database(request: Request) -> tuple[str, str]:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            seen_ago = await service(request).store.worker_seen_ago()
    except (TimeoutError, PoolTimeout):
        return "does not answer", "unknown"
    except Error as error:
        return f"refuses ({error.sqlstate or type(error).__name__})", "unknown"
    if seen_ago is None:
        return READY, "never seen"
    if seen_ago > WORKER_SILENCE_S:
        return READY, f"not seen for {seen_ago:.0f} s"
    return READY, READY


async def _postgrest(request: Request) -> str:
    client: httpx.AsyncClient = request.app.state.probe_client
    try:
        response = await client.get(f"{request.app.state.postgrest_admin_url}/ready")
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    return READY if response.is_success else f"not ready (HTTP {response.status_code})"


ROUTES: list[BaseRoute] = [
    Route("/healthz", alive, methods=["GET"]),
    Route("/livez", alive, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
