-- Every core metric, composed once from the facts: a numerator, and a denominator where it is a ratio.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person.

-- app.member_of: the member of a dimension that a row belongs to; NULL without a dimension.
create or replace function app.member_of(
    dimension text, closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid
) returns uuid
language sql immutable parallel safe
return case dimension when 'closer' then closer_id when 'setter' then setter_id when 'source' then source_id
                      when 'traffic_type' then traffic_type_id when 'call_type' then call_type_id
                      when 'package' then package_id end;
comment on function app.member_of(text, uuid, uuid, uuid, uuid, uuid, uuid) is 'The member of a dimension that a row belongs to.';

-- app.grain_asked: which contributions answer a question about closers, setters, both or nobody in particular.
create or replace function app.grain_asked(cash_role text, by_closer boolean, by_setter boolean) returns integer
language sql immutable parallel safe
return app.grain_bit(case when by_closer and by_setter
                          then case when cash_role = 'setter' then 'setter_of_pair' else 'closer_of_pair' end
                          when by_closer then 'closer' when by_setter then 'setter' else 'whole' end);
comment on function app.grain_asked(text, boolean, boolean) is 'Which contributions answer a question about people.';

-- app.nobody: an id that no row has, for joining members of whom one is NULL.
create or replace function app.nobody() returns uuid
language sql immutable parallel safe
return '00000000-0000-0000-0000-000000000000'::uuid;
comment on function app.nobody() is 'An id that no row has.';

-- app.decided_before: calls of earlier days than this count as over by an instant, but for those of app.calls_being_decided. From the
-- afternoon on it is tomorrow: then few calls are left of today, and before it few are over that nobody reported on.
create or replace function app.decided_before(as_of timestamptz, timezone text) returns date
language sql immutable parallel safe
return ((as_of + interval '9 hours') at time zone timezone)::date;
comment on function app.decided_before(timestamptz, text) is 'Calls of earlier days count as over by an instant, but for some.';

-- app.calls_being_decided: calls without a form for which it is not the day that tells whether they are over by an instant, and whether
-- they were over when the grace for forms began. pending, overdue: what they add to the open calls of the days before
-- app.decided_before: 1 for a later call that is over, -1 for an earlier one that is not. Both are those of some hours, found by index.
create or replace function app.calls_being_decided(
    organization_id uuid, as_of timestamptz, grace interval, timezone text, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    event_id uuid, scheduled_at timestamptz, closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid,
    call_type_id uuid, in_rates boolean, pending integer, overdue integer
)
language sql stable parallel safe
begin atomic
    select f.event_id, f.scheduled_at, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.in_rates,
           1, (f.scheduled_end_at <= calls_being_decided.as_of - grace)::integer
      from app.call_facts(calls_being_decided.organization_id, closers, setters, source, traffic_type, call_type) as f
     where f.call_status = 'scheduled' and f.scheduled_end_at <= calls_being_decided.as_of
       and f.scheduled_at >= (select app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone))
       and f.scheduled_end_at > (select app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone))
    union all
    select f.event_id, f.scheduled_at, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.in_rates,
           -(f.scheduled_end_at > calls_being_decided.as_of)::integer, -1
      from app.call_facts(calls_being_decided.organization_id, closers, setters, source, traffic_type, call_type) as f
     where f.call_status = 'scheduled' and f.scheduled_end_at > calls_being_decided.as_of - grace
       and f.scheduled_at < (select app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone))
       and f.scheduled_end_at - f.scheduled_at <= interval '6 hours'
       and f.scheduled_end_at
           < (select app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone) + interval '6 hours')
    union all
    select f.event_id, f.scheduled_at, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.in_rates,
           -(f.scheduled_end_at > calls_being_decided.as_of)::integer, -1
      from app.call_facts(calls_being_decided.organization_id, closers, setters, source, traffic_type, call_type) as f
     where f.call_status = 'scheduled' and f.scheduled_end_at > calls_being_decided.as_of - grace
       and f.scheduled_at < (select app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone))
       and f.scheduled_end_at - f.scheduled_at > interval '6 hours';  -- few, with an index of their own
end;
comment on function app.calls_being_decided(uuid, timestamptz, interval, text, uuid[], uuid[], uuid, uuid, uuid) is
    'Calls without a form for which the day does not tell whether they are over by an instant.';

-- app.open_counts: what the calls being decided come to, by period (app.metric_values) and member of a dimension.
create or replace function app.open_counts(
    organization_id uuid, bounds timestamptz[], as_of timestamptz, grace interval, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns setof app.open_count
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_timezone text;
begin
    select o.timezone into strict v_timezone from app.organizations as o where o.id = open_counts.organization_id;
    return query
    select width_bucket(f.scheduled_at, bounds),
           app.member_of(dimension, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, null),
           f.in_rates, sum(f.pending), sum(f.overdue)
      from app.calls_being_decided(open_counts.organization_id, open_counts.as_of, grace, v_timezone, closers, setters,
                                   open_counts.source, traffic_type, call_type) as f
     group by 1, 2, 3;
end;
$$;
comment on function app.open_counts(
    uuid, timestamptz[], timestamptz, interval, uuid[], uuid[], uuid, uuid, uuid, text) is
    'What the calls being decided come to, by period and member.';

-- app.median_delays: the median time from the end of a call to the first report on it, of the calls of each period, by member.
-- A median is not made of sums: the reports are read one by one, and the plan is made anew so that absent filters cost nothing.
-- Without bounds nothing is read.
create or replace function app.median_delays(
    organization_id uuid, bounds timestamptz[], closers uuid[], setters uuid[],
    source uuid, traffic_type uuid, call_type uuid, dimension text
) returns table (period integer, member_id uuid, median_delay numeric)
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_column
begin
    if bounds is null then
        return;
    end if;
    return query
    select width_bucket(f.scheduled_at, bounds),
           app.member_of(dimension, f.closer_id, f.setter_id, c.source_id, c.traffic_type_id, c.call_type_id, null),
           (percentile_disc(0.5) within group (order by f.delay_seconds)
            + percentile_disc(0.5) within group (order by f.delay_seconds desc)) / 2
      from app.form_facts(median_delays.organization_id, closers, setters, median_delays.source, traffic_type, call_type) as f
      join app.call_facts(median_delays.organization_id) as c on c.event_id = f.event_id
     where f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
     group by 1, 2;
end;
$$;
comment on function app.median_delays(uuid, timestamptz[], uuid[], uuid[], uuid, uuid, uuid, text) is
    'The median time from the end of a call to the first report on it.';

-- app.period_totals: what metrics are made of, one row for each of consecutive periods and each member with any activity; arguments as
-- app.metric_values. coverage: of the calls that were due, of how many it is known how they ended.
create or replace function app.period_totals(
    organization_id uuid, bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null,
    metrics text[] default null, open_calls app.open_count[] default null, differences app.metric_difference[] default null
) returns table (
    period integer, member_id uuid,
    every_call numeric, rescheduled numeric, shows numeric, disqualified numeric, no_shows numeric, canceled numeric,
    canceled_by_host numeric, offers numeric, closes numeric, refunded_closes numeric, reports numeric, timely numeric, booked
    numeric, cohort_calls numeric, cohort_shows numeric, cohort_resolved numeric, leads numeric, leads_closed numeric, won numeric,
    pending numeric, due numeric, due_or_canceled numeric, cohort_coverage numeric, available_slots numeric, booked_slots numeric,
    held_slots numeric, collected numeric, refunds numeric, chargebacks numeric, new_cash numeric, upsell_cash numeric, unattributed
    numeric, verified numeric, net_revenue numeric, contracted numeric, deals_collected numeric, net_cash numeric, coverage numeric
)
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_timezone text;
    v_scale    integer;
    v_days     date[];
    v_open     constant app.open_count[] := coalesce(period_totals.open_calls, array(
        select c from app.open_counts(period_totals.organization_id, bounds, period_totals.as_of, interval '0', closers, setters,
                                      period_totals.source, traffic_type, call_type, dimension) as c));
begin
    select o.timezone, app.currency_exponent(o.currency),
           array(select (b.at at time zone o.timezone)::date from unnest(bounds) with ordinality as b (at, n) order by b.n)
      into strict v_timezone, v_scale, v_days
      from app.organizations as o
     where o.id = period_totals.organization_id;

    return query
    with totals as (
        select t.period, t.member_id,
               sum(t.every_call) as every_call, sum(t.rescheduled) as rescheduled, sum(t.shows) as shows,
               sum(t.disqualified) as disqualified, sum(t.no_shows) as no_shows, sum(t.canceled) as canceled,
               sum(t.canceled_by_host) as canceled_by_host, sum(t.offers) as offers, sum(t.closes) as closes,
               sum(t.refunded_closes) as refunded_closes, sum(t.open) as open, sum(t.reports) as reports,
               sum(t.timely) as timely, sum(t.booked) as booked, sum(t.cohort_calls) as cohort_calls,
               sum(t.cohort_shows) as cohort_shows, sum(t.cohort_resolved) as cohort_resolved, sum(t.leads) as leads,
               sum(t.leads_closed) as leads_closed, sum(t.won) as won, sum(t.available_slots) as available_slots,
               sum(t.booked_slots) as booked_slots, sum(t.held_slots) as held_slots, sum(t.collected) as collected,
               sum(t.refunds) as refunds, sum(t.chargebacks) as chargebacks, sum(t.new_cash) as new_cash,
               sum(t.upsell_cash) as upsell_cash, sum(t.unattributed) as unattributed, sum(t.verified) as verified,
               sum(t.net_revenue) as net_revenue, sum(t.contracted) as contracted, sum(t.deals_collected) as deals_collected
          from app.totals_of_periods(
                period_totals.organization_id, v_days, app.decided_before(period_totals.as_of, v_timezone),
                app.grain_asked(period_totals.cash_role, closers is not null or dimension = 'closer',
                                setters is not null or dimension = 'setter'),
                closers, setters, period_totals.source, traffic_type, call_type, dimension,
                app.measures_of(period_totals.metrics), period_totals.differences) as t
         group by t.period, t.member_id
    ), lately as (
        select c.period, c.member_id, sum(c.pending) as pending
          from unnest(v_open) as c
         where c.in_rates and c.period between 1 and cardinality(bounds) - 1
         group by c.period, c.member_id
    ), members as (
        select t.member_id from totals as t
        union
        select null where dimension is null
    )
    select p.period, i.member_id,
           y.every_call, y.rescheduled, y.shows, y.disqualified, y.no_shows, y.canceled, y.canceled_by_host, y.offers, y.closes,
           y.refunded_closes, y.reports, y.timely, y.booked, y.cohort_calls, y.cohort_shows, y.cohort_resolved, y.leads,
           y.leads_closed, y.won, y.pending, y.due, y.due_or_canceled, y.cohort_coverage, y.available_slots, y.booked_slots,
           y.held_slots, y.collected, y.refunds, y.chargebacks, y.new_cash, y.upsell_cash, y.unattributed, y.verified,
           y.net_revenue, y.contracted, y.deals_collected,
           y.collected - y.refunds, y.due / nullif(y.due + y.pending, 0)
      from generate_series(1, cardinality(bounds) - 1) as p (period)
     cross join members as i
      left join totals as t
        on t.period = p.period and coalesce(t.member_id, app.nobody()) = coalesce(i.member_id, app.nobody())
      left join lately as l
        on l.period = p.period and coalesce(l.member_id, app.nobody()) = coalesce(i.member_id, app.nobody())
     cross join lateral (
        select coalesce(t.every_call, 0) as every_call, coalesce(t.rescheduled, 0) as rescheduled,
               coalesce(t.shows, 0) as shows, coalesce(t.disqualified, 0) as disqualified,
               coalesce(t.no_shows, 0) as no_shows, coalesce(t.canceled, 0) as canceled,
               coalesce(t.canceled_by_host, 0) as canceled_by_host, coalesce(t.offers, 0) as offers,
               coalesce(t.closes, 0) as closes, coalesce(t.refunded_closes, 0) as refunded_closes,
               coalesce(t.reports, 0) as reports, coalesce(t.timely, 0) as timely,
               coalesce(t.booked, 0) as booked, coalesce(t.cohort_calls, 0) as cohort_calls,
               coalesce(t.cohort_shows, 0) as cohort_shows,
               coalesce(t.cohort_resolved, 0) as cohort_resolved, coalesce(t.leads, 0) as leads,
               coalesce(t.leads_closed, 0) as leads_closed, coalesce(t.won, 0) as won,
               coalesce(t.open, 0) + coalesce(l.pending, 0) as pending,
               coalesce(t.shows + t.no_shows, 0) as due,
               coalesce(t.shows + t.no_shows + t.canceled, 0) as due_or_canceled,
               t.cohort_resolved / nullif(t.cohort_calls, 0) as cohort_coverage,
               coalesce(t.available_slots, 0) as available_slots, coalesce(t.booked_slots, 0) as booked_slots,
               coalesce(t.held_slots, 0) as held_slots,
               round(coalesce(t.collected, 0), v_scale) as collected, round(-coalesce(t.refunds, 0), v_scale) as refunds,
               round(-coalesce(t.chargebacks, 0), v_scale) as chargebacks, round(coalesce(t.new_cash, 0), v_scale) as new_cash,
               round(coalesce(t.upsell_cash, 0), v_scale) as upsell_cash,
               round(coalesce(t.unattributed, 0), v_scale) as unattributed,
               round(coalesce(t.verified, 0), v_scale) as verified, round(coalesce(t.net_revenue, 0), v_scale) as net_revenue,
               round(coalesce(t.contracted, 0), v_scale) as contracted,
               round(coalesce(t.deals_collected, 0), v_scale) as deals_collected
        offset 0  -- once for a member
     ) as y;
end;
$$;
comment on function app.period_totals(
    uuid, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text, text[], app.open_count[], app.metric_difference[]) is
    'What metrics are made of, by period and member.';

-- app.metric_values: the metrics of consecutive periods, grouped by the members of a dimension, or not.
-- Period n runs from bounds[n] to before bounds[n + 1], instants at which local days begin. One row for each period, also for empty
-- ones, each member with any activity, and each period metric. dimension: closer, setter, source, traffic_type, call_type or
-- package; its member NULL is Unassigned, and without a dimension the whole. By a person, money is the part that person is
-- credited with: the parts of members add up, Unassigned included. cash_role: whose parts count where both a closer and a setter
-- are asked about. denominator: NULL for what is no ratio. coverage: the share of the calls behind the number of which it is
-- known how they ended. metrics: which, and no other measure is added up; NULL for all but pcf_median_delay, for which every
-- report is read. open_calls: what app.open_counts gives for the same arguments, differences: what app.differences gives, both from
-- whoever has asked already.
create or replace function app.metric_values(
    organization_id uuid, bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null,
    metrics text[] default null, open_calls app.open_count[] default null, differences app.metric_difference[] default null
) returns table (period integer, member_id uuid, metric text, numerator numeric, denominator numeric, coverage numeric)
language sql stable
begin atomic
    select y.period, y.member_id, m.metric, m.numerator, m.denominator, m.coverage
      from app.period_totals(metric_values.organization_id, bounds, metric_values.as_of, metric_values.cash_role, closers, setters,
                             metric_values.source, traffic_type, call_type, dimension, metric_values.metrics,
                             metric_values.open_calls, metric_values.differences) as y
      left join app.median_delays(metric_values.organization_id,
                                  case when 'pcf_median_delay' = any (metric_values.metrics) then bounds end, closers, setters,
                                  metric_values.source, traffic_type, call_type, dimension) as q
        on q.period = y.period and coalesce(q.member_id, app.nobody()) = coalesce(y.member_id, app.nobody())
     cross join lateral (values
        ('booked_calls',            y.booked,                        null,              null),
        ('scheduled_calls',         y.every_call - y.rescheduled,    null,              null),
        ('shows',                   y.shows,                         null,              y.coverage),
        ('no_shows',                y.no_shows,                      null,              y.coverage),
        ('canceled',                y.canceled,                      null,              null),
        ('canceled_by_invitee',     y.canceled - y.canceled_by_host, null,              null),
        ('canceled_by_host',        y.canceled_by_host,              null,              null),
        ('pending',                 y.pending,                       null,              null),
        ('offers',                  y.offers,                        null,              y.coverage),
        ('closes',                  y.closes,                        null,              y.coverage),
        ('show_rate',               y.shows,                         y.due,             y.coverage),
        ('no_show_rate',            y.no_shows,                      y.due,             y.coverage),
        ('gross_show_rate',         y.shows,                         y.due_or_canceled, y.coverage),
        ('show_rate_booked_cohort', y.cohort_shows,                  y.cohort_resolved, y.cohort_coverage),
        ('cancellation_rate',       y.canceled,                      y.due_or_canceled, y.coverage),
        ('reschedule_rate',         y.rescheduled,                   y.every_call,      y.coverage),
        ('offer_rate',              y.offers,                        y.shows,           y.coverage),
        ('close_rate',              y.closes,                        y.shows,           y.coverage),
        ('close_rate_on_offers',    y.closes,                        y.offers,          y.coverage),
        ('close_rate_on_booked',    y.closes,                        y.due_or_canceled, y.coverage),
        ('lead_close_rate',         y.leads_closed,                  y.leads,           y.coverage),
        ('net_close_rate',          y.closes - y.refunded_closes,    y.shows,           y.coverage),
        ('qualified_show_rate',     y.shows - y.disqualified,        y.due,             y.coverage),
        ('reporting_coverage',      y.due,                           y.due + y.pending, y.coverage),
        ('pcf_timeliness',          y.timely,                        y.reports,         y.coverage),
        ('pcf_median_delay',        q.median_delay,                 null,              y.coverage),
        ('utilization',             y.booked_slots,                  y.available_slots, null),
        ('held_utilization',        y.held_slots,                    y.available_slots, null),
        ('deals_won',               y.won,                           null,              null),
        ('cash_collected',          y.collected,                     null,              null),
        ('refunds',                 y.refunds,                       null,              null),
        ('chargebacks',             y.chargebacks,                   null,              null),
        ('net_cash',                y.net_cash,                      null,              null),
        ('net_revenue',             y.net_revenue,                   null,              null),
        ('new_cash',                y.new_cash,                      null,              null),
        ('upsell_cash',             y.upsell_cash,                   null,              null),
        ('contracted_revenue',      y.contracted,                    null,              null),
        ('collected_share',         y.deals_collected,               y.contracted,      null),
        ('aov',                     y.contracted,                    y.won,             null),
        ('cash_per_show',           y.net_cash,                      y.shows,           y.coverage),
        ('cash_per_booked',         y.net_cash,                      y.booked,          null),
        ('unattributed_cash',       y.unattributed,                  null,              null),
        ('verified_share',          y.verified,                      y.collected,       null)
     ) as m (metric, numerator, denominator, coverage)
     where m.metric = any (metric_values.metrics) or metric_values.metrics is null and m.metric <> 'pcf_median_delay';
end;
comment on function app.metric_values(
    uuid, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text, text[], app.open_count[], app.metric_difference[]) is
    'The metrics of consecutive periods, grouped by the members of a dimension.';

-- app.core_metrics: every core metric of a period, beside the one before, as one person or filter sees it: NULL where
-- app.hides_metric says so. After those of the catalog come the organization's own. The median is left to those who ask for it
-- by name: it alone is not made of sums.
-- seen_as, cash_role, closers, setters: what app.metric_scope makes of a request. differences: as app.metric_values.
create or replace function app.core_metrics(
    organization_id uuid, start_date date, end_date date, as_of timestamptz,
    seen_as text, cash_role text default null, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null,
    differences app.metric_difference[] default null
) returns table (
    metric text, unit text, value numeric, numerator numeric, denominator numeric, previous_value numeric, coverage numeric)
language plpgsql stable
set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := core_metrics.organization_id;
    v_as_of           constant timestamptz := core_metrics.as_of;
    v_before          record;
    v_timezone        text;
    v_cash            boolean;
    v_grace           interval;
    v_bounds          timestamptz[];
    v_open            app.open_count[];
    v_differences     constant app.metric_difference[] := coalesce(core_metrics.differences, app.differences(core_metrics.organization_id));
begin
    select b.start_date, b.end_date into strict v_before
      from app.previous_period(core_metrics.start_date, core_metrics.end_date) as b;
    select o.timezone, o.pcf_grace, coalesce(p.show_cash, true) into strict v_timezone, v_grace, v_cash
      from app.organizations as o
      left join app.portal_settings as p on p.organization_id = o.id
     where o.id = v_organization_id;
    v_bounds := array[app.day_start(v_before.start_date, v_timezone), app.day_start(core_metrics.start_date, v_timezone),
                      app.day_start(core_metrics.end_date + 1, v_timezone)];
    v_open := array(
        select c from app.open_counts(v_organization_id, v_bounds, v_as_of, v_grace, core_metrics.closers, core_metrics.setters,
                                      core_metrics.source, core_metrics.traffic_type, core_metrics.call_type) as c);

    return query
    with measured as (
        select m.period, m.metric, m.numerator, m.denominator, m.coverage
          from app.metric_values(v_organization_id, v_bounds, v_as_of, core_metrics.cash_role, core_metrics.closers,
                                 core_metrics.setters, core_metrics.source, core_metrics.traffic_type,
                                 core_metrics.call_type, open_calls => v_open, differences => v_differences) as m
        union all
        select 2, m.metric, m.numerator, null, null
          from app.standing_values(v_organization_id, v_as_of, core_metrics.closers, core_metrics.setters, core_metrics.source,
                                   core_metrics.traffic_type, core_metrics.call_type, open_calls => v_open,
                                   differences => v_differences) as m
    )
    select c.metric, c.unit,
           case when n.denominator is null then n.numerator else n.numerator / nullif(n.denominator, 0) end,
           n.numerator, n.denominator,
           case when b.denominator is null then b.numerator else b.numerator / nullif(b.denominator, 0) end,
           n.coverage
      from app.metric_catalog as c
      left join measured as n on n.metric = c.metric and n.period = 2
       and not app.hides_metric(core_metrics.seen_as, v_cash, app.metric_rests_on(c.metric), c.unit)
      left join measured as b on b.metric = n.metric and b.period = 1
     where c.family <> 'setters' and c.metric <> 'pcf_median_delay'
     order by c.position;
    if exists (select from app.own_metrics(v_organization_id) as m) then
        return query
        select m.metric, m.unit, m.value, m.numerator, m.denominator, m.previous_value, m.coverage
          from app.own_core_metrics(v_organization_id, v_bounds, v_as_of, core_metrics.seen_as, v_cash, core_metrics.cash_role,
                                    core_metrics.closers, core_metrics.setters, core_metrics.source, core_metrics.traffic_type,
                                    core_metrics.call_type) as m;
    end if;
end;
$$;
comment on function app.core_metrics(
    uuid, date, date, timestamptz, text, text, uuid[], uuid[], uuid, uuid, uuid, app.metric_difference[]) is
    'Every core metric of a period beside the one before, as one person sees it.';
