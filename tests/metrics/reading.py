"""The history of an organization that is in the database already: the other way of loading.py."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from tests.metrics.history import (
    Call,
    Capture,
    Credit,
    Deal,
    Form,
    History,
    Installment,
    Lead,
    Payment,
    Refund,
)

Rows = list[dict[str, Any]]


class Numbers:
    """Positions instead of ids, in the order of ids; None for None."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        self._positions = {one: number for number, one in enumerate(ids)}

    def __getitem__(self, one: UUID | None) -> int | None:
        return None if one is None else self._positions[one]

    def of(self, one: UUID) -> int:
        """The position of what is there."""
        return self._positions[one]


def read_history(connection: psycopg.Connection, organization_id: UUID) -> History:
    """Everything that metrics are made of. connection: one that row policies do not bind."""

    def rows(table: str, order: str = "id") -> Rows:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                f"select * from app.{table} where organization_id = %s order by {order}",  # type: ignore[arg-type]
                (organization_id,),
            ).fetchall()

    def numbers(table: str, order: str = "id") -> Numbers:
        return Numbers(row["id"] for row in rows(table, order))

    organization = connection.execute(
        "select timezone, currency, slot_minutes from app.organizations where id = %s",
        (organization_id,),
    ).fetchone()
    assert organization is not None
    leads, calls, payments = numbers("leads"), numbers("events"), numbers("payments")
    deals, closers, setters = numbers("deals"), numbers("closers"), numbers("setters")
    sources, traffic = numbers("sources"), numbers("traffic_types")
    packages = numbers("packages")
    types = rows("call_types")
    counting = [row["id"] for row in types if row["counts_in_rates"]]
    (other,) = (row["id"] for row in types if not row["counts_in_rates"])
    call_types = Numbers([counting[0], other, *counting[1:]])  # number 1 is not in rates

    forms: dict[UUID, list[Form]] = defaultdict(list)
    for row in rows("post_call_forms", "event_id, version"):
        forms[row["event_id"]].append(
            Form(
                version=row["version"],
                is_active=row["is_active"],
                is_human=row["is_human"],
                is_voided=row["voided_at"] is not None,
                disqualified=row["disqualified"],
                submitted_at=row["submitted_at"],
            )
        )
    parts: dict[UUID, list[Credit]] = defaultdict(list)
    for n, row in enumerate(rows("payment_credits")):
        person = closers[row["closer_id"]] if row["role"] == "closer" else setters[row["setter_id"]]
        assert person is not None
        parts[row["payment_id"]].append(
            Credit(n, row["role"], person, row["share"], row["amount_base"])
        )
    refunds: dict[UUID, list[Refund]] = defaultdict(list)
    for n, row in enumerate(rows("payment_refunds")):
        refunds[row["payment_id"]].append(
            Refund(
                n, row["kind"], row["status"], row["amount"], row["amount_base"], row["refunded_at"]
            )
        )
    installments: dict[UUID, list[Installment]] = defaultdict(list)
    for n, row in enumerate(rows("deal_installments", "deal_id, installment_no")):
        installments[row["deal_id"]].append(Installment(n, row["due_on"], row["amount"]))

    return History(
        timezone=organization[0],
        currency=organization[1],
        slot_minutes=organization[2],
        leads=tuple(
            Lead(
                leads.of(row["id"]),
                row["is_test"],
                sources[row["source_id"]],
                traffic[row["traffic_type_id"]],
            )
            for row in rows("leads")
        ),
        calls=tuple(
            Call(
                id=calls.of(row["id"]),
                lead=leads[row["lead_id"]],
                closer=closers[row["credited_closer_id"]],
                setter=setters[row["credited_setter_id"]],
                source=sources[row["source_id"]],
                traffic_type=traffic[row["traffic_type_id"]],
                call_type=call_types[row["call_type_id"]],
                booked_at=row["booked_at"],
                starts_at=row["scheduled_at"],
                ends_at=row["scheduled_end_at"],
                status=row["call_status"],
                outcome=row["event_outcome"],
                canceled_by=row["canceled_by"],
                previous=calls[row["rescheduled_from_id"]],
                root=calls.of(row["root_event_id"]),
                duplicate_of=calls[row["duplicate_of_id"]],
                is_deleted=row["deleted_at"] is not None,
                forms=tuple(forms[row["id"]]),
            )
            for row in rows("events")
        ),
        payments=tuple(
            Payment(
                id=payments.of(row["id"]),
                lead=leads[row["lead_id"]],
                call=calls[row["event_id"]],
                deal=deals[row["deal_id"]],
                origin=row["source"],
                source=sources[row["source_id"]],
                traffic_type=traffic[row["traffic_type_id"]],
                package=packages[row["package_id"]],
                status=row["status"],
                is_live=row["livemode"],
                is_deleted=row["deleted_at"] is not None,
                is_rejected=row["claim_state"] == "rejected",
                superseded_by=payments[row["superseded_by_id"]],
                deal_type=row["deal_type"],
                currency=row["currency"],
                amount=row["amount"],
                base=row["amount_base"],
                at=row["payment_date"],
                credits=tuple(parts[row["id"]]),
                refunds=tuple(refunds[row["id"]]),
            )
            for row in rows("payments")
        ),
        deals=tuple(
            Deal(
                id=deals.of(row["id"]),
                lead=leads.of(row["lead_id"]),
                call=calls[row["origin_event_id"]],
                closer=closers[row["closer_id"]],
                setter=setters[row["setter_id"]],
                package=packages[row["package_id"]],
                status=row["status"],
                deal_type=row["deal_type"],
                is_deleted=row["deleted_at"] is not None,
                currency=row["currency"],
                value=row["contract_value"],
                base=row["contract_value_base"],
                closed_at=row["closed_at"],
                installments=tuple(installments[row["id"]]),
            )
            for row in rows("deals")
        ),
        captures=tuple(
            Capture(
                n,
                closers.of(row["closer_id"]),
                row["day"],
                row["captured_at"],
                row["free_slots"],
                row["booked_slots"],
            )
            for n, row in enumerate(rows("capacity_snapshots"))
        ),
    )
