"""Base rows of a history, written past the product's functions: any that constraints allow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.metrics.history import Call, Deal, History, Payment
from tests.world import Organization, Person, Row

Table = dict[str, Any]

NOTING = """select c.relname, t.tgname from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
             where t.tgname like 'notes\\_%\\_rows\\_for\\_rollups'"""


@dataclass(frozen=True)
class Stage:
    """An organization with its people and drop-downs; histories refer to them by position."""

    organization: Organization
    admin: Person
    closers: Sequence[Person]
    setters: Sequence[Person]
    sources: Sequence[Row]
    traffic_types: Sequence[Row]
    call_types: Sequence[Row]
    packages: Sequence[Row]

    @contextmanager
    def playing(self, history: History) -> Iterator[None]:
        """The history is there until the end of the block."""
        connection = self.organization.world.connection
        with connection.transaction(force_rollback=True):
            _write(connection, self, history)
            yield

    def become(self, old: History, new: History, then: Callable[[], None]) -> None:
        """What was one history is another: rows come, change and go, one by one.

        Of the product's triggers only those fire that note changes for the rollups. then: called
        after each row.
        """
        connection = self.organization.world.connection
        connection.execute("reset role")
        for table, trigger in connection.execute(NOTING).fetchall():
            connection.execute(
                sql.SQL("alter table {} enable always trigger {}").format(
                    sql.Identifier("app", table), sql.Identifier(trigger)
                )
            )
        connection.execute("set local session_replication_role = replica")
        self._set(new)
        before, after = _tables(self, old), _tables(self, new)
        late: list[tuple[str, Table]] = []
        for table, rows in after.items():
            known = {row["id"]: row for row in before[table]}
            for gone in known.keys() - {row["id"] for row in rows}:
                self._delete(table, gone)
                then()
            for row in rows:
                if row == known.get(row["id"]):
                    continue
                try:
                    with connection.transaction():
                        if row["id"] in known:
                            _update(connection, table, self.organization.id, row)
                        else:
                            _insert(connection, table, self.organization.id, [row])
                except (
                    psycopg.errors.UniqueViolation
                ):  # it takes the place of one that still has to go
                    self._delete(table, row["id"])
                    late.append((table, row))
                then()
        for table, row in late:
            _insert(connection, table, self.organization.id, [row])
            then()
        connection.execute("set local session_replication_role = origin")
        connection.execute("set role salesdash")

    def _delete(self, table: str, row: UUID) -> None:
        self.organization.world.connection.execute(
            sql.SQL("delete from app.{} where organization_id = %s and id = %s").format(
                sql.Identifier(table)
            ),
            (self.organization.id, row),
        )

    def _set(self, history: History) -> None:
        self.organization.world.connection.execute(
            "update app.organizations set timezone = %s, currency = %s, slot_minutes = %s"
            " where id = %s",
            (history.timezone, history.currency, history.slot_minutes, self.organization.id),
        )

    def fold(self, batch: int = 1000) -> None:
        """Count changes anew; everything, when everything changed."""
        query = "select coalesce(app.fold_metrics(%s, %s), -1)"
        if self.organization.world.value(query, self.organization.id, batch) < 0:
            self.build()

    def build(self) -> None:
        """Count everything from nothing."""
        assert self.organization.world.value("select app.build_rollup(%s)", self.organization.id)

    def person(self, roster: Sequence[Person], position: int | None) -> UUID | None:
        """The roster entry at a position."""
        return (
            None if position is None else roster[position].closer_id or roster[position].setter_id
        )

    def row(self, rows: Sequence[Row], position: int | None) -> UUID | None:
        """The id of the drop-down entry at a position."""
        return None if position is None else rows[position].id


def identity(number: int | None) -> UUID | None:
    """Identities in the order of numbers."""
    return None if number is None else UUID(int=(0x0190 << 112) + number)


def _write(connection: psycopg.Connection, stage: Stage, history: History) -> None:
    connection.execute("reset role")
    connection.execute("set local session_replication_role = replica")
    stage._set(history)
    for table, rows in _tables(stage, history).items():
        _insert(connection, table, stage.organization.id, rows)
    connection.execute(
        "insert into app.metric_changes (organization_id, unit) values (%s, 'all')",
        (stage.organization.id,),
    )
    connection.execute("set local session_replication_role = origin")
    connection.execute("set role salesdash")


def _insert(
    connection: psycopg.Connection, table: str, organization_id: UUID, rows: list[Table]
) -> None:
    if not rows:
        return
    columns = ["organization_id", *rows[0]]
    statement = sql.SQL("insert into app.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(organization_id, *row.values()) for row in rows])


def _update(connection: psycopg.Connection, table: str, organization_id: UUID, row: Table) -> None:
    columns = [column for column in row if column != "id"]
    statement = sql.SQL("update app.{} set {} where organization_id = %s and id = %s").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns),
    )
    connection.execute(statement, [*(row[name] for name in columns), organization_id, row["id"]])


def _tables(stage: Stage, history: History) -> dict[str, list[Table]]:
    calls = {call.id: call for call in history.calls}
    return {
        "leads": [
            {
                "id": identity(lead.id),
                "is_test": lead.is_test,
                "source_id": stage.row(stage.sources, lead.source),
                "traffic_type_id": stage.row(stage.traffic_types, lead.traffic_type),
            }
            for lead in history.leads
        ],
        "events": [_event(stage, call, calls[call.root]) for call in history.calls],
        "post_call_forms": [
            {
                "id": identity(call.id * 1000 + form.version),
                "event_id": identity(call.id),
                "version": form.version,
                "is_active": form.is_active,
                "submitted_via": "app" if form.is_human else "calendly",
                "submitted_at": form.submitted_at,
                "voided_at": form.submitted_at if form.is_voided else None,
                "call_occurred": True,
                "lead_showed": True,
                "disqualified": form.disqualified,
            }
            for call in history.calls
            for form in call.forms
        ],
        "deals": [_deal(stage, history.currency, deal) for deal in history.deals],
        "deal_installments": [
            {
                "id": identity(part.id),
                "deal_id": identity(deal.id),
                "installment_no": number,
                "due_on": part.due_on,
                "amount": part.amount,
                "currency": deal.currency,
            }
            for deal in history.deals
            for number, part in enumerate(deal.installments, 1)
        ],
        "payments": [_payment(stage, history.currency, payment) for payment in history.payments],
        "payment_credits": [
            {
                "id": identity(credit.id),
                "payment_id": identity(payment.id),
                "role": credit.role,
                "closer_id": stage.person(stage.closers, credit.person)
                if credit.role == "closer"
                else None,
                "setter_id": stage.person(stage.setters, credit.person)
                if credit.role == "setter"
                else None,
                "share": credit.share,
                "amount_base": credit.amount,
                "base_currency": history.currency,
            }
            for payment in history.payments
            for credit in payment.credits
        ],
        "payment_refunds": [
            {
                "id": identity(refund.id),
                "payment_id": identity(payment.id),
                "kind": refund.kind,
                "status": refund.status,
                "amount": refund.amount,
                "currency": payment.currency,
                "amount_base": refund.base,
                "base_currency": history.currency,
                "refunded_at": refund.at,
                "provider": "stripe",
            }
            for payment in history.payments
            for refund in payment.refunds
        ],
        "capacity_snapshots": [
            {
                "id": identity(capture.id),
                "closer_id": stage.person(stage.closers, capture.closer),
                "day": capture.day,
                "captured_at": capture.at,
                "free_slots": capture.free,
                "booked_slots": capture.booked,
            }
            for capture in history.captures
        ],
    }


def _event(stage: Stage, call: Call, root: Call) -> Table:
    return {
        "id": identity(call.id),
        "lead_id": identity(call.lead),
        # Whoever was booked, the credit decides.
        "closer_id": stage.person(stage.closers, None if call.closer is None else 0),
        "credited_closer_id": stage.person(stage.closers, call.closer),
        "setter_id": stage.person(stage.setters, call.setter),
        "credited_setter_id": stage.person(stage.setters, root.setter),
        "source_id": stage.row(stage.sources, call.source),
        "traffic_type_id": stage.row(stage.traffic_types, call.traffic_type),
        "call_type_id": stage.row(stage.call_types, call.call_type),
        "booked_at": call.booked_at,
        "scheduled_at": call.starts_at,
        "scheduled_end_at": call.ends_at,
        "call_status": call.status,
        "event_outcome": call.outcome,
        "pcf_submitted": any(form.is_active for form in call.forms),
        "canceled_at": call.starts_at if call.canceled_by else None,
        "canceled_by": call.canceled_by,
        "root_event_id": identity(call.root),
        "rescheduled_from_id": identity(call.previous),
        "duplicate_of_id": identity(call.duplicate_of),
        "deleted_at": _when(call.is_deleted, call.ends_at),
    }


def _deal(stage: Stage, base_currency: str, deal: Deal) -> Table:
    return {
        "id": identity(deal.id),
        "lead_id": identity(deal.lead),
        "origin_event_id": identity(deal.call),
        "closer_id": stage.person(stage.closers, deal.closer),
        "setter_id": stage.person(stage.setters, deal.setter),
        "package_id": stage.row(stage.packages, deal.package),
        "contract_value": deal.value,
        "currency": deal.currency,
        "contract_value_base": deal.base,
        "base_currency": base_currency,
        "status": deal.status,
        "deal_type": deal.deal_type,
        "closed_at": deal.closed_at,
        "voided_at": _when(deal.status == "void", deal.closed_at),
        "void_reason": "a test" if deal.status == "void" else None,
        "deleted_at": _when(deal.is_deleted, deal.closed_at),
    }


def _payment(stage: Stage, base_currency: str, payment: Payment) -> Table:
    return {
        "id": identity(payment.id),
        "lead_id": identity(payment.lead),
        "event_id": identity(payment.call),
        "deal_id": identity(payment.deal),
        "source": payment.origin,
        "provider": payment.origin,
        "provider_payment_id": f"payment {payment.id}",
        "source_id": stage.row(stage.sources, payment.source),
        "traffic_type_id": stage.row(stage.traffic_types, payment.traffic_type),
        "package_id": stage.row(stage.packages, payment.package),
        "status": payment.status,
        "livemode": payment.is_live,
        "deleted_at": _when(payment.is_deleted, payment.at),
        # A claim rests on a form; which one is of no matter here.
        "post_call_form_id": identity(payment.id) if payment.is_rejected else None,
        "claim_state": "rejected" if payment.is_rejected else None,
        "superseded_by_id": identity(payment.superseded_by),
        "deal_type": payment.deal_type,
        "currency": payment.currency,
        "amount": payment.amount,
        "amount_base": payment.base,
        "base_currency": base_currency,
        "payment_date": payment.at,
    }


def _when(holds: bool, at: datetime) -> datetime | None:
    return at if holds else None
