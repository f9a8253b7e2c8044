"""Where requests come from, and how many failures one address may cause.

Providers share addresses between their customers, and whoever rents one of theirs can send us what
they like from it. So failures of an address never stand in the way of a connection that is in use:
they only decide whether something unknown is worth a look.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

BURST = 100
PER_S = 100 / 60
REMEMBERED = 10_000


def client_address(request: Request) -> str | None:
    """The far end as text, without a zone; None for what is no address (a socket's path).

    Behind a proxy that uvicorn was told to trust, the address that the proxy names.
    """
    try:
        return str(ip_address(request.client.host.partition("%")[0])) if request.client else None
    except ValueError:
        return None


def network_of(address: str | None) -> str:
    """What counts as one sender: an IPv4 address, the /64 of an IPv6 address, or nobody known."""
    if address is None:
        return ""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.packed[:8].hex()


class FailureLimit:
    """A token bucket for each sender: burst failures at once, then per_s of them in a second.

    Remembers that many senders, the latest ones. Times are seconds on any one clock.
    """

    def __init__(
        self, *, burst: int = BURST, per_s: float = PER_S, remembered: int = REMEMBERED
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._remembered = remembered
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, sender: str, now: float) -> int:
        """Take one token for a failure; 0, or the whole seconds to wait when there is none."""
        tokens = self._tokens(sender, now)
        if tokens < 1:
            return max(1, math.ceil((1 - tokens) / self._per_s))
        self._keep(sender, tokens - 1, now)
        return 0

    def give_back(self, sender: str, now: float) -> None:
        """What a token was taken for was no failure after all."""
        self._keep(sender, self._tokens(sender, now) + 1, now)

    def __len__(self) -> int:
        return len(self._buckets)

    def _tokens(self, sender: str, now: float) -> float:
        tokens, at = self._buckets.get(sender, (self._burst, now))
        return min(self._burst, tokens + (now - at) * self._per_s)

    def _keep(self, sender: str, tokens: float, now: float) -> None:
        if tokens >= self._burst:
            self._buckets.pop(sender, None)
            return
        self._buckets[sender] = (tokens, now)
        self._buckets.move_to_end(sender)
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
