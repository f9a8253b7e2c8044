-- The clock. A worker reads which schedules need attention, computes the due instants with a cron library from the row
-- alone (jobs/due.py), and hands them back; the fire time is unique per schedule, so any number of workers gives one run.

-- jobs.due_schedules: enabled schedules whose next instant has come or has not been computed yet.
create or replace function jobs.due_schedules(as_of timestamptz default now())
returns table (
    organization_id uuid, id uuid, kind text, cron text, interval_seconds integer, timezone text,
    anchor_at timestamptz, due_after timestamptz, as_of timestamptz)
language sql stable security definer set search_path = '' as $$
    select null::uuid, s.id, s.kind, s.cron, s.interval_seconds, s.timezone, s.anchor_at, s.due_after,
           due_schedules.as_of
      from app.platform_schedules as s
     where s.is_enabled and s.error is null and (s.next_fire_at is null or s.next_fire_at <= due_schedules.as_of)
    union all
    select s.organization_id, s.id, s.kind, s.cron, s.interval_seconds, coalesce(s.timezone, o.timezone), s.anchor_at,
           s.due_after, due_schedules.as_of
      from app.job_schedules as s
      join app.organizations as o on o.id = s.organization_id
     where s.is_enabled and s.error is null and o.deleted_at is null and o.suspended_at is null
       and (s.next_fire_at is null or s.next_fire_at <= due_schedules.as_of);
$$;
comment on function jobs.due_schedules(timestamptz) is
    'Schedules whose next instant has come, or has not been computed yet.';
grant execute on function jobs.due_schedules(timestamptz) to worker;

-- jobs.fire_schedule: queue the run that is due at fire_time (NULL: none is due yet) and note the next instant.
-- due_after is what the caller computed from: if the row has changed since, nothing happens and the next tick decides.
-- Answers whether a run was queued.
create or replace function jobs.fire_schedule(
    organization_id uuid, id uuid, due_after timestamptz, fire_time timestamptz, next_fire_at timestamptz
) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_kind text;
    v_parameters jsonb;
begin
    if fire_schedule.organization_id is null then
        update app.platform_schedules as s
           set next_fire_at = fire_schedule.next_fire_at,
               due_after = coalesce(fire_schedule.fire_time, s.due_after),
               last_fire_at = coalesce(fire_schedule.fire_time, s.last_fire_at), updated_at = now()
         where s.id = fire_schedule.id and s.is_enabled and s.due_after = fire_schedule.due_after
        returning s.kind, s.parameters into v_kind, v_parameters;
    else
        update app.job_schedules as s
           set next_fire_at = fire_schedule.next_fire_at,
               due_after = coalesce(fire_schedule.fire_time, s.due_after),
               last_fire_at = coalesce(fire_schedule.fire_time, s.last_fire_at), updated_at = now()
         where s.organization_id = fire_schedule.organization_id and s.id = fire_schedule.id
           and s.is_enabled and s.due_after = fire_schedule.due_after
        returning s.kind, s.parameters into v_kind, v_parameters;
    end if;
    if v_kind is null or fire_schedule.fire_time is null then
        return false;
    end if;
    if fire_schedule.organization_id is null then
        insert into app.platform_runs (kind, parameters, schedule_id, fire_time, max_attempts)
        select v_kind, v_parameters, fire_schedule.id, fire_schedule.fire_time, k.max_attempts
          from app.job_kinds() as k where k.kind = v_kind and k.scope = 'platform'
        on conflict on constraint platform_runs_fire_time_key do nothing;
    else
        insert into app.sync_runs (organization_id, kind, parameters, schedule_id, fire_time, max_attempts)
        select fire_schedule.organization_id, v_kind, v_parameters, fire_schedule.id, fire_schedule.fire_time,
               k.max_attempts
          from app.job_kinds() as k where k.kind = v_kind and k.scope = 'organization'
        on conflict on constraint sync_runs_fire_time_key do nothing;
    end if;
    return found;
end;
$$;
comment on function jobs.fire_schedule(uuid, uuid, timestamptz, timestamptz, timestamptz) is
    'Queue the run that is due and note the next instant; once per schedule and instant.';
grant execute on function jobs.fire_schedule(uuid, uuid, timestamptz, timestamptz, timestamptz) to worker;

-- jobs.refuse_schedule: no due instant can be computed from this row; it says why and waits for a change.
create or replace function jobs.refuse_schedule(organization_id uuid, id uuid, due_after timestamptz, error text)
returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
    if refuse_schedule.organization_id is null then
        update app.platform_schedules as s set error = left(refuse_schedule.error, 1000), updated_at = now()
         where s.id = refuse_schedule.id and s.due_after = refuse_schedule.due_after;
    else
        update app.job_schedules as s set error = left(refuse_schedule.error, 1000), updated_at = now()
         where s.organization_id = refuse_schedule.organization_id and s.id = refuse_schedule.id
           and s.due_after = refuse_schedule.due_after;
    end if;
end;
$$;
comment on function jobs.refuse_schedule(uuid, uuid, timestamptz, text) is
    'No due instant can be computed from this row.';
grant execute on function jobs.refuse_schedule(uuid, uuid, timestamptz, text) to worker;
