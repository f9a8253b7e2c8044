"""What Postgres would read to answer: plans of a statement and of every statement inside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True)
class Scan:
    """One node of a plan that reads a table from its first page to its last."""

    table: str
    how: str
    statement: str


class Plans:
    """Listens to the plans of one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        """connection: a superuser's; it may become anybody afterwards."""
        self._told: list[str] = []
        connection.add_notice_handler(self._hear)
        for setting in (
            "load 'auto_explain'",
            "set auto_explain.log_min_duration = 0",
            "set auto_explain.log_nested_statements = on",
            "set auto_explain.log_level = notice",
            "set auto_explain.log_format = json",
            "set jit = off",
        ):
            connection.execute(setting)

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        head, _, plan = (notice.message_primary or "").partition("plan:\n")
        if head.startswith("duration:"):
            self._told.append(plan)

    @contextmanager
    def heard(self) -> Iterator[list[dict[str, Any]]]:
        """The plans of the block, once it has ended."""
        plans: list[dict[str, Any]] = []
        self._told.clear()
        try:
            yield plans
        finally:
            plans += [json.loads(plan, strict=False) for plan in self._told]


def whole_scans(plan: dict[str, Any], tables: set[str], partial: set[str]) -> Iterator[Scan]:
    """Nodes that read all of one of these tables, by its pages or through an index.

    partial: indexes that hold few rows by what they are for; reading one whole is no such thing.
    """
    for node in _nodes(plan["Plan"]):
        how = node["Node Type"]
        is_whole = how == "Seq Scan" or (
            how in ("Index Scan", "Index Only Scan")
            and "Index Cond" not in node
            and node["Index Name"] not in partial
        )
        if node.get("Relation Name") in tables and is_whole:
            yield Scan(node["Relation Name"], how, " ".join(plan["Query Text"].split())[:160])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
