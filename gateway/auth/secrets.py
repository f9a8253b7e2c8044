"""Opaque tokens and codes, and what the database keeps of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

NONCE_BYTES = 32


def new_token() -> str:
    """256 random bits, fit for URLs: a refresh token, a link, a browser code."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Six random decimal digits, to be typed."""
    return f"{secrets.randbelow(1_000_000):06d}"


def token_hash(token: str) -> bytes:
    """SHA-256 of a token: 32 bytes. Enough, since tokens cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


def code_hash(code: str, email: str, secret: str) -> bytes:
    """Keyed hash of a typed code for one address: 32 bytes.

    Keyed, because a million possible codes are tried in no time by who holds a bare hash.
    """
    key = hmac.digest(secret.encode(), b"one-time code", "sha256")
    return hmac.digest(key, f"{email.strip().lower()}\n{code.strip()}".encode(), "sha256")


def successor(token: str, nonces: Iterable[bytes]) -> str:
    """The refresh token that follows token after the rotations with these nonces."""
    for nonce in nonces:
        derived = hmac.digest(token.encode(), nonce, "sha256")
        token = base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
    return token
