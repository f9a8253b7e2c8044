"""The golden fixture as a scene: rows of the CSV files, made by the product's own functions."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.world import Organization, Person, Row, World

FOLDER = Path(__file__).parent
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
AS_OF = datetime.fromisoformat(EXPECTED["as_of"])


@dataclass(frozen=True)
class Golden:
    """The organization of the fixture. closers, payments: by the names and numbers of the files."""

    organization: Organization
    admin: Person
    closers: dict[str, Person]
    payments: dict[str, Row]


def golden(world: World) -> Golden:
    """The whole fixture in a new organization."""
    about = EXPECTED["organization"]
    acme = world.organization("golden", timezone=about["timezone"], currency=about["currency"])
    closers = {name: acme.closer(name) for name in ("Ann", "Bob")}
    _calls(acme, closers)
    return Golden(acme, acme.admin(), closers, _money(acme, closers))


def _calls(acme: Organization, closers: dict[str, Person]) -> None:
    types = {
        "sales": acme.call_type("sales", duration_minutes=60),
        "onboarding": acme.call_type("onboarding", duration_minutes=60, counts_in_rates=False),
    }
    made: dict[str, Row] = {}
    leads: dict[str, Row] = {}
    for row in _rows("events.csv"):
        number = row["id"]
        before = row["rescheduled_from"]
        leads[number] = leads[before] if before else acme.lead(f"lead{number}")
        made[number] = acme.event(
            closer=closers[row["closer"]],
            lead=leads[number],
            call_type=types[row["call_type"]],
            booked_at=datetime.fromisoformat(row["booked_at"]),
            scheduled_at=datetime.fromisoformat(row["scheduled_at"]),
            outcome=row["event_outcome"]
            or ("canceled" if row["call_status"] == "canceled" else None),
            rescheduled_from=made.get(before),
        )
        if row["duplicate_of"]:
            _mark(acme, made[number], "duplicate_of_id", made[row["duplicate_of"]].id)
        if row["deleted"] == "true":
            _mark(acme, made[number], "deleted_at", AS_OF)
    for row in _rows("events.csv"):
        wanted = (row["call_status"], row["event_outcome"] or None)
        assert acme.state(made[row["id"]]) == wanted, f"event {row['id']}"


def _money(acme: Organization, closers: dict[str, Person]) -> dict[str, Row]:
    made: dict[str, Row] = {}
    for row in _rows("payments.csv"):
        paid_at = datetime.fromisoformat(row["payment_date"])
        made[row["id"]] = acme.payment(
            amount=Decimal(row["amount"]),
            paid_at=paid_at,
            source=row["source"],
            provider=row["source"],
            provider_payment_id=row["provider_payment_id"] or None,
            status=row["status"],
            superseded_by_id=made[row["superseded_by"]].id if row["superseded_by"] else None,
            attribution_method="manual",
        )
        shares = [part.split(":") for part in row["closer_credits"].split()]
        acme.world.execute(
            "select app.set_credits(%s, %s, %s::uuid[], '{}', %s::numeric[])",
            acme.id,
            made[row["id"]].id,
            [closers[name].closer_id for name, _ in shares],
            [Decimal(share) for _, share in shares] or None,
        )
    for row in _rows("refunds.csv"):
        acme.refund(
            made[row["payment"]],
            amount=Decimal(row["amount"]),
            refunded_at=datetime.fromisoformat(row["refunded_at"]),
            kind=row["kind"],
        )
    return made


def _mark(acme: Organization, event: Row, column: str, value: UUID | datetime) -> None:
    acme.world.execute(
        f"update app.events set {column} = %s where organization_id = %s and id = %s",
        value,
        acme.id,
        event.id,
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(newline="") as file:
        yield from csv.DictReader(file)
