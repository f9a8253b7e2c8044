-- What admins do with jobs, schedules and messages of their organization.
-- All are definers: nobody may write these tables, so the tenant is filtered by hand.

-- api.request_sync: enqueue a job now.
-- Callers:    admins, through POST /rpc/request_sync.
-- Guarantees: asking again while the same job still waits answers the waiting run, and adds none.
create or replace function api.request_sync(kind text, parameters jsonb default '{}', organization_id uuid default null)
returns api.sync_runs
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(request_sync.organization_id);
    v_max_attempts integer;
    v_id uuid;
    v_run api.sync_runs;
begin
    select k.max_attempts into v_max_attempts from app.job_kinds() as k
     where k.kind = request_sync.kind and k.scope = 'organization';
    if not found then
        raise exception using errcode = 'PT422', message = 'No such kind of job.',
            detail = format('Kinds: %s.', (
                select string_agg(k.kind, ', ' order by k.kind) from app.job_kinds() as k
                 where k.scope = 'organization'));
    elsif jsonb_typeof(request_sync.parameters) is distinct from 'object' then
        raise exception using errcode = 'PT422', message = 'Parameters must be a JSON object.';
    end if;
    select r.id into v_id from app.sync_runs as r
     where r.organization_id = v_organization_id and r.kind = request_sync.kind and r.state = 'queued'
       and r.parameters = request_sync.parameters
     order by r.available_at, r.id limit 1;
    if v_id is null then
        insert into app.sync_runs as r (organization_id, kind, parameters, requested_by, max_attempts)
        values (v_organization_id, request_sync.kind, request_sync.parameters, auth.uid(), v_max_attempts)
        returning r.id into v_id;
    end if;
    select r.* into v_run from api.sync_runs as r where r.organization_id = v_organization_id and r.id = v_id;
    return v_run;
end;
$$;
comment on function api.request_sync(text, jsonb, uuid) is $$Enqueue a job now
Answers the queued run. Asking again while the same job still waits adds none.$$;
grant execute on function api.request_sync(text, jsonb, uuid) to authenticated, org_admin, super_admin;

-- api.cancel_sync: a queued run ends at once, a running one as soon as its worker hears of it.
create or replace function api.cancel_sync(id uuid, organization_id uuid default null) returns api.sync_runs
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(cancel_sync.organization_id);
    v_state text;
    v_run api.sync_runs;
begin
    select r.state into v_state from app.sync_runs as r
     where r.organization_id = v_organization_id and r.id = cancel_sync.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such run in this organization.';
    elsif v_state not in ('queued', 'running') then
        raise exception using errcode = 'PT409', message = 'This run has already ended.',
            detail = format('Its state is %s.', v_state);
    end if;
    update app.sync_runs as r
       set state = case r.state when 'queued' then 'cancelled' else r.state end,
           finished_at = case r.state when 'queued' then now() end,
           cancel_requested_at = coalesce(r.cancel_requested_at, now()), updated_at = now()
     where r.organization_id = v_organization_id and r.id = cancel_sync.id;
    select r.* into v_run from api.sync_runs as r
     where r.organization_id = v_organization_id and r.id = cancel_sync.id;
    return v_run;
end;
$$;
comment on function api.cancel_sync(uuid, uuid) is $$Cancel a queued or running job
A queued run ends at once, a running one as soon as its worker hears of it.$$;
grant execute on function api.cancel_sync(uuid, uuid) to authenticated, org_admin, super_admin;

-- api.retry_sync: a run that failed, died or was cancelled goes back to the queue, with its cursor and new attempts.
create or replace function api.retry_sync(id uuid, organization_id uuid default null) returns api.sync_runs
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(retry_sync.organization_id);
    v_kind text;
    v_state text;
    v_run api.sync_runs;
begin
    select r.kind, r.state into v_kind, v_state from app.sync_runs as r
     where r.organization_id = v_organization_id and r.id = retry_sync.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such run in this organization.';
    elsif v_state not in ('failed', 'dead', 'cancelled') then
        raise exception using errcode = 'PT409', message = 'Only a run that failed, died or was cancelled can be retried.',
            detail = format('Its state is %s.', v_state);
    end if;
    update app.sync_runs as r
       set state = 'queued', finished_at = null, cancel_requested_at = null, error = null, available_at = now(),
           max_attempts = r.attempts + (select k.max_attempts from app.job_kinds() as k where k.kind = v_kind),
           updated_at = now()
     where r.organization_id = v_organization_id and r.id = retry_sync.id;
    select r.* into v_run from api.sync_runs as r
     where r.organization_id = v_organization_id and r.id = retry_sync.id;
    return v_run;
end;
$$;
comment on function api.retry_sync(uuid, uuid) is $$Put a failed, dead or cancelled job back into the queue
It continues where it stopped.$$;
grant execute on function api.retry_sync(uuid, uuid) to authenticated, org_admin, super_admin;

-- app.require_schedule: PT422 unless these values make a schedule.
create or replace function app.require_schedule(kind text, cron text, interval_seconds integer, timezone text, parameters jsonb)
returns void
language plpgsql stable set search_path = '' as $$
begin
    if not exists (
        select from app.job_kinds() as k where k.kind = require_schedule.kind and k.scope = 'organization') then
        raise exception using errcode = 'PT422', message = 'No such kind of job.',
            detail = format('Kinds: %s.', (
                select string_agg(k.kind, ', ' order by k.kind) from app.job_kinds() as k
                 where k.scope = 'organization'));
    elsif num_nonnulls(require_schedule.cron, require_schedule.interval_seconds) <> 1 then
        raise exception using errcode = 'PT422', message = 'A schedule has either cron or interval_seconds.';
    elsif not coalesce(app.is_cron(require_schedule.cron), true) then
        raise exception using errcode = 'PT422', message = 'This is not a cron expression.',
            hint = 'Write five fields: minute, hour, day, month, weekday; for example 15 3 * * 1-5.';
    elsif require_schedule.interval_seconds not between 60 and 31622400 then
        raise exception using errcode = 'PT422', message = 'An interval lasts from a minute to a year.';
    elsif require_schedule.timezone is not null and not app.is_timezone(require_schedule.timezone) then
        raise exception using errcode = 'PT422', message = 'No such time zone.',
            hint = 'Use an IANA name such as Europe/Berlin, or none for the zone of the organization.';
    elsif jsonb_typeof(require_schedule.parameters) is distinct from 'object' then
        raise exception using errcode = 'PT422', message = 'Parameters must be a JSON object.';
    end if;
end;
$$;
comment on function app.require_schedule(text, text, integer, text, jsonb) is 'Raise PT422 unless these values make a schedule.';

-- api.create_schedule: run a job by the clock. Exactly one of cron and interval_seconds.
create or replace function api.create_schedule(
    kind text, cron text default null, interval_seconds integer default null, timezone text default null,
    parameters jsonb default '{}', organization_id uuid default null
) returns api.job_schedules
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_schedule.organization_id);
    v_cron constant text := regexp_replace(btrim(create_schedule.cron), '\s+', ' ', 'g');
    v_id uuid;
    v_schedule api.job_schedules;
begin
    perform app.require_schedule(
        create_schedule.kind, v_cron, create_schedule.interval_seconds, create_schedule.timezone,
        create_schedule.parameters);
    insert into app.job_schedules as s (
        organization_id, kind, cron, interval_seconds, timezone, parameters, created_by)
    values (v_organization_id, create_schedule.kind, v_cron, create_schedule.interval_seconds,
            create_schedule.timezone, create_schedule.parameters, auth.uid())
    returning s.id into v_id;
    select s.* into v_schedule from api.job_schedules as s where s.organization_id = v_organization_id and s.id = v_id;
    return v_schedule;
end;
$$;
comment on function api.create_schedule(text, text, integer, text, jsonb, uuid) is $$Run a job by the clock
Exactly one of cron and interval_seconds; timezone NULL follows the zone of the organization.$$;
grant execute on function api.create_schedule(text, text, integer, text, jsonb, uuid)
    to authenticated, org_admin, super_admin;

-- api.update_schedule: change a schedule; what is NULL stays. Giving cron takes away the interval, and the reverse.
-- Guarantees: what was due before the change is not made up for.
create or replace function api.update_schedule(
    id uuid, cron text default null, interval_seconds integer default null, timezone text default null,
    parameters jsonb default null, is_enabled boolean default null, organization_id uuid default null
) returns api.job_schedules
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(update_schedule.organization_id);
    v_old app.job_schedules;
    v_cron text := regexp_replace(btrim(update_schedule.cron), '\s+', ' ', 'g');
    v_interval_seconds integer := update_schedule.interval_seconds;
    v_schedule api.job_schedules;
begin
    select s.* into v_old from app.job_schedules as s
     where s.organization_id = v_organization_id and s.id = update_schedule.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such schedule in this organization.';
    end if;
    if v_cron is null and v_interval_seconds is null then
        v_cron := v_old.cron;
        v_interval_seconds := v_old.interval_seconds;
    end if;
    perform app.require_schedule(
        v_old.kind, v_cron, v_interval_seconds, coalesce(update_schedule.timezone, v_old.timezone),
        coalesce(update_schedule.parameters, v_old.parameters));
    update app.job_schedules as s
       set cron = v_cron, interval_seconds = v_interval_seconds,
           timezone = coalesce(update_schedule.timezone, s.timezone),
           parameters = coalesce(update_schedule.parameters, s.parameters),
           is_enabled = coalesce(update_schedule.is_enabled, s.is_enabled),
           anchor_at = case when v_interval_seconds is distinct from v_old.interval_seconds then now() else s.anchor_at end,
           due_after = now(), next_fire_at = null, error = null, updated_at = now()
     where s.organization_id = v_organization_id and s.id = update_schedule.id;
    select s.* into v_schedule from api.job_schedules as s
     where s.organization_id = v_organization_id and s.id = update_schedule.id;
    return v_schedule;
end;
$$;
comment on function api.update_schedule(uuid, text, integer, text, jsonb, boolean, uuid) is $$Change, enable or disable a schedule
What is left out stays; what was due before the change is not made up for.$$;
grant execute on function api.update_schedule(uuid, text, integer, text, jsonb, boolean, uuid)
    to authenticated, org_admin, super_admin;

-- api.delete_schedule: a schedule goes, its runs stay.
create or replace function api.delete_schedule(id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(delete_schedule.organization_id);
begin
    delete from app.job_schedules as s where s.organization_id = v_organization_id and s.id = delete_schedule.id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such schedule in this organization.';
    end if;
end;
$$;
comment on function api.delete_schedule(uuid, uuid) is $$Delete a schedule
Its runs stay.$$;
grant execute on function api.delete_schedule(uuid, uuid) to authenticated, org_admin, super_admin;

-- api.retry_message: a dead or cancelled message is tried again, with new attempts.
create or replace function api.retry_message(id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(retry_message.organization_id);
    v_state text;
begin
    select o.state into v_state from app.outbox as o
     where o.organization_id = v_organization_id and o.id = retry_message.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such message in this organization.';
    elsif v_state not in ('dead', 'cancelled') then
        raise exception using errcode = 'PT409', message = 'Only a dead or cancelled message can be retried.',
            detail = format('Its state is %s.', v_state);
    end if;
    update app.outbox as o
       set state = 'pending', attempts = 0, next_attempt_at = now(), error = null, updated_at = now()
     where o.organization_id = v_organization_id and o.id = retry_message.id;
end;
$$;
comment on function api.retry_message(uuid, uuid) is $$Try a dead or cancelled message again$$;
grant execute on function api.retry_message(uuid, uuid) to authenticated, org_admin, super_admin;

-- api.cancel_message: a message that still waits, or is dead, will not be sent.
create or replace function api.cancel_message(id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(cancel_message.organization_id);
    v_state text;
begin
    select o.state into v_state from app.outbox as o
     where o.organization_id = v_organization_id and o.id = cancel_message.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such message in this organization.';
    elsif v_state not in ('pending', 'dead') then
        raise exception using errcode = 'PT409', message = 'This message is being sent, or has ended.',
            detail = format('Its state is %s.', v_state);
    end if;
    update app.outbox as o set state = 'cancelled', updated_at = now()
     where o.organization_id = v_organization_id and o.id = cancel_message.id;
    perform app.resolve_exception(v_organization_id, 'undeliverable_message', cancel_message.id::text);
end;
$$;
comment on function api.cancel_message(uuid, uuid) is $$Do not send a message that still waits$$;
grant execute on function api.cancel_message(uuid, uuid) to authenticated, org_admin, super_admin;
