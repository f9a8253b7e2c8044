"""What the functions of numbers take and answer: names, order and kinds. Clients are written by it.

Written out by hand, so that nothing but a person changes it.
"""

from typing import NamedTuple

import psycopg
import pytest


class Contract(NamedTuple):
    """Arguments that a client may name, in any order; columns in the order of CSV and JSON."""

    arguments: str
    columns: str


FILTERS = "closer_id setter_id source_id traffic_type_id call_type_id as_of"
PLACES = "source_id traffic_type_id call_type_id as_of"
NUMBERS = {
    "me": Contract(
        "",
        "organization_id:uuid name:text role:text closer_id:uuid setter_id:uuid payee_id:uuid"
        " timezone:text currency:text is_super_admin:boolean",
    ),
    "core_metrics": Contract(
        f"start_date end_date {FILTERS}",
        "metric:text unit:text value:numeric numerator:numeric denominator:numeric"
        " previous_value:numeric coverage:numeric as_of:timestamptz",
    ),
    "metric_series": Contract(
        f"metric bucket start_date end_date {FILTERS}",
        "bucket_start:date value:numeric numerator:numeric denominator:numeric",
    ),
    "metric_breakdown": Contract(
        f"metric dimension start_date end_date {FILTERS}",
        "member_id:uuid label:text value:numeric numerator:numeric denominator:numeric",
    ),
    "metric_rows": Contract(
        f"metric part start_date end_date {FILTERS}",
        "entity:text id:uuid day:date amount:numeric label:text",
    ),
    "closer_leaderboard": Contract(
        f"start_date end_date order_by {PLACES}",
        "rank:bigint closer_id:uuid closer_name:text booked_calls:numeric shows:numeric"
        " no_shows:numeric show_rate:numeric offers:numeric offer_rate:numeric closes:numeric"
        " close_rate:numeric cash_collected:numeric net_cash:numeric coverage:numeric"
        " is_self:boolean",
    ),
    "setter_leaderboard": Contract(
        f"start_date end_date order_by {PLACES}",
        "rank:bigint setter_id:uuid setter_name:text sets:numeric shows:numeric"
        " set_show_rate:numeric closes:numeric set_close_rate:numeric cash_from_sets:numeric"
        " dials:numeric connects:numeric talk_seconds:numeric is_self:boolean",
    ),
    "get_calendly_utilization": Contract(
        "start_date end_date closer_id",
        "closer_id:uuid closer_name:text day:date available_slots:bigint booked_slots:bigint"
        " held_slots:bigint utilization:numeric is_missing:boolean",
    ),
}
ANSWER = """
select array(select unnest(p.proargnames[1:p.pronargs])
              except select 'organization_id') as arguments,
       coalesce(
           (select string_agg(format('%%s:%%s', c.name, format_type(c.type, null)), ' '
                              order by c.n)
              from unnest(p.proargnames, p.proargmodes, p.proallargtypes)
                   with ordinality as c (name, mode, type, n)
             where c.mode in ('o', 'b', 't')),
           (select string_agg(format('%%s:%%s', a.attname, format_type(a.atttypid, null)), ' '
                              order by a.attnum)
              from pg_type as t
              join pg_attribute as a on a.attrelid = t.typrelid and a.attnum > 0
             where t.oid = p.prorettype)) as columns
  from pg_proc as p
 where p.pronamespace = 'api'::regnamespace and p.proname = %s
"""


@pytest.mark.parametrize("name", NUMBERS)
def test_a_function_of_numbers_takes_and_answers_what_it_promised(
    db: psycopg.Connection, name: str
) -> None:
    found = db.execute(ANSWER, (name,)).fetchone()
    assert found
    arguments, columns = found
    assert set(arguments) == set(NUMBERS[name].arguments.split())
    assert columns.replace("timestamp with time zone", "timestamptz") == NUMBERS[name].columns
