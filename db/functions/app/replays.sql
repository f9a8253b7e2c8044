-- app.enqueue_replay: queue a run that processes again what a connection has received since an instant.
-- While the same replay still waits, asking again adds none. Connections that were deleted may be replayed: their deliveries
-- stay. Raises PT404 and PT422. Answers the run.
-- Internal: nobody but the owner may call it.
create or replace function app.enqueue_replay(
    organization_id uuid, connection_id uuid, since timestamptz, requested_by uuid default null
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_parameters constant jsonb := jsonb_build_object(
        'connection_id', enqueue_replay.connection_id, 'since', enqueue_replay.since);
    v_id uuid;
begin
    if since is null or since > now() then
        raise exception using errcode = 'PT422', message = 'Say since when deliveries are to be replayed.',
            detail = coalesce(format('%s lies in the future.', since), 'since is missing.');
    elsif not exists (select from app.webhook_connections as c
                       where c.organization_id = enqueue_replay.organization_id and c.id = enqueue_replay.connection_id) then
        raise exception using errcode = 'PT404', message = 'No such connection in this organization.';
    end if;
    select r.id into v_id from app.sync_runs as r
     where r.organization_id = enqueue_replay.organization_id and r.kind = 'replay-webhooks' and r.state = 'queued'
       and r.parameters = v_parameters and r.cursor is null
     order by r.available_at, r.id limit 1;
    if v_id is null then
        insert into app.sync_runs as r (organization_id, kind, parameters, requested_by, max_attempts)
        select enqueue_replay.organization_id, k.kind, v_parameters, enqueue_replay.requested_by, k.max_attempts
          from app.job_kinds() as k where k.kind = 'replay-webhooks'
        returning r.id into v_id;
    end if;
    return v_id;
end;
$$;
comment on function app.enqueue_replay(uuid, uuid, timestamptz, uuid) is
    'Queue a run that processes again what a connection has received since an instant.';
