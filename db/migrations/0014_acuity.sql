-- Calls know which host their platform names, and runs what they are about, so that one thing is not asked for twice.
-- depends: 0011_metric_indexes

alter table app.events add column provider_host_id text;
comment on column app.events.provider_host_id is $$The host, or calendar, that the booking platform last named.$$;

alter table app.sync_runs add column subject text;
comment on column app.sync_runs.subject is $$What a run is about, for kinds that ask for one thing each.$$;
create index sync_runs_queued_subject_idx on app.sync_runs (organization_id, subject) where state = 'queued' and subject is not null;
