"""Stripe's signatures: the vectors on file, and what Stripe's own library makes."""

import json
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from gateway.verify import DeliveryRejected
from gateway.verify.stripe import verify_delivery, verify_stripe
from tests.stripe_events import DATA

VECTORS: dict[str, Any] = json.loads((DATA / "_signing_vectors.json").read_text())
NOW = 1_795_168_800
SECRET = b"whsec_current"


def accepts(body: bytes, header: str, *secrets: bytes, now: float = NOW) -> bool:
    try:
        verify_stripe(body, header, secrets, now=now)
    except DeliveryRejected:
        return False
    return True


def signed(body: str, *, secret: str = SECRET.decode(), at: int = NOW) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=at)
    return header


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_vectors_on_file(case: dict[str, Any]) -> None:
    body, secret = VECTORS["body"].encode(), case["secret"].encode()
    assert accepts(body, case["header"], secret, now=case["now"]) is case["accept"]


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_five_minutes_both_ways(seconds: int, accepted: bool) -> None:
    assert accepts(b"{}", signed("{}"), SECRET, now=NOW + seconds) is accepted


def test_any_of_our_secrets_and_any_of_their_signatures() -> None:
    old, new = signed("{}", secret="whsec_old"), signed("{}")
    both = f"{old},{new.partition(',')[2]}"
    assert accepts(b"{}", both, SECRET)
    assert accepts(b"{}", old, SECRET, b"whsec_old")
    assert not accepts(b"{}", old, SECRET)
    assert not accepts(b"{}", new)


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(DeliveryRejected):
        verify_delivery(b"{}", {}, [SECRET], NOW)


@given(st.text(), st.binary())
def test_no_header_and_no_body_raise_anything_else(header: str, body: bytes) -> None:
    assert not accepts(body, header, SECRET)


@given(st.binary(min_size=1), st.integers(0, 2**16))
def test_one_changed_byte_is_noticed(body: bytes, place: int) -> None:
    text = body.decode("latin-1")
    changed = bytearray(text.encode())
    changed[place % len(changed)] ^= 1
    assert accepts(text.encode(), signed(text), SECRET)
    assert not accepts(bytes(changed), signed(text), SECRET)
