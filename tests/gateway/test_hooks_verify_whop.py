"""Whop's signatures of both kinds: the vectors on file, and what the vendors' libraries make."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.verify import DeliveryRejected
from gateway.verify.whop import verify_delivery
from tests.whop_events import DATA, SECRET, signed_by_whop, signed_v1

VECTORS: dict[str, Any] = json.loads((DATA / "_signing_vectors.json").read_text())
STANDARD: dict[str, Any] = json.loads(
    (Path(DATA).parent / "standard-webhooks" / "signing_vector.json").read_text()
)
CASES = [
    pytest.param(VECTORS[scheme]["body"].encode(), case, id=f"{scheme}: {case['name']}")
    for scheme in ("current", "older_x_whop_signature")
    for case in VECTORS[scheme]["cases"]
]
NOW = 1_795_168_800
V1 = b'{"id":"msg_1","type":"payment.succeeded","data":{}}'
OLDER = b'{"action":"payment.succeeded","data":{}}'


def accepts(
    body: bytes, headers: Mapping[str, str], *secrets: str | bytes, now: float = NOW
) -> bool:
    keys = [secret.encode() if isinstance(secret, str) else secret for secret in secrets]
    try:
        return not verify_delivery(body, headers, keys, now).is_late
    except DeliveryRejected:
        return False


@pytest.mark.parametrize(("body", "case"), CASES)
def test_the_vectors_on_file(body: bytes, case: dict[str, Any]) -> None:
    assert accepts(body, case["headers"], case["secret"], now=case["now"]) is case["accept"]


def test_a_secret_is_never_decoded() -> None:
    """Whop's key is the text; a delivery signed as Standard Webhooks itself would is refused."""
    body = STANDARD["body"].encode()
    assert not accepts(body, STANDARD["headers"], STANDARD["secret"], now=STANDARD["now"])


@pytest.mark.parametrize("body", [V1, OLDER])
@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_five_minutes_both_ways(body: bytes, seconds: int, accepted: bool) -> None:
    assert accepts(body, signed_by_whop(body, at=NOW), SECRET, now=NOW + seconds) is accepted


@pytest.mark.parametrize("body", [V1, OLDER])
def test_any_of_our_secrets(body: bytes) -> None:
    old = signed_by_whop(body, secret="ws_old", at=NOW)
    assert accepts(body, old, SECRET, "ws_old")
    assert not accepts(body, old, SECRET)
    assert not accepts(body, old)


def test_any_of_their_signatures() -> None:
    headers = signed_v1(V1, "msg_1", SECRET, NOW)
    other = signed_v1(V1, "msg_1", "ws_other", NOW)["webhook-signature"]
    for entries in (
        f"{other} {headers['webhook-signature']}",
        f"{headers['webhook-signature']} {other}",
        f"v1a,AAAA nonsense  {headers['webhook-signature']}",
    ):
        assert accepts(V1, {**headers, "webhook-signature": entries}, SECRET), entries
    for entries in ("", "v1", "v1,", other, headers["webhook-signature"].replace("v1,", "v2,")):
        assert not accepts(V1, {**headers, "webhook-signature": entries}, SECRET), entries


def test_each_signed_header_is_part_of_what_is_signed() -> None:
    headers = signed_v1(V1, "msg_1", SECRET, NOW)
    assert accepts(V1, headers, SECRET)
    for name, value in (
        ("webhook-id", "msg_2"),
        ("webhook-id", ""),
        ("webhook-id", "msg.1"),
        ("webhook-timestamp", str(NOW + 1)),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", ""),
    ):
        assert not accepts(V1, {**headers, name: value}, SECRET), (name, value)
        assert not accepts(V1, {k: v for k, v in headers.items() if k != name}, SECRET)


def test_the_older_header_does_not_stand_in_for_a_bad_new_one() -> None:
    headers = {**signed_by_whop(OLDER, at=NOW), **signed_v1(V1, "msg_1", "ws_other", NOW)}
    assert not accepts(OLDER, headers, SECRET)


def test_a_delivery_without_a_signature_is_refused() -> None:
    with pytest.raises(DeliveryRejected):
        verify_delivery(V1, {}, [SECRET.encode()], NOW)


@given(st.text(), st.text(), st.text(), st.binary())
def test_no_header_and_no_body_raise_anything_else(
    event_id: str, sent_at: str, text: str, body: bytes
) -> None:
    for headers in (
        {"webhook-id": event_id, "webhook-timestamp": sent_at, "webhook-signature": text},
        {"webhook-id": "m", "webhook-timestamp": str(NOW), "webhook-signature": f"v1,{text}"},
        {"x-whop-signature": text},
    ):
        assert not accepts(body, headers, SECRET)


@given(st.integers(0, 2**16), st.sampled_from([V1, OLDER]))
def test_one_changed_byte_is_noticed(place: int, body: bytes) -> None:
    changed = bytearray(body)
    changed[place % len(changed)] ^= 1
    headers = signed_by_whop(body, at=NOW)
    assert accepts(body, headers, SECRET)
    assert not accepts(bytes(changed), headers, SECRET)
