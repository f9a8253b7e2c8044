-- What every measure comes to in periods, for members: from daily and monthly sums, from contributions, and from what changed since
-- they were counted. Period n runs from days[n] to before days[n + 1]. Calls that are open count in days before decided only; about
-- later ones app.calls_being_decided knows. Internal: nobody but the owner may call these.

-- app.metric_spans: the days and whole months that consecutive periods consist of, cut where they become undecided.
create or replace function app.metric_spans(days date[], decided date)
returns table (period integer, span text, since date, until date, is_decided boolean)
language sql immutable parallel safe
begin atomic
    select width_bucket(c.since, metric_spans.days), s.span, s.since, s.until, c.until <= metric_spans.decided
      from (
        select d.day as since, lead(d.day) over (order by d.day) as until
          from (select unnest(metric_spans.days) as day
                union
                select metric_spans.decided
                 where metric_spans.decided > metric_spans.days[1]
                   and metric_spans.decided < metric_spans.days[cardinality(metric_spans.days)]) as d
      ) as c
     cross join lateral (
        select (date_trunc('month', c.since::timestamp - interval '1 day') + interval '1 month')::date as first_month,
               date_trunc('month', c.until::timestamp)::date as last_month
     ) as m
     cross join lateral (
        select 'day' as span, c.since as since, c.until as until where m.first_month >= m.last_month
        union all
        select 'day', c.since, m.first_month where m.first_month < m.last_month
        union all
        select 'month', m.first_month, m.last_month where m.first_month < m.last_month
        union all
        select 'day', m.last_month, c.until where m.first_month < m.last_month
     ) as s
     where c.until is not null and s.since < s.until;
end;
comment on function app.metric_spans(date[], date) is 'The days and whole months that consecutive periods consist of.';

-- app.totals_of_sums: from the sums of one dimension; of some of its members, or of all. Grouped by member, or not. measures: which are
-- added up, NULL for all; the others are 0. The plan, made anew for each call, has nothing of these in it.
-- Each span is looked up in the index and summed by itself: the planner, who takes spans for many, would read the whole dimension
-- instead. A member has a row for each span.
create or replace function app.totals_of_sums(
    organization_id uuid, days date[], decided date, dimension text, members uuid[], is_grouped boolean, measures text[]
) returns setof app.metric_totals
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan
set enable_seqscan = off set enable_memoize = off as $$
declare
    v_measures constant text[] := coalesce(measures, array(select b.measure from app.measures() as b));
begin
    return query
    select s.period, k.*
      from app.metric_spans(days, decided) as s
     cross join lateral (
        select case when is_grouped then m.member_id end,
               coalesce(sum(case when 'every_call' = any (v_measures) then m.every_call end), 0),
               coalesce(sum(case when 'rescheduled' = any (v_measures) then m.rescheduled end), 0),
               coalesce(sum(case when 'shows' = any (v_measures) then m.shows end), 0),
               coalesce(sum(case when 'disqualified' = any (v_measures) then m.disqualified end), 0),
               coalesce(sum(case when 'no_shows' = any (v_measures) then m.no_shows end), 0),
               coalesce(sum(case when 'canceled' = any (v_measures) then m.canceled end), 0),
               coalesce(sum(case when 'canceled_by_host' = any (v_measures) then m.canceled_by_host end), 0),
               coalesce(sum(case when 'offers' = any (v_measures) then m.offers end), 0),
               coalesce(sum(case when 'closes' = any (v_measures) then m.closes end), 0),
               coalesce(sum(case when 'refunded_closes' = any (v_measures) then m.refunded_closes end), 0),
               coalesce(sum(case when 'open' = any (v_measures) and s.is_decided then m.open end), 0),
               coalesce(sum(case when 'open_any' = any (v_measures) and s.is_decided then m.open_any end), 0),
               coalesce(sum(case when 'reports' = any (v_measures) then m.reports end), 0),
               coalesce(sum(case when 'timely' = any (v_measures) then m.timely end), 0),
               coalesce(sum(case when 'booked' = any (v_measures) then m.booked end), 0),
               coalesce(sum(case when 'cohort_calls' = any (v_measures) then m.cohort_calls end), 0),
               coalesce(sum(case when 'cohort_shows' = any (v_measures) then m.cohort_shows end), 0),
               coalesce(sum(case when 'cohort_resolved' = any (v_measures) then m.cohort_resolved end), 0),
               coalesce(sum(case when 'leads' = any (v_measures) then m.leads end), 0),
               coalesce(sum(case when 'leads_closed' = any (v_measures) then m.leads_closed end), 0),
               coalesce(sum(case when 'won' = any (v_measures) then m.won end), 0),
               coalesce(sum(case when 'available_slots' = any (v_measures) then m.available_slots end), 0),
               coalesce(sum(case when 'booked_slots' = any (v_measures) then m.booked_slots end), 0),
               coalesce(sum(case when 'held_slots' = any (v_measures) then m.held_slots end), 0),
               coalesce(sum(case when 'collected' = any (v_measures) then m.collected end), 0),
               coalesce(sum(case when 'refunds' = any (v_measures) then m.refunds end), 0),
               coalesce(sum(case when 'chargebacks' = any (v_measures) then m.chargebacks end), 0),
               coalesce(sum(case when 'new_cash' = any (v_measures) then m.new_cash end), 0),
               coalesce(sum(case when 'upsell_cash' = any (v_measures) then m.upsell_cash end), 0),
               coalesce(sum(case when 'unattributed' = any (v_measures) then m.unattributed end), 0),
               coalesce(sum(case when 'verified' = any (v_measures) then m.verified end), 0),
               coalesce(sum(case when 'net_revenue' = any (v_measures) then m.net_revenue end), 0),
               coalesce(sum(case when 'contracted' = any (v_measures) then m.contracted end), 0),
               coalesce(sum(case when 'deals_collected' = any (v_measures) then m.deals_collected end), 0),
               coalesce(sum(case when 'owed' = any (v_measures) then m.owed end), 0)
          from app.metric_sums as m
         where m.organization_id = totals_of_sums.organization_id and m.dimension = totals_of_sums.dimension and m.span = s.span
           and m.starts_on >= s.since and m.starts_on < s.until and (members is null or m.member_id = any (members))
         group by 1
     ) as k;
end;
$$;
comment on function app.totals_of_sums(uuid, date[], date, text, uuid[], boolean, text[]) is
    'What measures come to, from daily and monthly sums.';

-- app.totals_of_units: from contributions: as last counted, or, where they are not counted yet, from the base rows.
create or replace function app.totals_of_units(
    organization_id uuid, days date[], decided date, grain integer, closers uuid[], setters uuid[],
    source uuid, traffic_type uuid, call_type uuid, dimension text, is_counted boolean
) returns setof app.metric_totals
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
begin
    return query
    select u.period, u.member_id,
           coalesce(sum(n.every_call), 0), coalesce(sum(n.rescheduled), 0), coalesce(sum(n.shows), 0),
           coalesce(sum(n.disqualified), 0), coalesce(sum(n.no_shows), 0), coalesce(sum(n.canceled), 0),
           coalesce(sum(n.canceled_by_host), 0), coalesce(sum(n.offers), 0), coalesce(sum(n.closes), 0),
           coalesce(sum(n.refunded_closes), 0), coalesce(sum(n.open) filter (where u.is_decided), 0),
           coalesce(sum(n.open_any) filter (where u.is_decided), 0), coalesce(sum(n.reports), 0),
           coalesce(sum(n.timely), 0), coalesce(sum(n.booked), 0), coalesce(sum(n.cohort_calls), 0),
           coalesce(sum(n.cohort_shows), 0), coalesce(sum(n.cohort_resolved), 0), coalesce(sum(n.leads), 0),
           coalesce(sum(n.leads_closed), 0), coalesce(sum(n.won), 0), coalesce(sum(n.available_slots), 0),
           coalesce(sum(n.booked_slots), 0), coalesce(sum(n.held_slots), 0), coalesce(sum(n.collected), 0),
           coalesce(sum(n.refunds), 0), coalesce(sum(n.chargebacks), 0), coalesce(sum(n.new_cash), 0),
           coalesce(sum(n.upsell_cash), 0), coalesce(sum(n.unattributed), 0), coalesce(sum(n.verified), 0),
           coalesce(sum(n.net_revenue), 0), coalesce(sum(n.contracted), 0), coalesce(sum(n.deals_collected), 0),
           coalesce(sum(n.owed), 0)
      from (
        select width_bucket(c.day, days) as period,
               app.member_of(dimension, c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id,
                             c.package_id) as member_id,
               c.day < decided as is_decided, c.measures, count(*) as times, sum(c.amount) as amount
          from (
            select f.day, f.grains, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.package_id,
                   f.measures, f.amount
              from app.metric_facts as f
             where is_counted and f.organization_id = totals_of_units.organization_id
            union all
            select e.day, e.grains, e.closer_id, e.setter_id, e.source_id, e.traffic_type_id, e.call_type_id, e.package_id,
                   e.measures, e.amount
              from app.every_unit(totals_of_units.organization_id) as e
             where not is_counted
          ) as c
         where c.day >= days[1] and c.day < days[cardinality(days)]
           and c.grains & grain <> 0
           and (closers is null or c.closer_id = any (closers)) and (setters is null or c.setter_id = any (setters))
           and (totals_of_units.source is null or c.source_id = totals_of_units.source)
           and (traffic_type is null or c.traffic_type_id = traffic_type)
           and (call_type is null or c.call_type_id = call_type)
         group by 1, 2, 3, 4
      ) as u
     cross join lateral app.counted_in(u.measures, u.times, u.amount) as n
     group by 1, 2;
end;
$$;
comment on function app.totals_of_units(uuid, date[], date, integer, uuid[], uuid[], uuid, uuid, uuid, text, boolean) is
    'What measures come to, from contributions.';

-- app.totals_of_changes: what has changed since it was last counted, as app.differences has it.
create or replace function app.totals_of_changes(
    organization_id uuid, days date[], decided date, grain integer, closers uuid[], setters uuid[],
    source uuid, traffic_type uuid, call_type uuid, dimension text, differences app.metric_difference[]
) returns setof app.metric_totals
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
    v_differences constant app.metric_difference[] := coalesce(differences, app.differences(organization_id));
begin
    if v_differences = '{}' then
        return;
    end if;
    return query
    select u.period, u.member_id,
           coalesce(sum(n.every_call), 0), coalesce(sum(n.rescheduled), 0), coalesce(sum(n.shows), 0),
           coalesce(sum(n.disqualified), 0), coalesce(sum(n.no_shows), 0), coalesce(sum(n.canceled), 0),
           coalesce(sum(n.canceled_by_host), 0), coalesce(sum(n.offers), 0), coalesce(sum(n.closes), 0),
           coalesce(sum(n.refunded_closes), 0), coalesce(sum(n.open) filter (where u.is_decided), 0),
           coalesce(sum(n.open_any) filter (where u.is_decided), 0), coalesce(sum(n.reports), 0),
           coalesce(sum(n.timely), 0), coalesce(sum(n.booked), 0), coalesce(sum(n.cohort_calls), 0),
           coalesce(sum(n.cohort_shows), 0), coalesce(sum(n.cohort_resolved), 0), coalesce(sum(n.leads), 0),
           coalesce(sum(n.leads_closed), 0), coalesce(sum(n.won), 0), coalesce(sum(n.available_slots), 0),
           coalesce(sum(n.booked_slots), 0), coalesce(sum(n.held_slots), 0), coalesce(sum(n.collected), 0),
           coalesce(sum(n.refunds), 0), coalesce(sum(n.chargebacks), 0), coalesce(sum(n.new_cash), 0),
           coalesce(sum(n.upsell_cash), 0), coalesce(sum(n.unattributed), 0), coalesce(sum(n.verified), 0),
           coalesce(sum(n.net_revenue), 0), coalesce(sum(n.contracted), 0), coalesce(sum(n.deals_collected), 0),
           coalesce(sum(n.owed), 0)
      from (
        select width_bucket(c.day, days) as period,
               app.member_of(dimension, c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id,
                             c.package_id) as member_id,
               c.day < decided as is_decided, c.measures, sum(c.times)::bigint as times, sum(c.amount) as amount
          from unnest(v_differences) as c
         where c.day >= days[1] and c.day < days[cardinality(days)]
           and c.grains & grain <> 0
           and (closers is null or c.closer_id = any (closers)) and (setters is null or c.setter_id = any (setters))
           and (totals_of_changes.source is null or c.source_id = totals_of_changes.source)
           and (traffic_type is null or c.traffic_type_id = traffic_type)
           and (call_type is null or c.call_type_id = call_type)
         group by 1, 2, 3, 4
      ) as u
     cross join lateral app.counted_in(u.measures, u.times, u.amount) as n
     group by 1, 2;
end;
$$;
comment on function app.totals_of_changes(
    uuid, date[], date, integer, uuid[], uuid[], uuid, uuid, uuid, text, app.metric_difference[]) is
    'What measures have changed by since they were last counted.';

-- app.totals_of_periods: what every measure comes to in periods, for members, at this instant. One filter or one dimension, or none, is
-- answered from sums; several from contributions; and everything from the base rows while an organization's rollup is not built.
-- measures: those that are asked for, NULL for all; others may be anything. differences: what app.differences gives, from whoever has
-- asked in the same snapshot; NULL to ask.
create or replace function app.totals_of_periods(
    organization_id uuid, days date[], decided date, grain integer, closers uuid[], setters uuid[],
    source uuid, traffic_type uuid, call_type uuid, dimension text, measures text[], differences app.metric_difference[] default null
) returns setof app.metric_totals
language plpgsql stable set search_path = '' as $$
declare
    v_filter  constant text := case num_nonnulls(closers, setters, source, traffic_type, call_type)
        when 0 then coalesce(dimension, 'all')
        when 1 then case when closers is not null then 'closer' when setters is not null then 'setter'
                         when source is not null then 'source' when traffic_type is not null then 'traffic_type'
                         else 'call_type' end
    end;
    v_members constant uuid[] := coalesce(closers, setters, array[coalesce(source, traffic_type, call_type)]);
begin
    if not app.has_rollup(totals_of_periods.organization_id) then
        return query
        select t.* from app.totals_of_units(totals_of_periods.organization_id, days, decided, grain, closers, setters,
                                            totals_of_periods.source, traffic_type, call_type, dimension, false) as t;
        return;
    end if;
    return query
    select t.* from app.totals_of_changes(totals_of_periods.organization_id, days, decided, grain, closers, setters,
                                          totals_of_periods.source, traffic_type, call_type, dimension, differences) as t;
    if coalesce(dimension, v_filter) = v_filter then
        return query
        select t.* from app.totals_of_sums(totals_of_periods.organization_id, days, decided, v_filter,
                                           case when num_nonnulls(closers, setters, totals_of_periods.source, traffic_type, call_type) > 0
                                                then v_members end,
                                           dimension is not null, measures) as t;
    else
        return query
        select t.* from app.totals_of_units(totals_of_periods.organization_id, days, decided, grain, closers, setters,
                                            totals_of_periods.source, traffic_type, call_type, dimension, true) as t;
    end if;
end;
$$;
comment on function app.totals_of_periods(
    uuid, date[], date, integer, uuid[], uuid[], uuid, uuid, uuid, text, text[], app.metric_difference[]) is
    'What every measure comes to in periods, for members, at this instant.';
