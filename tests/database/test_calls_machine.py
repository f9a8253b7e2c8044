"""Any sequence of actions on calls, sensible or not: every invariant holds after each of them."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from tests.acting import Request
from tests.world import ANSWERS, NOON, Organization, Person, Row, World

OFFSETS = [timedelta(days=-1), timedelta(minutes=-15), timedelta(0), timedelta(hours=2)]
FORMS = [
    *ANSWERS.values(),
    {"call_occurred": False, "non_occurrence_reason": "reschedule_requested"},
    {"call_occurred": True, "lead_showed": False},
    {"call_occurred": False, "deal_closed": True},
]
REFUSALS = {"PT404", "PT409", "PT422"}

BROKEN = """
with recursive forms as (
    select f.event_id, count(*) as versions, max(f.version) as newest,
           count(*) filter (where f.is_active) as active,
           max(f.version) filter (where f.is_active) as ruling,
           max(f.version) filter (where f.voided_at is null) as newest_not_void
      from app.post_call_forms as f
     where f.organization_id = %(organization_id)s
     group by f.event_id
), chain as (
    select e.id, e.id as root, 1 as depth from app.events as e
     where e.organization_id = %(organization_id)s and e.rescheduled_from_id is null
    union all
    select e.id, c.root, c.depth + 1 from chain as c
      join app.events as e
        on e.organization_id = %(organization_id)s and e.rescheduled_from_id = c.id
)
select 'versions of a form have a gap or two rule: ' || f.event_id from forms as f
 where f.versions <> f.newest or f.active > 1
union all
select 'an older version rules: ' || f.event_id from forms as f where f.ruling < f.newest_not_void
union all
select 'a call disagrees with its form: ' || e.id
  from app.events as e
  left join forms as f on f.event_id = e.id
 where e.organization_id = %(organization_id)s and e.pcf_submitted <> (coalesce(f.active, 0) = 1)
union all
select 'a state is not what the ruling form says: ' || e.id
  from app.events as e
  join app.post_call_forms as f
    on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
 cross join lateral app.form_result(
    f.call_occurred, f.lead_showed, f.offer_made, f.deal_closed, f.non_occurrence_reason) as r
 where e.organization_id = %(organization_id)s
   and (e.call_status, e.event_outcome) is distinct from (r.call_status, r.event_outcome)
   and e.call_status <> 'rescheduled'
union all
select 'credit is not of who took the call: ' || e.id
  from app.events as e
  left join app.post_call_forms as f
    on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active and f.is_human
 where e.organization_id = %(organization_id)s
   and e.credited_closer_id is distinct from coalesce(f.closer_id, e.closer_id)
union all
select 'a call is in no chain, or its root is another: ' || e.id
  from app.events as e
  left join chain as c on c.id = e.id
 where e.organization_id = %(organization_id)s and e.root_event_id is distinct from c.root
union all
select 'the setter of a chain is not the root''s: ' || e.id
  from app.events as e
  join app.events as r on r.organization_id = e.organization_id and r.id = e.root_event_id
 where e.organization_id = %(organization_id)s
   and e.credited_setter_id is distinct from r.setter_id
union all
select 'a successor follows a call that was not rescheduled: ' || e.id
  from app.events as e
  join app.events as p on p.organization_id = e.organization_id and p.id = e.rescheduled_from_id
 where e.organization_id = %(organization_id)s and p.call_status <> 'rescheduled'
"""


class Calls(RuleBasedStateMachine):
    """Three closers, two setters, and whatever Hypothesis does to their calls."""

    connection: ClassVar[psycopg.Connection]

    @initialize()
    def begin(self) -> None:
        self.scene = ExitStack()
        self.scene.enter_context(self.connection.transaction(force_rollback=True))
        self.acme: Organization = World(self.connection).organization("acme")
        self.closers: list[Person] = [self.acme.closer(name) for name in ("dana", "eli", "kim")]
        self.setters: list[Person] = [self.acme.setter(name) for name in ("sam", "sue")]
        self.calls: list[Row] = []
        self.book(0, 0, 0)

    def teardown(self) -> None:
        self.scene.close()

    @rule(closer=st.integers(0, 2), setter=st.integers(0, 2), day=st.integers(0, 2))
    def book(self, closer: int, setter: int, day: int) -> None:
        self.calls.append(
            self.acme.event(
                closer=self.closers[closer],
                setter=self.setters[setter] if setter < 2 else None,
                scheduled_at=NOON + timedelta(days=day),
            )
        )

    @rule(
        call=st.integers(0, 50),
        action=st.sampled_from(
            ["invitee_cancels", "host_cancels", "vendor_no_show", "vendor_no_show_withdrawn"]
        ),
        offset=st.sampled_from(OFFSETS),
        actor=st.sampled_from(["person", "vendor"]),
    )
    def tell(self, call: int, action: str, offset: timedelta, actor: str) -> None:
        self.attempt(
            "select changed from app.move_event("
            "%s, %s, action => %s, at => (select scheduled_at + %s from app.events where id = %s),"
            " actor => %s)",
            self.acme.id,
            self.pick(call),
            action,
            offset,
            self.pick(call),
            actor,
        )

    @rule(
        old=st.integers(0, 50),
        new=st.one_of(st.none(), st.integers(0, 50)),
        actor=st.sampled_from(["person", "vendor"]),
    )
    def reschedule(self, old: int, new: int | None, actor: str) -> None:
        self.attempt(
            "select changed from app.reschedule_call(%s, %s, %s, %s, actor => %s)",
            self.acme.id,
            self.pick(old),
            None if new is None else self.pick(new),
            NOON,
            actor,
        )

    @rule(
        call=st.integers(0, 50),
        form=st.sampled_from(FORMS),
        offset=st.sampled_from(OFFSETS),
        closer=st.one_of(st.none(), st.integers(0, 2)),
    )
    def report(
        self, call: int, form: dict[str, object], offset: timedelta, closer: int | None
    ) -> None:
        answers = {**form, "closer_id": None if closer is None else str(self.closers[closer].id)}
        self.attempt(
            "select true from app.record_form(%s, %s, %s,"
            " (select scheduled_at + %s from app.events where id = %s))",
            self.acme.id,
            self.pick(call),
            psycopg.types.json.Jsonb(answers),
            offset,
            self.pick(call),
        )

    @rule(call=st.integers(0, 50))
    def void(self, call: int) -> None:
        self.attempt(
            "select true from app.void_form(%s, %s, null, 'test', %s)",
            self.acme.id,
            self.pick(call),
            NOON,
        )

    @rule(call=st.integers(0, 50), closer=st.integers(0, 3), setter=st.integers(0, 2))
    def reassign(self, call: int, closer: int, setter: int) -> None:
        self.acme.world.execute(
            "update app.events set closer_id = %s, setter_id = %s where id = %s",
            self.closers[closer].closer_id if closer < 3 else None,
            self.setters[setter].setter_id if setter < 2 else None,
            self.pick(call),
        )

    @rule(call=st.integers(0, 50))
    def delete(self, call: int) -> None:
        self.attempt(
            "select true from app.delete_event(%s, %s, 'test', %s)",
            self.acme.id,
            self.pick(call),
            NOON,
        )

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "acme"):
            broken = self.request.rows(BROKEN, organization_id=self.acme.id)
            assert not broken, broken

    def attempt(self, statement: str, *arguments: object) -> None:
        """Run it. If it is refused, or says that nothing changed, then nothing did."""
        before = self.everything()
        try:
            changed = self.request.value(statement, *arguments)
        except psycopg.Error as error:
            if error.sqlstate not in REFUSALS:
                raise
            changed = False
        if not changed:
            assert self.everything() == before

    def everything(self) -> list[Any]:
        return [
            self.request.rows(
                f"select * from app.{table} where organization_id = %s order by id", self.acme.id
            )
            for table in ("events", "post_call_forms")
        ]

    def pick(self, number: int) -> UUID:
        return self.calls[number % len(self.calls)].id

    @property
    def request(self) -> Request:
        return Request(self.connection)


def test_no_sequence_of_actions_breaks_a_call(db: psycopg.Connection) -> None:
    machine = type("CallsOnThisConnection", (Calls,), {"connection": db})
    run(machine, settings=settings(max_examples=12, stateful_step_count=25, deadline=None))
