"""While a signing secret is rotated, tokens of both are honoured."""

import time
from uuid import uuid4

import pytest

from salesdash.tokens import AccessClaims, TokenInvalid, mint_access_token, read_access_token

OLD, NEW = "o" * 32, "n" * 32
CLAIMS = AccessClaims(uuid4(), uuid4(), "org_admin", "ada@example.test")


def test_both_secrets_count_while_both_are_configured() -> None:
    now = int(time.time())
    for secret in (OLD, NEW):
        token = mint_access_token(CLAIMS, secret, issuer="x", now=now)
        assert read_access_token(token, (NEW, OLD)) == CLAIMS
    with pytest.raises(TokenInvalid):
        read_access_token(mint_access_token(CLAIMS, OLD, issuer="x", now=now), (NEW,))
