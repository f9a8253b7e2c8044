drop table app.worker_heartbeats;
drop table app.platform_outbox;
drop table app.platform_runs;
drop table app.platform_schedules;
drop table app.outbox;
drop table app.sync_cursors;
drop table app.sync_runs;
drop table app.job_schedules;
