-- The inbox of webhook deliveries, its dedupe memory and its counters.
-- depends: 0006_money

create table app.webhook_event_keys (
    organization_id   uuid not null,
    id                uuid not null default uuidv7(),
    connection_id     uuid not null,
    provider_event_id text not null,
    webhook_event_id  uuid not null,
    received_at       timestamptz not null default now(),
    constraint webhook_event_keys_pkey primary key (organization_id, id),
    constraint webhook_event_keys_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint webhook_event_keys_connection_id_fkey
        foreign key (organization_id, connection_id) references app.webhook_connections (organization_id, id),
    constraint webhook_event_keys_provider_event_id_key unique (organization_id, connection_id, provider_event_id)
);
comment on table app.webhook_event_keys is $$Which provider events a connection has accepted; outlives the bodies.$$;

create table app.webhook_events (
    organization_id   uuid not null,
    id                uuid not null default uuidv7(),
    connection_id     uuid not null,
    provider          text not null,
    provider_event_id text not null,
    event_type        text not null,
    livemode          boolean not null default true,
    occurred_at       timestamptz,
    received_at       timestamptz not null default now(),
    is_late           boolean not null default false,
    body              jsonb not null,
    status            text not null,
    attempts          integer not null default 1,
    next_attempt_at   timestamptz,
    processed_at      timestamptz,
    error             text,
    steps             jsonb not null default '[]',
    lead_id           uuid,
    event_id          uuid,
    payment_id        uuid,
    constraint webhook_events_pkey primary key (organization_id, id),
    constraint webhook_events_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint webhook_events_status_is_known check (status in ('processed', 'queued', 'ignored', 'dead'))
) partition by range (id);
create index webhook_events_connection_id_idx on app.webhook_events (organization_id, connection_id, received_at desc);
create index webhook_events_due_idx on app.webhook_events (next_attempt_at) where status = 'queued';
create index webhook_events_provider_event_id_idx on app.webhook_events (organization_id, connection_id, provider_event_id);
create index webhook_events_payment_id_idx on app.webhook_events (organization_id, payment_id) where payment_id is not null;
create index webhook_events_event_id_idx on app.webhook_events (organization_id, event_id) where event_id is not null;
comment on table app.webhook_events is $$The inbox of all providers, one row per accepted event; partitioned by month of its id.$$;
comment on column app.webhook_events.steps is $$What was decided and why, in order.$$;

create unlogged table app.rate_limits (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    connection_id   uuid not null,
    window_start    timestamptz not null,
    hits            integer not null,
    constraint rate_limits_pkey primary key (organization_id, id),
    constraint rate_limits_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint rate_limits_window_start_key unique (organization_id, connection_id, window_start)
);
comment on table app.rate_limits is $$Deliveries per connection and minute; unlogged, an empty window after a crash.$$;

create unlogged table app.connection_stats (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    connection_id   uuid not null,
    received_at     timestamptz not null default now(),
    accepted        integer not null default 0,
    duplicates      integer not null default 0,
    rejected        integer not null default 0,
    failed          integer not null default 0,
    constraint connection_stats_pkey primary key (organization_id, id),
    constraint connection_stats_organization_id_fkey foreign key (organization_id) references app.organizations (id)
);
comment on table app.connection_stats is $$Delivery counts appended by the gateway and folded into webhook_connections by the worker; unlogged.$$;

create table app.webhook_events_default partition of app.webhook_events default;
