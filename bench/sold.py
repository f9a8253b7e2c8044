"""Whose sale a benchmark payment is."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Sold(NamedTuple):
    """One row of bench.sold: the call that a payment of this address rests on."""

    organization_id: UUID
    connection_id: UUID
    email: str
    lead_id: UUID
    event_id: UUID
    deal_id: UUID
    closer_id: UUID
    setter_id: UUID
