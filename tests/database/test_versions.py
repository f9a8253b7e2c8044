"""Triggers keep their plans: one that is made for one changed row must serve ten thousand."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fixtures.databases import Database
from tests.plans.plans import Plans
from tests.world import World

ROWS = "Named Tuplestore Scan"
"""How a plan reads the old or the new versions of what a statement changed."""


@pytest.fixture
def planned(database: Database) -> Iterator[tuple[World, Plans]]:
    """A scene on a connection whose plans are heard."""
    with psycopg.connect(database.superuser_url) as connection:
        plans = Plans(connection)
        connection.execute("set role salesdash")
        yield World(connection), plans
        connection.rollback()


CHANGES = {
    "notes of a call": ("events", "notes = 'x'"),
    "the setter of a call": ("events", "setter_id = null"),
    "the closer of a call": ("events", "closer_id = null"),
    "a call deleted": ("events", "deleted_at = now()"),
    "a lead's name, address and number": (
        "leads",
        "full_name = 'Lou', email = 'lou@lead.test', phone = '+15550100'",
    ),
    "the setter of a lead": ("leads", "current_setter_id = original_setter_id"),
    "a form taken back": ("post_call_forms", "voided_at = now(), is_active = false"),
}


@pytest.mark.parametrize(("table", "change"), CHANGES.values(), ids=CHANGES)
def test_old_and_new_versions_of_rows_meet_in_no_nested_loop(
    planned: tuple[World, Plans], table: str, change: str
) -> None:
    world, plans = planned
    acme = world.organization("acme")
    sam = acme.setter("sam")
    lead = acme.lead("Lee", original_setter_id=sam.setter_id)
    call = acme.event(closer=acme.closer("dana"), setter=sam, lead=lead, outcome="showed_offer")
    if "full_name" in change:
        world.execute("update app.leads set full_name = null where id = %s", lead.id)
    key = "event_id" if table == "post_call_forms" else "id"
    row = lead if table == "leads" else call

    with plans.heard() as heard:
        world.execute(
            f"update app.{table} set {change} where organization_id = %s and {key} = %s",
            acme.id,
            row.id,
        )

    assert any(ROWS in _kinds(plan["Plan"]) for plan in heard)
    assert [plan["Query Text"] for plan in heard if _compares_all(plan["Plan"])] == []


def _kinds(node: dict[str, Any]) -> list[str]:
    return [node["Node Type"], *(kind for child in _children(node) for kind in _kinds(child))]


def _compares_all(node: dict[str, Any]) -> bool:
    """Does a nested loop read versions of rows once for each row of its other side?"""
    if node["Node Type"] == "Nested Loop" and all(ROWS in _kinds(side) for side in _children(node)):
        return True
    return any(_compares_all(child) for child in _children(node))


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    return list(node.get("Plans", ()))
