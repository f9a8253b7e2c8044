-- jobs.replay_webhook_events: process the next page of a run that replays the deliveries of a connection, and move the run's
-- cursor, in one transaction.
-- Pages are in the order of arrival, each page is processed in the order of what its deliveries tell of. What arrives after
-- the run has begun is not its business: it is processed as it comes.
-- Callers:    the worker that has the run, again and again until is_last.
-- Guarantees: killed anywhere, the next worker goes on with the page after the last one that was committed.
-- Answers no row when this worker no longer has the run.
-- Definer:    the worker has no rights on tables; the organization is the run's own.
create or replace function jobs.replay_webhook_events(
    organization_id uuid, id uuid, worker_id text, attempt integer, batch integer default 100, as_of timestamptz default now()
) returns table (replayed integer, is_last boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_run      app.sync_runs;
    v_cursor   jsonb;
    v_total    bigint;
    v_ids      uuid[];
    v_arrivals timestamptz[];
    v_counts   jsonb;
begin
    select r.* into v_run from app.sync_runs as r
     where r.organization_id = replay_webhook_events.organization_id and r.id = replay_webhook_events.id
       and r.kind = 'replay-webhooks' and r.state = 'running'
       and r.claimed_by = replay_webhook_events.worker_id and r.attempts = replay_webhook_events.attempt
       for update;
    if not found then
        return;
    end if;
    v_cursor := v_run.cursor::jsonb;
    v_total := v_run.progress_total;
    if v_cursor is null then
        v_cursor := jsonb_build_object('until', replay_webhook_events.as_of);
        select count(*) into v_total from app.webhook_events as w
         where w.organization_id = v_run.organization_id and w.connection_id = (v_run.parameters ->> 'connection_id')::uuid
           and w.received_at >= (v_run.parameters ->> 'since')::timestamptz
           and w.received_at < (v_cursor ->> 'until')::timestamptz;
    end if;
    select array_agg(p.id order by p.received_at, p.id), array_agg(p.received_at order by p.received_at, p.id)
      into v_ids, v_arrivals
      from (select w.received_at, w.id from app.webhook_events as w
             where w.organization_id = v_run.organization_id and w.connection_id = (v_run.parameters ->> 'connection_id')::uuid
               and w.received_at >= coalesce(v_cursor ->> 'received_at', v_run.parameters ->> 'since')::timestamptz
               and w.received_at < (v_cursor ->> 'until')::timestamptz
               and (v_cursor ->> 'id' is null
                    or (w.received_at, w.id) > ((v_cursor ->> 'received_at')::timestamptz, (v_cursor ->> 'id')::uuid))
             order by w.received_at, w.id
             limit replay_webhook_events.batch) as p;
    replayed := coalesce(cardinality(v_ids), 0);
    is_last := replayed < batch;
    if replayed > 0 then
        v_cursor := v_cursor || jsonb_build_object('received_at', v_arrivals[replayed], 'id', v_ids[replayed]);
    end if;
    select jsonb_object_agg(s.outcome, s.sum) into v_counts
      from (select o.outcome, sum(o.n) as sum
              from (select d.outcome, count(*) as n
                      from ingest.reprocess(v_run.organization_id, v_ids, replay_webhook_events.as_of) as d group by d.outcome
                    union all
                    select c.key, c.value::bigint from jsonb_each_text(v_run.counts) as c) as o
             group by o.outcome) as s;
    update app.sync_runs as r
       set cursor = v_cursor::text, progress_done = r.progress_done + replayed,
           progress_total = greatest(v_total, r.progress_done + replayed), counts = coalesce(v_counts, '{}'),
           heartbeat_at = replay_webhook_events.as_of, updated_at = replay_webhook_events.as_of
     where r.organization_id = v_run.organization_id and r.id = v_run.id;
    return next;
end;
$$;
comment on function jobs.replay_webhook_events(uuid, uuid, text, integer, integer, timestamptz) is
    'Process the next page of a replay; no row when this worker no longer has the run.';
grant execute on function jobs.replay_webhook_events(uuid, uuid, text, integer, integer, timestamptz) to worker;
