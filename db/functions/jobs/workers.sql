-- Who is working.

grant usage on schema jobs to worker;

-- jobs.worker_alive: note that this worker process lives.
create or replace function jobs.worker_alive(worker_id text, as_of timestamptz default now()) returns void
language sql volatile security definer set search_path = '' as $$
    insert into app.worker_heartbeats as h (worker_id, started_at, seen_at)
    values (worker_alive.worker_id, worker_alive.as_of, worker_alive.as_of)
    on conflict on constraint worker_heartbeats_pkey do update set seen_at = greatest(h.seen_at, excluded.seen_at);
$$;
comment on function jobs.worker_alive(text, timestamptz) is 'Note that this worker process lives.';
grant execute on function jobs.worker_alive(text, timestamptz) to worker;

-- jobs.worker_gone: this worker process ends in good order.
create or replace function jobs.worker_gone(worker_id text) returns void
language sql volatile security definer set search_path = '' as $$
    delete from app.worker_heartbeats as h where h.worker_id = worker_gone.worker_id;
$$;
comment on function jobs.worker_gone(text) is 'This worker process ends in good order.';
grant execute on function jobs.worker_gone(text) to worker;
