"""Every provider whose deliveries are taken in is proved like the others."""

import re
from pathlib import Path

import pytest

from gateway.providers import PROVIDERS
from salesdash.home import ROOT
from tests.senders import SENDERS

VERIFY_TESTS = sorted((ROOT / "tests" / "gateway").glob("test_hooks_*.py"))


def test_every_provider_can_be_played() -> None:
    assert set(SENDERS) == set(PROVIDERS), "tests/senders.py signs as every provider does"


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_has_payloads_on_file_that_are_read(provider: str) -> None:
    payloads = SENDERS[provider].payloads
    assert len(payloads) >= 2, f"tests/data/{provider} holds what the provider really sends"
    for path in payloads:
        assert PROVIDERS[provider].read(path.read_bytes()), path


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_way_of_signing_has_tests_of_its_own(provider: str) -> None:
    about = [path for path in VERIFY_TESTS if verifies(path, provider)]
    assert about, f"a tests/gateway/test_hooks_*.py tests gateway.verify.{provider}"
    assert any("DeliveryRejected" in path.read_text() for path in about), "something is refused"


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_has_its_verifier_and_its_sql(provider: str) -> None:
    for path in (f"gateway/verify/{provider}.py", f"db/functions/ingest/{provider}.sql"):
        assert (ROOT / path).is_file(), path


def verifies(path: Path, provider: str) -> bool:
    """Whether a test module is about the verifier of a provider."""
    return re.search(rf"gateway\.verify\.{provider}\b", path.read_text()) is not None
