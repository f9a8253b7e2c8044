-- Rollups: what units of the base rows added when they were last counted, and what changed since.
-- A writer appends which unit it changed (triggers/rollups.sql); it computes nothing and locks nothing. A reader adds to the
-- sums what the changed units add now, less what they added when they were counted: all in one snapshot, so nothing is ever
-- stale. Whoever folds counts changed units anew and forgets the changes. Internal: nobody but the owner may call these.

-- app.has_rollup: may an organization's sums be trusted? Not before they were built, nor when everything changed.
create or replace function app.has_rollup(organization_id uuid) returns boolean
language sql stable parallel safe
begin atomic
    select exists (select from app.metric_rollups as r
                    where r.organization_id = has_rollup.organization_id and r.built_at is not null)
       and not exists (select from app.metric_changes as c
                        where c.organization_id = has_rollup.organization_id and c.unit = 'all');
end;
comment on function app.has_rollup(uuid) is 'True when an organization''s sums may be trusted.';

-- app.rollup_layout: how rollups are laid out when they are built. One of an earlier layout is right, only slower to read: whoever changes
-- the order or the meaning of what is stored counts this up, and the worker builds them anew (jobs.fold_rollup).
-- 1: sums lie in the order in which they are read. 2: a payment that names no package is of that of its deal.
create or replace function app.rollup_layout() returns integer
language sql immutable parallel safe
return 2;
comment on function app.rollup_layout() is 'How rollups are laid out when they are built.';

-- app.changed_units: the units whose contribution changes may have moved. ids: of which changes; NULL for all there are.
-- A change names a row; what else rests on that row is found here, by whoever reads, as of the same instant as the rest:
-- a call moves its lead, its closer's day, and the payments and deals that take its source or type; a payment its deal, and the
-- call that was closed; a lead or a deal whatever belongs to it. What a row belonged to before, its change names itself.
-- Calls and payments are each looked up by their key (offset 0): for some ids at once, the planner, who takes organizations for
-- equally large, reads all of one through an index in which the id comes last.
create or replace function app.changed_units(organization_id uuid, ids uuid[] default null) returns app.metric_units
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_changes app.metric_units;  -- as they are noted
    v_events  uuid[];
    v_calls   uuid[];
    v_chains  uuid[];
    v_units   app.metric_units;
begin
    select array_agg(distinct c.unit_id) filter (where c.unit = 'chain'),
           array_agg(distinct c.unit_id) filter (where c.unit = 'lead'),
           array_agg(distinct c.unit_id) filter (where c.unit = 'payment'),
           array_agg(distinct c.unit_id) filter (where c.unit = 'deal'),
           array_agg(c.unit_id) filter (where c.unit = 'slots'), array_agg(c.day) filter (where c.unit = 'slots'),
           array_agg(distinct c.unit_id) filter (where c.unit = 'event')
      into v_changes.chains, v_changes.leads, v_changes.payments, v_changes.deals, v_changes.closers, v_changes.days, v_events
      from (
        select c.unit, c.unit_id, c.day from app.metric_changes as c
         where c.organization_id = changed_units.organization_id and ids is null
        union all
        select c.unit, c.unit_id, c.day from app.metric_changes as c
         where c.organization_id = changed_units.organization_id and c.id = any (ids)
      ) as c;

    v_chains := array(
        select c.id from unnest(v_changes.chains) as c (id)
        union
        select e.root_event_id
          from unnest(v_events) as k (id)
         cross join lateral (
            select e.root_event_id from app.events as e
             where e.organization_id = changed_units.organization_id and e.id = k.id
            offset 0) as e
        union
        select e.root_event_id from app.events as e
         where e.organization_id = changed_units.organization_id and e.lead_id = any (v_changes.leads));
    -- The calls of these chains, whose leads they are, and on which closers' days they lie.
    select array_agg(e.id), array_agg(distinct e.lead_id) filter (where e.lead_id is not null),
           array_agg(e.credited_closer_id), array_agg((e.scheduled_at at time zone o.timezone)::date)
      into v_calls, v_units.leads, v_units.closers, v_units.days
      from app.organizations as o
      join app.events as e on e.organization_id = o.id
     where o.id = changed_units.organization_id and e.root_event_id = any (v_chains);
    v_units.leads := array(
        select l.id from unnest(v_changes.leads) as l (id)
        union
        select l.id from unnest(v_units.leads) as l (id));
    v_units.payments := array(
        select p.id from unnest(v_changes.payments) as p (id)
        union
        select p.id from app.payments as p
         where p.organization_id = changed_units.organization_id and p.event_id = any (v_calls)
        union
        select p.id from app.payments as p
         where p.organization_id = changed_units.organization_id and p.lead_id = any (v_changes.leads)
        union
        select p.id from app.payments as p
         where p.organization_id = changed_units.organization_id and p.deal_id = any (v_changes.deals));
    v_units.deals := array(
        select d.id from unnest(v_changes.deals) as d (id)
        union
        select p.deal_id
          from unnest(v_units.payments) as k (id)
         cross join lateral (
            select p.deal_id from app.payments as p
             where p.organization_id = changed_units.organization_id and p.id = k.id and p.deal_id is not null
            offset 0) as p
        union
        select d.id from app.deals as d
         where d.organization_id = changed_units.organization_id and d.origin_event_id = any (v_calls)
        union
        select d.id from app.deals as d
         where d.organization_id = changed_units.organization_id and d.lead_id = any (v_changes.leads));
    v_units.chains := array(
        select c.id from unnest(v_chains) as c (id)
        union
        select e.root_event_id
          from unnest(v_units.deals) as k (id)
         cross join lateral (
            select e.root_event_id
              from app.deals as d
              join app.events as e on e.organization_id = d.organization_id and e.id = d.origin_event_id
             where d.organization_id = changed_units.organization_id and d.id = k.id
            offset 0) as e
        union
        select e.root_event_id
          from unnest(v_units.payments) as k (id)
         cross join lateral (
            select e.root_event_id
              from app.payments as p
              join app.events as e on e.organization_id = p.organization_id and e.id = p.event_id
             where p.organization_id = changed_units.organization_id and p.id = k.id and p.deal_id is null
            offset 0) as e);
    select array_agg(s.closer_id), array_agg(s.day) into v_units.closers, v_units.days
      from (
        select k.closer_id, k.day from unnest(v_changes.closers, v_changes.days) as k (closer_id, day)
        union
        select k.closer_id, k.day from unnest(v_units.closers, v_units.days) as k (closer_id, day) where k.closer_id is not null
        union
        select f.closer_id, f.day
          from app.metric_facts as f
         where f.organization_id = changed_units.organization_id and f.unit_id = any (v_chains) and f.unit = 'chain'
           and f.measures & app.measure_bit('every_call') <> 0 and f.closer_id is not null
      ) as s
     where exists (select from app.capacity_snapshots as k
                    where k.organization_id = changed_units.organization_id and k.closer_id = s.closer_id and k.day = s.day)
        or exists (select from app.metric_facts as f
                    where f.organization_id = changed_units.organization_id and f.unit_id = s.closer_id and f.day = s.day
                      and f.unit = 'slots');
    return v_units;
end;
$$;
comment on function app.changed_units(uuid, uuid[]) is 'The units whose contribution changes may have moved.';

-- app.differences: by what the contributions of an organization have changed since they were last counted: what the changed units add
-- now, less what they added then, alike ones added up. Who asks for several numbers asks for this once, in the same snapshot.
-- Planned once for a session: there are few units, and what they add is found by their ids.
create or replace function app.differences(organization_id uuid) returns app.metric_difference[]
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
    v_units app.metric_units;
begin
    if not app.has_rollup(organization_id)
       or not exists (select from app.metric_changes as c where c.organization_id = differences.organization_id) then
        return '{}';
    end if;
    v_units := app.changed_units(organization_id);
    return array(
        select (u.day, u.grains, u.closer_id, u.setter_id, u.source_id, u.traffic_type_id, u.call_type_id, u.package_id, u.measures,
                sum(u.sign), sum(u.sign * u.amount))::app.metric_difference
          from (
            select 1 as sign, c.day, c.grains, c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id,
                   c.package_id, c.measures, c.amount
              from app.units_now(differences.organization_id, v_units) as c
            union all
            select -1, f.day, f.grains, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id,
                   f.package_id, f.measures, f.amount
              from app.units_folded(differences.organization_id, v_units) as f
          ) as u
         group by u.day, u.grains, u.closer_id, u.setter_id, u.source_id, u.traffic_type_id, u.call_type_id, u.package_id, u.measures
        having sum(u.sign) <> 0 or sum(u.sign * u.amount) <> 0);
end;
$$;
comment on function app.differences(uuid) is 'By what contributions have changed since they were last counted.';

-- app.add_metric_sums: add contributions to the sums of every dimension, by day and by month, and take others away; by default add all
-- that are counted, a month at a time, so that a year of ten million calls needs no more room than a month. Contributions of one day and
-- member that count in the same measures are added up before they are told apart by measure.
create or replace function app.add_metric_sums(
    organization_id uuid, added app.metric_facts[] default null, removed app.metric_facts[] default null
) returns void
language plpgsql volatile set search_path = '' as $$
begin
    insert into app.metric_sums as s (
        organization_id, dimension, span, starts_on, member_id,
        every_call, rescheduled, shows, disqualified, no_shows, canceled, canceled_by_host, offers, closes, refunded_closes,
        open, open_any, reports, timely, booked, cohort_calls, cohort_shows, cohort_resolved, leads, leads_closed, won,
        available_slots, booked_slots, held_slots, collected, refunds, chargebacks, new_cash, upsell_cash, unattributed,
        verified, net_revenue, contracted, deals_collected, owed)
    select add_metric_sums.organization_id, g.dimension, p.span, date_trunc(p.span, g.day::timestamp)::date, g.member_id,
           coalesce(sum(n.every_call), 0), coalesce(sum(n.rescheduled), 0), coalesce(sum(n.shows), 0),
           coalesce(sum(n.disqualified), 0), coalesce(sum(n.no_shows), 0), coalesce(sum(n.canceled), 0),
           coalesce(sum(n.canceled_by_host), 0), coalesce(sum(n.offers), 0), coalesce(sum(n.closes), 0),
           coalesce(sum(n.refunded_closes), 0), coalesce(sum(n.open), 0), coalesce(sum(n.open_any), 0),
           coalesce(sum(n.reports), 0), coalesce(sum(n.timely), 0), coalesce(sum(n.booked), 0),
           coalesce(sum(n.cohort_calls), 0), coalesce(sum(n.cohort_shows), 0), coalesce(sum(n.cohort_resolved), 0),
           coalesce(sum(n.leads), 0), coalesce(sum(n.leads_closed), 0), coalesce(sum(n.won), 0),
           coalesce(sum(n.available_slots), 0), coalesce(sum(n.booked_slots), 0), coalesce(sum(n.held_slots), 0),
           coalesce(sum(n.collected), 0), coalesce(sum(n.refunds), 0), coalesce(sum(n.chargebacks), 0),
           coalesce(sum(n.new_cash), 0), coalesce(sum(n.upsell_cash), 0), coalesce(sum(n.unattributed), 0),
           coalesce(sum(n.verified), 0), coalesce(sum(n.net_revenue), 0), coalesce(sum(n.contracted), 0),
           coalesce(sum(n.deals_collected), 0), coalesce(sum(n.owed), 0)
      from (
        select m.since::date, (m.since + interval '1 month')::date as until
          from (select min(f.day)::timestamp as first, max(f.day)::timestamp as last from app.metric_facts as f
                 where f.organization_id = add_metric_sums.organization_id) as r
         cross join generate_series(date_trunc('month', r.first), r.last, interval '1 month') as m (since)
         where added is null
        union all
        select null, null where added is not null
      ) as w
     cross join lateral (
        select case when grouping(u.closer_id) = 0 then 'closer' when grouping(u.setter_id) = 0 then 'setter'
                    when grouping(u.source_id) = 0 then 'source' when grouping(u.traffic_type_id) = 0 then 'traffic_type'
                    when grouping(u.call_type_id) = 0 then 'call_type' when grouping(u.package_id) = 0 then 'package'
                    else 'all' end as dimension,
               u.day, coalesce(u.closer_id, u.setter_id, u.source_id, u.traffic_type_id, u.call_type_id, u.package_id) as member_id,
               u.measures, sum(u.sign) as times, sum(u.sign * u.amount) as amount
          from (
            select 1 as sign, a.day, a.grains, a.closer_id, a.setter_id, a.source_id, a.traffic_type_id, a.call_type_id,
                   a.package_id, a.measures, a.amount
              from unnest(added) as a
            union all
            select -1, r.day, r.grains, r.closer_id, r.setter_id, r.source_id, r.traffic_type_id, r.call_type_id,
                   r.package_id, r.measures, r.amount
              from unnest(removed) as r
            union all
            select 1, f.day, f.grains, f.closer_id, f.setter_id, f.source_id, f.traffic_type_id, f.call_type_id,
                   f.package_id, f.measures, f.amount
              from app.metric_facts as f
             where added is null and f.organization_id = add_metric_sums.organization_id and f.day >= w.since and f.day < w.until
          ) as c
         cross join lateral (
            select c.sign, c.day, c.closer_id, c.setter_id, c.source_id, c.traffic_type_id, c.call_type_id, c.package_id,
                   c.measures, c.amount,
                   c.grains & app.grain_bit('whole') <> 0 as is_whole, c.grains & app.grain_bit('closer') <> 0 as is_closers,
                   c.grains & app.grain_bit('setter') <> 0 as is_setters
         ) as u
         group by u.day, u.measures, grouping sets (
               (u.is_whole), (u.is_closers, u.closer_id), (u.is_setters, u.setter_id), (u.is_whole, u.source_id),
               (u.is_whole, u.traffic_type_id), (u.is_whole, u.call_type_id), (u.is_whole, u.package_id))
        having coalesce(u.is_whole, u.is_closers, u.is_setters) and (sum(u.sign) <> 0 or sum(u.sign * u.amount) <> 0)
      ) as g
     cross join lateral app.counted_in(g.measures, g.times, g.amount) as n
     cross join unnest(array['day', 'month']) as p (span)
     group by 2, 3, 4, 5
     order by 2, 3, 4, 5  -- what is read together lies together
        on conflict on constraint metric_sums_member_id_key do update
       set every_call = s.every_call + excluded.every_call, rescheduled = s.rescheduled + excluded.rescheduled,
           shows = s.shows + excluded.shows, disqualified = s.disqualified + excluded.disqualified,
           no_shows = s.no_shows + excluded.no_shows, canceled = s.canceled + excluded.canceled,
           canceled_by_host = s.canceled_by_host + excluded.canceled_by_host, offers = s.offers + excluded.offers,
           closes = s.closes + excluded.closes, refunded_closes = s.refunded_closes + excluded.refunded_closes,
           open = s.open + excluded.open, open_any = s.open_any + excluded.open_any, reports = s.reports + excluded.reports,
           timely = s.timely + excluded.timely, booked = s.booked + excluded.booked,
           cohort_calls = s.cohort_calls + excluded.cohort_calls, cohort_shows = s.cohort_shows + excluded.cohort_shows,
           cohort_resolved = s.cohort_resolved + excluded.cohort_resolved, leads = s.leads + excluded.leads,
           leads_closed = s.leads_closed + excluded.leads_closed, won = s.won + excluded.won,
           available_slots = s.available_slots + excluded.available_slots,
           booked_slots = s.booked_slots + excluded.booked_slots, held_slots = s.held_slots + excluded.held_slots,
           collected = s.collected + excluded.collected, refunds = s.refunds + excluded.refunds,
           chargebacks = s.chargebacks + excluded.chargebacks, new_cash = s.new_cash + excluded.new_cash,
           upsell_cash = s.upsell_cash + excluded.upsell_cash, unattributed = s.unattributed + excluded.unattributed,
           verified = s.verified + excluded.verified, net_revenue = s.net_revenue + excluded.net_revenue,
           contracted = s.contracted + excluded.contracted, deals_collected = s.deals_collected + excluded.deals_collected,
           owed = s.owed + excluded.owed;
end;
$$;
comment on function app.add_metric_sums(uuid, app.metric_facts[], app.metric_facts[]) is 'Add contributions to the sums of every dimension.';

-- app.fold_metrics: count up to so many changes of an organization anew; answers how many, NULL when somebody else folds or its
-- rollup has to be built first. The changes are chosen first, then their units, then what these add: what another transaction commits
-- in between brings a change of its own, which stays. What a unit adds as before is left alone.
create or replace function app.fold_metrics(organization_id uuid, batch integer) returns integer
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
    v_ids     uuid[];
    v_units   app.metric_units;
    v_added   app.metric_facts[];
    v_removed app.metric_facts[];
begin
    perform from app.metric_rollups as r where r.organization_id = fold_metrics.organization_id for update skip locked;
    if not found or not app.has_rollup(fold_metrics.organization_id) then
        return null;
    end if;
    v_ids := array(select c.id from app.metric_changes as c
                    where c.organization_id = fold_metrics.organization_id order by c.id limit batch);
    if v_ids = '{}' then
        return 0;
    end if;
    v_units := app.changed_units(fold_metrics.organization_id, v_ids);
    select coalesce(array_agg(i.fact) filter (where n.times > 0), '{}'), coalesce(array_agg(i.fact) filter (where n.times < 0), '{}')
      into strict v_added, v_removed
      from (
        select t.unit, t.unit_id, t.day, t.grains, t.closer_id, t.setter_id, t.source_id, t.traffic_type_id, t.call_type_id,
               t.package_id, t.measures, t.amount, sum(t.sign) as times, array_agg(t.id) filter (where t.id is not null) as ids
          from (
            select 1 as sign, null::uuid as id, c.unit, c.unit_id, c.day, c.grains, c.closer_id, c.setter_id, c.source_id,
                   c.traffic_type_id, c.call_type_id, c.package_id, c.measures, c.amount
              from app.units_now(fold_metrics.organization_id, v_units) as c
            union all
            select -1, f.id, f.unit, f.unit_id, f.day, f.grains, f.closer_id, f.setter_id, f.source_id,
                   f.traffic_type_id, f.call_type_id, f.package_id, f.measures, f.amount
              from app.units_folded(fold_metrics.organization_id, v_units) as f
          ) as t
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
        having sum(t.sign) <> 0
      ) as n
     cross join lateral (
        select (fold_metrics.organization_id, case when n.times < 0 then n.ids[k.i] else uuidv7() end, n.unit, n.unit_id, n.day, n.grains,
                n.closer_id, n.setter_id, n.source_id, n.traffic_type_id, n.call_type_id, n.package_id, n.measures,
                n.amount)::app.metric_facts as fact
          from generate_series(1, abs(n.times)) as k (i)
     ) as i;
    delete from app.metric_facts as f
     where f.organization_id = fold_metrics.organization_id and f.id = any (select r.id from unnest(v_removed) as r);
    insert into app.metric_facts (
        organization_id, unit, unit_id, day, grains, closer_id, setter_id, source_id, traffic_type_id, call_type_id, package_id,
        measures, amount)
    select a.organization_id, a.unit, a.unit_id, a.day, a.grains, a.closer_id, a.setter_id, a.source_id, a.traffic_type_id,
           a.call_type_id, a.package_id, a.measures, a.amount
      from unnest(v_added) as a;
    perform app.add_metric_sums(fold_metrics.organization_id, v_added, v_removed);
    delete from app.metric_changes as c where c.organization_id = fold_metrics.organization_id and c.id = any (v_ids);
    return cardinality(v_ids);
end;
$$;
comment on function app.fold_metrics(uuid, integer) is 'Count changes of an organization anew; answers how many.';

-- app.build_rollup: count an organization from nothing; false when somebody else folds. Changes are forgotten first: what is
-- committed meanwhile brings its own.
create or replace function app.build_rollup(organization_id uuid) returns boolean
language plpgsql volatile set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '64MB' as $$
begin
    insert into app.metric_rollups (organization_id) values (build_rollup.organization_id)
        on conflict on constraint metric_rollups_organization_id_key do nothing;
    perform from app.metric_rollups as r where r.organization_id = build_rollup.organization_id for update skip locked;
    if not found then
        return false;
    end if;
    delete from app.metric_changes as c where c.organization_id = build_rollup.organization_id;
    delete from app.metric_facts as f where f.organization_id = build_rollup.organization_id;
    delete from app.metric_sums as s where s.organization_id = build_rollup.organization_id;
    insert into app.metric_facts (
        organization_id, unit, unit_id, day, grains, closer_id, setter_id, source_id, traffic_type_id, call_type_id, package_id,
        measures, amount)
    select build_rollup.organization_id, e.unit, e.unit_id, e.day, e.grains, e.closer_id, e.setter_id, e.source_id,
           e.traffic_type_id, e.call_type_id, e.package_id, e.measures, e.amount
      from app.every_unit(build_rollup.organization_id) as e;
    perform app.add_metric_sums(build_rollup.organization_id);
    update app.metric_rollups as r
       set built_at = clock_timestamp(), layout = app.rollup_layout()
     where r.organization_id = build_rollup.organization_id;
    return true;
end;
$$;
comment on function app.build_rollup(uuid) is 'Count an organization from nothing; false when somebody else folds.';

-- app.help_folding: a writer that meets too many changes counts some of them itself, if nobody else does. Only where each statement
-- sees what is committed: folding needs it.
create or replace function app.help_folding(organization_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if current_setting('transaction_isolation') = 'read committed'
       and exists (select from app.metric_changes as c
                    where c.organization_id = help_folding.organization_id order by c.id offset 20000 limit 1) then
        perform app.fold_metrics(help_folding.organization_id, 1000);
    end if;
end;
$$;
comment on function app.help_folding(uuid) is 'A writer that meets too many changes counts some of them itself.';
