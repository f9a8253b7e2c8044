"""What holds for every provider's way of proving a delivery genuine."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from gateway.providers import PROVIDERS
from gateway.verify import DeliveryRejected
from tests.senders import SENDERS

PAYLOADS = [
    pytest.param(provider, path, id=f"{provider} {path.stem}")
    for provider, sender in SENDERS.items()
    for path in sender.payloads
]
EVERYBODY = sorted(SENDERS)


def accepts(provider: str, body: bytes, headers: Mapping[str, str], *secrets: str) -> bool:
    keys = [secret.encode() for secret in secrets]
    try:
        PROVIDERS[provider].verify(body, Headers(headers), keys, time.time())
    except DeliveryRejected:
        return False
    return True


def a_body(provider: str) -> bytes:
    return SENDERS[provider].payloads[0].read_bytes()


def spoiled(headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Good headers with one of those that matter missing, or changed in some way."""
    for name, value in headers.items():
        if name == "content-type":
            continue
        yield {key: kept for key, kept in headers.items() if key != name}
        for other in (
            "",
            value[:-1],
            value[1:],
            value[::-1],
            value + "0",
            "\xff",
            "=",
        ):
            yield {**headers, name: other}


@pytest.mark.parametrize(("provider", "path"), PAYLOADS)
def test_what_is_on_file_is_accepted_as_signed_and_no_other_way(provider: str, path: Path) -> None:
    sender, body = SENDERS[provider], path.read_bytes()
    headers = sender.genuine(body)
    assert accepts(provider, body, headers, sender.secret)
    assert not accepts(provider, body, headers, "another secret")
    assert not accepts(provider, body, headers)
    assert not accepts(provider, body, {}, sender.secret)
    assert not accepts(provider, body, sender.sign(body, "another secret"), sender.secret)


@pytest.mark.parametrize("provider", EVERYBODY)
def test_both_secrets_count_while_one_is_rotated(provider: str) -> None:
    sender, body = SENDERS[provider], a_body(provider)
    for secret in ("the new secret", "the old secret"):
        signed = sender.sign(body, secret)
        assert accepts(provider, body, signed, "the new secret", "the old secret")
        assert not accepts(provider, body, signed, "neither of them")


@pytest.mark.parametrize("provider", EVERYBODY)
def test_an_empty_secret_opens_nothing(provider: str) -> None:
    sender, body = SENDERS[provider], a_body(provider)
    assert not accepts(provider, body, sender.sign(body, ""))
    assert not accepts(provider, body, sender.sign(body, ""), sender.secret)


@pytest.mark.parametrize("provider", EVERYBODY)
def test_spoiled_headers_are_refused_and_raise_nothing_else(provider: str) -> None:
    sender, body = SENDERS[provider], a_body(provider)
    for headers in spoiled(sender.genuine(body)):
        assert not accepts(provider, body, headers, sender.secret), headers


@pytest.mark.parametrize("provider", sorted(set(EVERYBODY) - {"manychat"}))
def test_a_changed_body_is_refused(provider: str) -> None:
    """ManyChat alone proves who sends, and not what: its token says nothing of it."""
    sender, body = SENDERS[provider], a_body(provider)
    headers = sender.genuine(body)
    for changed in (body + b" ", body[:-1], body.replace(b"1", b"2", 1), b"", body[::-1]):
        assert not accepts(provider, changed, headers, sender.secret)
