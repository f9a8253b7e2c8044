"""All metrics of an organization at once, over time and by the members of a dimension."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.world import Organization

MEDIANS = {"pcf_median_delay", "speed_to_lead"}
STANDING = {"pending_pcfs", "overdue_pcfs", "outstanding", "overdue"}

Rows = list[dict[str, Any]]


def numbers(
    organization: Organization,
    days: Sequence[date],
    as_of: datetime,
    filters: Mapping[str, Any],
    dimension: str | None = None,
) -> dict[str, Rows]:
    """By metric, what metric_series and metric_breakdown of an admin are made of.

    days: on which periods begin, and the day after the last one. filters: closer_id, setter_id,
    source_id, traffic_type_id, call_type_id.
    """
    found = organization.world.rows(
        """
        select v.* from app.organizations as o
         cross join lateral (
            select case when %(closer_id)s::uuid is not null then array[%(closer_id)s::uuid] end as closers,
                   case when %(setter_id)s::uuid is not null then array[%(setter_id)s::uuid] end as setters,
                   case when %(closer_id)s::uuid is not null then 'closer'
                        when %(setter_id)s::uuid is not null then 'setter' end as cash_role) as w
         cross join lateral app.any_metric_values(
            o.id, null,
            array(select app.day_start(d.day, o.timezone) from unnest(%(days)s::date[]) with ordinality as d (day, n) order by d.n),
            %(as_of)s, w.cash_role, w.closers, w.setters, %(source_id)s, %(traffic_type_id)s, %(call_type_id)s, %(dimension)s) as v
         where o.id = %(organization)s
        """,  # noqa: E501
        **{**dict.fromkeys(FILTERS), **filters},
        days=list(days),
        as_of=as_of,
        dimension=dimension,
        organization=organization.id,
    )
    metrics: dict[str, Rows] = {}
    for row in found:
        metrics.setdefault(row["metric"], []).append(row)
    return metrics


FILTERS = ("closer_id", "setter_id", "source_id", "traffic_type_id", "call_type_id")


def assert_they_add_up(whole: dict[str, Rows], parts: dict[str, Rows]) -> None:
    """Numerators and denominators of parts are together those of the whole."""
    for metric, (one,) in whole.items():
        if metric in MEDIANS:
            continue
        for part in ("numerator", "denominator"):
            found = [row[part] for row in parts.get(metric, []) if row[part] is not None]
            assert sum(found, Decimal(0)) == (one[part] or 0), (metric, part)
