"""Whatever several people and platforms do to calls and their money: it stays coherent.

Who may not, and what cannot be done, changes nothing at all.
"""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run
from psycopg.types.json import Jsonb

from tests.database.test_calls_machine import BROKEN, FORMS, OFFSETS
from tests.world import NOON, Organization, Person, World

REFUSALS = {"PT404", "PT409", "PT422", "42501"}
TO_COME = datetime(2199, 3, 10, 16, 0, tzinfo=UTC)
WHY = "A test."
TABLES = [
    "events",
    "post_call_forms",
    "leads",
    "lead_identities",
    "lead_setter_changes",
    "payments",
    "payment_credits",
    "deals",
    "deal_installments",
    "exceptions",
    "outbox",
    "audit_logs",
]
SHARES = [None, "100.00", "250.00"]

INCOHERENT = """
with counting as (
    select e.*, e.deleted_at is null and e.duplicate_of_id is null as counts,
           f.deal_closed, f.cash_collected, f.currency as form_currency
      from app.events as e
      left join app.post_call_forms as f
        on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
     where e.organization_id = %(organization_id)s
), claims as (
    select p.*, f.event_id as call_id
      from app.payments as p
      join app.post_call_forms as f
        on f.organization_id = p.organization_id and f.id = p.post_call_form_id
     where p.organization_id = %(organization_id)s
)
select 'a claim is not what its call and form say: ' || c.id
  from counting as c
  left join claims as k on k.call_id = c.id and k.deleted_at is null
 where k.amount is distinct from
       case when c.counts and c.cash_collected > 0 then c.cash_collected end
union all
select 'a call has two claims: ' || k.call_id
  from claims as k group by k.call_id having count(*) > 1
union all
select 'a claim is of another lead than its call: ' || k.id
  from claims as k join counting as c on c.id = k.call_id
 where k.deleted_at is null and k.lead_id is distinct from c.lead_id
union all
select 'a deal is not what its call says: ' || c.id
  from counting as c
  left join app.deals as d
    on d.organization_id = c.organization_id and d.origin_event_id = c.id and d.status = 'won'
 where (d.id is not null) <> (c.counts and c.event_outcome is not distinct from 'closed'
                              and coalesce(c.deal_closed, false) and c.lead_id is not null)
union all
select 'a claim gave way to what does not count: ' || k.id
  from claims as k
  join app.payments as p on p.organization_id = k.organization_id and p.id = k.superseded_by_id
 where p.deleted_at is not null or k.deleted_at is not null
    or p.lead_id is distinct from k.lead_id or p.amount <> k.amount
union all
select 'a payment rests on a call that does not count: ' || p.id
  from app.payments as p
  join counting as c on c.organization_id = p.organization_id and c.id = p.event_id
 where p.deleted_at is null and p.claim_state is null and not c.counts
union all
select 'a payment is of a deal that is void: ' || p.id
  from app.payments as p
  join app.deals as d on d.organization_id = p.organization_id and d.id = p.deal_id
 where p.organization_id = %(organization_id)s and p.deleted_at is null and d.status = 'void'
union all
select 'a call is the duplicate of a duplicate: ' || e.id
  from counting as e
  join counting as o on o.id = e.duplicate_of_id
 where o.duplicate_of_id is not null or o.root_event_id = e.root_event_id
union all
select 'credits of a payment do not add up: ' || c.payment_id
  from app.payment_credits as c
  join app.payments as p on p.organization_id = c.organization_id and p.id = c.payment_id
 where c.organization_id = %(organization_id)s
 group by c.payment_id, c.role, p.amount_base
having sum(c.share) <> 1 or sum(c.amount_base) <> p.amount_base
"""

who = st.sampled_from(["ada", "ada", "ada", "dana", "sam", "stranger"])
number = st.integers(0, 50)


class Workflow(RuleBasedStateMachine):
    """An admin, two closers, a setter, an admin of elsewhere, a booking platform, a processor."""

    connection: ClassVar[psycopg.Connection]

    @initialize()
    def begin(self) -> None:
        self.scene = ExitStack()
        self.scene.enter_context(self.connection.transaction(force_rollback=True))
        world = World(self.connection)
        self.acme: Organization = world.organization("acme")
        self.dana, self.eli = self.acme.closer("dana"), self.acme.closer("eli")
        self.people: dict[str, Person] = {
            "ada": self.acme.admin(),
            "dana": self.dana,
            "sam": self.acme.setter("sam"),
            "stranger": world.organization("beta").admin(),
        }
        self.leads = [self.acme.lead(name, email=f"{name}@lead.test") for name in ("lee", "kim")]
        self.book(0, 0, 0)

    def teardown(self) -> None:
        self.scene.close()

    # -- what platforms and processors tell

    @rule(lead=st.integers(0, 1), closer=st.integers(0, 1), hours=st.sampled_from([0, 1, 30]))
    def book(self, lead: int, closer: int, hours: int) -> None:
        self.acme.event(
            lead=self.leads[lead],
            closer=(self.dana, self.eli)[closer],
            setter=self.people["sam"],
            scheduled_at=NOON + timedelta(hours=hours),
        )

    @rule(
        call=number,
        action=st.sampled_from(["invitee_cancels", "host_cancels", "vendor_no_show",
                                "vendor_no_show_withdrawn"]),
        offset=st.sampled_from(OFFSETS),
    )  # fmt: skip
    def tell(self, call: int, action: str, offset: timedelta) -> None:
        event = self.pick("events", call)
        self.acme.world.execute(
            "select changed from app.move_event(%s, %s, %s, (select e.scheduled_at + %s"
            " from app.events as e where e.id = %s), actor => 'vendor')",
            self.acme.id, event, action, offset, event,
        )  # fmt: skip

    @rule(lead=st.integers(0, 1), amount=st.sampled_from(["100.00", "250.00"]))
    def pay(self, lead: int, amount: str) -> None:
        payment = self.acme.payment(
            amount=Decimal(amount),
            paid_at=self.acme.world.value("select now() - interval '1 hour'"),
            customer_email=("lee@lead.test", "kim@lead.test")[lead],
        )
        self.acme.world.execute("select app.attribute_payment(%s, %s)", self.acme.id, payment.id)

    # -- what people do, and try

    @rule(who=who, call=number, form=st.sampled_from(FORMS), cash=st.sampled_from(SHARES))
    def report(self, who: str, call: int, form: dict[str, object], cash: str | None) -> None:
        said = {**form, "cash_collected": cash}
        self.attempt(who, "submit_post_call_form", event_id=self.pick("events", call), form=said)

    @rule(who=who, lead=st.integers(0, 1), to_come=st.booleans())
    def create(self, who: str, lead: int, to_come: bool) -> None:
        self.attempt(
            who,
            "create_event",
            scheduled_at=TO_COME if to_come else NOON,
            lead_id=self.leads[lead].id,
            closer_id=self.dana.closer_id,
        )

    @rule(who=who, call=number, by=st.sampled_from(["invitee", "host", "nobody"]),
          offset=st.sampled_from(OFFSETS))  # fmt: skip
    def cancel(self, who: str, call: int, by: str, offset: timedelta) -> None:
        self.attempt(
            who, "cancel_event", event_id=self.pick("events", call), canceled_by=by, reason=WHY,
            canceled_at=NOON + offset,
        )  # fmt: skip

    @rule(who=who, call=number, successor=st.one_of(st.none(), number))
    def move(self, who: str, call: int, successor: int | None) -> None:
        later = {"scheduled_at": TO_COME}
        if successor is not None:
            later = {"successor_id": self.pick("events", successor)}
        event = self.pick("events", call)
        self.attempt(who, "reschedule_event", event_id=event, reason=WHY, **later)

    @rule(
        who=who,
        call=number,
        change=st.sampled_from(["scheduled_at", "closer_id", "setter_id", "lead_id", "state"]),
    )
    def change(self, who: str, call: int, change: str) -> None:
        value = {
            "scheduled_at": NOON + timedelta(hours=3),
            "closer_id": self.eli.closer_id,
            "setter_id": None,
            "lead_id": self.leads[1].id,
            "state": "completed",
        }[change]
        said = {change: None if value is None else str(value)}
        event = self.pick("events", call)
        self.attempt(who, "update_event", event_id=event, changes=said, reason=WHY)

    @rule(who=who, calls=st.lists(number, min_size=1, max_size=3))
    def hand_over(self, who: str, calls: list[int]) -> None:
        ids = [self.pick("events", call) for call in calls]
        to = self.eli.closer_id
        self.attempt(who, "reassign_events", to_closer_id=to, event_ids=ids, reason=WHY)

    @rule(who=who, call=number, other=number)
    def mark(self, who: str, call: int, other: int) -> None:
        self.attempt(
            who, "mark_duplicate", event_id=self.pick("events", call),
            duplicate_of_id=self.pick("events", other), reason=WHY,
        )  # fmt: skip

    @rule(who=who, call=number)
    def unmark(self, who: str, call: int) -> None:
        self.attempt(who, "unmark_duplicate", event_id=self.pick("events", call), reason=WHY)

    @rule(
        who=who,
        function=st.sampled_from(["delete_events", "restore_events"]),
        calls=st.lists(number, min_size=1, max_size=3),
    )
    def delete_or_restore(self, who: str, function: str, calls: list[int]) -> None:
        ids = [self.pick("events", call) for call in calls]
        self.attempt(who, function, event_ids=ids, reason=WHY)

    @rule(
        who=who,
        function=st.sampled_from(["delete_payments", "batch_restore_payments"]),
        payment=number,
    )
    def delete_or_restore_money(self, who: str, function: str, payment: int) -> None:
        found = self.pick("payments", payment)
        if found is not None:
            self.attempt(who, function, payment_ids=[found], reason=WHY)

    # -- what must hold

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "acme"):
            for query in (BROKEN, INCOHERENT):
                broken = self.acme.world.rows(query, organization_id=self.acme.id)
                assert not broken, broken

    def attempt(self, who: str, function: str, **given: Any) -> None:
        """Call it as this person. Refused, or told that nothing was done: nothing changed."""
        arguments = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in given.items()
        }
        named = ", ".join(f"{name} => %({name})s" for name in [*given, "organization_id"])
        person, before = self.people[who], self.everything()
        try:
            with self.acme.world.acting_as(person) as db:
                rows = db.rows(
                    f"select * from api.{function}({named})",
                    **arguments,
                    organization_id=self.acme.id,
                )
            changed = any(row.get("is_done", True) for row in rows)
            assert who == "ada" or function == "submit_post_call_form", (who, function)
        except psycopg.Error as error:
            if error.sqlstate not in REFUSALS:
                raise
            changed = False
        if not changed:
            assert self.everything() == before, (who, function)

    def everything(self) -> list[Any]:
        return [
            self.acme.world.rows(
                f"select * from app.{table} where organization_id = %s order by id", self.acme.id
            )
            for table in TABLES
        ]

    def pick(self, table: str, chosen: int) -> UUID | None:
        ids = self.acme.world.rows(
            f"select id from app.{table} where organization_id = %s order by id", self.acme.id
        )
        return ids[chosen % len(ids)]["id"] if ids else None


def test_no_workflow_breaks_calls_or_their_money(db: psycopg.Connection) -> None:
    machine = type("WorkflowOnThisConnection", (Workflow,), {"connection": db})
    run(
        machine,
        settings=settings(max_examples=8, stateful_step_count=20, deadline=None, derandomize=True),
    )
