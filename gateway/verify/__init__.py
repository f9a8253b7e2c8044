"""Proving that a delivery is genuine: one module per way of signing, all of one shape.

A verifier takes the raw body, the request's headers, the secrets that count now and the clock. It
returns a Proof for a genuine delivery and raises DeliveryRejected, and nothing else, for any other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Proof(NamedTuple):
    """What verifying found out. is_late: signed too long ago, yet acceptable from this provider."""

    is_late: bool = False


Verifier = Callable[[bytes, Mapping[str, str], Sequence[bytes], float], Proof]
"""(raw body, headers, secrets, Unix seconds now)"""


class DeliveryRejected(Exception):
    """A delivery failed verification. The message is safe to log: no body, no secret."""
