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

-- app.decided_before: calls of earlier days than this are over by an instant, but for those of six hours and more.
create or replace function app.decided_before(as_of timestamptz, timezone text) returns date
language sql immutable parallel safe
return ((as_of - interval '6 hours') at time zone timezone)::date;
comment on function app.decided_before(timestamptz, text) is 'Calls of earlier days are over by an instant, but for very long ones.';

-- app.calls_being_decided: calls without a form for which it is not the day that tells whether they are over by an instant. pending
-- is what they add to the open calls of the days before app.decided_before: 1 for a later call that is over, -1 for an earlier one
-- that is not. Both are few, and found by index.
create or replace function app.calls_being_decided(
    organization_id uuid, as_of timestamptz, timezone text, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    event_id uuid, scheduled_at timestamptz, closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid,
    call_type_id uuid, in_rates boolean, pending integer
)
language sql stable parallel safe
begin atomic
    select f.event_id, f.scheduled_at, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.in_rates, 1
      from app.call_facts(calls_being_decided.organization_id, closers, setters, source, traffic_type, call_type) as f
     where f.call_status = 'scheduled' and f.scheduled_end_at <= calls_being_decided.as_of
       and f.scheduled_at >= app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone)
       and f.scheduled_end_at > app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone)
    union all
    select f.event_id, f.scheduled_at, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.in_rates, -1
      from app.call_facts(calls_being_decided.organization_id, closers, setters, source, traffic_type, call_type) as f
     where f.call_status = 'scheduled' and f.scheduled_end_at > calls_being_decided.as_of
       and f.scheduled_end_at - f.scheduled_at > interval '6 hours'
       and f.scheduled_at < app.day_start(app.decided_before(calls_being_decided.as_of, timezone), timezone);
end;
comment on function app.calls_being_decided(uuid, timestamptz, text, uuid[], uuid[], uuid, uuid, uuid) is
    'Calls without a form for which the day does not tell whether they are over by an instant.';

-- app.metric_values: the metrics of consecutive periods, grouped by the members of a dimension, or not.
-- Period n runs from bounds[n] to before bounds[n + 1], instants at which local days begin. One row for each period, also for empty
-- ones, each member with any activity, and each period metric. dimension: closer, setter, source, traffic_type, call_type or
-- package; its member NULL is Unassigned, and without a dimension the whole. By a person, money is the part that person is
-- credited with: the parts of members add up, Unassigned included. cash_role: whose parts count where both a closer and a setter
-- are asked about. denominator: NULL for what is no ratio. coverage: the share of the calls behind the number of which it is
-- known how they ended.
create or replace function app.metric_values(
    organization_id uuid, bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (period integer, member_id uuid, metric text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    with asked as (
        select o.timezone, app.currency_exponent(o.currency) as scale,
               array(select (b.at at time zone o.timezone)::date from unnest(bounds) as b (at)) as days,
               app.decided_before(metric_values.as_of, o.timezone) as decided,
               app.grain_asked(metric_values.cash_role, closers is not null or dimension = 'closer',
                               setters is not null or dimension = 'setter') as grain
          from app.organizations as o
         where o.id = metric_values.organization_id
    ), totals as (
        select width_bucket(u.day, a.days) as period,
               app.member_of(dimension, u.closer_id, u.setter_id, u.source_id, u.traffic_type_id, u.call_type_id, u.package_id)
                   as member_id,
               count(*) filter (where u.measures & app.measure_bit('every_call') <> 0) as every_call,
               count(*) filter (where u.measures & app.measure_bit('rescheduled') <> 0) as rescheduled,
               count(*) filter (where u.measures & app.measure_bit('shows') <> 0) as shows,
               count(*) filter (where u.measures & app.measure_bit('disqualified') <> 0) as disqualified,
               count(*) filter (where u.measures & app.measure_bit('no_shows') <> 0) as no_shows,
               count(*) filter (where u.measures & app.measure_bit('canceled') <> 0) as canceled,
               count(*) filter (where u.measures & app.measure_bit('canceled_by_host') <> 0) as canceled_by_host,
               count(*) filter (where u.measures & app.measure_bit('offers') <> 0) as offers,
               count(*) filter (where u.measures & app.measure_bit('closes') <> 0) as closes,
               count(*) filter (where u.measures & app.measure_bit('refunded_closes') <> 0) as refunded_closes,
               count(*) filter (where u.measures & app.measure_bit('open') <> 0 and u.day < a.decided) as open,
               count(*) filter (where u.measures & app.measure_bit('reports') <> 0) as reports,
               count(*) filter (where u.measures & app.measure_bit('timely') <> 0) as timely,
               count(*) filter (where u.measures & app.measure_bit('booked') <> 0) as booked,
               count(*) filter (where u.measures & app.measure_bit('cohort_calls') <> 0) as cohort_calls,
               count(*) filter (where u.measures & app.measure_bit('cohort_shows') <> 0) as cohort_shows,
               count(*) filter (where u.measures & app.measure_bit('cohort_resolved') <> 0) as cohort_resolved,
               count(*) filter (where u.measures & app.measure_bit('leads') <> 0) as leads,
               count(*) filter (where u.measures & app.measure_bit('leads_closed') <> 0) as leads_closed,
               count(*) filter (where u.measures & app.measure_bit('won') <> 0) as won,
               sum(u.amount) filter (where u.measures & app.measure_bit('available_slots') <> 0) as available_slots,
               sum(u.amount) filter (where u.measures & app.measure_bit('booked_slots') <> 0) as booked_slots,
               sum(u.amount) filter (where u.measures & app.measure_bit('held_slots') <> 0) as held_slots,
               sum(u.amount) filter (where u.measures & app.measure_bit('collected') <> 0) as collected,
               sum(u.amount) filter (where u.measures & app.measure_bit('refunds') <> 0) as refunds,
               sum(u.amount) filter (where u.measures & app.measure_bit('chargebacks') <> 0) as chargebacks,
               sum(u.amount) filter (where u.measures & app.measure_bit('new_cash') <> 0) as new_cash,
               sum(u.amount) filter (where u.measures & app.measure_bit('upsell_cash') <> 0) as upsell_cash,
               sum(u.amount) filter (where u.measures & app.measure_bit('unattributed') <> 0) as unattributed,
               sum(u.amount) filter (where u.measures & app.measure_bit('verified') <> 0) as verified,
               sum(u.amount) filter (where u.measures & app.measure_bit('net_revenue') <> 0) as net_revenue,
               sum(u.amount) filter (where u.measures & app.measure_bit('contracted') <> 0) as contracted,
               sum(u.amount) filter (where u.measures & app.measure_bit('deals_collected') <> 0) as deals_collected
          from asked as a
          join app.every_unit(metric_values.organization_id) as u
            on u.day >= a.days[1] and u.day < a.days[cardinality(a.days)] and u.grains & a.grain <> 0
           and (closers is null or u.closer_id = any (closers)) and (setters is null or u.setter_id = any (setters))
           and (metric_values.source is null or u.source_id = metric_values.source)
           and (traffic_type is null or u.traffic_type_id = traffic_type)
           and (call_type is null or u.call_type_id = call_type)
         group by 1, 2
    ), lately as (
        select width_bucket(f.scheduled_at, bounds) as period,
               app.member_of(dimension, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, null) as member_id,
               sum(f.pending) as pending
          from asked as a
          join app.calls_being_decided(metric_values.organization_id, metric_values.as_of, a.timezone, closers, setters,
                                       source, traffic_type, call_type) as f
            on f.in_rates and f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
         group by 1, 2
    ), delays as (
        select width_bucket(f.scheduled_at, bounds) as period,
               app.member_of(dimension, f.closer_id, f.setter_id, c.source_id, c.traffic_type_id, c.call_type_id, null) as member_id,
               (percentile_disc(0.5) within group (order by f.delay_seconds)
                + percentile_disc(0.5) within group (order by f.delay_seconds desc)) / 2 as median_delay
          from app.form_facts(metric_values.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.call_facts(metric_values.organization_id) as c on c.event_id = f.event_id
         where f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
         group by 1, 2
    ), members as (
        select t.member_id from totals as t
        union
        select null where dimension is null
    )
    select p.period, i.member_id, m.metric, m.numerator, m.denominator, m.coverage
      from asked as a
     cross join generate_series(1, cardinality(bounds) - 1) as p (period)
     cross join members as i
      left join totals as t on t.period = p.period and t.member_id is not distinct from i.member_id
      left join lately as l on l.period = p.period and l.member_id is not distinct from i.member_id
      left join delays as q on q.period = p.period and q.member_id is not distinct from i.member_id
     cross join lateral (
        select coalesce(t.every_call, 0)::numeric as every_call, coalesce(t.rescheduled, 0)::numeric as rescheduled,
               coalesce(t.shows, 0)::numeric as shows, coalesce(t.disqualified, 0)::numeric as disqualified,
               coalesce(t.no_shows, 0)::numeric as no_shows, coalesce(t.canceled, 0)::numeric as canceled,
               coalesce(t.canceled_by_host, 0)::numeric as canceled_by_host, coalesce(t.offers, 0)::numeric as offers,
               coalesce(t.closes, 0)::numeric as closes, coalesce(t.refunded_closes, 0)::numeric as refunded_closes,
               coalesce(t.reports, 0)::numeric as reports, coalesce(t.timely, 0)::numeric as timely,
               coalesce(t.booked, 0)::numeric as booked, coalesce(t.cohort_calls, 0)::numeric as cohort_calls,
               coalesce(t.cohort_shows, 0)::numeric as cohort_shows,
               coalesce(t.cohort_resolved, 0)::numeric as cohort_resolved, coalesce(t.leads, 0)::numeric as leads,
               coalesce(t.leads_closed, 0)::numeric as leads_closed, coalesce(t.won, 0)::numeric as won,
               coalesce(t.open, 0)::numeric + coalesce(l.pending, 0) as pending,
               coalesce(t.shows + t.no_shows, 0)::numeric as due,
               coalesce(t.shows + t.no_shows + t.canceled, 0)::numeric as due_or_canceled,
               t.cohort_resolved::numeric / nullif(t.cohort_calls, 0) as cohort_coverage,
               coalesce(t.available_slots, 0) as available_slots, coalesce(t.booked_slots, 0) as booked_slots, coalesce(t.held_slots, 0) as held_slots,
               round(coalesce(t.collected, 0), a.scale) as collected, round(-coalesce(t.refunds, 0), a.scale) as refunds,
               round(-coalesce(t.chargebacks, 0), a.scale) as chargebacks, round(coalesce(t.new_cash, 0), a.scale) as new_cash,
               round(coalesce(t.upsell_cash, 0), a.scale) as upsell_cash,
               round(coalesce(t.unattributed, 0), a.scale) as unattributed,
               round(coalesce(t.verified, 0), a.scale) as verified, round(coalesce(t.net_revenue, 0), a.scale) as net_revenue,
               round(coalesce(t.contracted, 0), a.scale) as contracted,
               round(coalesce(t.deals_collected, 0), a.scale) as deals_collected
     ) as y
     cross join lateral (
        select y.*, y.collected - y.refunds as net_cash, y.due / nullif(y.due + y.pending, 0) as coverage
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
        ('pcf_median_delay',        q.median_delay,                 null,              z.coverage),
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
comment on function app.metric_values(
    uuid, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text) is
    'The metrics of consecutive periods, grouped by the members of a dimension.';

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
               count(*) filter (where app.is_call_of('closes', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over) and app.is_refunded_call(period_metrics.organization_id, f.event_id)) as refunded_closes
          from app.call_facts(period_metrics.organization_id, closers, setters, source, traffic_type, call_type) as f
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
-- app.hides_metric says so. After those of the catalog come the organization's own.
-- seen_as, cash_role, closers, setters: what app.metric_scope makes of a request.
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
          from app.metric_values(v_organization_id, v_bounds, v_as_of, core_metrics.cash_role, core_metrics.closers,
                                 core_metrics.setters, core_metrics.source, core_metrics.traffic_type,
                                 core_metrics.call_type) as m
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
     where c.family <> 'setters'
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
    uuid, date, date, timestamptz, text, text, uuid[], uuid[], uuid, uuid, uuid) is
    'Every core metric of a period beside the one before, as one person sees it.';
