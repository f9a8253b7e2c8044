-- Every core metric, composed once from the facts: a numerator, and a denominator where it is a ratio.
-- Internal: nobody but the owner may call these; the caller of period_metrics answers for tenant and person.

-- app.period_metrics: the metrics of a period of inclusive local dates.
-- denominator: NULL for what is no ratio. rests_on: what must be visible to see the number: calls (status and outcome),
-- forms, credits (the caller's parts of payments), payments, deals, capacity.
-- coverage: the share of the calls behind the number of which it is known how they ended.
-- scale: decimal places of the organization's currency. cash_role: NULL for whole payments, else whose parts count.
create or replace function app.period_metrics(
    organization_id uuid, start_date date, end_date date, timezone text, as_of timestamptz, scale integer,
    cash_role text default null, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (metric text, rests_on text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    select m.metric, m.rests_on, m.numerator, m.denominator, m.coverage
      from (
        select app.day_start(period_metrics.start_date, timezone) as from_at,
               app.day_start(period_metrics.end_date + 1, timezone) as to_at
      ) as p
     cross join lateral (
        select count(*) filter (where f.call_status <> 'rescheduled')::numeric as scheduled,
               count(*) filter (where f.call_status = 'rescheduled')::numeric as rescheduled,
               count(*)::numeric as every_call,
               count(*) filter (where f.in_rates and f.call_status = 'completed')::numeric as shows,
               count(*) filter (where f.in_rates and f.call_status = 'no_show')::numeric as no_shows,
               count(*) filter (where f.in_rates and f.call_status = 'canceled')::numeric as canceled,
               count(*) filter (where f.in_rates and f.call_status = 'canceled' and f.canceled_by = 'invitee')::numeric
                   as canceled_by_invitee,
               count(*) filter (where f.in_rates and f.call_status = 'canceled' and f.canceled_by = 'host')::numeric
                   as canceled_by_host,
               count(*) filter (where f.in_rates and f.call_status = 'scheduled'
                                  and f.scheduled_end_at <= period_metrics.as_of)::numeric as pending,
               count(*) filter (where f.in_rates and f.event_outcome in ('showed_offer', 'closed'))::numeric as offers,
               count(*) filter (where f.in_rates and f.event_outcome = 'closed')::numeric as closes
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= p.from_at and f.scheduled_at < p.to_at
     ) as c
     cross join lateral (
        select count(*)::numeric as refunded
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.refunded_calls(period_metrics.organization_id) as r on r.event_id = f.event_id
         where f.scheduled_at >= p.from_at and f.scheduled_at < p.to_at
           and f.in_rates and f.event_outcome = 'closed'
     ) as x
     cross join lateral (
        select count(*)::numeric as disqualified
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.post_call_forms as q
            on q.organization_id = period_metrics.organization_id and q.event_id = f.event_id
           and q.is_active and q.disqualified
         where f.scheduled_at >= p.from_at and f.scheduled_at < p.to_at
           and f.in_rates and f.call_status = 'completed'
     ) as q
     cross join lateral (
        select count(*)::numeric as forms,
               count(*) filter (where f.delay_seconds <= 86400)::numeric as timely,
               (percentile_disc(0.5) within group (order by f.delay_seconds)
                + percentile_disc(0.5) within group (order by f.delay_seconds desc)) / 2 as median_delay
          from app.form_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= p.from_at and f.scheduled_at < p.to_at
     ) as t
     cross join lateral (
        select count(*)::numeric as booked,
               count(*) filter (where f.in_rates)::numeric as in_rates,
               count(*) filter (where f.in_rates and f.call_status = 'completed')::numeric as shows,
               count(*) filter (where f.in_rates and f.call_status in ('completed', 'no_show', 'canceled'))::numeric as resolved
          from app.chain_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.booked_at >= p.from_at and f.booked_at < p.to_at
     ) as b
     cross join lateral (
        select count(*)::numeric as leads,
               count(*) filter (where f.has_closed)::numeric as closed
          from app.first_show_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= p.from_at and f.scheduled_at < p.to_at
     ) as l
     cross join lateral (
        select round(coalesce(sum(f.amount) filter (where f.kind = 'payment'), 0), scale) as collected,
               round(coalesce(-sum(f.amount) filter (where f.kind <> 'payment'), 0), scale) as refunded,
               round(coalesce(-sum(f.amount) filter (where f.kind in ('dispute', 'dispute_won')), 0), scale) as disputed,
               round(coalesce(sum(f.amount) filter (where f.kind = 'payment' and f.deal_type = 'new_deal'), 0), scale) as new_cash,
               round(coalesce(sum(f.amount) filter (where f.kind = 'payment' and f.deal_type = 'upsell'), 0), scale) as upsell_cash,
               round(coalesce(sum(f.amount) filter (where f.kind = 'payment' and not f.has_closer), 0), scale) as unattributed,
               round(coalesce(sum(f.amount) filter (where f.kind = 'payment' and f.is_from_processor), 0), scale) as verified
          from app.credited_cash_facts(period_metrics.organization_id, cash_role, closers, setters,
                                       source, traffic_type, call_type) as f
         where f.moved_at >= p.from_at and f.moved_at < p.to_at
     ) as k
     cross join lateral (
        select round(coalesce(sum(f.amount), 0), scale) as net_revenue
          from app.credited_cash_facts(period_metrics.organization_id, cash_role, closers, setters,
                                       source, traffic_type, call_type) as f
         where f.paid_at >= p.from_at and f.paid_at < p.to_at
     ) as n
     cross join lateral (
        select count(*) filter (where f.status = 'won')::numeric as won,
               round(coalesce(sum(f.contract_value), 0), scale) as contracted
          from app.deal_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.closed_at >= p.from_at and f.closed_at < p.to_at
     ) as d
     cross join lateral (
        select round(coalesce(sum(g.amount), 0), scale) as collected
          from app.deal_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.cash_facts(period_metrics.organization_id) as g on g.deal_id = f.deal_id
         where f.closed_at >= p.from_at and f.closed_at < p.to_at
     ) as e
     cross join lateral (
        select coalesce(sum(f.available_slots), 0) as available,
               coalesce(sum(f.booked_slots), 0) as booked,
               coalesce(sum(f.held_slots), 0) as held
          from app.capacity_facts(period_metrics.organization_id, period_metrics.start_date, period_metrics.end_date, closers) as f
         -- Slots belong to closers; who booked a call, and whence the lead came, divide only what was booked.
         where setters is null and source is null and traffic_type is null and call_type is null
     ) as s
     cross join lateral (
        select (c.shows + c.no_shows) / nullif(c.shows + c.no_shows + c.pending, 0) as reported,
               b.resolved / nullif(b.in_rates, 0) as resolved
     ) as v
     cross join lateral (values
        ('booked_calls',            'calls',    b.booked,              null,                               null),
        ('scheduled_calls',         'calls',    c.scheduled,           null,                               null),
        ('shows',                   'calls',    c.shows,               null,                               v.reported),
        ('no_shows',                'calls',    c.no_shows,            null,                               v.reported),
        ('canceled',                'calls',    c.canceled,            null,                               null),
        ('canceled_by_invitee',     'calls',    c.canceled_by_invitee, null,                               null),
        ('canceled_by_host',        'calls',    c.canceled_by_host,    null,                               null),
        ('pending',                 'calls',    c.pending,             null,                               null),
        ('offers',                  'calls',    c.offers,              null,                               v.reported),
        ('closes',                  'calls',    c.closes,              null,                               v.reported),
        ('show_rate',               'calls',    c.shows,               c.shows + c.no_shows,               v.reported),
        ('no_show_rate',            'calls',    c.no_shows,            c.shows + c.no_shows,               v.reported),
        ('gross_show_rate',         'calls',    c.shows,               c.shows + c.no_shows + c.canceled,  v.reported),
        ('show_rate_booked_cohort', 'calls',    b.shows,               b.resolved,                         v.resolved),
        ('cancellation_rate',       'calls',    c.canceled,            c.shows + c.no_shows + c.canceled,  v.reported),
        ('reschedule_rate',         'calls',    c.rescheduled,         c.every_call,                       v.reported),
        ('offer_rate',              'calls',    c.offers,              c.shows,                            v.reported),
        ('close_rate',              'calls',    c.closes,              c.shows,                            v.reported),
        ('close_rate_on_offers',    'calls',    c.closes,              c.offers,                           v.reported),
        ('close_rate_on_booked',    'calls',    c.closes,              c.shows + c.no_shows + c.canceled,  v.reported),
        ('lead_close_rate',         'calls',    l.closed,              l.leads,                            v.reported),
        ('net_close_rate',          'payments', c.closes - x.refunded, c.shows,                            v.reported),
        ('qualified_show_rate',     'forms',    c.shows - q.disqualified, c.shows + c.no_shows,            v.reported),
        ('reporting_coverage',      'calls',    c.shows + c.no_shows,  c.shows + c.no_shows + c.pending,   v.reported),
        ('pcf_timeliness',          'forms',    t.timely,              t.forms,                            v.reported),
        ('pcf_median_delay',        'forms',    t.median_delay,        null,                               v.reported),
        ('utilization',             'capacity', s.booked,              s.available,                        null),
        ('held_utilization',        'capacity', s.held,                s.available,                        null),
        ('deals_won',               'deals',    d.won,                 null,                               null),
        ('cash_collected',          'credits',  k.collected,           null,                               null),
        ('refunds',                 'credits',  k.refunded,            null,                               null),
        ('chargebacks',             'credits',  k.disputed,            null,                               null),
        ('net_cash',                'credits',  k.collected - k.refunded, null,                            null),
        ('net_revenue',             'credits',  n.net_revenue,         null,                               null),
        ('new_cash',                'credits',  k.new_cash,            null,                               null),
        ('upsell_cash',             'credits',  k.upsell_cash,         null,                               null),
        ('contracted_revenue',      'deals',    d.contracted,          null,                               null),
        ('collected_share',         'payments', e.collected,           d.contracted,                       null),
        ('aov',                     'deals',    d.contracted,          d.won,                              null),
        ('cash_per_show',           'credits',  k.collected - k.refunded, c.shows,                         v.reported),
        ('cash_per_booked',         'credits',  k.collected - k.refunded, b.booked,                        null),
        ('unattributed_cash',       'payments', k.unattributed,        null,                               null),
        ('verified_share',          'payments', k.verified,            k.collected,                        null)
     ) as m (metric, rests_on, numerator, denominator, coverage);
end;
comment on function app.period_metrics(
    uuid, date, date, text, timestamptz, integer, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The metrics of a period, as numerator and denominator.';

-- app.standing_metrics: how things stand as of an instant, whatever the period. Same columns.
create or replace function app.standing_metrics(
    organization_id uuid, as_of timestamptz, pcf_grace interval, today date, scale integer,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (metric text, rests_on text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    select m.metric, m.rests_on, m.numerator, null::numeric, null::numeric
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
