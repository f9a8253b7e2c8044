-- What admins see of the work outside the database.
drop view if exists api.sync_runs;
create view api.sync_runs with (security_invoker = true) as
select r.organization_id, r.id, r.kind, r.parameters, r.state, r.schedule_id, r.fire_time, r.requested_by, r.available_at,
       r.attempts, r.max_attempts, r.started_at, r.heartbeat_at, r.cancel_requested_at, r.finished_at,
       r.progress_done, r.progress_total, r.counts, r.error, r.created_at, r.updated_at
  from app.sync_runs as r;
grant select on api.sync_runs to authenticated, org_admin, super_admin;
comment on view api.sync_runs is $$Jobs of an organization, queued, running and done
Admins see those of their organization. Enqueue with rpc/request_sync.$$;
comment on column api.sync_runs.organization_id is 'The tenant.';
comment on column api.sync_runs.id is 'Identity of the row; ordered by time of creation.';
comment on column api.sync_runs.kind is 'What the job does, as rpc/request_sync takes it.';
comment on column api.sync_runs.parameters is 'What it was asked to do, as JSON.';
comment on column api.sync_runs.schedule_id is 'The schedule that made it; NULL when somebody asked for it.';
comment on column api.sync_runs.requested_by is 'The user who asked for it; NULL: a schedule or the product did.';
comment on column api.sync_runs.attempts is 'How often it was started.';
comment on column api.sync_runs.max_attempts is 'How often it may be started before it counts as dead.';
comment on column api.sync_runs.started_at is 'When the last attempt began; NULL: none has.';
comment on column api.sync_runs.heartbeat_at is 'When its worker last said that it goes on.';
comment on column api.sync_runs.cancel_requested_at is 'When somebody asked it to stop; NULL: nobody did.';
comment on column api.sync_runs.finished_at is 'When it ended; NULL: it has not.';
comment on column api.sync_runs.progress_total is 'How much there is to do; NULL: not known yet.';
comment on column api.sync_runs.error is 'Why the last attempt failed; never a payload or a secret.';
comment on column api.sync_runs.created_at is 'When the row was made.';
comment on column api.sync_runs.updated_at is 'When the row last changed.';
comment on column api.sync_runs.state is 'queued, running, succeeded, failed (a person must look), dead (attempts used up), cancelled.';
comment on column api.sync_runs.fire_time is 'The due instant of the schedule that made this run; NULL when somebody asked for it.';
comment on column api.sync_runs.available_at is 'When the next attempt may start.';
comment on column api.sync_runs.progress_done is 'How much is done, of progress_total.';
comment on column api.sync_runs.counts is 'What the run did, by name.';

drop view if exists api.job_schedules;
create view api.job_schedules with (security_invoker = true) as
select s.organization_id, s.id, s.kind, s.cron, s.interval_seconds, s.timezone, s.parameters, s.is_enabled, s.anchor_at,
       s.next_fire_at, s.last_fire_at, s.error, s.created_by, s.created_at, s.updated_at
  from app.job_schedules as s;
grant select on api.job_schedules to authenticated, org_admin, super_admin;
comment on view api.job_schedules is $$When which job runs for an organization
Admins see those of their organization. Change with rpc/create_schedule, rpc/update_schedule and rpc/delete_schedule.$$;
comment on column api.job_schedules.organization_id is 'The tenant.';
comment on column api.job_schedules.id is 'Identity of the row; ordered by time of creation.';
comment on column api.job_schedules.kind is 'Which job it starts.';
comment on column api.job_schedules.parameters is 'What that job is asked to do, as JSON.';
comment on column api.job_schedules.is_enabled is 'False: it starts nothing.';
comment on column api.job_schedules.anchor_at is 'From when intervals are counted; UTC instant.';
comment on column api.job_schedules.last_fire_at is 'The due instant that last started a run; NULL: none has.';
comment on column api.job_schedules.created_by is 'The user who made it; NULL: the product did.';
comment on column api.job_schedules.created_at is 'When the row was made.';
comment on column api.job_schedules.updated_at is 'When the row last changed.';
comment on column api.job_schedules.cron is 'Minute, hour, day, month, weekday in local time; weekday 0 and 7 are Sunday.';
comment on column api.job_schedules.interval_seconds is 'Seconds between runs, counted from anchor_at.';
comment on column api.job_schedules.timezone is 'IANA name; NULL follows the zone of the organization.';
comment on column api.job_schedules.next_fire_at is 'The next due instant; NULL until a worker has computed it.';
comment on column api.job_schedules.error is 'Why no due instant can be computed, if so.';

drop view if exists api.outbox;
create view api.outbox with (security_invoker = true) as
select o.organization_id, o.id, o.kind, app.mask_links(o.payload) as payload, o.dedupe_key, o.state, o.attempts,
       o.next_attempt_at, o.sent_at, o.transport, o.error, o.created_at, o.updated_at
  from app.outbox as o;
grant select on api.outbox to authenticated, org_admin, super_admin;
comment on view api.outbox is $$Messages an organization sends: e-mails, CRM updates, notes
Admins see those of their organization, without links and tokens. Sign-in mails belong to a person and are not here.$$;
comment on column api.outbox.organization_id is 'The tenant.';
comment on column api.outbox.id is 'Identity of the row; ordered by time of creation.';
comment on column api.outbox.kind is 'What is sent: email, slack, a CRM update or note and the like.';
comment on column api.outbox.attempts is 'How often sending was tried.';
comment on column api.outbox.next_attempt_at is 'When it is tried again.';
comment on column api.outbox.sent_at is 'When it went out; NULL: not yet.';
comment on column api.outbox.error is 'Why the last attempt failed; never a payload or a secret.';
comment on column api.outbox.created_at is 'When the row was made.';
comment on column api.outbox.updated_at is 'When the row last changed.';
comment on column api.outbox.payload is 'What the message says; web addresses are replaced.';
comment on column api.outbox.dedupe_key is 'One message per key.';
comment on column api.outbox.state is 'pending, sending, sent, dead (needs a person), cancelled.';
comment on column api.outbox.transport is 'What carried it: resend, or mailbox in development.';
