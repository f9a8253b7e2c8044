"""Announcements of the pre-request check: super admins' requests, and uses of API keys.

A reading request cannot write, so the database announces it and a worker writes it down. What is
announced while no worker listens is not kept.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import psycopg
from psycopg import sql

from jobs.queue import DATABASE_AWAY, Queue
from salesdash.logs import get_logger

PROBE_S = 10.0
RETRY_S = 1.0

log = get_logger(__name__)


async def listen(url: str, queue: Queue) -> None:
    """Write announcements down until cancelled. url: any login of the database."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=5, application_name="salesdash-jobs-listener"
            ) as listener:
                channel = sql.Identifier(await queue.access_channel())
                await listener.execute(sql.SQL("listen {}").format(channel))
                while True:
                    async for note in listener.notifies(timeout=PROBE_S):
                        with suppress(json.JSONDecodeError):
                            await queue.record_access(json.loads(note.payload))
                    await listener.execute("select 1")
        except DATABASE_AWAY as error:
            log.warning("not listening for announcements", error=type(error).__name__)
        except psycopg.Error as error:
            log.error("an announcement was refused", sqlstate=error.sqlstate)
        await asyncio.sleep(RETRY_S)
