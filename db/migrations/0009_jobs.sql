-- Work outside the database: the queue, its schedules, what must go out, and who is working.
-- Organizations have their own tables; the platform's own work (sign-in mails, partition upkeep) lies in
-- sibling tables that no API role can reach (docs/decisions/platform-work.md).
-- depends: 0003_organizations

create table app.job_schedules (
    organization_id  uuid not null,
    id               uuid not null default uuidv7(),
    kind             text not null,
    cron             text,
    interval_seconds integer,
    timezone         text,
    parameters       jsonb not null default '{}',
    is_enabled       boolean not null default true,
    anchor_at        timestamptz not null default now(),
    due_after        timestamptz not null default now(),
    next_fire_at     timestamptz,
    last_fire_at     timestamptz,
    error            text,
    created_by       uuid,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint job_schedules_pkey primary key (organization_id, id),
    constraint job_schedules_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint job_schedules_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null,
    constraint job_schedules_kind_is_a_name check (kind ~ '^[a-z][a-z0-9-]{0,62}$'),
    constraint job_schedules_have_cron_or_interval check (num_nonnulls(cron, interval_seconds) = 1),
    constraint job_schedules_cron_has_five_fields check (cron ~ '^[^\s]+( [^\s]+){4}$' and length(cron) <= 200),
    constraint job_schedules_interval_is_sane check (interval_seconds between 60 and 31622400),
    constraint job_schedules_timezone_is_known check (timezone is null or app.is_timezone(timezone)),
    constraint job_schedules_parameters_are_an_object check (jsonb_typeof(parameters) = 'object')
);
create index job_schedules_created_by_idx on app.job_schedules (created_by);
create index job_schedules_next_fire_at_idx on app.job_schedules (next_fire_at) where is_enabled;
comment on table app.job_schedules is $$When which job runs for an organization.$$;
comment on column app.job_schedules.cron is $$Five fields in local time: minute, hour, day, month, weekday (0 and 7 are Sunday).$$;
comment on column app.job_schedules.interval_seconds is $$Seconds between runs, counted from anchor_at.$$;
comment on column app.job_schedules.timezone is $$IANA name; NULL follows the organization's zone.$$;
comment on column app.job_schedules.anchor_at is $$Where intervals are counted from; the start of a process never moves it.$$;
comment on column app.job_schedules.due_after is $$Instants up to this one are dealt with; a later change of the row moves it to that moment.$$;
comment on column app.job_schedules.next_fire_at is $$The next due instant; NULL until a worker has computed it.$$;
comment on column app.job_schedules.error is $$Why no due instant can be computed, if so.$$;

create table app.sync_runs (
    organization_id     uuid not null,
    id                  uuid not null default uuidv7(),
    kind                text not null,
    parameters          jsonb not null default '{}',
    state               text not null default 'queued',
    schedule_id         uuid,
    fire_time           timestamptz,
    requested_by        uuid,
    available_at        timestamptz not null default now(),
    attempts            integer not null default 0,
    max_attempts        integer not null default 5,
    claimed_by          text,
    started_at          timestamptz,
    heartbeat_at        timestamptz,
    cancel_requested_at timestamptz,
    finished_at         timestamptz,
    progress_done       bigint not null default 0,
    progress_total      bigint,
    cursor              text,
    counts              jsonb not null default '{}',
    error               text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint sync_runs_pkey primary key (organization_id, id),
    constraint sync_runs_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint sync_runs_schedule_id_fkey
        foreign key (organization_id, schedule_id) references app.job_schedules (organization_id, id)
        on delete set null (schedule_id),
    constraint sync_runs_requested_by_fkey
        foreign key (requested_by) references auth.users (id) on delete set null,
    constraint sync_runs_fire_time_key unique (organization_id, schedule_id, fire_time),
    constraint sync_runs_state_is_known check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')),
    constraint sync_runs_scheduled_ones_have_their_instant check (schedule_id is null or fire_time is not null),
    constraint sync_runs_running_ones_have_a_worker check ((state = 'running') = (claimed_by is not null and heartbeat_at is not null)),
    constraint sync_runs_ended_ones_have_an_end check ((state in ('queued', 'running')) = (finished_at is null)),
    constraint sync_runs_attempts_are_counted check (attempts >= 0 and max_attempts >= 1),
    constraint sync_runs_progress_is_not_negative check (progress_done >= 0 and progress_total >= 0),
    constraint sync_runs_parameters_are_an_object check (jsonb_typeof(parameters) = 'object'),
    constraint sync_runs_counts_are_an_object check (jsonb_typeof(counts) = 'object')
);
create unique index sync_runs_one_running_per_kind on app.sync_runs (organization_id, kind) where state = 'running';
create index sync_runs_queue_idx on app.sync_runs (available_at, id) where state = 'queued';
create index sync_runs_heartbeat_idx on app.sync_runs (heartbeat_at) where state = 'running';
create index sync_runs_requested_by_idx on app.sync_runs (requested_by);
comment on table app.sync_runs is $$The queue of an organization's jobs, and what became of them.$$;
comment on column app.sync_runs.state is $$queued, running, succeeded, failed (a person must look), dead (attempts used up), cancelled.$$;
comment on column app.sync_runs.fire_time is $$The due instant of the schedule that made this run: one run per schedule and instant.$$;
comment on column app.sync_runs.available_at is $$Not before this instant; a failed attempt moves it on.$$;
comment on column app.sync_runs.attempts is $$How often it was claimed; also tells a worker that lost its run from the one that has it.$$;
comment on column app.sync_runs.cursor is $$Where the next attempt continues, opaque to everybody but the job.$$;
comment on column app.sync_runs.counts is $$What the run did, by name.$$;

create table app.sync_cursors (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    source          text not null,
    subject         text not null default '',
    cursor          text not null,
    synced_through  timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint sync_cursors_pkey primary key (organization_id, id),
    constraint sync_cursors_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint sync_cursors_source_is_not_blank check (btrim(source) <> ''),
    constraint sync_cursors_source_subject_key unique (organization_id, source, subject)
);
comment on table app.sync_cursors is $$How far each source of an organization has been read; moves in the transaction that writes the page.$$;
comment on column app.sync_cursors.subject is $$A part of the source, such as one connection; empty for all of it.$$;
comment on column app.sync_cursors.synced_through is $$Everything the source changed before this instant has been read.$$;

create table app.outbox (
    organization_id     uuid not null,
    id                  uuid not null default uuidv7(),
    kind                text not null,
    payload             jsonb not null default '{}',
    secret              bytea,
    rendered            bytea,
    dedupe_key          text not null,
    state               text not null default 'pending',
    attempts            integer not null default 0,
    next_attempt_at     timestamptz not null default now(),
    claimed_by          text,
    claimed_at          timestamptz,
    sent_at             timestamptz,
    transport           text,
    provider_message_id text,
    error               text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint outbox_pkey primary key (organization_id, id),
    constraint outbox_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint outbox_dedupe_key unique (organization_id, dedupe_key),
    constraint outbox_kind_is_a_name check (kind ~ '^[a-z][a-z0-9-]{0,62}$'),
    constraint outbox_payload_is_an_object check (jsonb_typeof(payload) = 'object'),
    constraint outbox_payload_holds_no_secret
        check (not payload ?| array['token', 'token_hash', 'link', 'code', 'otp', 'secret', 'password', 'api_key']),
    constraint outbox_dedupe_key_is_not_blank check (btrim(dedupe_key) <> '' and length(dedupe_key) <= 200),
    constraint outbox_state_is_known check (state in ('pending', 'sending', 'sent', 'dead', 'cancelled')),
    constraint outbox_sending_ones_have_a_worker check ((state = 'sending') = (claimed_by is not null and claimed_at is not null)),
    constraint outbox_sent_ones_say_how check ((state = 'sent') = (sent_at is not null and transport is not null)),
    constraint outbox_attempts_are_counted check (attempts >= 0)
);
create index outbox_queue_idx on app.outbox (next_attempt_at, id) where state = 'pending';
create index outbox_claimed_idx on app.outbox (claimed_at) where state = 'sending';
comment on table app.outbox is $$What must leave the platform for an organization after its transaction has committed: e-mails, CRM updates, messages.$$;
comment on column app.outbox.payload is $$What the message says, without secrets: those are in secret.$$;
comment on column app.outbox.secret is $$Ciphertext of the token the message carries (AES-256-GCM); only the worker opens it; wiped after a real sending.$$;
comment on column app.outbox.rendered is $$Ciphertext of the message as first rendered, so that every attempt sends the same bytes.$$;
comment on column app.outbox.dedupe_key is $$The same key is sent once, as long as its message is kept.$$;
comment on column app.outbox.transport is $$What carried it: resend, or mailbox in development.$$;

create table app.platform_schedules (
    id               uuid not null default uuidv7(),
    kind             text not null,
    cron             text,
    interval_seconds integer,
    timezone         text not null default 'UTC',
    parameters       jsonb not null default '{}',
    is_enabled       boolean not null default true,
    anchor_at        timestamptz not null default now(),
    due_after        timestamptz not null default now(),
    next_fire_at     timestamptz,
    last_fire_at     timestamptz,
    error            text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint platform_schedules_pkey primary key (id),
    constraint platform_schedules_kind_key unique (kind),
    constraint platform_schedules_kind_is_a_name check (kind ~ '^[a-z][a-z0-9-]{0,62}$'),
    constraint platform_schedules_have_cron_or_interval check (num_nonnulls(cron, interval_seconds) = 1),
    constraint platform_schedules_cron_has_five_fields check (cron ~ '^[^\s]+( [^\s]+){4}$' and length(cron) <= 200),
    constraint platform_schedules_interval_is_sane check (interval_seconds between 60 and 31622400),
    constraint platform_schedules_timezone_is_known check (app.is_timezone(timezone)),
    constraint platform_schedules_parameters_are_an_object check (jsonb_typeof(parameters) = 'object')
);
create index platform_schedules_next_fire_at_idx on app.platform_schedules (next_fire_at) where is_enabled;
comment on table app.platform_schedules is $$When the platform's own jobs run; columns as in job_schedules.$$;

create table app.platform_runs (
    id                  uuid not null default uuidv7(),
    kind                text not null,
    parameters          jsonb not null default '{}',
    state               text not null default 'queued',
    schedule_id         uuid,
    fire_time           timestamptz,
    available_at        timestamptz not null default now(),
    attempts            integer not null default 0,
    max_attempts        integer not null default 5,
    claimed_by          text,
    started_at          timestamptz,
    heartbeat_at        timestamptz,
    cancel_requested_at timestamptz,
    finished_at         timestamptz,
    progress_done       bigint not null default 0,
    progress_total      bigint,
    cursor              text,
    counts              jsonb not null default '{}',
    error               text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint platform_runs_pkey primary key (id),
    constraint platform_runs_schedule_id_fkey
        foreign key (schedule_id) references app.platform_schedules (id) on delete set null,
    constraint platform_runs_fire_time_key unique (schedule_id, fire_time),
    constraint platform_runs_state_is_known check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')),
    constraint platform_runs_scheduled_ones_have_their_instant check (schedule_id is null or fire_time is not null),
    constraint platform_runs_running_ones_have_a_worker check ((state = 'running') = (claimed_by is not null and heartbeat_at is not null)),
    constraint platform_runs_ended_ones_have_an_end check ((state in ('queued', 'running')) = (finished_at is null)),
    constraint platform_runs_attempts_are_counted check (attempts >= 0 and max_attempts >= 1),
    constraint platform_runs_progress_is_not_negative check (progress_done >= 0 and progress_total >= 0),
    constraint platform_runs_parameters_are_an_object check (jsonb_typeof(parameters) = 'object'),
    constraint platform_runs_counts_are_an_object check (jsonb_typeof(counts) = 'object')
);
create unique index platform_runs_one_running_per_kind on app.platform_runs (kind) where state = 'running';
create index platform_runs_queue_idx on app.platform_runs (available_at, id) where state = 'queued';
create index platform_runs_heartbeat_idx on app.platform_runs (heartbeat_at) where state = 'running';
comment on table app.platform_runs is $$The queue of the platform's own jobs; columns as in sync_runs.$$;

create table app.platform_outbox (
    id                  uuid not null default uuidv7(),
    kind                text not null,
    payload             jsonb not null default '{}',
    secret              bytea,
    rendered            bytea,
    dedupe_key          text not null,
    state               text not null default 'pending',
    attempts            integer not null default 0,
    next_attempt_at     timestamptz not null default now(),
    claimed_by          text,
    claimed_at          timestamptz,
    sent_at             timestamptz,
    transport           text,
    provider_message_id text,
    error               text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint platform_outbox_pkey primary key (id),
    constraint platform_outbox_dedupe_key unique (dedupe_key),
    constraint platform_outbox_kind_is_a_name check (kind ~ '^[a-z][a-z0-9-]{0,62}$'),
    constraint platform_outbox_payload_is_an_object check (jsonb_typeof(payload) = 'object'),
    constraint platform_outbox_payload_holds_no_secret
        check (not payload ?| array['token', 'token_hash', 'link', 'code', 'otp', 'secret', 'password', 'api_key']),
    constraint platform_outbox_dedupe_key_is_not_blank check (btrim(dedupe_key) <> '' and length(dedupe_key) <= 200),
    constraint platform_outbox_state_is_known check (state in ('pending', 'sending', 'sent', 'dead', 'cancelled')),
    constraint platform_outbox_sending_ones_have_a_worker check ((state = 'sending') = (claimed_by is not null and claimed_at is not null)),
    constraint platform_outbox_sent_ones_say_how check ((state = 'sent') = (sent_at is not null and transport is not null)),
    constraint platform_outbox_attempts_are_counted check (attempts >= 0)
);
create index platform_outbox_queue_idx on app.platform_outbox (next_attempt_at, id) where state = 'pending';
create index platform_outbox_claimed_idx on app.platform_outbox (claimed_at) where state = 'sending';
comment on table app.platform_outbox is $$Messages of the platform to a person, such as sign-in links: no organization's admin may read them; columns as in outbox.$$;

create table app.worker_heartbeats (
    worker_id  text not null,
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    constraint worker_heartbeats_pkey primary key (worker_id),
    constraint worker_heartbeats_worker_id_is_not_blank check (btrim(worker_id) <> '' and length(worker_id) <= 200)
);
create index worker_heartbeats_seen_at_idx on app.worker_heartbeats (seen_at);
comment on table app.worker_heartbeats is $$Which worker processes were alive when.$$;

insert into app.platform_schedules (kind, cron) values
    ('partition-upkeep', '20 2 * * *'),
    ('housekeeping', '40 2 * * *');
