select 1 / (to_regclass('app.job_schedules') is not null)::integer;
select 1 / (to_regclass('app.sync_runs') is not null)::integer;
select 1 / (to_regclass('app.sync_cursors') is not null)::integer;
select 1 / (to_regclass('app.outbox') is not null)::integer;
select 1 / (to_regclass('app.platform_outbox') is not null)::integer;
select 1 / (to_regclass('app.worker_heartbeats') is not null)::integer;
select 1 / (count(*) = 1)::integer from app.platform_schedules where kind = 'partition-upkeep';
