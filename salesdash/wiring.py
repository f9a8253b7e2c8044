"""How the parts of one checkout meet: generated values, database logins, children to supervise."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import httpx
import psycopg

from salesdash.home import ROOT, Home
from salesdash.postgres import PostgresServer, ServerCommand
from salesdash.settings import DEPRECATED, Settings
from salesdash.supervisor import Account, Child, Probe
from salesdash.tokens import anon_key, key_set

PROBE_TIMEOUT_S = 5.0
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Login(NamedTuple):
    """A database login of one process. url carries the password."""

    role: str
    url: str
    password: str


def embedded_server(settings: Settings, home: Home) -> PostgresServer | None:
    """The server this checkout runs itself, or None when DATABASE_URL names another one."""
    if settings.database_url is not None:
        return None
    passwords = home.secrets().passwords
    return PostgresServer(
        home=home.path,
        port=settings.postgres_port,
        superuser_password=passwords["postgres"],
        deployer_password=passwords["deployer"],
    )


def fill(settings: Settings, home: Home) -> Settings:
    """The settings with everything that was not set: generated keys, and a URL for each login."""
    secrets = home.secrets()
    server = embedded_server(settings, home)
    base = server.deployer_url() if server else settings.required("database_url")
    secret = settings.jwt_secret or secrets.jwt_secret

    def url(role: str) -> str:
        return login_url(base, role, secrets.passwords[role])

    return settings.model_copy(
        update={
            "database_url": base,
            "gateway_database_url": settings.gateway_database_url or url("gateway"),
            "jobs_database_url": settings.jobs_database_url or url("worker"),
            "pgrst_db_uri": settings.pgrst_db_uri or url("authenticator"),
            "jwt_secret": secret,
            "encryption_master_key": settings.encryption_master_key
            or secrets.encryption_master_key,
            "anon_key": settings.anon_key or anon_key(secret),
            "salesdash_dev": _shows_mail(settings),
            "salesdash_home": home.path,
        }
    )


def _shows_mail(settings: Settings) -> bool:
    """Whether the gateway may show the mail that would have been sent, sign-in links included.

    Only while no real mail goes out, and on a machine of no public address unless asked to.
    """
    local = urlsplit(settings.site_url).hostname in LOCAL_HOSTS
    return settings.resend_api_key is None and (settings.salesdash_dev or local)


def generated_logins(settings: Settings, home: Home) -> tuple[Login, ...]:
    """The logins whose passwords this checkout chose, so that a deploy may set them.

    settings: as read, before `fill`. A URL that the operator gave keeps its own password.
    """
    given = {
        "authenticator": settings.pgrst_db_uri,
        "gateway": settings.gateway_database_url,
        "worker": settings.jobs_database_url,
    }
    passwords = home.secrets().passwords
    base = fill(settings, home).required("database_url")
    return tuple(
        Login(role, login_url(base, role, passwords[role]), passwords[role])
        for role, url in given.items()
        if url is None
    )


def login_url(base: str, role: str, password: str) -> str:
    """The same server and database as another login. base: a postgresql:// URL."""
    parts = urlsplit(base)
    host = parts.netloc.rpartition("@")[2]
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query)
        if name not in {"user", "password", "options"}
    ]
    netloc = f"{quote(role, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(kept, quote_via=quote)))


def inherited_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What children take over from our environment: neither settings nor libpq's variables.

    Each child then gets the values it needs and no others.
    """
    ours = {name.upper() for name in Settings.model_fields} | set(DEPRECATED)
    return {
        name: value
        for name, value in environment.items()
        if name not in ours and not name.startswith(("PG", "PGRST_"))
    }


def postgres_child(command: ServerCommand, server: PostgresServer) -> Child:
    """The embedded server. SIGINT is its fast shutdown: it ends sessions and writes everything."""
    account = (
        Account(command.user, command.group)
        if command.user is not None and command.group is not None
        else None
    )
    return Child(
        name="postgres",
        argv=command.argv,
        env=command.env,
        cwd=command.cwd,
        ready=database_probe(server.superuser_url()),
        stop_signal=signal.SIGINT,
        stop_s=60.0,
        account=account,
    )


def postgrest_child(program: Path, settings: Settings) -> Child:
    """PostgREST. settings: filled. Only what it reads is in its environment."""
    accepted = [settings.required("jwt_secret")]
    if settings.jwt_secret_previous:
        accepted.append(settings.jwt_secret_previous)
    env = {
        "PGRST_DB_URI": settings.required("pgrst_db_uri"),
        "PGRST_JWT_SECRET": key_set(accepted),
        "PGRST_SERVER_PORT": str(settings.postgrest_port),
        "PGRST_ADMIN_SERVER_PORT": str(settings.postgrest_admin_port),
        "PGRST_OPENAPI_SERVER_PROXY_URI": f"{settings.site_url}/rest/v1",
    }
    return Child(
        name="postgrest",
        argv=(str(program), str(ROOT / "postgrest.conf")),
        env=inherited_environment(os.environ) | env,
        cwd=ROOT,
        ready=http_probe(f"{settings.postgrest_admin_url}/ready"),
        stop_s=10.0,
    )


def gateway_child(settings: Settings) -> Child:
    """The gateway. settings: filled."""
    without = {"database_url", "jobs_database_url", "pgrst_db_uri", "resend_api_key"}
    return Child(
        name="gateway",
        argv=(sys.executable, "-m", "gateway"),
        env=_python_environment(settings, without),
        cwd=ROOT,
        ready=http_probe(f"http://127.0.0.1:{settings.gateway_port}/livez"),
        stop_s=15.0,
    )


def jobs_child(settings: Settings) -> Child:
    """The worker. settings: filled. The gateway's /readyz tells whether it works."""
    without = {
        "database_url",
        "gateway_database_url",
        "pgrst_db_uri",
        "jwt_secret",
        "jwt_secret_previous",
    }
    return Child(
        name="jobs",
        argv=(sys.executable, "-m", "jobs"),
        env=_python_environment(settings, without),
        cwd=ROOT,
        stop_s=30.0,
    )


def _python_environment(settings: Settings, without: Collection[str]) -> dict[str, str]:
    return {
        **inherited_environment(os.environ),
        **settings.environment(without=without),
        "SALESDASH_ENV_FILE": "",
        "PYTHONUNBUFFERED": "1",
    }


def database_probe(url: str) -> Probe:
    """Whether the server answers this login; a wrong password is an answer, too."""

    async def ready() -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(url, connect_timeout=5)
        except psycopg.OperationalError as refused:
            return "password authentication failed" in str(refused)
        await connection.close()
        return True

    return ready


def http_probe(url: str) -> Probe:
    """Whether GET answers 2xx."""

    async def ready() -> bool:
        answer = await ask(url)
        return answer is not None and answer.is_success

    return ready


async def ask(url: str) -> httpx.Response | None:
    """GET an address on this machine; None when nothing answers there."""
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # saves the loading of the authorities' list
    async with httpx.AsyncClient(trust_env=False, timeout=PROBE_TIMEOUT_S, verify=plain) as client:
        try:
            return await client.get(url)
        except httpx.HTTPError:
            return None
