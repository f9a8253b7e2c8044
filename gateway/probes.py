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
WARNING = "warning"
WORKER_SILENCE_S = 15.0
"""A worker that has not been seen for so long counts as gone."""
PROBE_TIMEOUT_S = 3.0


async def alive(_request: Request) -> Response:
    """GET /healthz and /livez: this process answers."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """GET /readyz: 200 when database, PostgREST and a worker are ready, else 503 and why not.

    A check that begins with `warning` is worth a look, and no reason to send requests elsewhere.
    """
    checks, postgrest = await asyncio.gather(_database(request), _postgrest(request))
    checks = {"database": checks.pop("database"), "postgrest": postgrest, **checks}
    all_ready = all(state.startswith((READY, WARNING)) for state in checks.values())
    return JSONResponse(
        {"status": READY if all_ready else "not ready", "checks": checks},
        status_code=200 if all_ready else 503,
        headers={"cache-control": "no-store"},
    )


async def metrics(request: Request) -> Response:
    """GET /metrics, in the Prometheus text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def _database(request: Request) -> dict[str, str]:
    store = service(request).store
    unknown = {"worker": "unknown", "partitions": "unknown"}
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            seen_ago = await store.worker_seen_ago()
            partitions = await store.partition_state()
    except (TimeoutError, PoolTimeout):
        return {"database": "does not answer", **unknown}
    except Error as error:
        return {"database": f"refuses ({error.sqlstate or type(error).__name__})", **unknown}
    if seen_ago is None:
        worker = "never seen"
    elif seen_ago > WORKER_SILENCE_S:
        worker = f"not seen for {seen_ago:.0f} s"
    else:
        worker = READY
    return {"database": READY, "worker": worker, "partitions": partitions or "unknown"}


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
