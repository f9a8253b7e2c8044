-- The inbox as people operate it: how connections are, what explains a call or a payment, and how long rows are kept.
-- depends: 0011_metric_indexes

-- Counts by status and lag over days are read from the index alone; bodies are wide.
drop index app.webhook_events_connection_id_idx;
create index webhook_events_connection_id_idx
    on app.webhook_events (organization_id, connection_id, received_at desc) include (status, is_late, occurred_at);

-- Few rows: what failed, and what waits for the record that it tells of. An explanation looks there for ids of providers.
create index webhook_events_unlinked_idx on app.webhook_events (organization_id, provider, received_at)
    where event_id is null and payment_id is null and lead_id is null and status <> 'ignored';

create table app.connection_hours (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    connection_id   uuid not null,
    hour            timestamptz not null,
    accepted        bigint not null default 0,
    duplicates      bigint not null default 0,
    rejected        bigint not null default 0,
    refused         bigint not null default 0,
    failed          bigint not null default 0,
    constraint connection_hours_pkey primary key (organization_id, id),
    constraint connection_hours_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint connection_hours_connection_id_fkey
        foreign key (organization_id, connection_id) references app.webhook_connections (organization_id, id),
    constraint connection_hours_hour_key unique (organization_id, connection_id, hour)
);
create index connection_hours_hour_idx on app.connection_hours (hour);
comment on table app.connection_hours is $$Delivery counts of a connection by hour (UTC), into which connection_stats are folded.$$;
comment on column app.connection_hours.failed is $$Events whose first processing failed.$$;

create table app.retention_periods (
    table_name text not null,
    keep_for   interval not null,
    reason     text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint retention_periods_pkey primary key (table_name),
    constraint retention_periods_table_is_partitioned check (table_name in ('webhook_events', 'audit_logs')),
    constraint retention_periods_keeps_a_quarter check (keep_for >= interval '90 days')
);
comment on table app.retention_periods is $$How long the months of the inbox and of the audit trail are kept, for the whole platform.$$;
comment on column app.retention_periods.keep_for is $$A month is dropped when its last instant is longer ago.$$;

insert into app.retention_periods (table_name, keep_for, reason) values
    ('webhook_events', '400 days', 'A year of deliveries can be replayed and explained, with a month to spare.'),
    ('audit_logs', '7 years', 'As long as books are commonly kept.');
