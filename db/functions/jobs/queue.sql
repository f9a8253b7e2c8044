-- The queue. An organization's runs lie in app.sync_runs, the platform's in app.platform_runs; here a run is named by
-- (organization_id, id), where organization_id NULL means the platform. Whoever claimed a run proves it with worker_id
-- and attempt: a worker that was thought dead and comes back changes nothing.
-- All are definers: the worker has no rights on tables.

-- jobs.claim_run: take the next run that is due, if there is one; at most one of a kind runs per organization. What a suspended
-- organization has queued waits until it is resumed.
create or replace function jobs.claim_run(worker_id text, as_of timestamptz default now())
returns table (
    organization_id uuid, id uuid, kind text, parameters jsonb, cursor text, attempt integer, fire_time timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
begin
    return query
    update app.platform_runs as r
       set state = 'running', attempts = r.attempts + 1, claimed_by = claim_run.worker_id, heartbeat_at = claim_run.as_of,
           started_at = coalesce(r.started_at, claim_run.as_of), error = null, updated_at = claim_run.as_of
     where r.id = (
        select q.id from app.platform_runs as q
         where q.state = 'queued' and q.available_at <= claim_run.as_of
           and not exists (select from app.platform_runs as b where b.kind = q.kind and b.state = 'running')
         order by q.available_at, q.id
         limit 1 for update skip locked)
    returning null::uuid, r.id, r.kind, r.parameters, r.cursor, r.attempts, r.fire_time;
    if found then
        return;
    end if;
    return query
    update app.sync_runs as r
       set state = 'running', attempts = r.attempts + 1, claimed_by = claim_run.worker_id, heartbeat_at = claim_run.as_of,
           started_at = coalesce(r.started_at, claim_run.as_of), error = null, updated_at = claim_run.as_of
     where (r.organization_id, r.id) = (
        select q.organization_id, q.id from app.sync_runs as q
         where q.state = 'queued' and q.available_at <= claim_run.as_of
           and exists (select from app.organizations as o
                        where o.id = q.organization_id and o.suspended_at is null and o.deleted_at is null)
           and not exists (
                select from app.sync_runs as b
                 where b.organization_id = q.organization_id and b.kind = q.kind and b.state = 'running')
         order by q.available_at, q.id
         limit 1 for update skip locked)
    returning r.organization_id, r.id, r.kind, r.parameters, r.cursor, r.attempts, r.fire_time;
exception when unique_violation then
    -- Another worker started a run of this kind in the same moment; the next poll finds the next one.
    return;
end;
$$;
comment on function jobs.claim_run(text, timestamptz) is 'Take the next run that is due; no row when there is none.';
grant execute on function jobs.claim_run(text, timestamptz) to worker;

-- jobs.heartbeat: say that a run is still being worked on, and how far it is (NULL keeps what was said before).
-- Answers running, cancelling (stop and call stop_run), or lost (another worker has it, or it has ended).
create or replace function jobs.heartbeat(
    organization_id uuid, id uuid, worker_id text, attempt integer,
    progress_done bigint default null, progress_total bigint default null, cursor text default null,
    as_of timestamptz default now()
) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_cancel_requested_at timestamptz;
begin
    if heartbeat.organization_id is null then
        update app.platform_runs as r
           set heartbeat_at = heartbeat.as_of, cursor = coalesce(heartbeat.cursor, r.cursor),
               progress_done = coalesce(heartbeat.progress_done, r.progress_done),
               progress_total = coalesce(heartbeat.progress_total, r.progress_total), updated_at = heartbeat.as_of
         where r.id = heartbeat.id and r.state = 'running'
           and r.claimed_by = heartbeat.worker_id and r.attempts = heartbeat.attempt
        returning r.cancel_requested_at into v_cancel_requested_at;
    else
        update app.sync_runs as r
           set heartbeat_at = heartbeat.as_of, cursor = coalesce(heartbeat.cursor, r.cursor),
               progress_done = coalesce(heartbeat.progress_done, r.progress_done),
               progress_total = coalesce(heartbeat.progress_total, r.progress_total), updated_at = heartbeat.as_of
         where r.organization_id = heartbeat.organization_id and r.id = heartbeat.id and r.state = 'running'
           and r.claimed_by = heartbeat.worker_id and r.attempts = heartbeat.attempt
        returning r.cancel_requested_at into v_cancel_requested_at;
    end if;
    return case when not found then 'lost' when v_cancel_requested_at is not null then 'cancelling' else 'running' end;
end;
$$;
comment on function jobs.heartbeat(uuid, uuid, text, integer, bigint, bigint, text, timestamptz) is
    'Say that a run is still being worked on; answers running, cancelling or lost.';
grant execute on function jobs.heartbeat(uuid, uuid, text, integer, bigint, bigint, text, timestamptz) to worker;

-- app.end_attempt: the one place where a claimed run leaves the state running.
-- Answers the state it now has, or lost when this worker no longer has the run.
create or replace function app.end_attempt(
    organization_id uuid, id uuid, worker_id text, attempt integer, state text,
    counts jsonb, error text, available_at timestamptz, extra_attempts integer, as_of timestamptz
) returns text
language plpgsql volatile set search_path = '' as $$
declare
    v_ended_at constant timestamptz := case when end_attempt.state <> 'queued' then end_attempt.as_of end;
begin
    if end_attempt.organization_id is null then
        update app.platform_runs as r
           set state = end_attempt.state, claimed_by = null, heartbeat_at = null, finished_at = v_ended_at,
               counts = r.counts || coalesce(end_attempt.counts, '{}'), error = end_attempt.error,
               available_at = coalesce(end_attempt.available_at, r.available_at),
               max_attempts = r.max_attempts + end_attempt.extra_attempts, updated_at = end_attempt.as_of
         where r.id = end_attempt.id and r.state = 'running'
           and r.claimed_by = end_attempt.worker_id and r.attempts = end_attempt.attempt;
    else
        update app.sync_runs as r
           set state = end_attempt.state, claimed_by = null, heartbeat_at = null, finished_at = v_ended_at,
               counts = r.counts || coalesce(end_attempt.counts, '{}'), error = end_attempt.error,
               available_at = coalesce(end_attempt.available_at, r.available_at),
               max_attempts = r.max_attempts + end_attempt.extra_attempts, updated_at = end_attempt.as_of
         where r.organization_id = end_attempt.organization_id and r.id = end_attempt.id and r.state = 'running'
           and r.claimed_by = end_attempt.worker_id and r.attempts = end_attempt.attempt;
    end if;
    if not found then
        return 'lost';
    end if;
    if end_attempt.organization_id is not null and end_attempt.state in ('failed', 'dead') then
        perform app.report_failed_run(end_attempt.organization_id, end_attempt.id);
    elsif end_attempt.organization_id is not null and end_attempt.state = 'succeeded' then
        perform app.resolve_failed_runs(end_attempt.organization_id, end_attempt.id);
    end if;
    return end_attempt.state;
end;
$$;
comment on function app.end_attempt(uuid, uuid, text, integer, text, jsonb, text, timestamptz, integer, timestamptz) is
    'A claimed run leaves the state running; answers its new state, or lost.';

-- jobs.finish_run: the work is done.
create or replace function jobs.finish_run(
    organization_id uuid, id uuid, worker_id text, attempt integer, counts jsonb default '{}',
    as_of timestamptz default now()
) returns text
language sql volatile security definer set search_path = '' as $$
    select app.end_attempt(organization_id, id, worker_id, attempt, 'succeeded', counts, null, null, 0, as_of);
$$;
comment on function jobs.finish_run(uuid, uuid, text, integer, jsonb, timestamptz) is 'The work of a run is done.';
grant execute on function jobs.finish_run(uuid, uuid, text, integer, jsonb, timestamptz) to worker;

-- jobs.fail_run: this attempt failed. A final failure needs a person; any other is tried again after a while, and is dead
-- when its attempts are used up. retry_after_seconds is what a vendor asked for; it is kept within a day.
create or replace function jobs.fail_run(
    organization_id uuid, id uuid, worker_id text, attempt integer, error text, is_final boolean default false,
    retry_after_seconds integer default null, as_of timestamptz default now()
) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_max_attempts integer;
    v_wait constant interval := greatest(
        app.back_off(fail_run.attempt),
        make_interval(secs => least(coalesce(fail_run.retry_after_seconds, 0), 86400)));
begin
    if fail_run.organization_id is null then
        select r.max_attempts into v_max_attempts from app.platform_runs as r where r.id = fail_run.id;
    else
        select r.max_attempts into v_max_attempts from app.sync_runs as r
         where r.organization_id = fail_run.organization_id and r.id = fail_run.id;
    end if;
    return app.end_attempt(
        fail_run.organization_id, fail_run.id, fail_run.worker_id, fail_run.attempt,
        case when fail_run.is_final then 'failed' when fail_run.attempt >= v_max_attempts then 'dead' else 'queued' end,
        null, left(fail_run.error, 1000), fail_run.as_of + v_wait, 0, fail_run.as_of);
end;
$$;
comment on function jobs.fail_run(uuid, uuid, text, integer, text, boolean, integer, timestamptz) is
    'An attempt failed: tried again later, or dead, or failed for good.';
grant execute on function jobs.fail_run(uuid, uuid, text, integer, text, boolean, integer, timestamptz) to worker;

-- jobs.release_run: a worker that is stopping gives its run back, with its cursor and without using up an attempt.
create or replace function jobs.release_run(
    organization_id uuid, id uuid, worker_id text, attempt integer, as_of timestamptz default now()
) returns text
language sql volatile security definer set search_path = '' as $$
    select app.end_attempt(organization_id, id, worker_id, attempt, 'queued', null, null, as_of, 1, as_of);
$$;
comment on function jobs.release_run(uuid, uuid, text, integer, timestamptz) is
    'A stopping worker gives its run back, with its cursor.';
grant execute on function jobs.release_run(uuid, uuid, text, integer, timestamptz) to worker;

-- jobs.stop_run: the run was cancelled while it was being worked on, and the work has stopped.
create or replace function jobs.stop_run(
    organization_id uuid, id uuid, worker_id text, attempt integer, as_of timestamptz default now()
) returns text
language sql volatile security definer set search_path = '' as $$
    select app.end_attempt(organization_id, id, worker_id, attempt, 'cancelled', null, null, null, 0, as_of);
$$;
comment on function jobs.stop_run(uuid, uuid, text, integer, timestamptz) is 'The work of a cancelled run has stopped.';
grant execute on function jobs.stop_run(uuid, uuid, text, integer, timestamptz) to worker;

-- jobs.release_stale: what a dead worker held returns to its queue: runs without a heartbeat for stale_after, with their
-- cursor, and messages that were being sent for longer than that. What has used up its attempts is dead.
-- Answers how many rows were returned.
create or replace function jobs.release_stale(
    stale_after interval default interval '30 seconds', as_of timestamptz default now()
) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_error constant text := 'The worker stopped answering.';
    v_run record;
    v_message record;
    v_count integer := 0;
begin
    for v_run in
        select null::uuid as organization_id, r.id, r.claimed_by, r.attempts, r.max_attempts, r.cancel_requested_at
          from app.platform_runs as r
         where r.state = 'running' and r.heartbeat_at < release_stale.as_of - release_stale.stale_after
           for update skip locked
    loop
        perform app.end_attempt(
            null, v_run.id, v_run.claimed_by, v_run.attempts,
            case when v_run.cancel_requested_at is not null then 'cancelled'
                 when v_run.attempts >= v_run.max_attempts then 'dead' else 'queued' end,
            null, v_error, release_stale.as_of, 0, release_stale.as_of);
        v_count := v_count + 1;
    end loop;
    for v_run in
        select r.organization_id, r.id, r.claimed_by, r.attempts, r.max_attempts, r.cancel_requested_at
          from app.sync_runs as r
         where r.state = 'running' and r.heartbeat_at < release_stale.as_of - release_stale.stale_after
           for update skip locked
    loop
        perform app.end_attempt(
            v_run.organization_id, v_run.id, v_run.claimed_by, v_run.attempts,
            case when v_run.cancel_requested_at is not null then 'cancelled'
                 when v_run.attempts >= v_run.max_attempts then 'dead' else 'queued' end,
            null, v_error, release_stale.as_of, 0, release_stale.as_of);
        v_count := v_count + 1;
    end loop;
    for v_message in
        select null::uuid as organization_id, o.id, o.claimed_by, o.attempts from app.platform_outbox as o
         where o.state = 'sending' and o.claimed_at < release_stale.as_of - release_stale.stale_after
           for update skip locked
    loop
        perform jobs.fail_outbox(
            null, v_message.id, v_message.claimed_by, v_message.attempts, v_error, as_of => release_stale.as_of);
        v_count := v_count + 1;
    end loop;
    for v_message in
        select o.organization_id, o.id, o.claimed_by, o.attempts from app.outbox as o
         where o.state = 'sending' and o.claimed_at < release_stale.as_of - release_stale.stale_after
           for update skip locked
    loop
        perform jobs.fail_outbox(
            v_message.organization_id, v_message.id, v_message.claimed_by, v_message.attempts, v_error,
            as_of => release_stale.as_of);
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function jobs.release_stale(interval, timestamptz) is 'What a dead worker held returns to its queue.';
grant execute on function jobs.release_stale(interval, timestamptz) to worker;
