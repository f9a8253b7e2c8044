"""Argon2id hashes of passwords, as PHC strings."""

from __future__ import annotations

import os
from typing import NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MIN_CHARACTERS = 8
MAX_CHARACTERS = 1024


class Cost(NamedTuple):
    """Argon2id parameters (OWASP, Password Storage Cheat Sheet). memory_kib: KiB."""

    iterations: int = 2
    lanes: int = 1
    memory_kib: int = 19456


COST = Cost()


def derive(password: str, cost: Cost = COST) -> str:
    """The PHC string ($argon2id$v=19$m=...,t=...,p=...$salt$hash) of a password, fresh salt."""
    kdf = Argon2id(
        salt=os.urandom(16),
        length=32,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return kdf.derive_phc_encoded(password.encode())


def compare(password: str, encoded: str) -> bool:
    """Whether password is the one that encoded, a PHC string, was made from."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), encoded)
    except InvalidKey:
        return False
    return True


def made_at(encoded: str, cost: Cost = COST) -> bool:
    """Whether a PHC string was made at this cost."""
    wanted = f"$argon2id$v=19$m={cost.memory_kib},t={cost.iterations},p={cost.lanes}$"
    return encoded.startswith(wanted)
