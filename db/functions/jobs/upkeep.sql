-- The platform's own jobs.

-- jobs.ensure_partitions: make the monthly partitions of the months ahead; answers how many were made.
-- Raises 55P03 rather than hold up those who read and write; then nothing has changed, and it is to be tried again.
create or replace function jobs.ensure_partitions(as_of timestamptz default now()) returns integer
language sql volatile security definer set search_path = '' set lock_timeout = '100ms' as $$
    select app.ensure_partitions(as_of);
$$;
comment on function jobs.ensure_partitions(timestamptz) is 'Make the monthly partitions of the months ahead.';
grant execute on function jobs.ensure_partitions(timestamptz) to worker;

-- jobs.drop_expired_partition: drop the oldest month that nobody has to keep any longer (app.retention_periods); answers its
-- name, or NULL when there is none. The dedupe memory stays, so an old event that is sent again is still a duplicate.
-- Raises 55P03 rather than hold up those who read and write; then nothing has changed, and it is to be tried again.
create or replace function jobs.drop_expired_partition(as_of timestamptz default now()) returns text
language plpgsql volatile security definer set search_path = '' set lock_timeout = '100ms' as $$
declare
    v_month record;
begin
    select p.table_name, p.partition_name into v_month
      from app.monthly_partitions() as p
      join app.retention_periods as r on r.table_name = p.table_name
     where p.ends_at <= drop_expired_partition.as_of - r.keep_for
     order by p.ends_at, p.table_name limit 1;
    if not found then
        return null;
    end if;
    execute format('alter table app.%I detach partition app.%I', v_month.table_name, v_month.partition_name);
    execute format('drop table app.%I', v_month.partition_name);
    return v_month.partition_name;
end;
$$;
comment on function jobs.drop_expired_partition(timestamptz) is 'Drop the oldest month that nobody has to keep; NULL when there is none.';
grant execute on function jobs.drop_expired_partition(timestamptz) to worker;

-- jobs.housekeeping: delete finished work that nobody needs any more; answers how many rows went.
-- Kept: runs 90 days (of the platform, which has one every minute, 7), sent messages 30 days of the platform and 400
-- days of organizations, delivery counts by the hour 400 days, heartbeats one day.
-- A message's dedupe key goes with it. An export that runs for a day was never heard of again: its gateway died.
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
    ), hours as (
        delete from app.connection_hours as h where h.hour < housekeeping.as_of - interval '400 days' returning 1
    ), exports as (
        update app.exports as e set state = 'failed', finished_at = housekeeping.as_of
         where e.state = 'running' and e.created_at < housekeeping.as_of - interval '1 day'
    ), workers as (
        delete from app.worker_heartbeats as h where h.seen_at < housekeeping.as_of - interval '1 day' returning 1
    )
    select (select count(*) from runs) + (select count(*) from platform_runs) + (select count(*) from messages)
         + (select count(*) from platform_messages) + (select count(*) from hours) + (select count(*) from workers);
$$;
comment on function jobs.housekeeping(timestamptz) is 'Delete finished work that nobody needs any more.';
grant execute on function jobs.housekeeping(timestamptz) to worker;
