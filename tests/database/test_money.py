"""Exact amounts: scales, processors' units, exchange rates, splits."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world import World

SCALES = {"USD": 2, "JPY": 0, "KWD": 3}


def refusal(world: World, query: str, *arguments: object) -> str | None:
    """The SQLSTATE of a refused statement."""
    with pytest.raises(psycopg.Error) as raised:
        world.value(query, *arguments)
    return raised.value.sqlstate


@pytest.mark.parametrize(
    ("amount", "currency", "stored"),
    [
        ("10", "USD", "10.00"),
        ("0.5", "KWD", "0.500"),
        ("500.000", "JPY", "500"),
        ("-1", "EUR", "-1.00"),
    ],
)
def test_an_amount_gets_exactly_its_currencys_scale(
    world: World, amount: str, currency: str, stored: str
) -> None:
    assert str(world.value("select app.money(%s, %s)", Decimal(amount), currency)) == stored


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("10.005", "USD"), ("0.5", "JPY"), ("0.0001", "KWD"), ("NaN", "USD"), ("Infinity", "USD")],
)
def test_a_finer_amount_is_refused_and_not_rounded(
    world: World, amount: str, currency: str
) -> None:
    assert refusal(world, "select app.money(%s, %s)", Decimal(amount), currency) == "PT422"


def test_an_unknown_currency_is_refused(world: World) -> None:
    assert refusal(world, "select app.money(1, 'XQZ')") == "PT422"
    assert refusal(world, "select app.money(1, 'usd')") == "PT422"
    assert refusal(world, "select app.money(1, null)") == "PT422"


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [
        (149900, "USD", "1499.00"),
        (30000, "JPY", "30000"),
        (45990, "KWD", "45.990"),
        (500, "UGX", "5"),
        (500, "ISK", "5"),
        (7, "MGA", "7.00"),
        (1, "XAF", "1"),
        (1999, "TWD", "19.99"),
        (12345, "IQD", "123.450"),
    ],
)
def test_stripes_minor_units(world: World, minor: int, currency: str, major: str) -> None:
    found = world.value("select app.minor_units('stripe', %s, %s)", minor, currency)
    assert str(found) == major


@pytest.mark.parametrize(("minor", "currency"), [("550", "UGX"), ("1.5", "USD"), ("1", "XQZ")])
def test_minor_units_that_make_no_amount_are_refused(
    world: World, minor: str, currency: str
) -> None:
    query = "select app.minor_units('stripe', %s, %s)"
    assert refusal(world, query, Decimal(minor), currency) == "PT422"


def test_a_rate_serves_for_seven_days(world: World) -> None:
    acme = world.organization("acme")
    for day, rate in ((1, "1.10"), (3, "1.20")):
        world.insert(
            "fx_rates",
            organization_id=acme.id,
            day=date(2026, 3, day),
            from_currency="EUR",
            to_currency="USD",
            rate=Decimal(rate),
        )

    def converted(day: date, amount: str = "10.05") -> Decimal | None:
        found: Decimal | None = world.value(
            "select app.convert(%s, %s, 'EUR', %s)", acme.id, Decimal(amount), day
        )
        return found

    assert converted(date(2026, 2, 28)) is None
    assert converted(date(2026, 3, 1)) == Decimal("11.06")  # 11.055, half away from zero
    assert converted(date(2026, 3, 2), "-10.05") == Decimal("-11.06")
    assert converted(date(2026, 3, 10)) == Decimal("12.06")
    assert converted(date(2026, 3, 11)) is None
    assert world.value("select app.convert(%s, 7.00, 'USD', '2020-01-01')", acme.id) == 7


@given(
    minor=st.integers(-(10**12), 10**12),
    weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any),
    currency=st.sampled_from(sorted(SCALES)),
)
def test_parts_add_up_and_are_within_one_unit_of_their_share(
    world: World, minor: int, weights: list[int], currency: str
) -> None:
    unit = Decimal(1).scaleb(-SCALES[currency])
    total = minor * unit
    parts = world.value("select app.split_amount(%s, %s::numeric[], %s)", total, weights, currency)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert -part.as_tuple().exponent == SCALES[currency]
        assert abs(part - total * weight / sum(weights)) < unit


def test_what_is_left_over_goes_to_the_largest_remainder(world: World) -> None:
    split = "select app.split_amount(%s, %s::numeric[], 'USD')"
    assert world.value(split, Decimal("3000.00"), [1, 2]) == [
        Decimal("1000.00"),
        Decimal("2000.00"),
    ]
    assert world.value(split, Decimal("0.05"), [1, 1, 1]) == [
        Decimal("0.02"),
        Decimal("0.02"),
        Decimal("0.01"),
    ]
    assert world.value(split, Decimal("1.00"), []) == []


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_shares_add_up_to_one(world: World, weights: list[int]) -> None:
    shares = world.value("select app.even_shares(%s::numeric[])", weights)
    assert sum(shares) == 1
    assert len(shares) == len(weights)
