-- Proof that sums, with what changed since, are what the base rows add up to: of all days, or of some, for which only the rows that
-- may count on them are read. Internal: nobody but the owner may call these.

-- app.units_of_days: the units that may add something on these days, by the base rows alone: more than needed, never fewer.
create or replace function app.units_of_days(organization_id uuid, start_date date, end_date date) returns app.metric_units
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_since timestamptz;
    v_until timestamptz;
    v_units app.metric_units;
begin
    select app.day_start(units_of_days.start_date, o.timezone), app.day_start(units_of_days.end_date + 1, o.timezone)
      into strict v_since, v_until
      from app.organizations as o where o.id = units_of_days.organization_id;
    v_units.chains := array(
        select e.root_event_id from app.events as e
         where e.organization_id = units_of_days.organization_id and e.scheduled_at >= v_since and e.scheduled_at < v_until
        union
        select e.root_event_id from app.events as e
         where e.organization_id = units_of_days.organization_id and e.booked_at >= v_since and e.booked_at < v_until);
    v_units.leads := array(
        select distinct e.lead_id from app.events as e
         where e.organization_id = units_of_days.organization_id and e.scheduled_at >= v_since and e.scheduled_at < v_until
           and e.lead_id is not null);
    v_units.payments := array(
        select p.id from app.payments as p
         where p.organization_id = units_of_days.organization_id and p.payment_date >= v_since and p.payment_date < v_until
        union
        select r.payment_id from app.payment_refunds as r
         where r.organization_id = units_of_days.organization_id and r.refunded_at >= v_since and r.refunded_at < v_until
           and r.payment_id is not null);
    v_units.deals := array(
        select d.id from app.deals as d
         where d.organization_id = units_of_days.organization_id and d.closed_at >= v_since and d.closed_at < v_until
        union
        select n.deal_id from app.deal_installments as n
         where n.organization_id = units_of_days.organization_id
           and n.due_on between units_of_days.start_date and units_of_days.end_date);
    select array_agg(k.closer_id), array_agg(k.day) into v_units.closers, v_units.days
      from (select distinct s.closer_id, s.day from app.capacity_snapshots as s
             where s.organization_id = units_of_days.organization_id
               and s.day between units_of_days.start_date and units_of_days.end_date) as k;
    return v_units;
end;
$$;
comment on function app.units_of_days(uuid, date, date) is 'The units that may add something on these days, by the base rows alone.';

-- app.rollup_differences: where sums, and what changed since, are not what the base rows add up to: no row when all is exact.
-- start_date, end_date: of these local days, and of the months that lie within them; of all days without them.
create or replace function app.rollup_differences(organization_id uuid, start_date date default null, end_date date default null)
returns table (dimension text, member_id uuid, span text, starts_on date, measure text, stored numeric, recounted numeric)
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '64MB' as $$
#variable_conflict use_column
declare
    v_is_whole constant boolean := start_date is null or end_date is null;
    v_since    constant date := case when v_is_whole then '-infinity' else start_date end;
    v_until    constant date := case when v_is_whole then 'infinity' else end_date end;
    v_asked    app.metric_units;
    v_units    app.metric_units;
begin
    if not v_is_whole then
        v_asked := app.units_of_days(rollup_differences.organization_id, v_since, v_until);
    end if;
    v_units := app.changed_units(rollup_differences.organization_id);
    return query
    with unit as (
        select 1 as is_recount, 1 as sign, e.day, e.grains, e.closer_id, e.setter_id, e.source_id, e.traffic_type_id,
               e.call_type_id, e.package_id, e.measures, e.amount
          from app.every_unit(rollup_differences.organization_id) as e
         where v_is_whole
        union all
        select 1, 1, a.day, a.grains, a.closer_id, a.setter_id, a.source_id, a.traffic_type_id, a.call_type_id, a.package_id,
               a.measures, a.amount
          from app.units_now(rollup_differences.organization_id, v_asked) as a
         where not v_is_whole
        union all
        select 0, 1, n.day, n.grains, n.closer_id, n.setter_id, n.source_id, n.traffic_type_id, n.call_type_id, n.package_id,
               n.measures, n.amount
          from app.units_now(rollup_differences.organization_id, v_units) as n
        union all
        select 0, -1, f.day, f.grains, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id, f.package_id,
               f.measures, f.amount
          from app.units_folded(rollup_differences.organization_id, v_units) as f
    ), asked as materialized (
        select d.name, app.grain_asked(null, d.name = 'closer', d.name = 'setter') as grain
          from unnest(array['all', 'closer', 'setter', 'source', 'traffic_type', 'call_type', 'package']) as d (name)
    ), kind as (  -- what counts alike on a day, for a member
        select u.is_recount, d.name as dimension, u.day,
               app.member_of(d.name, u.closer_id, u.setter_id, u.source_id, u.traffic_type_id, u.call_type_id, u.package_id)
                   as member_id,
               u.measures, sum(u.sign) as times, sum(u.sign * u.amount) as amount
          from unit as u
          join asked as d on u.grains & d.grain <> 0
         where u.day between v_since and v_until
         group by 1, 2, 3, 4, 5
    ), measure as materialized (
        select b.measure, b.is_amount, app.measure_bit(b.measure) as bit from app.measures() as b
    ), told as (
        select k.dimension, s.name as span, date_trunc(s.name, k.day::timestamp)::date as starts_on, k.member_id,
               k.is_recount, b.measure, sum(case when b.is_amount then k.amount else k.times end) as total
          from kind as k
         cross join unnest(array['day', 'month']) as s (name)
          join measure as b on k.measures & b.bit <> 0
         group by 1, 2, 3, 4, 5, 6
        union all
        select m.dimension, m.span, m.starts_on, m.member_id, 0, v.key, v.value::numeric
          from app.metric_sums as m
         cross join lateral jsonb_each_text(to_jsonb(m) - '{organization_id,id,dimension,span,starts_on,member_id}'::text[]) as v
         where m.organization_id = rollup_differences.organization_id and m.starts_on between v_since and v_until
           and v.value::numeric <> 0
    )
    select t.dimension, t.member_id, t.span, t.starts_on, t.measure,
           coalesce(sum(t.total) filter (where t.is_recount = 0), 0), coalesce(sum(t.total) filter (where t.is_recount = 1), 0)
      from told as t
     where t.starts_on >= v_since
       and case t.span when 'month' then (t.starts_on + interval '1 month')::date - 1 else t.starts_on end <= v_until
     group by t.dimension, t.member_id, t.span, t.starts_on, t.measure
    having coalesce(sum(t.total) filter (where t.is_recount = 0), 0) <> coalesce(sum(t.total) filter (where t.is_recount = 1), 0);
end;
$$;
comment on function app.rollup_differences(uuid, date, date) is 'Where sums are not what the base rows add up to.';
