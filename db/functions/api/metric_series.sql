-- A number over time.

-- api.metric_series: one metric of each day, week or month of a period.
-- Callers:    members, and super admins, through GET or POST /rpc/metric_series, with the filters of core_metrics.
-- Guarantees: reads only. One row per bucket, also those in which nothing happened: counts and money 0, rates NULL. The same numbers as
--             core_metrics of the bucket's days, for the same caller. PT422 naming the choices for metric and bucket, for what stands as of
--             an instant, for more buckets than one answer holds, and as core_metrics; 42501 for a number that the caller may not see.
-- Definer:    as core_metrics: tenant and person are filtered by hand.
create or replace function api.metric_series(
    metric text, bucket text, start_date date, end_date date, organization_id uuid default null,
    closer_id uuid default null, setter_id uuid default null, source_id uuid default null, traffic_type_id uuid default null,
    call_type_id uuid default null, as_of timestamptz default now(),
    out bucket_start date, out value numeric, out numerator numeric, out denominator numeric
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(metric_series.organization_id);
    v_as_of           constant timestamptz := coalesce(metric_series.as_of, now());
    v_scope           record;
    v_timezone        text;
    v_days            date[];
begin
    perform app.require_period(metric_series.start_date, metric_series.end_date, v_as_of);
    perform app.require_choice('bucket', metric_series.bucket, array['day', 'week', 'month']);
    select s.closers, s.setters, s.cash_role, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, metric_series.closer_id, metric_series.setter_id) as s;
    perform app.require_number(v_organization_id, metric_series.metric, v_scope.seen_as);
    if app.is_standing(metric_series.metric) then
        raise exception using errcode = 'PT422', message = 'This number has no series.',
            detail = jsonb_build_object('metric', 'It stands as of an instant, whatever the period.')::text,
            hint = 'Ask core_metrics for it, with as_of.';
    end if;
    select o.timezone into strict v_timezone from app.organizations as o where o.id = v_organization_id;
    select array_agg(b.bucket_start order by b.bucket_start) into strict v_days
      from app.organizations as o
     cross join app.buckets(metric_series.bucket, metric_series.start_date, metric_series.end_date, o.week_start) as b
     where o.id = v_organization_id;
    if cardinality(v_days) > app.longest_answer() then
        raise exception using errcode = 'PT422', message = 'This series has too many buckets.',
            detail = jsonb_build_object('bucket', format('At most %s; this period has %s.', app.longest_answer(), cardinality(v_days)))::text,
            hint = 'Ask for longer buckets, or a shorter period.';
    end if;

    return query
    select b.day, n.value, n.numerator, n.denominator
      from unnest(v_days) with ordinality as b (day, period)
      left join app.any_metric_values(
            v_organization_id, array[metric_series.metric],
            array(select app.day_start(d.day, v_timezone)
                    from unnest(v_days || (metric_series.end_date + 1)) with ordinality as d (day, period) order by d.period),
            v_as_of, v_scope.cash_role, v_scope.closers, v_scope.setters,
            metric_series.source_id, metric_series.traffic_type_id, metric_series.call_type_id) as n on n.period = b.period
     order by b.period;
end;
$$;
grant execute on function api.metric_series(text, text, date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.metric_series(text, text, date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz) is $$A number over time
metric as in /metric_catalog, or one of the organization's own; bucket is day, week or month, in the organization's time zone, weeks starting on its week_start. One row
per bucket of the period, bucket_start its first day that is in the period: counts and money are 0 where nothing happened, rates
NULL. The last bucket ends with end_date. Whose numbers a caller gets is as in core_metrics.$$;
