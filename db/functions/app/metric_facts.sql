-- The facts behind every metric: one function per grain, each of them the only place where its rule is written.
-- Each takes an organization and filters (NULL filters nothing) and leaves the period to its caller. They are plain SQL, so
-- the planner looks inside and a caller's period reaches the index. Internal: nobody but the owner may call these; whoever
-- does, answers for the filter of tenant and person.

-- app.day_start: the instant at which a local day begins.
-- Where clocks go back over midnight (Havana, the Azores) midnight comes twice, and the day begins with the first; then
-- `t >= app.day_start(d)` and `(t at time zone timezone)::date >= d` say the same of every t.
create or replace function app.day_start(day date, timezone text) returns timestamptz
language sql immutable strict parallel safe
return case
    when (((day - interval '3 hours') at time zone timezone + interval '3 hours') at time zone timezone)::date = day
        then least(day::timestamp at time zone timezone, (day - interval '3 hours') at time zone timezone + interval '3 hours')
    else day::timestamp at time zone timezone
end;
comment on function app.day_start(date, text) is 'The instant at which a local day begins.';

-- app.previous_period: what a period of inclusive local dates is compared with.
-- A whole month or quarter with the one before, any other range with as many days before it: for a week, the one before.
create or replace function app.previous_period(inout start_date date, inout end_date date)
language sql immutable strict parallel safe
begin atomic
    select (case
               when start_date = date_trunc('month', start_date)::date
                and end_date = (date_trunc('month', start_date) + interval '1 month' - interval '1 day')::date
                   then start_date - interval '1 month'
               when start_date = date_trunc('quarter', start_date)::date
                and end_date = (date_trunc('quarter', start_date) + interval '3 months' - interval '1 day')::date
                   then start_date - interval '3 months'
               else start_date - (end_date - start_date + 1) * interval '1 day'
           end)::date,
           start_date - 1;
end;
comment on function app.previous_period(date, date) is 'The period that a period is compared with.';

-- app.call_facts: countable calls, one row each: not deleted, no duplicates, no test leads.
-- closer_id took it, setter_id booked the first of its chain; source and types come from the first booking where a later one
-- has none. in_rates: its type counts in rates, or it has no type.
create or replace function app.call_facts(
    organization_id uuid, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    event_id uuid, root_event_id uuid, rescheduled_from_id uuid, lead_id uuid,
    booked_at timestamptz, scheduled_at timestamptz, scheduled_end_at timestamptz,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid,
    call_status text, event_outcome text, canceled_by text, in_rates boolean
)
language sql stable parallel safe
begin atomic
    select e.id, e.root_event_id, e.rescheduled_from_id, e.lead_id, e.booked_at, e.scheduled_at, e.scheduled_end_at,
           e.credited_closer_id, e.credited_setter_id, i.source_id, i.traffic_type_id, i.call_type_id,
           e.call_status, e.event_outcome, e.canceled_by, coalesce(t.counts_in_rates, true)
      from app.events as e
     cross join lateral (
        select case when e.source_id is null and e.rescheduled_from_id is not null
                    then (select r.source_id from app.events as r
                           where r.organization_id = e.organization_id and r.id = e.root_event_id)
                    else e.source_id end as source_id,
               case when e.traffic_type_id is null and e.rescheduled_from_id is not null
                    then (select r.traffic_type_id from app.events as r
                           where r.organization_id = e.organization_id and r.id = e.root_event_id)
                    else e.traffic_type_id end as traffic_type_id,
               case when e.call_type_id is null and e.rescheduled_from_id is not null
                    then (select r.call_type_id from app.events as r
                           where r.organization_id = e.organization_id and r.id = e.root_event_id)
                    else e.call_type_id end as call_type_id
     ) as i
      left join app.call_types as t on t.organization_id = e.organization_id and t.id = i.call_type_id
     where e.organization_id = call_facts.organization_id
       and e.deleted_at is null and e.duplicate_of_id is null
       and not exists (select from app.leads as l
                        where l.organization_id = e.organization_id and l.id = e.lead_id and l.is_test)
       and (closers is null or e.credited_closer_id = any (closers))
       and (setters is null or e.credited_setter_id = any (setters))
       and (source is null or i.source_id = source)
       and (traffic_type is null or i.traffic_type_id = traffic_type)
       and (call_type is null or i.call_type_id = call_type);
end;
comment on function app.call_facts(uuid, uuid[], uuid[], uuid, uuid, uuid) is 'Calls that count, one row each.';

-- app.chain_goes_on: does this event, or a later one of its reschedule chain, count?
create or replace function app.chain_goes_on(organization_id uuid, event_id uuid) returns boolean
language sql stable parallel safe
begin atomic
    with recursive later (id) as (
        select chain_goes_on.event_id
        union
        select e.id from later as l
          join app.events as e
            on e.organization_id = chain_goes_on.organization_id and e.rescheduled_from_id = l.id
    )
    select exists (select from later as l
                     join app.call_facts(chain_goes_on.organization_id) as c on c.event_id = l.id);
end;
comment on function app.chain_goes_on(uuid, uuid) is 'True when this event or a later one of its reschedule chain counts.';

-- app.chain_facts: reschedule chains with a countable call, one row each: their last countable call, at the time the
-- first of the chain was booked, whether or not that first one still counts.
create or replace function app.chain_facts(
    organization_id uuid, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    event_id uuid, root_event_id uuid, lead_id uuid, booked_at timestamptz,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid,
    call_status text, in_rates boolean
)
language sql stable parallel safe
begin atomic
    select c.event_id, c.root_event_id, c.lead_id, c.booked_at,
           c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id, c.call_status, c.in_rates
      from (
        select f.event_id, f.root_event_id, f.lead_id, f.booked_at,
               f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.call_status, f.in_rates
          from app.call_facts(chain_facts.organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.rescheduled_from_id is null
        union all
        select f.event_id, f.root_event_id, f.lead_id, r.booked_at,
               f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.call_status, f.in_rates
          from app.call_facts(chain_facts.organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.events as r on r.organization_id = chain_facts.organization_id and r.id = f.root_event_id
         where f.rescheduled_from_id is not null
      ) as c
     where not exists (
        -- A successor of the same lead that is neither deleted nor a duplicate counts; only others need a closer look.
        select from app.events as s
         where s.organization_id = chain_facts.organization_id and s.rescheduled_from_id is not null
           and s.rescheduled_from_id = c.event_id
           and (s.deleted_at is null and s.duplicate_of_id is null and s.lead_id = c.lead_id
                or app.chain_goes_on(chain_facts.organization_id, s.id)));
end;
comment on function app.chain_facts(uuid, uuid[], uuid[], uuid, uuid, uuid) is
    'Reschedule chains that count, one row each: the last call at the time of the first booking.';

-- app.first_reports: when a person first said what happened on a call, for calls on which somebody did.
create or replace function app.first_reports(organization_id uuid) returns table (event_id uuid, submitted_at timestamptz)
language sql stable parallel safe
begin atomic
    select f.event_id, f.submitted_at
      from app.post_call_forms as f
     where f.organization_id = first_reports.organization_id and f.is_human and f.voided_at is null
       and (f.version = 1
            or not exists (select from app.post_call_forms as g
                            where g.organization_id = f.organization_id and g.event_id = f.event_id
                              and g.version < f.version and g.is_human and g.voided_at is null));
end;
comment on function app.first_reports(uuid) is 'When a person first said what happened on a call.';

-- app.form_facts: countable calls that a person reported on, one row each, with the delay of the first report after the
-- call's end; negative when the call ended early.
create or replace function app.form_facts(
    organization_id uuid, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    event_id uuid, scheduled_at timestamptz, closer_id uuid, setter_id uuid, delay_seconds numeric
)
language sql stable parallel safe
begin atomic
    select c.event_id, c.scheduled_at, c.closer_id, c.setter_id,
           extract(epoch from f.submitted_at) - extract(epoch from c.scheduled_end_at)
      from app.call_facts(form_facts.organization_id, closers, setters, source, traffic_type, call_type) as c
      join app.first_reports(form_facts.organization_id) as f on f.event_id = c.event_id;
end;
comment on function app.form_facts(uuid, uuid[], uuid[], uuid, uuid, uuid) is
    'Calls that a person reported on, with the delay of the first report.';

-- app.first_show_facts: leads who showed, one row each: their first completed call in rates. has_closed: any call in rates
-- of this lead ended closed. The filters choose by the first show; the close may be anybody's.
create or replace function app.first_show_facts(
    organization_id uuid, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    lead_id uuid, event_id uuid, scheduled_at timestamptz, closer_id uuid, setter_id uuid, has_closed boolean
)
language sql stable parallel safe
begin atomic
    select c.lead_id, c.event_id, c.scheduled_at, c.closer_id, c.setter_id,
           exists (select from app.call_facts(first_show_facts.organization_id) as d
                    where d.lead_id = c.lead_id and d.in_rates and d.event_outcome = 'closed')
      from app.call_facts(first_show_facts.organization_id, closers, setters, source, traffic_type, call_type) as c
     where c.lead_id is not null and c.in_rates and c.call_status = 'completed'
       and not exists (select from app.call_facts(first_show_facts.organization_id) as b
                        where b.lead_id = c.lead_id and b.in_rates and b.call_status = 'completed'
                          and (b.scheduled_at, b.event_id) < (c.scheduled_at, c.event_id));
end;
comment on function app.first_show_facts(uuid, uuid[], uuid[], uuid, uuid, uuid) is 'The first completed call of each lead.';

-- app.payment_facts: payments that count, one row each: succeeded, live, neither deleted nor superseded nor a rejected
-- claim, converted, of no test lead. amount: in the organization's currency. The call type is that of the payment's call;
-- an instalment has the type of its deal, and its package where none was told with the payment: processors tell of none.
create or replace function app.payment_facts(
    organization_id uuid, source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    payment_id uuid, paid_at timestamptz, amount numeric, currency text, event_id uuid, deal_id uuid,
    source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid, deal_type text, is_from_processor boolean
)
language sql stable parallel safe
begin atomic
    select p.id, p.payment_date, p.amount_base, p.base_currency, p.event_id, p.deal_id, p.source_id, p.traffic_type_id,
           i.call_type_id, coalesce(p.package_id, d.package_id), coalesce(d.deal_type, p.deal_type), p.source in ('stripe', 'whop')
      from app.payments as p
      left join app.deals as d on d.organization_id = p.organization_id and d.id = p.deal_id
     cross join lateral (
        select (select coalesce(e.call_type_id, r.call_type_id)
                  from app.events as e
                  join app.events as r on r.organization_id = e.organization_id and r.id = e.root_event_id
                 where e.organization_id = p.organization_id and e.id = p.event_id) as call_type_id
     ) as i
     where p.organization_id = payment_facts.organization_id
       and p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
       and p.claim_state is distinct from 'rejected' and p.amount_base > 0
       and not exists (select from app.leads as l
                        where l.organization_id = p.organization_id and l.id = p.lead_id and l.is_test)
       and (payment_facts.source is null or p.source_id = payment_facts.source)
       and (traffic_type is null or p.traffic_type_id = traffic_type)
       and (call_type is null or i.call_type_id = call_type);
end;
comment on function app.payment_facts(uuid, uuid, uuid, uuid) is 'Payments that count, one row each.';

-- app.cash_facts: movements of money, one row each: counted payments (+), their refunds and disputes (-), won disputes (+).
-- Summed by moved_at they are net cash, by paid_at net revenue: over all time the same rows, so the same sum.
create or replace function app.cash_facts(
    organization_id uuid, source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    payment_id uuid, refund_id uuid, kind text, moved_at timestamptz, paid_at timestamptz, amount numeric, currency text,
    event_id uuid, deal_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid,
    deal_type text, is_from_processor boolean
)
language sql stable parallel safe
begin atomic
    select p.payment_id, null::uuid, 'payment', p.paid_at, p.paid_at, p.amount, p.currency,
           p.event_id, p.deal_id, p.source_id, p.traffic_type_id, p.call_type_id, p.package_id,
           p.deal_type, p.is_from_processor
      from app.payment_facts(cash_facts.organization_id, cash_facts.source, traffic_type, call_type) as p
    union all
    select p.payment_id, r.id, r.kind, r.refunded_at, p.paid_at,
           case r.kind when 'dispute_won' then r.amount_base else -r.amount_base end, p.currency,
           p.event_id, p.deal_id, p.source_id, p.traffic_type_id, p.call_type_id, p.package_id,
           p.deal_type, p.is_from_processor
      from app.payment_facts(cash_facts.organization_id, cash_facts.source, traffic_type, call_type) as p
      join app.payment_refunds as r on r.organization_id = cash_facts.organization_id and r.payment_id = p.payment_id
     where r.status = 'succeeded' and r.amount_base is not null;
end;
comment on function app.cash_facts(uuid, uuid, uuid, uuid) is 'Movements of money that count, one row each, signed.';

-- app.credited_movement: the part of one movement that one credit bears; the parts of a movement add up to it.
-- A payment's parts are its credits. Of refunds, a credit bears its largest-remainder part of what is refunded so far, less
-- what it bore before: whatever the steps, a payment refunded in full leaves every credit at exactly zero.
create or replace function app.credited_movement(
    organization_id uuid, payment_id uuid, refund_id uuid, role text, credit_id uuid, credit_amount numeric, share numeric,
    amount numeric, currency text
) returns numeric
language plpgsql stable parallel safe set search_path = '' as $$
declare
    v_weights  numeric[];
    v_position integer;
    v_before   numeric;
begin
    if refund_id is null then
        return credit_amount;
    elsif share = 1 then
        return amount;
    end if;
    select array_agg(c.amount_base order by c.id), array_position(array_agg(c.id order by c.id), credit_id)
      into strict v_weights, v_position
      from app.payment_credits as c
     where c.organization_id = credited_movement.organization_id and c.payment_id = credited_movement.payment_id
       and c.role = credited_movement.role;
    select coalesce(sum(case r.kind when 'dispute_won' then r.amount_base else -r.amount_base end), 0)
      into strict v_before
      from app.payment_refunds as r, app.payment_refunds as self
     where r.organization_id = credited_movement.organization_id and r.payment_id = credited_movement.payment_id
       and self.organization_id = credited_movement.organization_id and self.id = credited_movement.refund_id
       and r.status = 'succeeded' and r.amount_base is not null
       and (r.refunded_at, r.id) < (self.refunded_at, self.id);
    return (app.split_amount(v_before + amount, v_weights, currency))[v_position]
         - (app.split_amount(v_before, v_weights, currency))[v_position];
end;
$$;
comment on function app.credited_movement(uuid, uuid, uuid, text, uuid, numeric, numeric, numeric, text) is
    'The part of a payment or refund that one credit bears.';

-- app.credited_cash_facts: cash_facts by who is credited: whole movements while cash_role is NULL, else the parts that
-- people bear in that role ('closer' or 'setter'). A filter on the other role keeps movements whose payment credits them.
-- has_closer: some closer has credit for the payment.
create or replace function app.credited_cash_facts(
    organization_id uuid, cash_role text default null, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    payment_id uuid, refund_id uuid, kind text, moved_at timestamptz, paid_at timestamptz, amount numeric,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid,
    deal_type text, is_from_processor boolean, has_closer boolean
)
language sql stable parallel safe
begin atomic
    select f.payment_id, f.refund_id, f.kind, f.moved_at, f.paid_at,
           case when cash_role is null then f.amount
                else app.credited_movement(c.organization_id, f.payment_id, f.refund_id, c.role, c.id, c.amount_base, c.share,
                                           f.amount, f.currency) end,
           c.closer_id, c.setter_id,
           f.source_id, f.traffic_type_id, f.call_type_id, f.package_id, f.deal_type, f.is_from_processor,
           exists (select from app.payment_credits as o
                    where o.organization_id = credited_cash_facts.organization_id and o.payment_id = f.payment_id
                      and o.role = 'closer')
      from app.cash_facts(credited_cash_facts.organization_id, credited_cash_facts.source, traffic_type, call_type) as f
      left join app.payment_credits as c
        on c.organization_id = credited_cash_facts.organization_id and c.payment_id = f.payment_id and c.role = cash_role
     where (cash_role is null or c.id is not null)
       and (closers is null or cash_role is null or c.closer_id = any (closers)
            or cash_role = 'setter' and exists (
                select from app.payment_credits as o
                 where o.organization_id = credited_cash_facts.organization_id and o.payment_id = f.payment_id
                   and o.role = 'closer' and o.closer_id = any (closers)))
       and (setters is null or cash_role is null or c.setter_id = any (setters)
            or cash_role = 'closer' and exists (
                select from app.payment_credits as o
                 where o.organization_id = credited_cash_facts.organization_id and o.payment_id = f.payment_id
                   and o.role = 'setter' and o.setter_id = any (setters)));
end;
comment on function app.credited_cash_facts(uuid, text, uuid[], uuid[], uuid, uuid, uuid) is
    'Movements of money, whole or as the parts that credited people bear.';

-- app.deal_facts: deals that are neither void nor deleted nor of a test lead, one row each. contract_value: in the
-- organization's currency, NULL without a rate. Source and types are those of the call that closed it; without a call, source
-- and traffic type of the lead.
create or replace function app.deal_facts(
    organization_id uuid, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    deal_id uuid, event_id uuid, lead_id uuid, closed_at timestamptz, status text, deal_type text, contract_value numeric,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid
)
language sql stable parallel safe
begin atomic
    select d.id, d.origin_event_id, d.lead_id, d.closed_at, d.status, d.deal_type, d.contract_value_base,
           d.closer_id, d.setter_id, i.source_id, i.traffic_type_id, i.call_type_id, d.package_id
      from app.deals as d
      left join app.leads as l on l.organization_id = d.organization_id and l.id = d.lead_id
      left join app.events as e on e.organization_id = d.organization_id and e.id = d.origin_event_id
      left join app.events as r on r.organization_id = e.organization_id and r.id = e.root_event_id
     cross join lateral (
        select case when e.id is null then l.source_id else coalesce(e.source_id, r.source_id) end as source_id,
               case when e.id is null then l.traffic_type_id
                    else coalesce(e.traffic_type_id, r.traffic_type_id) end as traffic_type_id,
               coalesce(e.call_type_id, r.call_type_id) as call_type_id
     ) as i
     where d.organization_id = deal_facts.organization_id
       and d.deleted_at is null and d.status <> 'void'
       and not exists (select from app.leads as k
                        where k.organization_id = d.organization_id and k.id = d.lead_id and k.is_test)
       and (closers is null or d.closer_id = any (closers))
       and (setters is null or d.setter_id = any (setters))
       and (deal_facts.source is null or i.source_id = deal_facts.source)
       and (traffic_type is null or i.traffic_type_id = traffic_type)
       and (call_type is null or i.call_type_id = call_type);
end;
comment on function app.deal_facts(uuid, uuid[], uuid[], uuid, uuid, uuid) is 'Deals that count, one row each.';

-- app.refunded_call: did the money of a call come and go? All that was paid for its deal, or for the call itself without a deal,
-- is refunded or disputed away. One row; a set, so that the planner looks inside.
create or replace function app.refunded_call(organization_id uuid, event_id uuid) returns table (is_refunded boolean)
language sql stable parallel safe
begin atomic
    -- Summed where they are found, or the planner would fetch all movements and join them.
    select coalesce(bool_or(m.went_back) and sum(m.amount) <= 0, false)
      from (
        select k.went_back, k.amount
          from app.deals as d
         cross join lateral (
            select bool_or(f.kind <> 'payment') as went_back, sum(f.amount) as amount
              from app.cash_facts(refunded_call.organization_id) as f
             where f.deal_id = d.id
         ) as k
         where d.organization_id = refunded_call.organization_id and d.origin_event_id = refunded_call.event_id
           and d.deleted_at is null and d.status <> 'void'
        union all
        select bool_or(f.kind <> 'payment'), sum(f.amount)
          from app.cash_facts(refunded_call.organization_id) as f
         where f.event_id = refunded_call.event_id and f.deal_id is null
      ) as m;
end;
comment on function app.refunded_call(uuid, uuid) is 'True for a call of which every payment is refunded or disputed away.';

-- app.owed_by_day: what of a deal's instalments is owed, on the days they are due, in the organization's currency, when so much of
-- it is collected. Net cash pays the earliest first; sums are converted and rounded before they are parted, so that the parts add up.
create or replace function app.owed_by_day(organization_id uuid, deal_id uuid, collected numeric)
returns table (due_on date, owed numeric)
language sql stable parallel safe
begin atomic
    select s.due_on, s.owed_by - coalesce(lag(s.owed_by) over (order by s.due_on), 0)
      from (
        select t.due_on,
               greatest(case when d.currency = d.base_currency then t.scheduled
                             else round(t.scheduled * d.contract_value_base / nullif(d.contract_value, 0),
                                        app.currency_exponent(d.base_currency)) end
                        - owed_by_day.collected, 0) as owed_by
          from app.deals as d
         cross join lateral (
            select n.due_on, sum(sum(n.amount)) over (order by n.due_on) as scheduled
              from app.deal_installments as n
             where n.organization_id = d.organization_id and n.deal_id = d.id
             group by n.due_on
         ) as t
         where d.organization_id = owed_by_day.organization_id and d.id = owed_by_day.deal_id
      ) as s;
end;
comment on function app.owed_by_day(uuid, uuid, numeric) is 'What of a deal''s instalments is owed, on the days they are due.';

-- app.owed_facts: what deals that are won still owe by their schedule, one row each, in the organization's currency.
-- What is paid too much owes nothing to another deal.
create or replace function app.owed_facts(
    organization_id uuid, today date, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (deal_id uuid, outstanding numeric, overdue numeric)
language sql stable parallel safe
begin atomic
    select d.deal_id, w.outstanding, w.overdue
      from app.deal_facts(owed_facts.organization_id, closers, setters, owed_facts.source, traffic_type, call_type) as d
      left join (
        select f.deal_id, sum(f.amount) as collected
          from app.cash_facts(owed_facts.organization_id) as f
         where f.deal_id is not null
         group by f.deal_id
      ) as c on c.deal_id = d.deal_id
     cross join lateral (
        select sum(o.owed) as outstanding, coalesce(sum(o.owed) filter (where o.due_on < owed_facts.today), 0) as overdue
          from app.owed_by_day(owed_facts.organization_id, d.deal_id, coalesce(c.collected, 0)) as o
     ) as w
     where d.status = 'won' and w.outstanding is not null;
end;
comment on function app.owed_facts(uuid, date, uuid[], uuid[], uuid, uuid, uuid) is
    'What won deals still owe by their schedules, and what of it is overdue.';

-- app.closer_day_facts: the slots of a closer's local day; no row unless its capacity is known.
-- Known is the last capture before the day began, else the first on the day; a later one says nothing about it. Booked
-- slots are those of calls that were not canceled or moved; held slots those of calls that took place.
create or replace function app.closer_day_facts(organization_id uuid, closer_id uuid, day date)
returns table (available_slots bigint, booked_slots bigint, held_slots bigint)
language sql stable parallel safe
begin atomic
    select k.available_slots, coalesce(b.booked_slots, 0), coalesce(b.held_slots, 0)
      from app.organizations as o
     cross join lateral (
        select (s.free_slots + s.booked_slots)::bigint as available_slots
          from app.capacity_snapshots as s
         where s.organization_id = closer_day_facts.organization_id and s.closer_id = closer_day_facts.closer_id
           and s.day = closer_day_facts.day and s.captured_at < app.day_start(closer_day_facts.day + 1, o.timezone)
         order by case when s.captured_at < app.day_start(s.day, o.timezone) then s.captured_at end desc nulls last, s.captured_at
         limit 1
     ) as k
     cross join lateral (
        select sum(n.slots) as booked_slots, sum(n.slots) filter (where c.call_status = 'completed') as held_slots
          from app.call_facts(closer_day_facts.organization_id) as c
         cross join lateral (
            select ceil(extract(epoch from c.scheduled_end_at - c.scheduled_at) / (60 * o.slot_minutes))::bigint as slots
         ) as n
         where c.closer_id = closer_day_facts.closer_id
           and c.scheduled_at >= app.day_start(closer_day_facts.day, o.timezone)
           and c.scheduled_at < app.day_start(closer_day_facts.day + 1, o.timezone)
           and c.call_status in ('scheduled', 'completed', 'no_show')
     ) as b
     where o.id = closer_day_facts.organization_id;
end;
comment on function app.closer_day_facts(uuid, uuid, date) is 'The slots of a closer''s local day, if its capacity is known.';

-- app.capacity_facts: closers' local days whose capacity is known, one row each, from start_date to end_date.
create or replace function app.capacity_facts(
    organization_id uuid, start_date date, end_date date, closers uuid[] default null
) returns table (closer_id uuid, day date, available_slots bigint, booked_slots bigint, held_slots bigint)
language sql stable parallel safe
begin atomic
    select k.closer_id, k.day, f.available_slots, f.booked_slots, f.held_slots
      from (
        select distinct s.closer_id, s.day
          from app.capacity_snapshots as s
         where s.organization_id = capacity_facts.organization_id
           and s.day between capacity_facts.start_date and capacity_facts.end_date
           and (closers is null or s.closer_id = any (closers))
     ) as k
     cross join lateral app.closer_day_facts(capacity_facts.organization_id, k.closer_id, k.day) as f;
end;
comment on function app.capacity_facts(uuid, date, date, uuid[]) is
    'Closers'' days with known capacity: slots available, booked and held.';
