"""Calendly's URL without a connection: whose delivery is it?

    POST /functions/v1/calendly-webhook

The hosts that a body names only propose connections. The one whose signing key verifies the body
has been delivered to; when none does, or more than one, nobody has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import psycopg

from gateway.providers import PROVIDERS

ALIAS = "calendly-webhook"


async def vouching_connection(
    body: bytes,
    *,
    candidates: Callable[[str], Awaitable[Sequence[UUID]]],
    verifies: Callable[[UUID], Awaitable[bool]],
) -> UUID | None:
    """The only one of the proposed connections whose key verifies body; else None.

    candidates: the connections that a body's text proposes. verifies: whether the key of one does.
    Raises what they raise, but for a body that cannot be read, which nobody vouches for.
    """
    try:
        proposed = await candidates(PROVIDERS["calendly"].read(body))
    except (ValueError, psycopg.DataError):
        return None
    found = [connection_id for connection_id in proposed if await verifies(connection_id)]
    return found[0] if len(found) == 1 else None
