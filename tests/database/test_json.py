"""Fields of payloads, which may be anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.fuzz.mutations import NUMBERS, TEXTS
from tests.world import World


def instant(world: World, field: object) -> datetime | None:
    found: datetime | None = world.value("select app.json_instant(%s)", Jsonb(field))
    return found


@pytest.mark.parametrize(
    ("field", "read"),
    [
        (1772460245, datetime(2026, 3, 2, 14, 4, 5, tzinfo=UTC)),
        ("2026-03-02T15:04:05+01:00", datetime(2026, 3, 2, 14, 4, 5, tzinfo=UTC)),
        ("2026-03-02T14:04:05Z", datetime(2026, 3, 2, 14, 4, 5, tzinfo=UTC)),
    ],
)
def test_an_instant_is_unix_seconds_or_has_a_zone(
    world: World, field: object, read: datetime
) -> None:
    assert instant(world, field) == read


@pytest.mark.parametrize(
    "field",
    [
        "2026-03-02T15:04:05",
        "2026-02-29T10:00:00Z",
        "2026-02-28T10:00:00+99:99",
        "2026-02-28T10:00:00+16:00",
        "2026-13-45T99:99:99Z",
        "1969-12-31T23:59:59Z",
        "2100-01-01T00:00:01Z",
        -1,
        1e300,
        4102444801,
        True,
        None,
        [],
        {},
    ],
)
def test_what_is_no_instant_is_null(world: World, field: object) -> None:
    assert instant(world, field) is None


@pytest.mark.parametrize("text", sorted(TEXTS))
def test_no_text_raises(world: World, text: str) -> None:
    if text.isprintable():
        assert instant(world, text) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_that_can_be_kept_raises(world: World, number: str) -> None:
    if len(number) < 1_000 and abs(float(number)) < 1e300 and float(number) != 0:
        world.value("select app.json_instant(%s::jsonb)", number)


@given(
    st.from_regex(
        r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?(\d\d)?)\Z",
        alphabet="0123456789-:.TZ+ ",
    )
)
def test_whatever_looks_like_an_instant_is_one_or_null(world: World, text: str) -> None:
    found = instant(world, text)
    assert found is None or 1970 <= found.year <= 2100
