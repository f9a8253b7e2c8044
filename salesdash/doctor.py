"""Checks of everything an installation stands on, each with the way to mend it.

A check never changes anything. Findings hold no secret values.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, LiteralString
from urllib.parse import urlsplit

import jwt
import psycopg

from salesdash import deploy, tools, wiring
from salesdash.home import ROOT, Home
from salesdash.settings import DEPRECATED, Settings

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 180000
LATE_ROLLUP_S = 60.0
EXTENSIONS = ("btree_gist", "pg_trgm")
API_ROLES = (
    *("anon", "authenticated", "org_admin", "super_admin", "reader"),
    *("admin_of_one", "member_of_one", "closer_of_one"),
)
ROLES = ("salesdash", "authenticator", *API_ROLES, "gateway", "worker", "analyst")
SCHEMAS = ("api", "analytics", "app", "auth", "ingest", "session", "jobs")
MAY_EXECUTE: Mapping[str, tuple[str, ...]] = {
    "gateway": ("ingest", "session"),
    "worker": ("jobs",),
}
Outcome = Literal["good", "warning", "bad", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. found: what is there. mend: what to do, when it is not good.

    A warning works today, and will not for ever.
    """

    check: str
    outcome: Outcome
    found: str
    mend: str = ""


def examine(settings: Settings, home: Home) -> Iterator[Finding]:
    """Every check, in an order in which a later one can rely on the earlier ones.

    settings: as read, before `wiring.fill`.
    """
    yield python_version()
    yield from packages()
    yield postgrest(settings)
    yield from configuration(settings, os.environ)
    yield from state_folder(home)
    if settings.database_url is None and not home.secrets_file.exists():
        yield Finding("database", "skipped", "nothing was started here yet", "Run `make up`.")
        return
    yield from database(wiring.fill(settings, home))


def python_version() -> Finding:
    """Python 3.11 or newer."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", "good", found)
    return Finding("Python", "bad", found, "Install Python 3.11 or newer, then run `make up`.")


def packages() -> Iterator[Finding]:
    """Every Python package that pyproject.toml names is installed."""
    try:
        wanted = metadata.requires("salesdash") or []
    except metadata.PackageNotFoundError:
        yield Finding("Python packages", "bad", "salesdash is not installed", "Run `make up`.")
        return
    names = [_bare(line) for line in wanted if "extra ==" not in line]
    missing = [name for name in names if not _installed(name)]
    if missing:
        found = f"missing: {', '.join(missing)}"
        yield Finding("Python packages", "bad", found, "Run `make up`, which installs them.")
    else:
        yield Finding("Python packages", "good", f"{len(names)} installed")


def postgrest(settings: Settings) -> Finding:
    """A PostgREST that runs and is new enough."""
    try:
        found = tools.find_postgrest(settings)
    except tools.ToolMissing as error:
        return Finding("PostgREST", "bad", str(error), "Run `make up`, or set POSTGREST_BIN.")
    note = (
        "" if found.version == tools.TESTED_POSTGREST else f", tested is {tools.TESTED_POSTGREST}"
    )
    return Finding("PostgREST", "good", f"{found.version} at {found.path}{note}")


def configuration(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Values that are well formed, yet wrong together or out of date.

    The form of each value was checked when it was read: keys have their length by now.
    """
    yield Finding("configuration", "good", "every value is well formed")
    site = urlsplit(settings.site_url)
    if site.scheme == "http" and site.hostname not in wiring.LOCAL_HOSTS:
        yield Finding(
            "SITE_URL",
            "bad",
            f"{settings.site_url} is not encrypted",
            "Set SITE_URL to the https address under which people open the application.",
        )
    else:
        yield Finding("SITE_URL", "good", settings.site_url)
    if settings.anon_key is not None:
        yield _anon_key(settings)
    if settings.resend_api_key and settings.mail_from.endswith("@localhost>"):
        yield Finding(
            "MAIL_FROM",
            "bad",
            "RESEND_API_KEY is set, yet mail would come from localhost",
            "Set MAIL_FROM to a sender that the mail service has verified.",
        )
    for name, instead in DEPRECATED.items():
        if environment.get(name):
            yield Finding(name, "bad", "set, and read by nobody", f"Remove it: {instead}.")


def state_folder(home: Home) -> Iterator[Finding]:
    """The folder and its secrets are readable by this user alone."""
    if not home.path.exists():
        yield Finding(
            "state folder", "skipped", f"{home.path} does not exist yet", "Run `make up`."
        )
        return
    for path, mode in ((home.path, 0o700), (home.secrets_file, 0o600), (home.state_file, 0o600)):
        if not path.exists():
            continue
        found = stat.S_IMODE(path.stat().st_mode)
        if found & 0o077:
            mend = f"Run: chmod {mode:o} {path}"
            yield Finding(f"mode of {path.name}", "bad", f"{found:o} lets others in", mend)
        else:
            yield Finding(f"mode of {path.name}", "good", f"{found:o}")


def database(settings: Settings) -> Iterator[Finding]:
    """The server, its roles, grants and partitions. settings: filled."""
    try:
        connection = psycopg.connect(settings.required("database_url"), connect_timeout=5)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        mend = "Run `make up`, or correct DATABASE_URL."
        yield Finding("database", "bad", f"cannot be reached: {reason}", mend)
        return
    with connection:
        version = connection.info.server_version
        found = f"Postgres {version // 10000}.{version % 10000}"
        if version < OLDEST_POSTGRES:
            yield Finding("database", "bad", found, "Use a server of version 18 or newer.")
            return
        yield Finding("database", "good", found)
        for check in CATALOG_CHECKS:
            yield check(connection)
    yield schema(settings)
    for name, field in (
        ("login gateway", "gateway_database_url"),
        ("login worker", "jobs_database_url"),
        ("login authenticator", "pgrst_db_uri"),
    ):
        yield _login(name, field, settings)


def schema(settings: Settings) -> Finding:
    """Migrations and repeatable files are applied as they are in the checkout. settings: filled."""
    try:
        report = deploy.verify(settings.required("database_url"), ROOT / "db")
    except deploy.DeployFailed as error:
        return Finding("schema", "bad", str(error), DEPLOY)
    wrong = [f"{finding.name} ({finding.message})" for finding in report.findings]
    return _finding("schema", wrong, "different", DEPLOY)


def extensions(connection: psycopg.Connection) -> Finding:
    """The server has the contributed modules that the schema needs."""
    rows = _names(
        connection, "select name from pg_available_extensions where name = any (%s)", EXTENSIONS
    )
    missing = sorted(set(EXTENSIONS) - rows)
    return _finding("extensions", missing, "not available", "Install the server's contrib package.")


def roles(connection: psycopg.Connection) -> Finding:
    """Every role exists."""
    rows = _names(connection, "select rolname from pg_roles where rolname = any (%s)", ROLES)
    return _finding("roles", sorted(set(ROLES) - rows), "missing", DEPLOY)


def powers(connection: psycopg.Connection) -> Finding:
    """No role of the application is superuser, passes policies by or may make roles."""
    rows = _names(
        connection,
        "select rolname from pg_roles where rolname = any (%s)"
        " and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)",
        ROLES,
    )
    mend = "As a superuser: alter role <name> nosuperuser nobypassrls nocreaterole nocreatedb."
    return _finding("powers of roles", sorted(rows), "too powerful", mend)


def memberships(connection: psycopg.Connection) -> Finding:
    """PostgREST's login can become the API roles and nothing else."""
    rows = _names(
        connection,
        "select roleid::regrole::text from pg_auth_members"
        " where member = to_regrole('authenticator') and set_option and %s::text[] is not null",
        API_ROLES,
    )
    wrong = [f"not {role}" for role in API_ROLES if role not in rows]
    wrong += [f"also {role}" for role in sorted(rows - set(API_ROLES))]
    return _finding("memberships of authenticator", wrong, "wrong", DEPLOY)


def public_execute(connection: psycopg.Connection) -> Finding:
    """No function of ours is open to everybody. Those of extensions compare values, no more."""
    rows = _names(
        connection,
        "select p.oid::regprocedure::text from pg_proc as p"
        "  join pg_namespace as n on n.oid = p.pronamespace"
        " cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a"
        " where n.nspname = any (%s) and a.grantee = 0 and a.privilege_type = 'EXECUTE'"
        "   and not exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass"
        "                   and d.objid = p.oid and d.deptype = 'e')",
        SCHEMAS,
    )
    return _finding("execute by everybody", sorted(rows), "open to PUBLIC", DEPLOY)


def process_grants(connection: psycopg.Connection) -> Finding:
    """Gateway and worker may execute functions of their own schemas, and of no other."""
    wrong: list[str] = []
    for role, own in MAY_EXECUTE.items():
        rows = connection.execute(
            "select distinct n.nspname from pg_proc as p"
            "  join pg_namespace as n on n.oid = p.pronamespace"
            " where n.nspname = any (%s)"
            "   and has_function_privilege(to_regrole(%s), p.oid, 'execute')"
            "   and has_schema_privilege(to_regrole(%s), n.oid, 'usage')",
            (list(SCHEMAS), role, role),
        ).fetchall()
        found = {str(schema) for (schema,) in rows}
        wrong += [
            f"{role} may execute nothing in {schema}" for schema in own if schema not in found
        ]
        wrong += [f"{role} may execute in {schema}" for schema in sorted(found - set(own))]
    return _finding("execute by gateway and worker", wrong, "wrong", DEPLOY)


def partitions(connection: psycopg.Connection) -> Finding:
    """Partitions of the months ahead exist, and nothing has gone to the default ones."""
    mend = "See that the worker runs, or run `salesdash db apply`."
    known = connection.execute("select to_regprocedure('app.partition_state(timestamptz)')")
    if known.fetchone() == (None,):
        return Finding("partitions", "bad", "the schema is older than this program", DEPLOY)
    row = connection.execute("select state, problems from app.partition_state()").fetchone()
    state, problems = row or ("missing", [])
    if state == "ready":
        return Finding("partitions", "good", "as they should be")
    return Finding(
        "partitions", "bad" if state == "missing" else "warning", ", ".join(problems), mend
    )


def advisory_locks(connection: psycopg.Connection) -> Finding:
    """No login but ours can use up the memory that all sessions have for their locks."""
    row = connection.execute(
        "select coalesce(bool_or(has_function_privilege(r.oid, 'pg_advisory_lock(bigint)',"
        " 'execute')), false) from pg_roles as r where r.rolname = 'analyst'"
    )
    if row.fetchone() == (False,):
        return Finding("advisory locks", "good", "analysts take none")
    mend = "As a superuser: take them from public; see docs/analysts.md."
    return Finding("advisory locks", "warning", "analysts may take them", mend)


def rollups(connection: psycopg.Connection) -> Finding:
    """Changes are counted into the sums that numbers are read from."""
    known = connection.execute("select to_regprocedure('jobs.rollup_lag()')")
    if known.fetchone() == (None,):
        return Finding("rollups", "bad", "the schema is older than this program", DEPLOY)
    row = connection.execute("select not_built, changes, lag_seconds from jobs.rollup_lag()")
    not_built, changes, lag = row.fetchone() or (0, 0, 0.0)
    found = f"{not_built} not built, {changes} changes wait"
    if not not_built and lag < LATE_ROLLUP_S:
        return Finding("rollups", "good", found)
    mend = "Numbers are right, and slower. See that the worker runs."
    return Finding("rollups", "warning", f"{found}, for {lag:.0f} s", mend)


DEPLOY = "Run `salesdash db deploy`."

CATALOG_CHECKS: tuple[Callable[[psycopg.Connection], Finding], ...] = (
    extensions,
    roles,
    powers,
    memberships,
    public_execute,
    process_grants,
    partitions,
    advisory_locks,
    rollups,
)


def _finding(check: str, wrong: list[str], verdict: str, mend: str) -> Finding:
    if not wrong:
        return Finding(check, "good", "as they should be")
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return Finding(check, "bad", f"{verdict}: {shown}", mend)


def _names(
    connection: psycopg.Connection, query: LiteralString, names: tuple[str, ...] | list[str]
) -> set[str]:
    return {str(name) for (name,) in connection.execute(query, (list(names),))}


def _login(check: str, field: str, settings: Settings) -> Finding:
    try:
        psycopg.connect(settings.required(field), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        *_, reason = (
            line for line in str(error).strip().splitlines() if not line.startswith("DETAIL:")
        )
        mend = f"Set {field.upper()}, or run `make up` once."
        if "permission denied for database" in reason:
            mend = "Run `salesdash db deploy`: it says who may connect; a restored dump does not."
        return Finding(check, "bad", reason, mend)
    return Finding(check, "good", "can log in")


def _anon_key(settings: Settings) -> Finding:
    accepted = [key for key in (settings.jwt_secret, settings.jwt_secret_previous) if key]
    for secret in accepted:
        try:
            claims = jwt.decode(settings.required("anon_key"), secret, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            continue
        if claims.get("role") == "anon":
            return Finding("ANON_KEY", "good", "signed with JWT_SECRET")
    return Finding(
        "ANON_KEY",
        "bad",
        "not a token of role anon that JWT_SECRET has signed",
        "Leave it out to have it made, or take it and JWT_SECRET from `salesdash keys generate`.",
    )


def _bare(requirement: str) -> str:
    end = next((i for i, letter in enumerate(requirement) if letter in "[<>=!~; "), None)
    return requirement[:end]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
