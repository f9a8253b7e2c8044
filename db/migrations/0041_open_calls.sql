-- The calls without a form: a closer's, the oldest first, for dashboards; and what those come to that the clock decides.
-- depends: 0032_rollups

create index events_open_closer_idx on app.events (organization_id, credited_closer_id, scheduled_end_at)
 where call_status = 'scheduled' and deleted_at is null;

create type app.open_count as (period integer, member_id uuid, in_rates boolean, pending bigint, overdue bigint);
comment on type app.open_count is $$How many calls without a form are over in a period, for a member, beyond those of the days that are decided.$$;
