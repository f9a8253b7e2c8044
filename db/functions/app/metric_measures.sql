-- What a measure counts among the calls of a period, said once: the numbers, and the rows behind them, both ask here.
-- Internal: nobody but the owner may call these.

-- app.is_call_of: does a counted call belong to this measure? NULL for a measure that is none of calls.
-- A plain expression over a measure that is written out: the planner keeps only the branch that is meant.
create or replace function app.is_call_of(
    measure text, call_status text, event_outcome text, canceled_by text, in_rates boolean, is_over boolean
) returns boolean
language sql immutable parallel safe
return case measure
    when 'every_call'          then true
    when 'rescheduled'         then call_status = 'rescheduled'
    when 'scheduled'           then call_status <> 'rescheduled'
    when 'shows'               then in_rates and call_status = 'completed'
    when 'no_shows'            then in_rates and call_status = 'no_show'
    when 'canceled'            then in_rates and call_status = 'canceled'
    when 'canceled_by_host'    then in_rates and call_status = 'canceled' and canceled_by is not distinct from 'host'
    when 'canceled_by_invitee' then in_rates and call_status = 'canceled' and canceled_by is distinct from 'host'
    when 'pending'             then in_rates and call_status = 'scheduled' and is_over
    when 'due'                 then in_rates and call_status in ('completed', 'no_show')
    when 'due_or_canceled'     then in_rates and call_status in ('completed', 'no_show', 'canceled')
    when 'due_or_pending'      then in_rates and (call_status in ('completed', 'no_show') or call_status = 'scheduled' and is_over)
    when 'offers'              then in_rates and coalesce(event_outcome in ('showed_offer', 'closed'), false)
    when 'closes'              then in_rates and event_outcome is not distinct from 'closed'
end;
comment on function app.is_call_of(text, text, text, text, boolean, boolean) is
    'True when a counted call belongs to a measure; NULL for a measure that is none of calls.';

-- app.is_cash_of: does a movement of money belong to this measure? Refunds are negative movements; cash_sign turns them.
create or replace function app.is_cash_of(
    measure text, kind text, deal_type text, has_closer boolean, is_from_processor boolean
) returns boolean
language sql immutable parallel safe
return case measure
    when 'net_cash'          then true
    when 'cash_collected'    then kind = 'payment'
    when 'refunds'           then kind <> 'payment'
    when 'chargebacks'       then kind in ('dispute', 'dispute_won')
    when 'new_cash'          then kind = 'payment' and deal_type is not distinct from 'new_deal'
    when 'upsell_cash'       then kind = 'payment' and deal_type is not distinct from 'upsell'
    when 'unattributed_cash' then kind = 'payment' and not has_closer
    when 'verified_cash'     then kind = 'payment' and is_from_processor
end;
comment on function app.is_cash_of(text, text, text, boolean, boolean) is
    'True when a movement of money belongs to a measure; NULL for a measure that is none of money.';

-- app.measure_bit: the place of a measure in the set that a contribution counts in; a constant, when the measure is written out.
-- Measures of calls, chains, leads and deals won count contributions; those of slots and money add up their amounts.
create or replace function app.measure_bit(measure text) returns bigint
language sql immutable strict parallel safe
return case measure
    -- calls, on the day they are scheduled
    when 'every_call' then 1::bigint       when 'rescheduled' then 1::bigint << 1      when 'shows' then 1::bigint << 2
    when 'disqualified' then 1::bigint << 3 when 'no_shows' then 1::bigint << 4        when 'canceled' then 1::bigint << 5
    when 'canceled_by_host' then 1::bigint << 6 when 'offers' then 1::bigint << 7      when 'closes' then 1::bigint << 8
    when 'refunded_closes' then 1::bigint << 9 when 'open' then 1::bigint << 10        when 'open_any' then 1::bigint << 11
    when 'reports' then 1::bigint << 12    when 'timely' then 1::bigint << 13
    -- chains, on the day they are booked
    when 'booked' then 1::bigint << 14     when 'cohort_calls' then 1::bigint << 15    when 'cohort_shows' then 1::bigint << 16
    when 'cohort_resolved' then 1::bigint << 17
    -- leads, on the day of their first show
    when 'leads' then 1::bigint << 18      when 'leads_closed' then 1::bigint << 19
    -- deals, on the day they are closed
    when 'won' then 1::bigint << 20
    -- closers' days: amounts of slots
    when 'available_slots' then 1::bigint << 21 when 'booked_slots' then 1::bigint << 22 when 'held_slots' then 1::bigint << 23
    -- money: movements on their own day, net revenue on the day of the payment, deals on the day they are closed, what is
    -- owed on the day it is due
    when 'collected' then 1::bigint << 24  when 'refunds' then 1::bigint << 25         when 'chargebacks' then 1::bigint << 26
    when 'new_cash' then 1::bigint << 27   when 'upsell_cash' then 1::bigint << 28     when 'unattributed' then 1::bigint << 29
    when 'verified' then 1::bigint << 30   when 'net_revenue' then 1::bigint << 31     when 'contracted' then 1::bigint << 32
    when 'deals_collected' then 1::bigint << 33 when 'owed' then 1::bigint << 34
end;
comment on function app.measure_bit(text) is 'The place of a measure in the set that a contribution counts in.';

-- app.grain_bit: which questions a contribution answers. whole: nobody in particular. closer, setter: by or for one of them.
-- closer_of_pair, setter_of_pair: by one and for the other, as the parts that the first, or the second, is credited with.
-- A call belongs to all; money that several people share is told once for each.
create or replace function app.grain_bit(grain text) returns integer
language sql immutable strict parallel safe
return case grain when 'whole' then 1 when 'closer' then 2 when 'setter' then 4 when 'closer_of_pair' then 8
                  when 'setter_of_pair' then 16 when 'all' then 31 end;
comment on function app.grain_bit(text) is 'The place of a grain in the set of questions that a contribution answers.';

-- app.measures: every measure, in the order of app.metric_sums. is_amount: it adds up amounts, else it counts contributions.
create or replace function app.measures() returns table (measure text, is_amount boolean)
language sql immutable parallel safe
begin atomic
    select m.measure, m.is_amount
      from (values
        ('every_call', false), ('rescheduled', false), ('shows', false), ('disqualified', false), ('no_shows', false),
        ('canceled', false), ('canceled_by_host', false), ('offers', false), ('closes', false), ('refunded_closes', false),
        ('open', false), ('open_any', false), ('reports', false), ('timely', false), ('booked', false),
        ('cohort_calls', false), ('cohort_shows', false), ('cohort_resolved', false), ('leads', false),
        ('leads_closed', false), ('won', false), ('available_slots', true), ('booked_slots', true), ('held_slots', true),
        ('collected', true), ('refunds', true), ('chargebacks', true), ('new_cash', true), ('upsell_cash', true),
        ('unattributed', true), ('verified', true), ('net_revenue', true), ('contracted', true), ('deals_collected', true),
        ('owed', true)
      ) as m (measure, is_amount);
end;
comment on function app.measures() is 'Every measure, in the order of app.metric_sums.';

-- app.counted_in: contributions of one kind as what they add to each measure, in the order of app.metric_sums. times: how many there
-- are; amount: what theirs come to; both less than nothing where they are taken away.
create or replace function app.counted_in(measures bigint, times bigint, amount numeric) returns table (
    every_call integer, rescheduled integer, shows integer, disqualified integer, no_shows integer, canceled integer,
    canceled_by_host integer, offers integer, closes integer, refunded_closes integer, open integer, open_any integer,
    reports integer, timely integer, booked integer, cohort_calls integer, cohort_shows integer, cohort_resolved integer,
    leads integer, leads_closed integer, won integer, available_slots integer, booked_slots integer, held_slots integer,
    collected numeric, refunds numeric, chargebacks numeric, new_cash numeric, upsell_cash numeric, unattributed numeric,
    verified numeric, net_revenue numeric, contracted numeric, deals_collected numeric, owed numeric
)
language sql immutable parallel safe
begin atomic
    select case when measures & app.measure_bit('every_call') <> 0 then times::integer end,
           case when measures & app.measure_bit('rescheduled') <> 0 then times::integer end,
           case when measures & app.measure_bit('shows') <> 0 then times::integer end,
           case when measures & app.measure_bit('disqualified') <> 0 then times::integer end,
           case when measures & app.measure_bit('no_shows') <> 0 then times::integer end,
           case when measures & app.measure_bit('canceled') <> 0 then times::integer end,
           case when measures & app.measure_bit('canceled_by_host') <> 0 then times::integer end,
           case when measures & app.measure_bit('offers') <> 0 then times::integer end,
           case when measures & app.measure_bit('closes') <> 0 then times::integer end,
           case when measures & app.measure_bit('refunded_closes') <> 0 then times::integer end,
           case when measures & app.measure_bit('open') <> 0 then times::integer end,
           case when measures & app.measure_bit('open_any') <> 0 then times::integer end,
           case when measures & app.measure_bit('reports') <> 0 then times::integer end,
           case when measures & app.measure_bit('timely') <> 0 then times::integer end,
           case when measures & app.measure_bit('booked') <> 0 then times::integer end,
           case when measures & app.measure_bit('cohort_calls') <> 0 then times::integer end,
           case when measures & app.measure_bit('cohort_shows') <> 0 then times::integer end,
           case when measures & app.measure_bit('cohort_resolved') <> 0 then times::integer end,
           case when measures & app.measure_bit('leads') <> 0 then times::integer end,
           case when measures & app.measure_bit('leads_closed') <> 0 then times::integer end,
           case when measures & app.measure_bit('won') <> 0 then times::integer end,
           case when measures & app.measure_bit('available_slots') <> 0 then amount::integer end,
           case when measures & app.measure_bit('booked_slots') <> 0 then amount::integer end,
           case when measures & app.measure_bit('held_slots') <> 0 then amount::integer end,
           case when measures & app.measure_bit('collected') <> 0 then amount end,
           case when measures & app.measure_bit('refunds') <> 0 then amount end,
           case when measures & app.measure_bit('chargebacks') <> 0 then amount end,
           case when measures & app.measure_bit('new_cash') <> 0 then amount end,
           case when measures & app.measure_bit('upsell_cash') <> 0 then amount end,
           case when measures & app.measure_bit('unattributed') <> 0 then amount end,
           case when measures & app.measure_bit('verified') <> 0 then amount end,
           case when measures & app.measure_bit('net_revenue') <> 0 then amount end,
           case when measures & app.measure_bit('contracted') <> 0 then amount end,
           case when measures & app.measure_bit('deals_collected') <> 0 then amount end,
           case when measures & app.measure_bit('owed') <> 0 then amount end;
end;
comment on function app.counted_in(bigint, bigint, numeric) is 'Contributions as what they add to each measure.';

-- app.measures_of: of which measures some metrics are made; NULL for all there are. Those of which coverage is made are always among them.
create or replace function app.measures_of(metrics text[]) returns text[]
language sql immutable parallel safe
begin atomic
    select case when measures_of.metrics is not null then array['shows', 'no_shows', 'open'] || array_agg(m.measure) end
      from (values
        ('every_call',       array['scheduled_calls', 'reschedule_rate']),
        ('rescheduled',      array['scheduled_calls', 'reschedule_rate']),
        ('disqualified',     array['qualified_show_rate']),
        ('canceled',         array['canceled', 'canceled_by_invitee', 'gross_show_rate', 'cancellation_rate', 'close_rate_on_booked']),
        ('canceled_by_host', array['canceled_by_invitee', 'canceled_by_host']),
        ('offers',           array['offers', 'offer_rate', 'close_rate_on_offers']),
        ('closes',           array['closes', 'close_rate', 'close_rate_on_offers', 'close_rate_on_booked', 'net_close_rate']),
        ('refunded_closes',  array['net_close_rate']),
        ('reports',          array['pcf_timeliness']),
        ('timely',           array['pcf_timeliness']),
        ('booked',           array['booked_calls', 'cash_per_booked']),
        ('cohort_calls',     array['show_rate_booked_cohort']),
        ('cohort_shows',     array['show_rate_booked_cohort']),
        ('cohort_resolved',  array['show_rate_booked_cohort']),
        ('leads',            array['lead_close_rate']),
        ('leads_closed',     array['lead_close_rate']),
        ('won',              array['deals_won', 'aov']),
        ('available_slots',  array['utilization', 'held_utilization']),
        ('booked_slots',     array['utilization']),
        ('held_slots',       array['held_utilization']),
        ('collected',        array['cash_collected', 'net_cash', 'cash_per_show', 'cash_per_booked', 'verified_share']),
        ('refunds',          array['refunds', 'net_cash', 'cash_per_show', 'cash_per_booked']),
        ('chargebacks',      array['chargebacks']),
        ('new_cash',         array['new_cash']),
        ('upsell_cash',      array['upsell_cash']),
        ('unattributed',     array['unattributed_cash']),
        ('verified',         array['verified_share']),
        ('net_revenue',      array['net_revenue']),
        ('contracted',       array['contracted_revenue', 'collected_share', 'aov']),
        ('deals_collected',  array['collected_share'])
      ) as m (measure, metrics)
     where m.metrics && measures_of.metrics;
end;
comment on function app.measures_of(text[]) is 'Of which measures some metrics are made.';

-- app.metric_parts: which measure of which facts each part of a metric is.
-- facts: calls, standing_calls (as of an instant), kept_closes and qualified_shows (calls that need a closer look), forms,
-- chains, first_shows, cash, revenue (cash by the day of the payment), deals, deal_cash, owed, capacity; of setters: set_chains
-- and set_calls (with a setter), set_cash (what setters are credited with), activities, contacts.
-- adds: rows, where each row counts one; amount, where their amounts add up; median.
create or replace function app.metric_parts()
returns table (metric text, part text, facts text, measure text, adds text)
language sql immutable parallel safe
begin atomic
    select p.metric, p.part, p.facts, p.measure, p.adds
      from (values
        ('booked_calls',            'numerator',   'chains',          'booked',              'rows'),
        ('scheduled_calls',         'numerator',   'calls',           'scheduled',           'rows'),
        ('shows',                   'numerator',   'calls',           'shows',               'rows'),
        ('no_shows',                'numerator',   'calls',           'no_shows',            'rows'),
        ('canceled',                'numerator',   'calls',           'canceled',            'rows'),
        ('canceled_by_invitee',     'numerator',   'calls',           'canceled_by_invitee', 'rows'),
        ('canceled_by_host',        'numerator',   'calls',           'canceled_by_host',    'rows'),
        ('pending',                 'numerator',   'calls',           'pending',             'rows'),
        ('offers',                  'numerator',   'calls',           'offers',              'rows'),
        ('closes',                  'numerator',   'calls',           'closes',              'rows'),
        ('show_rate',               'numerator',   'calls',           'shows',               'rows'),
        ('show_rate',               'denominator', 'calls',           'due',                 'rows'),
        ('no_show_rate',            'numerator',   'calls',           'no_shows',            'rows'),
        ('no_show_rate',            'denominator', 'calls',           'due',                 'rows'),
        ('gross_show_rate',         'numerator',   'calls',           'shows',               'rows'),
        ('gross_show_rate',         'denominator', 'calls',           'due_or_canceled',     'rows'),
        ('show_rate_booked_cohort', 'numerator',   'chains',          'shows',               'rows'),
        ('show_rate_booked_cohort', 'denominator', 'chains',          'resolved',            'rows'),
        ('cancellation_rate',       'numerator',   'calls',           'canceled',            'rows'),
        ('cancellation_rate',       'denominator', 'calls',           'due_or_canceled',     'rows'),
        ('reschedule_rate',         'numerator',   'calls',           'rescheduled',         'rows'),
        ('reschedule_rate',         'denominator', 'calls',           'every_call',          'rows'),
        ('offer_rate',              'numerator',   'calls',           'offers',              'rows'),
        ('offer_rate',              'denominator', 'calls',           'shows',               'rows'),
        ('close_rate',              'numerator',   'calls',           'closes',              'rows'),
        ('close_rate',              'denominator', 'calls',           'shows',               'rows'),
        ('close_rate_on_offers',    'numerator',   'calls',           'closes',              'rows'),
        ('close_rate_on_offers',    'denominator', 'calls',           'offers',              'rows'),
        ('close_rate_on_booked',    'numerator',   'calls',           'closes',              'rows'),
        ('close_rate_on_booked',    'denominator', 'calls',           'due_or_canceled',     'rows'),
        ('lead_close_rate',         'numerator',   'first_shows',     'closed',              'rows'),
        ('lead_close_rate',         'denominator', 'first_shows',     'leads',               'rows'),
        ('net_close_rate',          'numerator',   'kept_closes',     'closes',              'rows'),
        ('net_close_rate',          'denominator', 'calls',           'shows',               'rows'),
        ('qualified_show_rate',     'numerator',   'qualified_shows', 'shows',               'rows'),
        ('qualified_show_rate',     'denominator', 'calls',           'due',                 'rows'),
        ('reporting_coverage',      'numerator',   'calls',           'due',                 'rows'),
        ('reporting_coverage',      'denominator', 'calls',           'due_or_pending',      'rows'),
        ('pending_pcfs',            'numerator',   'standing_calls',  'pending',             'rows'),
        ('overdue_pcfs',            'numerator',   'standing_calls',  'overdue',             'rows'),
        ('pcf_timeliness',          'numerator',   'forms',           'timely',              'rows'),
        ('pcf_timeliness',          'denominator', 'forms',           'reports',             'rows'),
        ('pcf_median_delay',        'numerator',   'forms',           'reports',             'median'),
        ('utilization',             'numerator',   'capacity',        'booked',              'amount'),
        ('utilization',             'denominator', 'capacity',        'available',           'amount'),
        ('held_utilization',        'numerator',   'capacity',        'held',                'amount'),
        ('held_utilization',        'denominator', 'capacity',        'available',           'amount'),
        ('deals_won',               'numerator',   'deals',           'won',                 'rows'),
        ('cash_collected',          'numerator',   'cash',            'cash_collected',      'amount'),
        ('refunds',                 'numerator',   'cash',            'refunds',             'amount'),
        ('chargebacks',             'numerator',   'cash',            'chargebacks',         'amount'),
        ('net_cash',                'numerator',   'cash',            'net_cash',            'amount'),
        ('net_revenue',             'numerator',   'revenue',         'net_cash',            'amount'),
        ('new_cash',                'numerator',   'cash',            'new_cash',            'amount'),
        ('upsell_cash',             'numerator',   'cash',            'upsell_cash',         'amount'),
        ('contracted_revenue',      'numerator',   'deals',           'contracted',          'amount'),
        ('collected_share',         'numerator',   'deal_cash',       'net_cash',            'amount'),
        ('collected_share',         'denominator', 'deals',           'contracted',          'amount'),
        ('outstanding',             'numerator',   'owed',            'outstanding',         'amount'),
        ('overdue',                 'numerator',   'owed',            'overdue',             'amount'),
        ('aov',                     'numerator',   'deals',           'contracted',          'amount'),
        ('aov',                     'denominator', 'deals',           'won',                 'rows'),
        ('cash_per_show',           'numerator',   'cash',            'net_cash',            'amount'),
        ('cash_per_show',           'denominator', 'calls',           'shows',               'rows'),
        ('cash_per_booked',         'numerator',   'cash',            'net_cash',            'amount'),
        ('cash_per_booked',         'denominator', 'chains',          'booked',              'rows'),
        ('unattributed_cash',       'numerator',   'cash',            'unattributed_cash',   'amount'),
        ('verified_share',          'numerator',   'cash',            'verified_cash',       'amount'),
        ('verified_share',          'denominator', 'cash',            'cash_collected',      'amount'),
        ('sets',                    'numerator',   'set_chains',      'sets',                'rows'),
        ('self_sets',               'numerator',   'set_chains',      'self_sets',           'rows'),
        ('set_show_rate',           'numerator',   'set_calls',       'shows',               'rows'),
        ('set_show_rate',           'denominator', 'set_calls',       'due',                 'rows'),
        ('set_offer_rate',          'numerator',   'set_calls',       'offers',              'rows'),
        ('set_offer_rate',          'denominator', 'set_calls',       'shows',               'rows'),
        ('set_close_rate',          'numerator',   'set_calls',       'closes',              'rows'),
        ('set_close_rate',          'denominator', 'set_calls',       'shows',               'rows'),
        ('cash_from_sets',          'numerator',   'set_cash',        'cash_collected',      'amount'),
        ('dials',                   'numerator',   'activities',      'dials',               'amount'),
        ('connects',                'numerator',   'activities',      'connects',            'amount'),
        ('talk_seconds',            'numerator',   'activities',      'talk_seconds',        'amount'),
        ('connect_rate',            'numerator',   'activities',      'connects',            'amount'),
        ('connect_rate',            'denominator', 'activities',      'dials',               'amount'),
        ('dials_per_set',           'numerator',   'activities',      'dials',               'amount'),
        ('dials_per_set',           'denominator', 'set_chains',      'sets',                'rows'),
        ('sets_per_connect',        'numerator',   'set_chains',      'sets',                'rows'),
        ('sets_per_connect',        'denominator', 'activities',      'connects',            'amount'),
        ('speed_to_lead',           'numerator',   'contacts',        'contacted',           'median'),
        ('contacted_within_5_min',  'numerator',   'contacts',        'prompt',              'rows'),
        ('contacted_within_5_min',  'denominator', 'contacts',        'leads',               'rows'),
        ('never_contacted',         'numerator',   'contacts',        'never',               'rows'),
        ('never_contacted',         'denominator', 'contacts',        'leads',               'rows')
      ) as p (metric, part, facts, measure, adds);
end;
comment on function app.metric_parts() is 'Which measure of which facts each part of a metric is.';

-- app.metric_rests_on: what must be visible to see a number: calls (status and outcome), forms, credits (people's parts of
-- payments), set_credits (those of setters), payments, deals, capacity, activities (dials and contacts of setters).
create or replace function app.metric_rests_on(metric text) returns text
language sql immutable parallel safe
return case
    when metric in ('qualified_show_rate', 'pcf_timeliness', 'pcf_median_delay') then 'forms'
    when metric in ('net_close_rate', 'collected_share', 'unattributed_cash', 'verified_share', 'outstanding', 'overdue')
                    then 'payments'
    when metric in ('deals_won', 'contracted_revenue', 'aov') then 'deals'
    when metric in ('utilization', 'held_utilization') then 'capacity'
    when metric in ('cash_collected', 'refunds', 'chargebacks', 'net_cash', 'net_revenue', 'new_cash', 'upsell_cash',
                    'cash_per_show', 'cash_per_booked') then 'credits'
    when metric = 'cash_from_sets' then 'set_credits'
    when metric in ('dials', 'connects', 'talk_seconds', 'connect_rate', 'dials_per_set', 'sets_per_connect', 'speed_to_lead',
                    'contacted_within_5_min', 'never_contacted') then 'activities'
    else 'calls'
end;
comment on function app.metric_rests_on(text) is 'What must be visible to see a number.';
