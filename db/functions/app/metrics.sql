-- Every core metric, composed once from the facts: a numerator, and a denominator where it is a ratio.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person.

-- app.period_metrics: the metrics of consecutive periods. Period n runs from bounds[n] to before bounds[n + 1], instants at
-- which local days begin; each fact is read once, however many periods there are.
-- cash_role: NULL for whole payments, else whose parts count. scale: decimal places of the organization's currency.
-- denominator: NULL for what is no ratio. coverage: the share of the calls behind the number of which it is known how they
-- ended. rests_on: what must be visible to see the number: calls (status and outcome), forms, credits (people's parts of
-- payments), payments, deals, capacity.
create or replace function app.period_metrics(
    organization_id uuid, bounds timestamptz[], timezone text, as_of timestamptz, scale integer, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (period integer, metric text, rests_on text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    select p.period, m.metric, m.rests_on, m.numerator, m.denominator, m.coverage
      from generate_series(1, cardinality(bounds) - 1) as p (period)
      left join (
        select width_bucket(f.scheduled_at, bounds) as period,
               count(*) as every_call,
               count(*) filter (where f.call_status = 'rescheduled') as rescheduled,
               count(*) filter (where f.in_rates and f.call_status = 'completed') as shows,
               count(*) filter (where f.in_rates and f.call_status = 'completed' and q.id is not null) as disqualified,
               count(*) filter (where f.in_rates and f.call_status = 'no_show') as no_shows,
               count(*) filter (where f.in_rates and f.call_status = 'canceled') as canceled,
               count(*) filter (where f.in_rates and f.call_status = 'canceled' and f.canceled_by = 'host') as canceled_by_host,
               count(*) filter (where f.in_rates and f.call_status = 'scheduled'
                                  and f.scheduled_end_at <= period_metrics.as_of) as pending,
               count(*) filter (where f.in_rates and f.event_outcome in ('showed_offer', 'closed')) as offers,
               count(*) filter (where f.in_rates and f.event_outcome = 'closed') as closes,
               count(*) filter (where f.in_rates and f.event_outcome = 'closed' and r.event_id is not null) as refunded_closes
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          left join app.refunded_calls(period_metrics.organization_id) as r on r.event_id = f.event_id
          left join app.post_call_forms as q
            on q.organization_id = period_metrics.organization_id and q.event_id = f.event_id and q.is_active and q.disqualified
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
               sum(f.amount) filter (where f.kind = 'payment') as collected,
               -sum(f.amount) filter (where f.kind <> 'payment') as refunds,
               -sum(f.amount) filter (where f.kind in ('dispute', 'dispute_won')) as chargebacks,
               sum(f.amount) filter (where f.kind = 'payment' and f.deal_type = 'new_deal') as new_cash,
               sum(f.amount) filter (where f.kind = 'payment' and f.deal_type = 'upsell') as upsell_cash,
               sum(f.amount) filter (where f.kind = 'payment' and not f.has_closer) as unattributed,
               sum(f.amount) filter (where f.kind = 'payment' and f.is_from_processor) as verified
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
        ('booked_calls',            'calls',    z.booked,                        null,              null),
        ('scheduled_calls',         'calls',    z.every_call - z.rescheduled,    null,              null),
        ('shows',                   'calls',    z.shows,                         null,              z.coverage),
        ('no_shows',                'calls',    z.no_shows,                      null,              z.coverage),
        ('canceled',                'calls',    z.canceled,                      null,              null),
        ('canceled_by_invitee',     'calls',    z.canceled - z.canceled_by_host, null,              null),
        ('canceled_by_host',        'calls',    z.canceled_by_host,              null,              null),
        ('pending',                 'calls',    z.pending,                       null,              null),
        ('offers',                  'calls',    z.offers,                        null,              z.coverage),
        ('closes',                  'calls',    z.closes,                        null,              z.coverage),
        ('show_rate',               'calls',    z.shows,                         z.due,             z.coverage),
        ('no_show_rate',            'calls',    z.no_shows,                      z.due,             z.coverage),
        ('gross_show_rate',         'calls',    z.shows,                         z.due_or_canceled, z.coverage),
        ('show_rate_booked_cohort', 'calls',    z.cohort_shows,                  z.cohort_resolved, z.cohort_coverage),
        ('cancellation_rate',       'calls',    z.canceled,                      z.due_or_canceled, z.coverage),
        ('reschedule_rate',         'calls',    z.rescheduled,                   z.every_call,      z.coverage),
        ('offer_rate',              'calls',    z.offers,                        z.shows,           z.coverage),
        ('close_rate',              'calls',    z.closes,                        z.shows,           z.coverage),
        ('close_rate_on_offers',    'calls',    z.closes,                        z.offers,          z.coverage),
        ('close_rate_on_booked',    'calls',    z.closes,                        z.due_or_canceled, z.coverage),
        ('lead_close_rate',         'calls',    z.leads_closed,                  z.leads,           z.coverage),
        ('net_close_rate',          'payments', z.closes - z.refunded_closes,    z.shows,           z.coverage),
        ('qualified_show_rate',     'forms',    z.shows - z.disqualified,        z.due,             z.coverage),
        ('reporting_coverage',      'calls',    z.due,                           z.due + z.pending, z.coverage),
        ('pcf_timeliness',          'forms',    z.timely,                        z.reports,         z.coverage),
        ('pcf_median_delay',        'forms',    z.median_delay,                  null,              z.coverage),
        ('utilization',             'capacity', z.booked_slots,                  z.available_slots, null),
        ('held_utilization',        'capacity', z.held_slots,                    z.available_slots, null),
        ('deals_won',               'deals',    z.won,                           null,              null),
        ('cash_collected',          'credits',  z.collected,                     null,              null),
        ('refunds',                 'credits',  z.refunds,                       null,              null),
        ('chargebacks',             'credits',  z.chargebacks,                   null,              null),
        ('net_cash',                'credits',  z.net_cash,                      null,              null),
        ('net_revenue',             'credits',  z.net_revenue,                   null,              null),
        ('new_cash',                'credits',  z.new_cash,                      null,              null),
        ('upsell_cash',             'credits',  z.upsell_cash,                   null,              null),
        ('contracted_revenue',      'deals',    z.contracted,                    null,              null),
        ('collected_share',         'payments', z.deals_collected,               z.contracted,      null),
        ('aov',                     'deals',    z.contracted,                    z.won,             null),
        ('cash_per_show',           'credits',  z.net_cash,                      z.shows,           z.coverage),
        ('cash_per_booked',         'credits',  z.net_cash,                      z.booked,          null),
        ('unattributed_cash',       'payments', z.unattributed,                  null,              null),
        ('verified_share',          'payments', z.verified,                      z.collected,       null)
     ) as m (metric, rests_on, numerator, denominator, coverage);
end;
comment on function app.period_metrics(
    uuid, timestamptz[], text, timestamptz, integer, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The metrics of consecutive periods, as numerator and denominator.';

-- app.standing_metrics: how things stand as of an instant, whatever the period.
create or replace function app.standing_metrics(
    organization_id uuid, as_of timestamptz, pcf_grace interval, today date, scale integer,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (metric text, rests_on text, numerator numeric)
language sql stable parallel safe
begin atomic
    select m.metric, m.rests_on, m.numerator
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
        ('pending_pcfs', 'calls',    c.pending),
        ('overdue_pcfs', 'calls',    c.overdue),
        ('outstanding',  'payments', o.outstanding),
        ('overdue',      'payments', o.overdue)
     ) as m (metric, rests_on, numerator);
end;
comment on function app.standing_metrics(
    uuid, timestamptz, interval, date, integer, uuid[], uuid[], uuid, uuid, uuid) is
    'Metrics that are as of an instant.';
