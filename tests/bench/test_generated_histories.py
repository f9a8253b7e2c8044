"""Generated histories could have been written by the product, and metrics of them are true."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import psycopg
import pytest

from bench.histories import Tenant, crowd, load
from tests.fixtures.databases import Database
from tests.metrics.history import Question
from tests.metrics.reading import read_history
from tests.metrics.recount import Recount

TODAY = date(2026, 3, 15)
TENANTS = (Tenant(1, 300, 120), Tenant(2, 250, 400))
"""Around a change of clocks, in euros and in yen."""


@pytest.fixture(scope="module")
def generated(database: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection to a database with a few small histories."""
    load(database.superuser_url, TENANTS, today=TODAY)
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


def test_every_reference_finds_its_row(generated: psycopg.Connection) -> None:
    references = generated.execute(
        """
        select c.conname,
               format('select count(*) from %s as t where %s'
                      ' and not exists (select from %s as f where %s)',
                      c.conrelid::regclass,
                      string_agg(format('t.%I is not null', a.attname), ' and '),
                      c.confrelid::regclass,
                      string_agg(format('f.%I = t.%I', b.attname, a.attname), ' and '))
          from pg_constraint as c
         cross join lateral unnest(c.conkey, c.confkey) as k (here, there)
          join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.here
          join pg_attribute as b on b.attrelid = c.confrelid and b.attnum = k.there
         where c.contype = 'f' and c.conparentid = 0
           and c.connamespace::regnamespace::text in ('app', 'auth')
         group by c.oid, c.conname, c.conrelid, c.confrelid
        """
    ).fetchall()
    dangling = {name: generated.execute(query).fetchone() for name, query in references}
    assert len(references) > 100
    assert {name: count for name, count in dangling.items() if count != (0,)} == {}


def test_indexes_and_constraints_are_as_before(
    generated: psycopg.Connection, db: psycopg.Connection
) -> None:
    kept = """
        select pg_get_indexdef(i.indexrelid), c.conname
          from pg_index as i
          left join pg_constraint as c on c.conindid = i.indexrelid and c.contype = 'u'
         where i.indrelid::regclass::text like 'app.%' order by 1
        """
    assert generated.execute(kept).fetchall() == db.execute(kept).fetchall()


def test_histories_hold_what_metrics_have_to_cope_with(generated: psycopg.Connection) -> None:
    """Chains, deleted and late calls, duplicates, money back, shared, and without a call."""
    missing = generated.execute(
        """
        select name from (values
            ('chain of three', exists (
                select from app.events as c
                  join app.events as b
                    on b.organization_id = c.organization_id and b.id = c.rescheduled_from_id
                 where b.rescheduled_from_id is not null)),
            ('deleted', exists (select from app.events where deleted_at is not null)),
            ('duplicate', exists (select from app.events where duplicate_of_id is not null)),
            ('pending', exists (
                select from app.events where call_status = 'scheduled' and scheduled_at < %(now)s)),
            ('to come', exists (
                select from app.events where call_status = 'scheduled' and scheduled_at > %(now)s)),
            ('restated', exists (select from app.post_call_forms where version = 2)),
            ('test lead', exists (select from app.leads where is_test)),
            ('refund', exists (select from app.payment_refunds where kind = 'refund')),
            ('shared', exists (select from app.payment_credits where share < 1)),
            ('nobody''s', exists (select from app.payments where event_id is null)),
            ('claim', exists (select from app.payments where claim_state = 'superseded')),
            ('foreign', exists (select from app.payments where currency <> base_currency)),
            ('instalments', exists (select from app.deal_installments where installment_no = 3))
        ) as wanted (name, is_there) where not is_there
        """,
        {"now": datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)},
    ).fetchall()
    assert missing == []


@pytest.mark.parametrize("tenant", TENANTS, ids=lambda tenant: str(tenant.number))
def test_metrics_of_a_generated_history_equal_a_recount(
    generated: psycopg.Connection, tenant: Tenant
) -> None:
    start, end = TODAY - timedelta(days=60), TODAY
    as_of = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    recount = Recount(
        read_history(generated, tenant.organization_id), Question(start, end, as_of), None
    )
    wanted = recount.period_metrics() | recount.standing_metrics(timedelta(hours=2))
    del wanted["pcf_median_delay"]  # is no part of core_metrics
    given = {
        metric: (numerator, denominator, coverage)
        for metric, numerator, denominator, coverage in generated.execute(
            "select metric, numerator, denominator, coverage"
            " from app.core_metrics(%s, %s, %s, %s, 'organization')",
            (tenant.organization_id, start, end, as_of),
        )
    }
    assert set(given) >= set(wanted)
    assert {metric: given[metric][:2] for metric in wanted} == {
        metric: (number.value, number.over) for metric, number in wanted.items()
    }
    assert all(
        abs(Fraction(given[metric][2]) - number.coverage) < Fraction(1, 10**12)
        for metric, number in wanted.items()
        if number.coverage is not None
    )


def test_a_crowd_has_few_large_and_many_small_organizations() -> None:
    sizes = [tenant.events for tenant in crowd(1_000_000, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes[:10]) > 500_000
    assert sum(size < 10_000 for size in sizes) >= 80
