-- The platform's own jobs.

-- jobs.ensure_partitions: make the monthly partitions of the months ahead; answers how many were made.
create or replace function jobs.ensure_partitions() returns integer
language sql volatile security definer set search_path = '' as $$
    select app.ensure_partitions();
$$;
comment on function jobs.ensure_partitions() is 'Make the monthly partitions of the months ahead.';
grant execute on function jobs.ensure_partitions() to worker;

-- jobs.housekeeping: delete finished work that nobody needs any more; answers how many rows went.
-- Kept: runs 90 days (of the platform, which has one every minute, 7), sent messages 30 days of the platform and 400
-- days of organizations, heartbeats one day.
-- A message's dedupe key goes with it.
create or replace function jobs.housekeeping(as_of timestamptz default now()) returns bigint
language sql volatile security definer set search_path = '' as $$
    with runs as (
        delete from app.sync_runs as r where r.finished_at < housekeeping.as_of - interval '90 days' returning 1
    ), platform_runs as (
        delete from app.platform_runs as r where r.finished_at < housekeeping.as_of - interval '7 days' returning 1
    ), messages as (
        delete from app.outbox as o where o.sent_at < housekeeping.as_of - interval '400 days' returning 1
    ), platform_messages as (
        delete from app.platform_outbox as o
         where o.state in ('sent', 'dead', 'cancelled') and o.updated_at < housekeeping.as_of - interval '30 days'
        returning 1
    ), workers as (
        delete from app.worker_heartbeats as h where h.seen_at < housekeeping.as_of - interval '1 day' returning 1
    )
    select (select count(*) from runs) + (select count(*) from platform_runs) + (select count(*) from messages)
         + (select count(*) from platform_messages) + (select count(*) from workers);
$$;
comment on function jobs.housekeeping(timestamptz) is 'Delete finished work that nobody needs any more.';
grant execute on function jobs.housekeeping(timestamptz) to worker;
