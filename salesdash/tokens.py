"""JSON web tokens as PostgREST reads them: the key set that verifies them, and the anonymous one.

The secrets are text; their UTF-8 bytes are the HMAC key (HS256).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence

import jwt


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
    return jwt.encode({"iss": "salesdash", "role": "anon"}, secret, algorithm="HS256")
