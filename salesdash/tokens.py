"""JSON web tokens as PostgREST reads them: the key set, the anonymous key, and access tokens.

The secrets are text; their UTF-8 bytes are the HMAC key (HS256).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import jwt

ACCESS_TOKEN_S = 3600
AUDIENCE = "authenticated"
_ALGORITHM = "HS256"


class TokenInvalid(Exception):
    """An access token is malformed, expired, signed by nobody we know, or names no session."""


class AccessClaims(NamedTuple):
    """Who an access token speaks for. role: the database role that PostgREST takes on."""

    user_id: UUID
    session_id: UUID
    role: str
    email: str


class ReaderClaims(NamedTuple):
    """Whose data an API key reads."""

    key_id: UUID
    organization_id: UUID


def key_set(secrets: Sequence[str]) -> str:
    """A JWK set (JSON) of every secret that is still accepted, the current one first.

    PostgREST tries each key of the set for a token that names none, so a token signed with the
    previous secret stays valid until that secret leaves the configuration.
    """
    keys = [
        {
            "kty": "oct",
            "alg": "HS256",
            "use": "sig",
            "kid": hashlib.sha256(secret.encode()).hexdigest()[:12],
            "k": base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode(),
        }
        for secret in secrets
    ]
    return json.dumps({"keys": keys}, separators=(",", ":"))


def anon_key(secret: str) -> str:
    """The key that frontends carry: a token of role anon that never expires and names nobody."""
    return jwt.encode({"iss": "salesdash", "role": "anon"}, secret, algorithm=_ALGORITHM)


def mint_access_token(claims: AccessClaims, secret: str, *, issuer: str, now: int) -> str:
    """Sign an access token that is good for ACCESS_TOKEN_S. now: Unix seconds."""
    return jwt.encode(
        {
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "role": claims.role,
            "session_id": str(claims.session_id),
            "email": claims.email,
            "iat": now,
            "exp": now + ACCESS_TOKEN_S,
        },
        secret,
        algorithm=_ALGORITHM,
    )


def mint_reader_key(claims: ReaderClaims, secret: str, *, issuer: str, now: int) -> str:
    """Sign a read-only API key, a token that never expires. now: Unix seconds.

    The database lets it in as long as its row lives. It names no audience, so it is no session.
    """
    return jwt.encode(
        {
            "iss": issuer,
            "role": "reader",
            "key_id": str(claims.key_id),
            "organization_id": str(claims.organization_id),
            "iat": now,
        },
        secret,
        algorithm=_ALGORITHM,
    )


def read_access_token(token: str, secrets: Sequence[str]) -> AccessClaims:
    """The claims of a token that one of secrets signed and that has not expired.

    Whether its session still lives, only the database knows. Raises TokenInvalid.
    """
    for secret in secrets:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "session_id", "role"]},
            )
            return AccessClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["session_id"]),
                role=str(claims["role"]),
                email=str(claims.get("email", "")),
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            break
    raise TokenInvalid("the access token is malformed, expired or not ours")
