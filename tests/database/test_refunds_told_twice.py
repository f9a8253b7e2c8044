"""Money that went back, entered by an admin and told by the processor, counts once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from tests.acting import refused
from tests.database.by_hand import ask_one, payment
from tests.world import NOON, Organization, Person, Row, World

AT = NOON + timedelta(hours=3)
HOURS = timedelta(hours=1)


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def ada(acme: Organization) -> Person:
    return acme.admin()


@pytest.fixture
def paid(acme: Organization) -> Row:
    return acme.payment(
        amount=Decimal("1000.00"), provider="stripe", provider_payment_id="pi_1", payment_date=NOON
    )


@pytest.fixture
def enter(world: World, ada: Person, paid: Row) -> Callable[..., UUID]:
    """ada enters a refund."""

    def entered(amount: str, at: datetime = AT, **given: Any) -> UUID:
        row = ask_one(
            world,
            ada,
            "record_refund",
            payment_id=paid.id,
            amount=Decimal(amount),
            refunded_at=at,
            reason="They called.",
            **given,
        )
        refund_id: UUID = row["id"]
        return refund_id

    return entered


@pytest.fixture
def tell(world: World, acme: Organization) -> Callable[..., None]:
    """The processor tells of a refund."""

    def told(
        refund_id: str,
        amount: str,
        at: datetime = AT,
        *,
        kind: str = "refund",
        status: str = "succeeded",
    ) -> None:
        world.rows(
            "select * from app.record_processor_refund("
            "%s, 'stripe', '', 'pi_1', 'ch_1', %s, %s, %s, %s, 'USD', %s)",
            acme.id,
            refund_id,
            kind,
            status,
            Decimal(amount),
            at,
        )

    return told


def standing(world: World, acme: Organization) -> list[tuple[str, str, bool]]:
    """The refunds: who told of each, how it stands, whether another took its place."""
    return [
        (row["provider"], row["status"], row["superseded_by_id"] is not None)
        for row in world.rows(
            "select * from app.payment_refunds where organization_id = %s"
            " order by provider, refunded_at, provider_refund_id",
            acme.id,
        )
    ]


def gone(acme: Organization, paid: Row) -> Decimal:
    refunded: Decimal = payment(acme, paid.id)["refund_amount"]
    return refunded


def test_the_processor_tells_later_of_what_was_entered(
    world: World,
    acme: Organization,
    paid: Row,
    enter: Callable[..., UUID],
    tell: Callable[..., None],
) -> None:
    enter("300.00")
    assert gone(acme, paid) == 300
    tell("re_1", "300.00", AT + 20 * HOURS)
    assert gone(acme, paid) == 300
    assert standing(world, acme) == [("manual", "canceled", True), ("stripe", "succeeded", False)]


def test_what_the_processor_has_told_of_is_not_entered_again(
    acme: Organization, paid: Row, enter: Callable[..., UUID], tell: Callable[..., None]
) -> None:
    tell("re_1", "300.00")
    with refused("PT409"):
        enter("300.00", AT + HOURS)
    enter("299.00", AT + HOURS)
    enter("300.00", AT + 100 * HOURS)
    assert gone(acme, paid) == 899


@pytest.mark.parametrize(
    "told",
    [
        {"amount": "299.99"},
        {"at": AT + 73 * HOURS},
        {"kind": "dispute"},
        {"status": "pending"},
        {"status": "failed"},
    ],
)
def test_other_money_leaves_it_counting(
    world: World,
    acme: Organization,
    enter: Callable[..., UUID],
    tell: Callable[..., None],
    told: dict[str, Any],
) -> None:
    enter("300.00")
    tell("re_1", **{"amount": "300.00", **told})
    assert standing(world, acme)[0] == ("manual", "succeeded", False)


def test_it_counts_again_when_the_processors_fails(
    acme: Organization, paid: Row, enter: Callable[..., UUID], tell: Callable[..., None]
) -> None:
    enter("300.00")
    for status in ("pending", "succeeded", "failed"):
        tell("re_1", "300.00", status=status)
        assert gone(acme, paid) == 300


IN_ANY_ORDER = [
    order for order in permutations(range(4)) if order.index(2) > max(map(order.index, (0, 1)))
]
"""After both were entered: nobody enters what the processor has told of."""


@pytest.mark.parametrize("order", IN_ANY_ORDER)
def test_of_several_the_nearest_are_pairs_in_any_order(
    world: World,
    acme: Organization,
    paid: Row,
    enter: Callable[..., UUID],
    tell: Callable[..., None],
    order: tuple[int, ...],
) -> None:
    """Two of a hundred are entered; the processor tells of the later one, and of fifty."""
    steps: list[Callable[[], object]] = [
        lambda: enter("100.00", AT),
        lambda: enter("100.00", AT + 40 * HOURS),
        lambda: tell("re_1", "100.00", AT + 41 * HOURS),
        lambda: tell("re_2", "50.00", AT + 41 * HOURS),
    ]
    for step in order:
        steps[step]()
    assert gone(acme, paid) == 250
