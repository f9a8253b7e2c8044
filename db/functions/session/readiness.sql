-- session.worker_seen_ago: seconds since any worker process was last seen; NULL when none ever was.
-- Definer: the gateway has no rights on tables.
create or replace function session.worker_seen_ago() returns double precision
language sql stable security definer set search_path = '' as $$
    select extract(epoch from clock_timestamp() - max(h.seen_at))::double precision from app.worker_heartbeats as h;
$$;
comment on function session.worker_seen_ago() is 'Seconds since any worker process was last seen.';
grant execute on function session.worker_seen_ago() to gateway;
