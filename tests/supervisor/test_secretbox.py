from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesdash.secretbox import Sealed, SecretBox, SecretUnreadable, generate_key, key_id

ACME = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
GLOBEX = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
OLD, NEW = generate_key(), generate_key()


@given(value=st.binary(max_size=4096), name=st.text(max_size=80))
def test_what_was_sealed_opens(value: bytes, name: str) -> None:
    box = SecretBox(NEW)
    sealed = box.seal(value, organization_id=ACME, name=name)
    assert box.open(sealed, organization_id=ACME, name=name) == value
    assert value not in sealed.ciphertext or len(value) < 4


def test_the_same_value_never_looks_the_same() -> None:
    box = SecretBox(NEW)
    sealed = {box.seal(b"whsec_1", organization_id=ACME, name="stripe") for _ in range(100)}
    assert len(sealed) == 100


@pytest.mark.parametrize(
    ("organization", "name"), [(GLOBEX, "stripe"), (ACME, "stripe2"), (ACME, "")]
)
def test_it_opens_in_its_own_place_only(organization: UUID, name: str) -> None:
    box = SecretBox(NEW)
    sealed = box.seal(b"whsec_1", organization_id=ACME, name="stripe")
    with pytest.raises(SecretUnreadable):
        box.open(sealed, organization_id=organization, name=name)


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_one_changed_bit_is_noticed(position: int, bit: int) -> None:
    box = SecretBox(NEW)
    sealed = box.seal(b"whsec_1", organization_id=ACME, name="stripe")
    changed = bytearray(sealed.ciphertext)
    changed[position % len(changed)] ^= 1 << bit
    with pytest.raises(SecretUnreadable):
        box.open(Sealed(sealed.key_id, bytes(changed)), organization_id=ACME, name="stripe")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_value_is_noticed(length: int) -> None:
    box = SecretBox(NEW)
    sealed = box.seal(b"whsec_1", organization_id=ACME, name="stripe")
    with pytest.raises(SecretUnreadable):
        box.open(
            Sealed(sealed.key_id, sealed.ciphertext[:length]), organization_id=ACME, name="stripe"
        )


def test_rotation_opens_old_values_and_seals_with_the_new_key() -> None:
    before = SecretBox(OLD).seal(b"whsec_1", organization_id=ACME, name="stripe")
    box = SecretBox(NEW, [OLD])
    assert box.open(before, organization_id=ACME, name="stripe") == b"whsec_1"
    assert not box.is_current(before)
    after = box.seal(b"whsec_1", organization_id=ACME, name="stripe")
    assert box.is_current(after)
    assert after.key_id == key_id(NEW) != key_id(OLD)


def test_a_key_that_left_the_configuration_is_named() -> None:
    before = SecretBox(OLD).seal(b"whsec_1", organization_id=ACME, name="stripe")
    with pytest.raises(SecretUnreadable, match=key_id(OLD)):
        SecretBox(NEW).open(before, organization_id=ACME, name="stripe")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretBox("c2hvcnQ=")
