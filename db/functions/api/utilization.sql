-- Calendars: what closers offered, and what of it was booked and held.

-- api.get_calendly_utilization: closers' slots on each local day from start_date to end_date.
-- Callers:    owners and admins, and super admins, for everybody; closers for themselves, through GET or POST
--             /rpc/get_calendly_utilization and /functions/v1/get-calendly-utilization.
-- Guarantees: reads only. One row per day of each closer who was on the roster that day or whose calendar was captured for it; where
--             no capture tells what was available, is_missing and no number. Summed over the rest it is utilization of core_metrics.
--             PT422 for dates as core_metrics, and for more days than one answer holds; PT404; 42501 for somebody else's calendar.
-- Definer:    as core_metrics: tenant and person are filtered by hand.
create or replace function api.get_calendly_utilization(
    start_date date, end_date date, organization_id uuid default null, inout closer_id uuid default null,
    out closer_name text, out day date, out available_slots bigint, out booked_slots bigint, out held_slots bigint,
    out utilization numeric, out is_missing boolean
) returns setof record
language plpgsql stable security definer
set search_path = '' set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(get_calendly_utilization.organization_id);
    v_start           constant date := get_calendly_utilization.start_date;
    v_end             constant date := get_calendly_utilization.end_date;
    v_scope           record;
begin
    perform app.require_period(v_start, v_end, now());
    if v_end - v_start >= app.longest_answer() then
        raise exception using errcode = 'PT422', message = 'This period has too many days.',
            detail = jsonb_build_object('end_date', format('At most %s days from start_date.', app.longest_answer()))::text,
            hint = 'Ask for a shorter one.';
    end if;
    select s.closers, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, get_calendly_utilization.closer_id, null) as s;
    if app.hides_metric(v_scope.seen_as, true, app.metric_rests_on('utilization'), 'rate') then
        raise exception using errcode = '42501', message = 'This number is not yours to see.',
            hint = 'Ask an admin of your organization.';
    end if;
    return query
    select c.id, c.name, d.day, f.available_slots, f.booked_slots, f.held_slots,
           f.booked_slots::numeric / nullif(f.available_slots, 0), f.closer_id is null
      from app.closers as c
     cross join lateral (select g.day::date from generate_series(v_start::timestamp, v_end::timestamp, interval '1 day') as g (day)) as d
      left join app.capacity_facts(v_organization_id, v_start, v_end, v_scope.closers) as f
        on f.closer_id = c.id and f.day = d.day
     where c.organization_id = v_organization_id
       and (v_scope.closers is null or c.id = any (v_scope.closers))
       and (f.closer_id is not null or app.was_there(c.is_active, c.active_from, c.active_until, d.day, d.day))
     order by d.day, c.name, c.id;
end;
$$;
grant execute on function api.get_calendly_utilization(date, date, uuid, uuid) to authenticated, org_admin, super_admin;
comment on function api.get_calendly_utilization(date, date, uuid, uuid) is $$Slots that closers offered, and what became of them
One row per closer and local day from start_date to end_date: available_slots as the calendar was captured before the day (else
first on it), booked_slots of calls that were neither canceled nor moved, held_slots of those that took place, and
utilization = booked / available, which may exceed 1. A day whose calendar nobody captured is_missing and has no numbers.
Owners and admins get everybody's, closers their own.$$;
