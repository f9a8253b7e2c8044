"""Expressions over the catalog: random ones, and what they come to by fractions in plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.metrics.loading import Stage
from tests.metrics.recount import Number
from tests.metrics.strategies import CALL_TYPES, CLOSERS, SETTERS, SOURCES, TRAFFIC_TYPES

Expression = dict[str, Any]
"""As the product has it, but that filters name people and places by their positions."""

COUNTS = ("shows", "booked_calls", "closes", "canceled", "deals_won", "scheduled_calls")
MONEY = ("cash_collected", "net_cash", "refunds", "contracted_revenue", "net_revenue")
RATIOS = ("show_rate", "close_rate", "aov", "cash_per_show", "verified_share", "utilization")
MEDIANS = ("pcf_median_delay",)


@dataclass(frozen=True)
class Reckoned:
    """An expression's number. under, over: its parts, over None where it is no ratio."""

    value: Fraction | None
    under: Fraction | None
    over: Fraction | None
    coverage: Fraction | None


def leaves(*metrics: str) -> st.SearchStrategy[Expression]:
    """One number of the catalog, perhaps filtered; of ratios the value or a part."""

    def leaf(metric: str, part: str | None, asked: Mapping[str, int]) -> Expression:
        made: Expression = {"metric": metric}
        if metric in RATIOS and part:
            made["part"] = part
        return made | ({"filters": dict(asked)} if asked else {})

    one = st.sampled_from(
        [
            {name: position}
            for name, number in (
                ("closer", CLOSERS),
                ("setter", SETTERS),
                ("source", SOURCES),
                ("traffic_type", TRAFFIC_TYPES),
                ("call_type", CALL_TYPES),
            )
            for position in range(number)
        ]
    )
    # Most leaves have none, so that there is something to reckon with.
    few = st.one_of(st.just({}), st.just({}), one, st.builds(lambda a, b: a | b, one, one))
    return st.builds(
        leaf,
        st.sampled_from(metrics),
        st.sampled_from([None, None, "numerator", "denominator"]),
        few,
    )


def constants() -> st.SearchStrategy[Expression]:
    """Numbers as people write them out."""
    numbers = st.sampled_from(["1", "2", "-1", "0.5", "100", "-12.75", "0.333333", "0"])
    return st.builds(lambda number: {"value": number}, numbers)


def expressions() -> st.SearchStrategy[Expression]:
    """Any tree, of whatever units."""

    def over(
        inner: st.SearchStrategy[Expression],
    ) -> st.SearchStrategy[Expression]:
        return st.one_of(
            st.builds(
                lambda op, args: {"op": op, "args": args},
                st.sampled_from(["add", "multiply"]),
                st.lists(inner, min_size=2, max_size=3),
            ),
            st.builds(
                lambda op, args: {"op": op, "args": args},
                st.sampled_from(["subtract", "divide", "divide"]),
                st.lists(inner, min_size=2, max_size=2),
            ),
        )

    some = leaves(*COUNTS, *MONEY, *RATIOS, *MEDIANS)
    return st.recursive(some | some | constants(), over, max_leaves=8)


def linear() -> st.SearchStrategy[Expression]:
    """Sums of what adds up over people and places, each perhaps times or over a number."""

    def over(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        number = constants().filter(lambda made: Fraction(made["value"]) != 0)
        return st.one_of(
            st.builds(
                lambda op, args: {"op": op, "args": args},
                st.sampled_from(["add", "subtract"]),
                st.lists(inner, min_size=2, max_size=2),
            ),
            st.builds(lambda part, n: {"op": "multiply", "args": [n, part]}, inner, number),
            st.builds(lambda part, n: {"op": "divide", "args": [part, n]}, inner, number),
        )

    parts = leaves(*RATIOS).filter(lambda made: "part" in made)
    return st.recursive(leaves(*COUNTS, *MONEY) | parts, over, max_leaves=5)


def named(stage: Stage, expression: Expression) -> Expression:
    """The expression with the ids of what its filters name by position."""
    if "args" in expression:
        return expression | {"args": [named(stage, part) for part in expression["args"]]}
    if "filters" not in expression:
        return expression
    ids = {
        "closer": lambda n: stage.person(stage.closers, n),
        "setter": lambda n: stage.person(stage.setters, n),
        "source": lambda n: stage.row(stage.sources, n),
        "traffic_type": lambda n: stage.row(stage.traffic_types, n),
        "call_type": lambda n: stage.row(stage.call_types, n),
    }
    return expression | {
        "filters": {f"{name}_id": str(ids[name](n)) for name, n in expression["filters"].items()}
    }


def defined(stage: Stage, made: list[Expression]) -> list[str]:
    """Keep them as they are, whatever their units; answers their names."""
    names = [f"own_{n}" for n in range(len(made))]
    for name, expression in zip(names, made, strict=True):
        stage.organization.world.insert(
            "metric_definitions",
            organization_id=stage.organization.id,
            name=name,
            label=name,
            expression=Jsonb(named(stage, expression)),
            unit="ratio",
        )
    return names


def of_nobody(expression: Expression) -> Expression:
    """The expression without the people whom its filters name."""
    if "args" in expression:
        return expression | {"args": [of_nobody(part) for part in expression["args"]]}
    asked = expression.get("filters", {})
    places = {name: n for name, n in asked.items() if name not in ("closer", "setter")}
    return expression | ({"filters": places} if asked else {})


def reckon(expression: Expression, number_of: Callable[[Expression], Number]) -> Reckoned:
    """What an expression comes to. number_of: of a leaf, as the catalog has it."""
    coverages: list[Fraction] = []

    def value(node: Expression) -> Fraction | None:
        if "value" in node:
            return Fraction(node["value"])
        if "metric" in node:
            number = number_of(node)
            if number.coverage is not None:
                coverages.append(number.coverage)
            part = node.get("part")
            if part == "denominator":
                return _fraction(number.over)
            if part is None and number.over is not None:
                return _quotient(_fraction(number.value), _fraction(number.over))
            return _fraction(number.value)
        first, *rest = (value(argument) for argument in node["args"])
        for other in rest:
            if first is None or other is None:
                first = None
            elif node["op"] == "divide":
                first = _quotient(first, other)
            elif node["op"] == "add":
                first += other
            elif node["op"] == "subtract":
                first -= other
            else:
                first *= other
        return first

    if expression.get("op") == "divide":
        under, over = (value(argument) for argument in expression["args"])
        ratio = True
    elif "metric" in expression and "part" not in expression:
        number = number_of(expression)
        under, over = value(expression | {"part": "numerator"}), _fraction(number.over)
        ratio = number.over is not None
    else:
        under, over, ratio = value(expression), None, False
    least = min(coverages, default=None)
    if not ratio:
        return Reckoned(under, under, None, least)
    return Reckoned(_quotient(under, over), None if over is None else under, over, least)


def _fraction(number: Any) -> Fraction | None:
    return None if number is None else Fraction(number)


def _quotient(under: Fraction | None, over: Fraction | None) -> Fraction | None:
    return None if under is None or over is None or over == 0 else under / over
