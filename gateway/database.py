"""The gateway's connections to Postgres, under its own login."""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[tuple[object, ...]]]

WAIT_S = 5.0
"""How long a request waits for a connection before it is told to try again later."""

GIVE_UP_S = 4.0
"""How long the pool itself tries to reconnect; after it, each request tries anew.

Without a limit the pauses between attempts double, and a server that comes back is not noticed for
as long again as it was away.
"""


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
