-- session.worker_seen_ago: seconds since any worker process was last seen; NULL when none ever was.
-- Definer: the gateway has no rights on tables.
create or replace function session.worker_seen_ago() returns double precision
language sql stable security definer set search_path = '' as $$
    select extract(epoch from clock_timestamp() - max(h.seen_at))::double precision from app.worker_heartbeats as h;
$$;
comment on function session.worker_seen_ago() is 'Seconds since any worker process was last seen.';
grant execute on function session.worker_seen_ago() to gateway;

-- session.partition_state: ready; or warning or missing, and which partitions of the months ahead are not there.
-- Definer: the gateway has no rights on tables.
create or replace function session.partition_state(as_of timestamptz default now()) returns text
language sql stable security definer set search_path = '' as $$
    select concat_ws(': ', p.state, nullif(array_to_string(p.problems, ', '), '')) from app.partition_state(as_of) as p;
$$;
comment on function session.partition_state(timestamptz) is 'Whether the partitions of the months ahead are there.';
grant execute on function session.partition_state(timestamptz) to gateway;
