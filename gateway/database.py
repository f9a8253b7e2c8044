"""The gateway's connections to Postgres, under its own login."""

from __future__ import annotations

from psycopg import AsyncConnection, Error, OperationalError
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[tuple[object, ...]]]

WAIT_S = 5.0
"""How long a request waits for a connection before it is told to try again later."""

GIVE_UP_S = 4.0
"""How long the pool itself tries to reconnect; after it, each request tries anew.

Without a limit the pauses between attempts double, and a server that comes back is not noticed for
as long again as it was away.
"""


_PASSING = {"40001", "40P01", "55P03", "57014"}
"""Serialization failure, deadlock, lock not available, statement timeout."""


def is_passing(error: Error) -> bool:
    """Whether the same request may well succeed in a moment: nobody answers, or somebody was in the
    way. Nothing was written in either case.
    """
    if not isinstance(error, OperationalError):
        return False
    code = error.sqlstate
    return code is None or code in _PASSING or code.startswith(("08", "53", "57P"))


def make_pool(url: str, *, max_size: int = 10) -> Pool:
    """A closed pool; each call of a function is its own transaction (autocommit).

    Connections are checked when taken, so a restarted server costs no request.
    """
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=WAIT_S,
        reconnect_timeout=GIVE_UP_S,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": "salesdash-gateway", "connect_timeout": 5},
        name="gateway",
    )
