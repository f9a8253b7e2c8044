"""Secrets at rest: AES-256-GCM with rotating master keys.

Only the gateway and the jobs hold master keys; the database keeps what `SecretBox.seal` returns.
Each value has its own nonce, and is bound to its organization and name: a ciphertext that is copied
to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class SecretUnreadable(Exception):
    """A sealed value does not open: unknown key, wrong owner or name, or changed bytes."""


class Sealed(NamedTuple):
    """What the database keeps. ciphertext: 12 bytes nonce, then the value, then 16 bytes tag."""

    key_id: str
    ciphertext: bytes


def generate_key() -> str:
    """A new master key: 32 random bytes in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def key_id(key: str) -> str:
    """The public name of a base64 master key: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(base64.b64decode(key, validate=True)).hexdigest()[:12]


class SecretBox:
    """Seals with the current key; opens with the current and every previous one."""

    def __init__(self, current: str, previous: Sequence[str] = ()) -> None:
        """Take base64 keys of 32 bytes each; ValueError for any other."""
        self.current_key_id = key_id(current)
        self._keys: dict[str, AESGCM] = {}
        for key in (current, *previous):
            raw = base64.b64decode(key, validate=True)
            if len(raw) != KEY_BYTES:
                raise ValueError("a master key must be 32 bytes written in base64")
            self._keys[key_id(key)] = AESGCM(raw)

    def seal(self, value: bytes, *, organization_id: UUID, name: str) -> Sealed:
        """Encrypt one value of one organization under the current key."""
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound_to(organization_id, name)
        sealed = self._keys[self.current_key_id].encrypt(nonce, value, bound)
        return Sealed(self.current_key_id, nonce + sealed)

    def open(self, sealed: Sealed, *, organization_id: UUID, name: str) -> bytes:
        """Decrypt; SecretUnreadable unless key, organization, name and bytes are as sealed."""
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise SecretUnreadable(f"no master key has the id {sealed.key_id!r}")
        nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            return key.decrypt(nonce, body, _bound_to(organization_id, name))
        except (InvalidTag, ValueError):
            raise SecretUnreadable("the value was changed, or belongs elsewhere") from None

    def is_current(self, sealed: Sealed) -> bool:
        """Whether the value is already sealed with the current key."""
        return sealed.key_id == self.current_key_id


def _bound_to(organization_id: UUID, name: str) -> bytes:
    """Associated data: 16 bytes of organization, then the name; so no two pairs are alike."""
    return organization_id.bytes + name.encode()
