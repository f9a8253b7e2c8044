-- What each unit of the base rows adds to the numbers. A unit is a reschedule chain, a lead, a payment, a deal, or a closer's
-- day: every row that a number counts belongs to one of them, so a change of base rows changes the numbers of few units.
-- A contribution is narrow: the unit's day, people and places, the measures that it counts in, and an amount. All are built from
-- the facts (metric_facts.sql) and say nothing anew about what counts. They are plain SQL without a filter: whoever asks for some
-- units adds the condition on unit_id, and it reaches the index. Internal: nobody but the owner may call these.

-- app.call_units: what chains add on the days of their calls.
create or replace function app.call_units(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'chain', f.root_event_id, (f.scheduled_at at time zone o.timezone)::date, app.grain_bit('all'),
           f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, null::uuid,
           app.measure_bit('every_call')
           | case when app.is_call_of('rescheduled', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('rescheduled') else 0 end
           | case when app.is_call_of('shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('shows') | case when q.id is not null then app.measure_bit('disqualified') else 0 end
                  else 0 end
           | case when app.is_call_of('no_shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('no_shows') else 0 end
           | case when app.is_call_of('canceled', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('canceled') else 0 end
           | case when app.is_call_of('canceled_by_host', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('canceled_by_host') else 0 end
           | case when app.is_call_of('offers', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('offers') else 0 end
           | case when app.is_call_of('closes', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, false)
                  then app.measure_bit('closes')
                       | case when (select m.is_refunded from app.refunded_call(o.id, f.event_id) as m)
                              then app.measure_bit('refunded_closes') else 0 end
                  else 0 end
           | case when app.is_call_of('pending', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, true)
                  then app.measure_bit('open') else 0 end
           | case when f.call_status = 'scheduled' then app.measure_bit('open_any') else 0 end
           | case when r.event_id is not null
                  then app.measure_bit('reports')
                       | case when extract(epoch from r.submitted_at) - extract(epoch from f.scheduled_end_at) <= 86400
                              then app.measure_bit('timely') else 0 end
                  else 0 end,
           null::numeric
      from app.organizations as o
      join app.call_facts(call_units.organization_id) as f on true
      left join app.post_call_forms as q
        on q.organization_id = call_units.organization_id and q.event_id = f.event_id and q.is_active and q.disqualified
      left join app.first_reports(call_units.organization_id) as r on r.event_id = f.event_id
     where o.id = call_units.organization_id;
end;
comment on function app.call_units(uuid) is 'What reschedule chains add on the days of their calls.';

-- app.chain_units: what chains add on the day they were booked, with the people of their last call.
create or replace function app.chain_units(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'chain', f.root_event_id, (f.booked_at at time zone o.timezone)::date, app.grain_bit('all'),
           f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, null::uuid,
           app.measure_bit('booked')
           | case when f.in_rates then app.measure_bit('cohort_calls') else 0 end
           | case when f.in_rates and f.call_status = 'completed' then app.measure_bit('cohort_shows') else 0 end
           | case when f.in_rates and f.call_status in ('completed', 'no_show', 'canceled')
                  then app.measure_bit('cohort_resolved') else 0 end,
           null::numeric
      from app.organizations as o
      join app.chain_facts(chain_units.organization_id) as f on true
     where o.id = chain_units.organization_id;
end;
comment on function app.chain_units(uuid) is 'What reschedule chains add on the day they were booked.';

-- app.lead_units: what leads add on the day of their first show. That call is looked up by its key, in a subquery of its own: as a
-- join, of too many tables for the planner to try every order, it reads all calls of the organization for a few leads.
create or replace function app.lead_units(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'lead', f.lead_id, (f.scheduled_at at time zone o.timezone)::date, app.grain_bit('all'),
           c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id, null::uuid,
           app.measure_bit('leads') | case when f.has_closed then app.measure_bit('leads_closed') else 0 end,
           null::numeric
      from app.organizations as o
      join app.first_show_facts(lead_units.organization_id) as f on true
     cross join lateral (
        select e.closer_id, e.setter_id, e.source_id, e.traffic_type_id, e.call_type_id
          from app.call_facts(lead_units.organization_id) as e
         where e.event_id = f.event_id
        offset 0) as c
     where o.id = lead_units.organization_id;
end;
comment on function app.lead_units(uuid) is 'What leads add on the day of their first show.';

-- app.cash_parts: one movement of money as each grain tells it: whole, by who bears it, and by pairs of people. Parts of the
-- closer grain, and of the setter grain, add up to the movement: where nobody is credited, the person is NULL.
-- A part that several grains tell alike is one row: with one closer and one setter, there is but one.
create or replace function app.cash_parts(organization_id uuid, payment_id uuid, refund_id uuid, amount numeric, currency text)
returns table (grains integer, closer_id uuid, setter_id uuid, amount numeric)
language sql stable parallel safe
begin atomic
    with credit as materialized (
        select c.closer_id, c.setter_id,
               app.credited_movement(c.organization_id, c.payment_id, cash_parts.refund_id, c.role, c.id, c.amount_base, c.share,
                                     cash_parts.amount, cash_parts.currency) as part
          from app.payment_credits as c
         where c.organization_id = cash_parts.organization_id and c.payment_id = cash_parts.payment_id
    ), closer as (
        select c.closer_id, c.part from credit as c where c.closer_id is not null
        union all
        select null, cash_parts.amount where not exists (select from credit as c where c.closer_id is not null)
    ), setter as (
        select c.setter_id, c.part from credit as c where c.setter_id is not null
        union all
        select null, cash_parts.amount where not exists (select from credit as c where c.setter_id is not null)
    ), sole as (
        select case when (select count(*) from closer) = 1 then (select c.closer_id from closer as c) end as closer_id,
               case when (select count(*) from setter) = 1 then (select s.setter_id from setter as s) end as setter_id
    )
    select bit_or(p.grain), p.closer_id, p.setter_id, p.part
      from (
        select app.grain_bit('whole') as grain, o.closer_id, o.setter_id, cash_parts.amount as part from sole as o
        union all
        select app.grain_bit('closer'), c.closer_id, o.setter_id, c.part from closer as c, sole as o
        union all
        select app.grain_bit('setter'), o.closer_id, s.setter_id, s.part from setter as s, sole as o
        union all
        select app.grain_bit('closer_of_pair'), c.closer_id, s.setter_id, c.part from closer as c, setter as s
        union all
        select app.grain_bit('setter_of_pair'), c.closer_id, s.setter_id, s.part from closer as c, setter as s
      ) as p
     group by p.closer_id, p.setter_id, p.part;
end;
comment on function app.cash_parts(uuid, uuid, uuid, numeric, text) is 'One movement of money as each grain tells it.';

-- app.payment_units: what payments add: each movement on its own day, and all of them as net revenue on the day of the payment.
create or replace function app.payment_units(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'payment', f.payment_id, (m.at at time zone o.timezone)::date, p.grains, p.closer_id, p.setter_id,
           f.source_id, f.traffic_type_id, f.call_type_id, f.package_id, m.measures, p.amount
      from app.organizations as o
      join app.cash_facts(payment_units.organization_id) as f on true
     cross join lateral (
        select not exists (select from app.payment_credits as c
                            where c.organization_id = o.id and c.payment_id = f.payment_id and c.role = 'closer') as is_nobodys
     ) as u
     cross join lateral (
        select f.paid_at as at,
               app.measure_bit('collected') | app.measure_bit('net_revenue')
               | case when app.is_cash_of('new_cash', f.kind, f.deal_type, false, false) then app.measure_bit('new_cash') else 0 end
               | case when app.is_cash_of('upsell_cash', f.kind, f.deal_type, false, false)
                      then app.measure_bit('upsell_cash') else 0 end
               | case when u.is_nobodys then app.measure_bit('unattributed') else 0 end
               | case when f.is_from_processor then app.measure_bit('verified') else 0 end as measures
         where f.kind = 'payment'
        union all
        select f.moved_at,
               app.measure_bit('refunds')
               | case when app.is_cash_of('chargebacks', f.kind, null, false, false) then app.measure_bit('chargebacks') else 0 end
         where f.kind <> 'payment'
        union all
        select f.paid_at, app.measure_bit('net_revenue') where f.kind <> 'payment'
     ) as m
     cross join lateral app.cash_parts(o.id, f.payment_id, f.refund_id, f.amount, f.currency) as p
     where o.id = payment_units.organization_id;
end;
comment on function app.payment_units(uuid) is 'What payments and their refunds add, each movement on its own day.';

-- app.deal_units: what deals add on the day they were closed, and on the days their instalments are due what of them is owed.
-- Net cash pays the earliest instalments first; sums are rounded before they are parted, so that the parts add up.
create or replace function app.deal_units(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'deal', d.deal_id, x.day, app.grain_bit('all'),
           d.closer_id, d.setter_id, d.source_id, d.traffic_type_id, d.call_type_id, d.package_id, x.measures, x.amount
      from app.organizations as o
      join app.deal_facts(deal_units.organization_id) as d on true
     cross join lateral (
        select coalesce(sum(f.amount), 0) as amount
          from app.cash_facts(deal_units.organization_id) as f
         where f.deal_id = d.deal_id
     ) as k
     cross join lateral (
        select (d.closed_at at time zone o.timezone)::date as day,
               app.measure_bit('contracted') | case when d.status = 'won' then app.measure_bit('won') else 0 end as measures,
               coalesce(d.contract_value, 0) as amount
        union all
        select (d.closed_at at time zone o.timezone)::date, app.measure_bit('deals_collected'), k.amount where k.amount <> 0
        union all
        select w.due_on, app.measure_bit('owed'), w.owed
          from app.owed_by_day(deal_units.organization_id, d.deal_id, k.amount) as w
         where d.status = 'won' and w.owed <> 0
     ) as x
     where o.id = deal_units.organization_id;
end;
comment on function app.deal_units(uuid) is 'What deals add on the day they were closed, and what they owe on the days it is due.';

-- app.slot_units: what a closer's day adds, if its capacity is known: slots available, booked and held.
create or replace function app.slot_units(organization_id uuid, closer_id uuid, day date) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select 'slots', slot_units.closer_id, slot_units.day, app.grain_bit('all'), slot_units.closer_id, null::uuid, null::uuid,
           null::uuid, null::uuid, null::uuid, s.measures, s.amount
      from app.closer_day_facts(slot_units.organization_id, slot_units.closer_id, slot_units.day) as f
     cross join lateral (values
        (app.measure_bit('available_slots'), f.available_slots::numeric),
        (app.measure_bit('booked_slots'),    f.booked_slots::numeric),
        (app.measure_bit('held_slots'),      f.held_slots::numeric)
     ) as s (measures, amount)
     where s.amount <> 0;
end;
comment on function app.slot_units(uuid, uuid, date) is 'What a closer''s day adds, if its capacity is known.';

-- app.every_unit: what all units of an organization add.
create or replace function app.every_unit(organization_id uuid) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select c.* from app.call_units(every_unit.organization_id) as c
    union all
    select b.* from app.chain_units(every_unit.organization_id) as b
    union all
    select l.* from app.lead_units(every_unit.organization_id) as l
    union all
    select p.* from app.payment_units(every_unit.organization_id) as p
    union all
    select d.* from app.deal_units(every_unit.organization_id) as d
    union all
    select s.*
      from (select distinct k.closer_id, k.day from app.capacity_snapshots as k
             where k.organization_id = every_unit.organization_id) as k
     cross join lateral app.slot_units(every_unit.organization_id, k.closer_id, k.day) as s;
end;
comment on function app.every_unit(uuid) is 'What all units of an organization add.';

-- app.units_now: what some units add. Payments are each looked up by their key (offset 0), as in app.changed_units.
create or replace function app.units_now(organization_id uuid, units app.metric_units) returns setof app.contribution
language sql stable parallel safe
begin atomic
    select c.* from app.call_units(units_now.organization_id) as c where c.unit_id = any ((units).chains)
    union all
    select b.* from app.chain_units(units_now.organization_id) as b where b.unit_id = any ((units).chains)
    union all
    select l.* from app.lead_units(units_now.organization_id) as l where l.unit_id = any ((units).leads)
    union all
    select p.*
      from unnest((units).payments) as k (id)
     cross join lateral (select p.* from app.payment_units(units_now.organization_id) as p where p.unit_id = k.id offset 0) as p
    union all
    select d.* from app.deal_units(units_now.organization_id) as d where d.unit_id = any ((units).deals)
    union all
    select s.*
      from unnest((units).closers, (units).days) as k (closer_id, day)
     cross join lateral app.slot_units(units_now.organization_id, k.closer_id, k.day) as s;
end;
comment on function app.units_now(uuid, app.metric_units) is 'What some units add.';

-- app.units_folded: what some units added when they were last counted.
create or replace function app.units_folded(organization_id uuid, units app.metric_units) returns setof app.metric_facts
language sql stable parallel safe
begin atomic
    select f.*
      from (
        select 'chain' as unit, unnest((units).chains) as unit_id
        union all
        select 'lead', unnest((units).leads)
        union all
        select 'payment', unnest((units).payments)
        union all
        select 'deal', unnest((units).deals)
      ) as u
      join app.metric_facts as f
        on f.organization_id = units_folded.organization_id and f.unit_id = u.unit_id and f.unit = u.unit
    union all
    select f.*
      from unnest((units).closers, (units).days) as k (closer_id, day)
      join app.metric_facts as f
        on f.organization_id = units_folded.organization_id and f.unit_id = k.closer_id and f.day = k.day and f.unit = 'slots';
end;
comment on function app.units_folded(uuid, app.metric_units) is 'What some units added when they were last counted.';
