"""Calendly's signatures: the vectors on file, lateness, and what cannot be genuine."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.verify import DeliveryRejected
from gateway.verify.calendly import HEADER, verify_delivery
from tests.calendly_events import DATA, signature

VECTORS: dict[str, Any] = json.loads((DATA / "_signing_vectors.json").read_text())
NOW = 1_772_463_845
KEY = "current-signing-key"


def answer(body: bytes, header: str, *keys: str, now: float = NOW) -> str:
    try:
        proof = verify_delivery(body, {HEADER: header}, [key.encode() for key in keys], now)
    except DeliveryRejected:
        return "refused"
    return "late" if proof.is_late else "accepted"


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_vectors_on_file(case: dict[str, Any]) -> None:
    body = VECTORS["body"].encode()
    assert answer(body, case["header"], VECTORS["key"], now=case["now"]) == case["answer"]


def test_any_of_our_keys_may_have_signed() -> None:
    header = signature(b"{}", secret="the key before", at=NOW)
    assert answer(b"{}", header, KEY, "the key before") == "accepted"
    assert answer(b"{}", header, KEY) == "refused"
    assert answer(b"{}", header) == "refused"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-301, "refused"), (-300, "accepted"), (300, "accepted"), (301, "late"), (90_001, "refused")],
)
def test_a_retry_within_25_hours_is_late_but_genuine(seconds: int, said: str) -> None:
    header = signature(b"{}", secret=KEY, at=NOW)
    assert answer(b"{}", header, KEY, now=NOW + seconds) == said


def test_a_late_delivery_must_be_signed_like_any_other() -> None:
    header = signature(b"{}", secret="somebody else's", at=NOW - 3600)
    assert answer(b"{}", header, KEY) == "refused"


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(DeliveryRejected):
        verify_delivery(b"{}", {}, [KEY.encode()], NOW)


@given(st.text(), st.binary())
def test_no_header_and_no_body_raise_anything_else(header: str, body: bytes) -> None:
    assert answer(body, header, KEY) == "refused"


@given(st.binary(min_size=1), st.integers(0, 2**16))
def test_one_changed_byte_is_noticed(body: bytes, place: int) -> None:
    changed = bytearray(body)
    changed[place % len(changed)] ^= 1
    header = signature(body, secret=KEY, at=NOW)
    assert answer(body, header, KEY) == "accepted"
    assert answer(bytes(changed), header, KEY) == "refused"
