-- Numbers: what a period was like, by the definitions in api.metric_catalog.

-- api.core_metrics: every core metric of a period of inclusive local dates, beside the period before it.
-- Callers:    members, and super admins, through GET or POST /rpc/core_metrics. Owners and admins get the organization's
--             numbers; everybody else those of their own rows, as app.metric_scope says: the same numbers an admin sees
--             who filters by that person. What a caller may not see is NULL in value, both parts and previous_value.
-- Guarantees: reads only. PT422 for dates that are missing, reversed or absurd; PT404 for an organization that is none of
--             the caller's; 42501 for a filter that names only other people. A filter without a match gives zeros.
-- Definer:    row policies cost several times what the counting does; tenant and person are filtered by hand instead.
--             Planned anew for each call, so that absent filters cost nothing and present ones use their index.
-- Arguments:  those that come in stand before those that only go out, or PostgREST mistakes one for another.
create or replace function api.core_metrics(
    start_date date, end_date date, organization_id uuid default null, closer_id uuid default null, setter_id uuid default null,
    source_id uuid default null, traffic_type_id uuid default null, call_type_id uuid default null,
    inout as_of timestamptz default now(),
    out metric text, out unit text, out value numeric, out numerator numeric, out denominator numeric,
    out previous_value numeric, out coverage numeric
) returns setof record
language plpgsql stable security definer
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(core_metrics.organization_id);
    v_start    constant date := core_metrics.start_date;
    v_end      constant date := core_metrics.end_date;
    v_as_of    constant timestamptz := coalesce(core_metrics.as_of, now());
    v_source   constant uuid := core_metrics.source_id;
    v_traffic  constant uuid := core_metrics.traffic_type_id;
    v_type     constant uuid := core_metrics.call_type_id;
    v_before   record;
    v_scope    record;
    v_timezone text;
    v_scale    integer;
    v_grace    interval;
    v_cash     boolean;
    v_bounds   timestamptz[];
begin
    if v_start is null or v_end is null or not isfinite(v_as_of)
       or v_start not between date '1970-01-01' and date '2199-12-31'
       or v_end not between date '1970-01-01' and date '2199-12-31' then
        raise exception using errcode = 'PT422', message = 'These dates make no sense.',
            detail = format('start_date is %s, end_date is %s, as_of is %s.', v_start, v_end, v_as_of),
            hint = 'Give dates between 1970-01-01 and 2199-12-31.';
    elsif v_start > v_end then
        raise exception using errcode = 'PT422', message = 'This period ends before it starts.',
            detail = format('start_date is %s, end_date is %s.', v_start, v_end),
            hint = 'Both dates are inclusive; one day has the same date twice.';
    end if;
    select s.closers, s.setters, s.cash_role, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, core_metrics.closer_id, core_metrics.setter_id) as s;
    select b.start_date, b.end_date into strict v_before from app.previous_period(v_start, v_end) as b;
    select o.timezone, app.currency_exponent(o.currency), o.pcf_grace, coalesce(p.show_cash, true)
      into strict v_timezone, v_scale, v_grace, v_cash
      from app.organizations as o
      left join app.portal_settings as p on p.organization_id = o.id
     where o.id = v_organization_id;

    v_bounds := array[app.day_start(v_before.start_date, v_timezone), app.day_start(v_start, v_timezone),
                      app.day_start(v_end + 1, v_timezone)];

    return query
    with measured as (
        select m.period, m.metric, m.rests_on, m.numerator, m.denominator, m.coverage
          from app.period_metrics(v_organization_id, v_bounds, v_timezone, v_as_of, v_scale, v_scope.cash_role,
                                  v_scope.closers, v_scope.setters, v_source, v_traffic, v_type) as m
        union all
        select 2, m.metric, m.rests_on, m.numerator, null, null
          from app.standing_metrics(v_organization_id, v_as_of, v_grace, (v_as_of at time zone v_timezone)::date, v_scale,
                                    v_scope.closers, v_scope.setters, v_source, v_traffic, v_type) as m
    )
    select v_as_of, c.metric, c.unit,
           case when n.denominator is null then n.numerator else n.numerator / nullif(n.denominator, 0) end,
           n.numerator, n.denominator,
           case when b.denominator is null then b.numerator else b.numerator / nullif(b.denominator, 0) end,
           n.coverage
      from app.metric_catalog as c
      left join measured as n on n.metric = c.metric and n.period = 2
       and not app.hides_metric(v_scope.seen_as, v_cash, n.rests_on, c.unit)
      left join measured as b on b.metric = n.metric and b.period = 1
     order by c.position;
end;
$$;
grant execute on function api.core_metrics(date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.core_metrics(date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz) is $$Every core metric of a period
From start_date to end_date, both inclusive, in the organization's time zone. One row per metric of /metric_catalog:
value (a count, an amount in the organization's currency, or numerator / denominator, NULL over nothing), the same of
the period before, and coverage: the share of the calls behind the number of which it is known how they ended.
Owners and admins get the organization's numbers; everybody else those of their own calls and credits. What a caller may
not see is NULL.$$;
