"""Whatever happened, what an analyst sums up in the views is the metric that a recount gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.recount import Recount
from tests.metrics.strategies import CLOSERS, SETTERS, histories
from tests.world import ReaderKey, World

GRACE_SECONDS = 7200

DAILY = (
    "booked_calls",
    "scheduled_calls",
    "shows",
    "no_shows",
    "canceled",
    "pending",
    "offers",
    "closes",
    "cash_collected",
    "refunds",
    "net_cash",
)
"""Columns of the daily views that are metrics of their own."""

CALLS = """
select count(*) filter (where counts_in_rates and call_status = 'completed') as shows,
       count(*) filter (where counts_in_rates and call_status in ('completed', 'no_show')) as due,
       count(*) filter (where call_status = 'rescheduled') as rescheduled,
       count(*) as every_call
  from analytics.events
 where is_counted and scheduled_day between %(start)s and %(end)s
"""
COHORT = """
select count(*) filter (where call_status = 'completed') as shows, count(*) as resolved
  from analytics.bookings
 where counts_in_rates and is_resolved and booked_day between %(start)s and %(end)s
"""
REPORTS = """
select count(*) filter (where delay_seconds <= 86400) as timely, count(*) as reports
  from analytics.post_call_forms
 where is_first_report and is_counted and scheduled_day between %(start)s and %(end)s
"""
STANDING = """
select count(*) filter (where is_pending) as pending, count(*) filter (where is_overdue) as overdue
  from analytics.events
 where is_counted
"""
CASH = """
with moved as (
    select * from analytics.cash_movements where moved_day between %(start)s and %(end)s
)
select coalesce(sum(amount) filter (where kind = 'payment' and deal_type = 'new_deal'), 0) as new,
       coalesce(sum(amount) filter (where kind = 'payment' and is_from_processor), 0) as verified,
       coalesce(sum(amount) filter (where package_name = 'one'), 0) as of_first_package,
       coalesce(-sum(amount) filter (where kind in ('dispute', 'dispute_won')), 0) as chargebacks,
       (select coalesce(sum(amount), 0) from analytics.cash_movements
         where paid_day between %(start)s and %(end)s) as net_revenue
  from moved
"""
DEALS = """
select count(*) filter (where status = 'won') as won,
       coalesce(sum(contract_value_base), 0) as contracted
  from analytics.deals
 where is_counted and closed_day between %(start)s and %(end)s
"""
CAPACITY = """
select coalesce(sum(c.available_slots), 0) as available, coalesce(sum(b.slots), 0) as booked
  from analytics.capacity_snapshots as c
  left join (
    select credited_closer_id, scheduled_day, sum(slots) as slots
      from analytics.events
     where is_counted and call_status in ('scheduled', 'completed', 'no_show')
     group by credited_closer_id, scheduled_day
  ) as b on b.credited_closer_id = c.closer_id and b.scheduled_day = c.day
 where c.is_used and c.day between %(start)s and %(end)s
"""


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        acme = World(connection).organization("acme")
        yield Stage(
            organization=acme,
            admin=acme.admin(),
            closers=[acme.closer(f"closer{n}") for n in range(CLOSERS)],
            setters=[acme.setter(f"setter{n}") for n in range(SETTERS)],
            sources=[acme.source("one"), acme.source("two")],
            traffic_types=[acme.traffic_type("one"), acme.traffic_type("two")],
            call_types=[acme.call_type("one"), acme.call_type("two", counts_in_rates=False)],
            packages=[acme.package("one"), acme.package("two")],
        )


@pytest.fixture(scope="module")
def key(stage: Stage) -> ReaderKey:
    """Reads what an analyst reads, by the same rule of rows."""
    return stage.organization.reader_key()


def ask(stage: Stage, key: ReaderKey, query: str, question: Question) -> list[dict[str, object]]:
    with stage.organization.world.acting_as(key) as db:
        return db.rows(query, start=question.start, end=question.end)


def daily(stage: Stage, key: ReaderKey) -> dict[str, dict[tuple[Any, Any], dict[str, Any]]]:
    """All rows of both daily views, by view, then by day and person."""
    names = ", ".join(DAILY)
    with stage.organization.world.acting_as(key) as db:
        return {
            role: {
                (row.pop("day"), row.pop("who")): row
                for row in db.rows(
                    f"select day, {role}_id as who, {names} from analytics.daily_{role}_activity"
                )
            }
            for role in ("closer", "setter")
        }


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(histories(), histories())
def test_the_rows_of_days_add_up_to_the_metrics(
    stage: Stage,
    key: ReaderKey,
    other: tuple[History, Question],
    made: tuple[History, Question],
) -> None:
    """Counted from rows, read from sums and from what changed since, and from sums alone."""
    history, question = made
    question = replace(question, as_of=datetime.now(UTC))
    with stage.playing(other[0]):
        stage.build()
        stage.become(other[0], history, lambda: None)
        changed = daily(stage, key)
        stage.build()
        summed = daily(stage, key)
    with stage.playing(history):
        counted = daily(stage, key)
    assert changed == counted
    assert summed == counted
    for role, roster in (("closer", stage.closers), ("setter", stage.setters)):
        people = {None: None} | {n: stage.person(roster, n) for n in range(len(roster))}
        for position, person in people.items():
            asked = question if position is None else replace(question, **{role: position})
            wanted = Recount(history, asked, position if position is None else role)
            found = [
                row
                for (day, who), row in counted[role].items()
                if question.start <= day <= question.end and person in (None, who)
            ]
            assert {name: sum(row[name] for row in found) for name in DAILY} == {
                name: wanted.period_metrics()[name].value for name in DAILY
            }, (role, position)


@settings(max_examples=6)
@given(histories())
def test_the_flags_of_the_rows_say_which_of_them_a_metric_counts(
    stage: Stage, key: ReaderKey, made: tuple[History, Question]
) -> None:
    history, question = made
    question = replace(question, as_of=datetime.now(UTC))
    recount = Recount(history, question, None)
    wanted = recount.period_metrics() | recount.standing_metrics(timedelta(seconds=GRACE_SECONDS))
    with stage.playing(history):
        (calls,) = ask(stage, key, CALLS, question)
        (cohort,) = ask(stage, key, COHORT, question)
        (reports,) = ask(stage, key, REPORTS, question)
        (standing,) = ask(stage, key, STANDING, question)
        (cash,) = ask(stage, key, CASH, question)
        (deals,) = ask(stage, key, DEALS, question)
        (capacity,) = ask(stage, key, CAPACITY, question)

    def parts(metric: str) -> tuple[object, object]:
        return wanted[metric].value, wanted[metric].over

    assert (calls["shows"], calls["due"]) == parts("show_rate")
    assert (calls["rescheduled"], calls["every_call"]) == parts("reschedule_rate")
    assert (cohort["shows"], cohort["resolved"]) == parts("show_rate_booked_cohort")
    assert (reports["timely"], reports["reports"]) == parts("pcf_timeliness")
    assert standing["pending"] == wanted["pending_pcfs"].value
    assert standing["overdue"] == wanted["overdue_pcfs"].value
    assert cash["net_revenue"] == wanted["net_revenue"].value
    assert cash["new"] == wanted["new_cash"].value
    assert cash["chargebacks"] == wanted["chargebacks"].value
    assert cash["verified"] == wanted["verified_share"].value
    assert cash["of_first_package"] == sum(
        m.amount
        for m in recount.whole_movements()
        if recount.within(m.at) and recount.package_of(m.payment) == 0
    )
    assert deals["won"] == wanted["deals_won"].value
    assert deals["contracted"] == wanted["contracted_revenue"].value
    assert (capacity["booked"], capacity["available"]) == parts("utilization")
