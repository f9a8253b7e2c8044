-- Every core metric, composed once from the facts: a numerator, and a denominator where it is a ratio.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person.

-- app.period_metrics: the metrics of consecutive periods. Period n runs from bounds[n] to before bounds[n + 1], instants at
-- which local days begin; each fact is read once, however many periods there are.
-- cash_role: NULL for whole payments, else whose parts count. scale: decimal places of the organization's currency.
-- denominator: NULL for what is no ratio. coverage: the share of the calls behind the number of which it is known how they
-- ended.
drop function if exists app.period_metrics(
    uuid, timestamptz[], text, timestamptz, integer, text, uuid[], uuid[], uuid, uuid, uuid);
create or replace function app.period_metrics(
    organization_id uuid, bounds timestamptz[], timezone text, as_of timestamptz, scale integer, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (period integer, metric text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    select p.period, m.metric, m.numerator, m.denominator, m.coverage
      from generate_series(1, cardinality(bounds) - 1) as p (period)
      left join (
        select width_bucket(f.scheduled_at, bounds) as period,
               count(*) as every_call,
               count(*) filter (where app.is_call_of('rescheduled', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as rescheduled,
               count(*) filter (where app.is_call_of('shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as shows,
               count(*) filter (where app.is_call_of('shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over) and q.id is not null) as disqualified,
               count(*) filter (where app.is_call_of('no_shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as no_shows,
               count(*) filter (where app.is_call_of('canceled', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as canceled,
               count(*) filter (where app.is_call_of('canceled_by_host', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as canceled_by_host,
               count(*) filter (where app.is_call_of('pending', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as pending,
               count(*) filter (where app.is_call_of('offers', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as offers,
               count(*) filter (where app.is_call_of('closes', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as closes,
               count(*) filter (where app.is_call_of('closes', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over) and r.event_id is not null) as refunded_closes
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          left join app.refunded_calls(period_metrics.organization_id) as r on r.event_id = f.event_id
          left join app.post_call_forms as q
            on q.organization_id = period_metrics.organization_id and q.event_id = f.event_id and q.is_active and q.disqualified
         cross join lateral (select f.scheduled_end_at <= period_metrics.as_of as is_over) as o
         where f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
         group by 1
      ) as c on c.period = p.period
      left join (
        select width_bucket(f.scheduled_at, bounds) as period,
               count(*) as reports,
               count(*) filter (where f.delay_seconds <= 86400) as timely,
               (percentile_disc(0.5) within group (order by f.delay_seconds)
                + percentile_disc(0.5) within group (order by f.delay_seconds desc)) / 2 as median_delay
          from app.form_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
         group by 1
      ) as q on q.period = p.period
      left join (
        select width_bucket(f.booked_at, bounds) as period,
               count(*) as booked,
               count(*) filter (where f.in_rates) as in_rates,
               count(*) filter (where f.in_rates and f.call_status = 'completed') as shows,
               count(*) filter (where f.in_rates and f.call_status in ('completed', 'no_show', 'canceled')) as resolved
          from app.chain_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.booked_at >= bounds[1] and f.booked_at < bounds[cardinality(bounds)]
         group by 1
      ) as b on b.period = p.period
      left join (
        select width_bucket(f.scheduled_at, bounds) as period,
               count(*) as leads,
               count(*) filter (where f.has_closed) as closed
          from app.first_show_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
         group by 1
      ) as l on l.period = p.period
      left join (
        select width_bucket(f.moved_at, bounds) as period,
               sum(f.amount) filter (where app.is_cash_of('cash_collected', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as collected,
               -sum(f.amount) filter (where app.is_cash_of('refunds', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as refunds,
               -sum(f.amount) filter (where app.is_cash_of('chargebacks', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as chargebacks,
               sum(f.amount) filter (where app.is_cash_of('new_cash', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as new_cash,
               sum(f.amount) filter (where app.is_cash_of('upsell_cash', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as upsell_cash,
               sum(f.amount) filter (where app.is_cash_of('unattributed_cash', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as unattributed,
               sum(f.amount) filter (where app.is_cash_of('verified_cash', f.kind, f.deal_type, f.has_closer, f.is_from_processor)) as verified
          from app.credited_cash_facts(period_metrics.organization_id, cash_role, closers, setters,
                                       source, traffic_type, call_type) as f
         where f.moved_at >= bounds[1] and f.moved_at < bounds[cardinality(bounds)]
         group by 1
      ) as k on k.period = p.period
      left join (
        select width_bucket(f.paid_at, bounds) as period, sum(f.amount) as net_revenue
          from app.credited_cash_facts(period_metrics.organization_id, cash_role, closers, setters,
                                       source, traffic_type, call_type) as f
         where f.paid_at >= bounds[1] and f.paid_at < bounds[cardinality(bounds)]
         group by 1
      ) as n on n.period = p.period
      left join (
        select width_bucket(f.closed_at, bounds) as period,
               count(*) filter (where f.status = 'won') as won,
               sum(f.contract_value) as contracted
          from app.deal_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.closed_at >= bounds[1] and f.closed_at < bounds[cardinality(bounds)]
         group by 1
      ) as d on d.period = p.period
      left join (
        select width_bucket(f.closed_at, bounds) as period, sum(g.amount) as collected
          from app.deal_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.cash_facts(period_metrics.organization_id) as g on g.deal_id = f.deal_id
         where f.closed_at >= bounds[1] and f.closed_at < bounds[cardinality(bounds)]
         group by 1
      ) as e on e.period = p.period
      left join (
        -- Slots belong to closers: who booked a call, and whence its lead came, divide only what was booked.
        select width_bucket(app.day_start(f.day, timezone), bounds) as period,
               sum(f.available_slots) as available, sum(f.booked_slots) as booked, sum(f.held_slots) as held
          from app.capacity_facts(
                   period_metrics.organization_id, (bounds[1] at time zone timezone)::date,
                   (bounds[cardinality(bounds)] at time zone timezone)::date - 1, closers) as f
         where setters is null and source is null and traffic_type is null and call_type is null
         group by 1
      ) as s on s.period = p.period
     cross join lateral (
        select coalesce(c.every_call, 0)::numeric as every_call, coalesce(c.rescheduled, 0)::numeric as rescheduled,
               coalesce(c.shows, 0)::numeric as shows, coalesce(c.disqualified, 0)::numeric as disqualified,
               coalesce(c.no_shows, 0)::numeric as no_shows, coalesce(c.pending, 0)::numeric as pending,
               coalesce(c.canceled, 0)::numeric as canceled, coalesce(c.canceled_by_host, 0)::numeric as canceled_by_host,
               coalesce(c.offers, 0)::numeric as offers, coalesce(c.closes, 0)::numeric as closes,
               coalesce(c.refunded_closes, 0)::numeric as refunded_closes,
               coalesce(c.shows + c.no_shows, 0)::numeric as due,
               coalesce(c.shows + c.no_shows + c.canceled, 0)::numeric as due_or_canceled,
               (c.shows + c.no_shows)::numeric / nullif(c.shows + c.no_shows + c.pending, 0) as coverage,
               coalesce(q.reports, 0)::numeric as reports, coalesce(q.timely, 0)::numeric as timely, q.median_delay,
               coalesce(b.booked, 0)::numeric as booked, coalesce(b.shows, 0)::numeric as cohort_shows,
               coalesce(b.resolved, 0)::numeric as cohort_resolved,
               b.resolved::numeric / nullif(b.in_rates, 0) as cohort_coverage,
               coalesce(l.leads, 0)::numeric as leads, coalesce(l.closed, 0)::numeric as leads_closed,
               round(coalesce(k.collected, 0), scale) as collected, round(coalesce(k.refunds, 0), scale) as refunds,
               round(coalesce(k.collected, 0) - coalesce(k.refunds, 0), scale) as net_cash,
               round(coalesce(k.chargebacks, 0), scale) as chargebacks,
               round(coalesce(k.new_cash, 0), scale) as new_cash, round(coalesce(k.upsell_cash, 0), scale) as upsell_cash,
               round(coalesce(k.unattributed, 0), scale) as unattributed, round(coalesce(k.verified, 0), scale) as verified,
               round(coalesce(n.net_revenue, 0), scale) as net_revenue,
               coalesce(d.won, 0)::numeric as won, round(coalesce(d.contracted, 0), scale) as contracted,
               round(coalesce(e.collected, 0), scale) as deals_collected,
               coalesce(s.available, 0)::numeric as available_slots, coalesce(s.booked, 0)::numeric as booked_slots,
               coalesce(s.held, 0)::numeric as held_slots
     ) as z
     cross join lateral (values
        ('booked_calls',            z.booked,                        null,              null),
        ('scheduled_calls',         z.every_call - z.rescheduled,    null,              null),
        ('shows',                   z.shows,                         null,              z.coverage),
        ('no_shows',                z.no_shows,                      null,              z.coverage),
        ('canceled',                z.canceled,                      null,              null),
        ('canceled_by_invitee',     z.canceled - z.canceled_by_host, null,              null),
        ('canceled_by_host',        z.canceled_by_host,              null,              null),
        ('pending',                 z.pending,                       null,              null),
        ('offers',                  z.offers,                        null,              z.coverage),
        ('closes',                  z.closes,                        null,              z.coverage),
        ('show_rate',               z.shows,                         z.due,             z.coverage),
        ('no_show_rate',            z.no_shows,                      z.due,             z.coverage),
        ('gross_show_rate',         z.shows,                         z.due_or_canceled, z.coverage),
        ('show_rate_booked_cohort', z.cohort_shows,                  z.cohort_resolved, z.cohort_coverage),
        ('cancellation_rate',       z.canceled,                      z.due_or_canceled, z.coverage),
        ('reschedule_rate',         z.rescheduled,                   z.every_call,      z.coverage),
        ('offer_rate',              z.offers,                        z.shows,           z.coverage),
        ('close_rate',              z.closes,                        z.shows,           z.coverage),
        ('close_rate_on_offers',    z.closes,                        z.offers,          z.coverage),
        ('close_rate_on_booked',    z.closes,                        z.due_or_canceled, z.coverage),
        ('lead_close_rate',         z.leads_closed,                  z.leads,           z.coverage),
        ('net_close_rate',          z.closes - z.refunded_closes,    z.shows,           z.coverage),
        ('qualified_show_rate',     z.shows - z.disqualified,        z.due,             z.coverage),
        ('reporting_coverage',      z.due,                           z.due + z.pending, z.coverage),
        ('pcf_timeliness',          z.timely,                        z.reports,         z.coverage),
        ('pcf_median_delay',        z.median_delay,                  null,              z.coverage),
        ('utilization',             z.booked_slots,                  z.available_slots, null),
        ('held_utilization',        z.held_slots,                    z.available_slots, null),
        ('deals_won',               z.won,                           null,              null),
        ('cash_collected',          z.collected,                     null,              null),
        ('refunds',                 z.refunds,                       null,              null),
        ('chargebacks',             z.chargebacks,                   null,              null),
        ('net_cash',                z.net_cash,                      null,              null),
        ('net_revenue',             z.net_revenue,                   null,              null),
        ('new_cash',                z.new_cash,                      null,              null),
        ('upsell_cash',             z.upsell_cash,                   null,              null),
        ('contracted_revenue',      z.contracted,                    null,              null),
        ('collected_share',         z.deals_collected,               z.contracted,      null),
        ('aov',                     z.contracted,                    z.won,             null),
        ('cash_per_show',           z.net_cash,                      z.shows,           z.coverage),
        ('cash_per_booked',         z.net_cash,                      z.booked,          null),
        ('unattributed_cash',       z.unattributed,                  null,              null),
        ('verified_share',          z.verified,                      z.collected,       null)
     ) as m (metric, numerator, denominator, coverage);
end;
comment on function app.period_metrics(
    uuid, timestamptz[], text, timestamptz, integer, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The metrics of consecutive periods, as numerator and denominator.';

-- app.standing_metrics: how things stand as of an instant, whatever the period.
drop function if exists app.standing_metrics(
    uuid, timestamptz, interval, date, integer, uuid[], uuid[], uuid, uuid, uuid);
create or replace function app.standing_metrics(
    organization_id uuid, as_of timestamptz, pcf_grace interval, today date, scale integer,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (metric text, numerator numeric)
language sql stable parallel safe
begin atomic
    select m.metric, m.numerator
      from (
        select count(*)::numeric as pending,
               count(*) filter (where f.scheduled_end_at + pcf_grace <= standing_metrics.as_of)::numeric as overdue
          from app.call_facts(standing_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.call_status = 'scheduled' and f.scheduled_end_at <= standing_metrics.as_of
      ) as c
     cross join (
        select round(coalesce(sum(f.outstanding), 0), scale) as outstanding,
               round(coalesce(sum(f.overdue), 0), scale) as overdue
          from app.owed_facts(standing_metrics.organization_id, today, closers, setters, source, traffic_type, call_type) as f
     ) as o
     cross join lateral (values
        ('pending_pcfs', c.pending),
        ('overdue_pcfs', c.overdue),
        ('outstanding',  o.outstanding),
        ('overdue',      o.overdue)
     ) as m (metric, numerator);
end;
comment on function app.standing_metrics(
    uuid, timestamptz, interval, date, integer, uuid[], uuid[], uuid, uuid, uuid) is
    'Metrics that are as of an instant.';

-- app.core_metrics: every core metric of a period, beside the one before, as one person or filter sees it: NULL where
-- app.hides_metric says so. seen_as, cash_role, closers, setters: what app.metric_scope makes of a request.
create or replace function app.core_metrics(
    organization_id uuid, start_date date, end_date date, as_of timestamptz,
    seen_as text, cash_role text default null, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    metric text, unit text, value numeric, numerator numeric, denominator numeric, previous_value numeric, coverage numeric)
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := core_metrics.organization_id;
    v_as_of           constant timestamptz := core_metrics.as_of;
    v_before          record;
    v_timezone        text;
    v_scale           integer;
    v_grace           interval;
    v_cash            boolean;
    v_bounds          timestamptz[];
begin
    select b.start_date, b.end_date into strict v_before
      from app.previous_period(core_metrics.start_date, core_metrics.end_date) as b;
    select o.timezone, app.currency_exponent(o.currency), o.pcf_grace, coalesce(p.show_cash, true)
      into strict v_timezone, v_scale, v_grace, v_cash
      from app.organizations as o
      left join app.portal_settings as p on p.organization_id = o.id
     where o.id = v_organization_id;
    v_bounds := array[app.day_start(v_before.start_date, v_timezone), app.day_start(core_metrics.start_date, v_timezone),
                      app.day_start(core_metrics.end_date + 1, v_timezone)];

    return query
    with measured as (
        select m.period, m.metric, m.numerator, m.denominator, m.coverage
          from app.period_metrics(v_organization_id, v_bounds, v_timezone, v_as_of, v_scale, core_metrics.cash_role,
                                  core_metrics.closers, core_metrics.setters, core_metrics.source,
                                  core_metrics.traffic_type, core_metrics.call_type) as m
        union all
        select 2, m.metric, m.numerator, null, null
          from app.standing_metrics(v_organization_id, v_as_of, v_grace, (v_as_of at time zone v_timezone)::date, v_scale,
                                    core_metrics.closers, core_metrics.setters, core_metrics.source,
                                    core_metrics.traffic_type, core_metrics.call_type) as m
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
     order by c.position;
end;
$$;
comment on function app.core_metrics(
    uuid, date, date, timestamptz, text, text, uuid[], uuid[], uuid, uuid, uuid) is
    'Every core metric of a period beside the one before, as one person sees it.';
