-- A number in its parts.

-- api.metric_breakdown: one metric of a period by closer, setter, source, traffic type, call type or package.
-- Callers:    members, and super admins, through GET or POST /rpc/metric_breakdown, with the filters of core_metrics.
-- Guarantees: reads only. One row per member that had anything to count in the period, archived ones included, and last one without
--             member_id: Unassigned. Numerators and denominators of everything but medians add up to those of core_metrics for the same
--             caller and filters. PT422 naming the choices for metric and dimension, and as core_metrics; 42501 for a number that
--             the caller may not see.
-- Definer:    as core_metrics: tenant and person are filtered by hand.
create or replace function api.metric_breakdown(
    metric text, dimension text, start_date date, end_date date, organization_id uuid default null,
    closer_id uuid default null, setter_id uuid default null, source_id uuid default null, traffic_type_id uuid default null,
    call_type_id uuid default null, as_of timestamptz default now(),
    out member_id uuid, out label text, out value numeric, out numerator numeric, out denominator numeric
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(metric_breakdown.organization_id);
    v_as_of           constant timestamptz := coalesce(metric_breakdown.as_of, now());
    v_scope           record;
    v_bounds          timestamptz[];
begin
    perform app.require_period(metric_breakdown.start_date, metric_breakdown.end_date, v_as_of);
    perform app.require_choice('dimension', metric_breakdown.dimension, app.dimensions());
    select s.closers, s.setters, s.cash_role, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, metric_breakdown.closer_id, metric_breakdown.setter_id) as s;
    perform app.require_number(v_organization_id, metric_breakdown.metric, v_scope.seen_as);
    select array[app.day_start(metric_breakdown.start_date, o.timezone), app.day_start(metric_breakdown.end_date + 1, o.timezone)]
      into strict v_bounds
      from app.organizations as o
     where o.id = v_organization_id;

    return query
    with parts as (
        select p.member_id, p.value, p.numerator, p.denominator
          from app.any_metric_values(
                v_organization_id, array[metric_breakdown.metric], v_bounds, v_as_of, v_scope.cash_role, v_scope.closers, v_scope.setters,
                metric_breakdown.source_id, metric_breakdown.traffic_type_id, metric_breakdown.call_type_id,
                metric_breakdown.dimension) as p
    ), every_part as (
        select p.member_id, p.value, p.numerator, p.denominator from parts as p
        union all
        select null, case when not r.is_ratio then r.nothing end, r.nothing, case when r.is_ratio then 0 end
          from (select app.nothing(v_organization_id, metric_breakdown.metric) as nothing,
                       app.is_ratio(metric_breakdown.metric) as is_ratio) as r
         where not exists (select from parts as p where p.member_id is null)
    )
    select n.member_id, coalesce(m.label, 'Unassigned'), n.value, n.numerator, n.denominator
      from every_part as n
      left join app.dimension_members(v_organization_id, metric_breakdown.dimension) as m on m.member_id = n.member_id
     order by n.member_id is null, n.numerator desc nulls last, m.label, n.member_id;
end;
$$;
grant execute on function api.metric_breakdown(text, text, date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.metric_breakdown(text, text, date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz) is $$A number in its parts
metric as in /metric_catalog, or one of the organization's own; dimension is closer, setter, source, traffic_type, call_type or package. One row per member with
anything to count in the period, and last the row without member_id, Unassigned: what no member is credited with. Numerators, and
denominators, add up to those of core_metrics for the same filters. By closer, money is what the closer is credited with; by setter
likewise. Whose numbers a caller gets is as in core_metrics.$$;
