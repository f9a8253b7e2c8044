-- Audit trail, exceptions, and what metrics and reports are kept in.
-- depends: 0007_ingest

create table app.audit_logs (
    organization_id  uuid not null,
    id               uuid not null default uuidv7(),
    table_name       text not null,
    row_id           uuid not null,
    action           text not null,
    actor_kind       text not null,
    actor_id         uuid,
    actor_role       text not null,
    actor_session_id uuid,
    changed_at       timestamptz not null default now(),
    old_data         jsonb,
    new_data         jsonb,
    reason           text,
    request_id       text,
    constraint audit_logs_pkey primary key (organization_id, id),
    constraint audit_logs_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint audit_logs_action_is_known check (action in ('INSERT', 'UPDATE', 'DELETE', 'READ')),
    constraint audit_logs_actor_is_known check (actor_kind in ('user', 'api_key', 'gateway', 'worker', 'operator', 'system'))
) partition by range (id);
create index audit_logs_row_id_idx on app.audit_logs (organization_id, table_name, row_id, id);
create index audit_logs_actor_idx on app.audit_logs (organization_id, actor_id, id);
comment on table app.audit_logs is $$Who changed what; append-only, secrets redacted; partitioned by month of its id.$$;

create table app.platform_audit_logs (
    id               uuid not null default uuidv7(),
    table_name       text not null,
    row_id           uuid not null,
    action           text not null,
    actor_kind       text not null,
    actor_id         uuid,
    actor_role       text not null,
    actor_session_id uuid,
    changed_at       timestamptz not null default now(),
    old_data         jsonb,
    new_data         jsonb,
    reason           text,
    request_id       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint platform_audit_logs_pkey primary key (id),
    constraint platform_audit_logs_action_is_known check (action in ('INSERT', 'UPDATE', 'DELETE', 'READ')),
    constraint platform_audit_logs_actor_is_known check (actor_kind in ('user', 'api_key', 'gateway', 'worker', 'operator', 'system'))
);
create index platform_audit_logs_row_id_idx on app.platform_audit_logs (table_name, row_id, id);
comment on table app.platform_audit_logs is $$The same for rows that belong to no organization: users' profiles and platform roles.$$;

create table app.exceptions (
    organization_id  uuid not null,
    id               uuid not null default uuidv7(),
    check_name       text not null,
    dedupe_key       text not null,
    severity         text not null,
    entity           text not null,
    row_ids          uuid[] not null default '{}',
    sentence         text not null,
    remedy           text not null,
    details          jsonb not null default '{}',
    state            text not null default 'open',
    closer_id        uuid,
    setter_id        uuid,
    first_seen_at    timestamptz not null default now(),
    last_seen_at     timestamptz not null default now(),
    resolved_at      timestamptz,
    dismissed_by     uuid,
    dismissed_reason text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint exceptions_pkey primary key (organization_id, id),
    constraint exceptions_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint exceptions_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint exceptions_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint exceptions_dismissed_by_fkey
        foreign key (dismissed_by) references auth.users (id) on delete set null,
    constraint exceptions_severity_is_known check (severity in ('info', 'warning', 'critical')),
    constraint exceptions_state_is_known check (state in ('open', 'resolved', 'dismissed')),
    constraint exceptions_dismissal_says_why check (state <> 'dismissed' or btrim(dismissed_reason) <> ''),
    constraint exceptions_dedupe_key_key unique (organization_id, check_name, dedupe_key)
);
create index exceptions_dismissed_by_idx on app.exceptions (dismissed_by);
create index exceptions_closer_id_idx on app.exceptions (organization_id, closer_id);
create index exceptions_setter_id_idx on app.exceptions (organization_id, setter_id);
create index exceptions_state_idx on app.exceptions (organization_id, state, severity);
comment on table app.exceptions is $$What a person must look at: found by checks and by failed processing, closed when it heals.$$;
comment on column app.exceptions.dedupe_key is $$One open exception per check and key.$$;
comment on column app.exceptions.closer_id is $$Whose open outcome it is, if one person's.$$;

create table app.metric_catalog (
    metric      text not null,
    label       text not null,
    sentence    text not null,
    numerator   text not null,
    denominator text,
    date_field  text not null,
    unit        text not null,
    is_additive boolean not null,
    version     integer not null default 1,
    position    integer not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint metric_catalog_pkey primary key (metric),
    constraint metric_catalog_unit_is_known check (unit in ('count', 'rate', 'money', 'seconds', 'ratio', 'days'))
);
comment on table app.metric_catalog is $$Every metric: its sentence, parts, date field and unit.$$;
comment on column app.metric_catalog.is_additive is $$False: read from facts, never from daily sums.$$;

create table app.metric_definitions (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    label           text not null,
    expression      jsonb not null,
    unit            text not null,
    version         integer not null default 1,
    is_active       boolean not null default true,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint metric_definitions_pkey primary key (organization_id, id),
    constraint metric_definitions_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint metric_definitions_expression_is_an_object check (jsonb_typeof(expression) = 'object'),
    constraint metric_definitions_unit_is_known check (unit in ('count', 'rate', 'money', 'seconds', 'ratio', 'days')),
    constraint metric_definitions_version_key unique (organization_id, name, version)
);
comment on table app.metric_definitions is $$An organization's own metrics: expression trees over the catalog, never SQL.$$;

create table app.metric_deltas (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    day             date not null,
    dimension       text not null,
    member_id       uuid,
    measure         text not null,
    delta           numeric not null,
    constraint metric_deltas_pkey primary key (organization_id, id),
    constraint metric_deltas_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint metric_deltas_dimension_is_known check (dimension in ('all', 'closer', 'setter', 'source', 'traffic_type', 'call_type', 'package'))
);
create index metric_deltas_key_idx on app.metric_deltas (organization_id, dimension, measure, day, member_id);
comment on table app.metric_deltas is $$Signed changes of daily sums, appended by the transaction that caused them.$$;
comment on column app.metric_deltas.dimension is $$all, closer, setter, source, traffic_type, call_type or package.$$;
comment on column app.metric_deltas.member_id is $$NULL: the whole day, or Unassigned.$$;

create table app.metric_days (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    day             date not null,
    dimension       text not null,
    member_id       uuid,
    measure         text not null,
    total           numeric not null,
    constraint metric_days_pkey primary key (organization_id, id),
    constraint metric_days_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint metric_days_dimension_is_known check (dimension in ('all', 'closer', 'setter', 'source', 'traffic_type', 'call_type', 'package')),
    constraint metric_days_key_key unique nulls not distinct (organization_id, dimension, measure, day, member_id)
);
comment on table app.metric_days is $$Daily sums into which deltas are folded.$$;

create table app.report_runs (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    kind            text not null,
    report_on       date not null,
    state           text not null default 'queued',
    sent_at         timestamptz,
    error           text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint report_runs_pkey primary key (organization_id, id),
    constraint report_runs_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint report_runs_state_is_known check (state in ('queued', 'sent', 'failed')),
    constraint report_runs_report_on_key unique (organization_id, kind, report_on)
);
comment on table app.report_runs is $$Reports that were sent, one per kind and local day.$$;

create table app.audit_logs_default partition of app.audit_logs default;
