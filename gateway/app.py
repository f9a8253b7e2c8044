"""The gateway: proves that logins and deliveries are genuine, and passes everything else on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from gateway import (
    api_keys,
    connection_settings,
    exports,
    functions,
    hooks,
    invitations,
    pages,
    portal,
    probes,
    reader_keys,
)
from gateway.access import AccessLog, Requests
from gateway.auth import routes as auth_routes
from gateway.auth.passwords import PasswordHasher
from gateway.auth.redirects import Redirects
from gateway.auth.service import AuthService
from gateway.auth.store import SessionStore
from gateway.cors import PrefixedCors
from gateway.database import make_pool
from gateway.errors import HANDLERS
from gateway.passthrough import METHODS, make_client, rest
from salesdash.secretbox import SecretBox
from salesdash.settings import Settings


def routes() -> list[BaseRoute]:
    """Everything the gateway answers, in the order in which it is looked up: deliveries first."""
    return [
        *hooks.ROUTES,
        *probes.ROUTES,
        *auth_routes.ROUTES,
        *api_keys.ROUTES,
        *connection_settings.ROUTES,
        *exports.ROUTES,
        *functions.ROUTES,
        *invitations.ROUTES,
        *portal.ROUTES,
        *reader_keys.ROUTES,
        Route("/rest/v1", rest, methods=METHODS),
        Route("/rest/v1/{path:path}", rest, methods=METHODS),
        *pages.ROUTES,
    ]


def create_app(
    settings: Settings,
    *,
    hasher: PasswordHasher | None = None,
    clock: Callable[[], float] = time.time,
    export_limits: exports.Limits | None = None,
) -> Starlette:
    """The application; nothing is connected before its lifespan begins.

    Raises SettingsError when a setting is missing that it cannot do without.
    """
    registry = CollectorRegistry()
    hashes = Counter("salesdash_password_hashes_total", "Argon2id computed", registry=registry)
    hasher = hasher or PasswordHasher(on_hash=hashes.inc)
    pool = make_pool(settings.required("gateway_database_url"))
    jwt_secrets = tuple(
        secret
        for secret in (settings.required("jwt_secret"), settings.jwt_secret_previous)
        if secret
    )
    box = SecretBox(
        settings.required("encryption_master_key"), settings.encryption_master_key_previous
    )
    auth = AuthService(
        store=SessionStore(pool),
        hasher=hasher,
        box=box,
        redirects=Redirects(settings.site_url, settings.allowed_origins),
        jwt_secrets=jwt_secrets,
        site_url=settings.site_url,
        autoconfirm=settings.auth_autoconfirm,
        clock=clock,
    )

    deliveries = hooks.make_hooks(pool, box, clock=clock)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await pool.open(wait=False)
        async with (
            make_client(settings.postgrest_url, anon_key=settings.anon_key) as app.state.postgrest,
            httpx.AsyncClient(timeout=probes.PROBE_TIMEOUT_S, trust_env=False) as probe_client,
        ):
            app.state.probe_client = probe_client
            try:
                async with (
                    app.state.exports.opened(),
                    deliveries.running(settings.required("gateway_database_url")),
                ):
                    yield
            finally:
                await pool.close()
                hasher.close()

    app = Starlette(
        routes=routes(),
        middleware=[
            Middleware(AccessLog, requests=Requests(registry)),
            Middleware(PrefixedCors, origins=settings.allowed_origins),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.pool = pool
    app.state.box = box
    app.state.auth = auth
    app.state.hooks = deliveries
    app.state.exports = exports.Exports(pool, export_limits or exports.Limits(), registry)
    app.state.registry = registry
    app.state.postgrest_admin_url = settings.postgrest_admin_url
    return app
