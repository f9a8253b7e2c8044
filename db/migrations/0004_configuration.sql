-- What an organization configures: dropdowns, rules, forms, rates, connections.
-- depends: 0003_organizations

create table app.sources (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    external_id     text,
    provider        text not null default 'manual',
    is_active       boolean not null default true,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint sources_pkey primary key (organization_id, id),
    constraint sources_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint sources_name_is_not_blank check (btrim(name) <> ''),
    constraint sources_name_key unique (organization_id, name),
    constraint sources_external_id_key unique (organization_id, provider, external_id)
);
comment on table app.sources is $$Where leads come from, synced from a CRM or made by hand.$$;

create table app.traffic_types (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    is_active       boolean not null default true,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint traffic_types_pkey primary key (organization_id, id),
    constraint traffic_types_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint traffic_types_name_is_not_blank check (btrim(name) <> ''),
    constraint traffic_types_name_key unique (organization_id, name)
);
comment on table app.traffic_types is $$Kinds of traffic: paid, organic, cold, warm.$$;

create table app.call_types (
    organization_id         uuid not null,
    id                      uuid not null default uuidv7(),
    name                    text not null,
    category                text not null default 'sales',
    counts_in_rates         boolean not null default true,
    duration_minutes        integer not null default 60,
    external_id             text,
    default_source_id       uuid,
    default_traffic_type_id uuid,
    is_active               boolean not null default true,
    archived_at             timestamptz,
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint call_types_pkey primary key (organization_id, id),
    constraint call_types_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint call_types_default_source_id_fkey
        foreign key (organization_id, default_source_id) references app.sources (organization_id, id),
    constraint call_types_default_traffic_type_id_fkey
        foreign key (organization_id, default_traffic_type_id) references app.traffic_types (organization_id, id),
    constraint call_types_name_is_not_blank check (btrim(name) <> ''),
    constraint call_types_duration_is_sane check (duration_minutes between 1 and 1440),
    constraint call_types_name_key unique (organization_id, name),
    constraint call_types_external_id_key unique (organization_id, external_id)
);
create index call_types_default_source_id_idx on app.call_types (organization_id, default_source_id);
create index call_types_default_traffic_type_id_idx on app.call_types (organization_id, default_traffic_type_id);
comment on table app.call_types is $$Categories of calls, synced from the booking platform's event types.$$;
comment on column app.call_types.external_id is $$The booking platform's event type.$$;

create table app.call_outcomes (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    call_status     text not null,
    event_outcome   text,
    position        integer not null default 0,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint call_outcomes_pkey primary key (organization_id, id),
    constraint call_outcomes_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint call_outcomes_name_is_not_blank check (btrim(name) <> ''),
    constraint call_outcomes_pair_is_a_form_result check ((call_status = 'no_show' and event_outcome = 'no_show') or (call_status = 'canceled' and event_outcome is null) or (call_status = 'completed' and event_outcome in ('showed_no_offer', 'showed_offer', 'closed') and event_outcome is not null)),
    constraint call_outcomes_name_key unique (organization_id, name)
);
comment on table app.call_outcomes is $$Outcomes offered by the post-call form; each maps to one (status, outcome) pair.$$;

create table app.opportunity_statuses (
    organization_id      uuid not null,
    id                   uuid not null default uuidv7(),
    name                 text not null,
    external_id          text,
    pipeline_external_id text,
    position             integer not null default 0,
    archived_at          timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    constraint opportunity_statuses_pkey primary key (organization_id, id),
    constraint opportunity_statuses_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint opportunity_statuses_name_is_not_blank check (btrim(name) <> ''),
    constraint opportunity_statuses_name_key unique (organization_id, name)
);
comment on table app.opportunity_statuses is $$Pipeline stages offered by the post-call form; they never feed a metric.$$;

create table app.packages (
    organization_id           uuid not null,
    id                        uuid not null default uuidv7(),
    name                      text not null,
    price                     numeric,
    currency                  text not null,
    installment_count         integer not null default 1,
    installment_interval_days integer not null default 30,
    is_commissionable         boolean not null default true,
    archived_at               timestamptz,
    created_at                timestamptz not null default now(),
    updated_at                timestamptz not null default now(),
    constraint packages_pkey primary key (organization_id, id),
    constraint packages_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint packages_name_is_not_blank check (btrim(name) <> ''),
    constraint packages_price_is_not_negative check (price >= 0),
    constraint packages_price_is_money check (app.is_money(price, currency)),
    constraint packages_currency_is_known check (app.currency_exponent(currency) is not null),
    constraint packages_schedule_is_sane check (installment_count between 1 and 120 and installment_interval_days between 1 and 366),
    constraint packages_name_key unique (organization_id, name)
);
comment on table app.packages is $$Products on offer, with price and instalment schedule.$$;

create table app.source_rules (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    position        integer not null,
    field           text not null,
    operator        text not null,
    value           text not null,
    source_id       uuid,
    traffic_type_id uuid,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint source_rules_pkey primary key (organization_id, id),
    constraint source_rules_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint source_rules_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint source_rules_traffic_type_id_fkey
        foreign key (organization_id, traffic_type_id) references app.traffic_types (organization_id, id),
    constraint source_rules_field_is_known check (field in ('utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'referrer', 'answer')),
    constraint source_rules_operator_is_known check (operator in ('equals', 'contains', 'starts_with', 'is_present')),
    constraint source_rules_decides_something check (source_id is not null or traffic_type_id is not null),
    constraint source_rules_position_key unique (organization_id, position)
);
create index source_rules_source_id_idx on app.source_rules (organization_id, source_id);
create index source_rules_traffic_type_id_idx on app.source_rules (organization_id, traffic_type_id);
comment on table app.source_rules is $$Which source and traffic type a booking gets: the first rule by position that matches decides.$$;

create table app.form_configs (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    form_type       text not null default 'post_call_form',
    version         integer not null,
    fields          jsonb not null default '[]',
    is_active       boolean not null default false,
    published_at    timestamptz,
    published_by    uuid,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint form_configs_pkey primary key (organization_id, id),
    constraint form_configs_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint form_configs_published_by_fkey
        foreign key (published_by) references auth.users (id) on delete set null,
    constraint form_configs_fields_are_an_array check (jsonb_typeof(fields) = 'array'),
    constraint form_configs_version_is_positive check (version >= 1),
    constraint form_configs_version_key unique (organization_id, form_type, version)
);
create unique index form_configs_active_key on app.form_configs (organization_id, form_type) where is_active;
create index form_configs_published_by_idx on app.form_configs (published_by);
comment on table app.form_configs is $$Versions of the fields an organization asks after a call.$$;

create table app.custom_field_definitions (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    entity          text not null,
    name            text not null,
    label           text not null,
    field_type      text not null,
    is_required     boolean not null default false,
    min_value       numeric,
    max_value       numeric,
    position        integer not null default 0,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint custom_field_definitions_pkey primary key (organization_id, id),
    constraint custom_field_definitions_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint custom_field_definitions_entity_is_known check (entity in ('lead', 'event', 'payment', 'closer', 'setter')),
    constraint custom_field_definitions_type_is_known check (field_type in ('text', 'number', 'money', 'date', 'select', 'multi_select', 'boolean', 'email', 'phone')),
    constraint custom_field_definitions_name_is_a_key check (name ~ '^[a-z][a-z0-9_]*$'),
    constraint custom_field_definitions_range_is_ordered check (min_value <= max_value),
    constraint custom_field_definitions_name_key unique (organization_id, entity, name)
);
comment on table app.custom_field_definitions is $$Fields an organization adds to leads, events, payments, closers or setters.$$;

create table app.custom_field_options (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    definition_id   uuid not null,
    value           text not null,
    label           text not null,
    position        integer not null default 0,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint custom_field_options_pkey primary key (organization_id, id),
    constraint custom_field_options_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint custom_field_options_definition_id_fkey
        foreign key (organization_id, definition_id) references app.custom_field_definitions (organization_id, id) on delete cascade,
    constraint custom_field_options_value_key unique (organization_id, definition_id, value)
);
comment on table app.custom_field_options is $$Choices of a select field.$$;

create table app.fx_rates (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    day             date not null,
    from_currency   text not null,
    to_currency     text not null,
    rate            numeric not null,
    source          text not null default 'manual',
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint fx_rates_pkey primary key (organization_id, id),
    constraint fx_rates_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint fx_rates_rate_is_positive check (rate > 0),
    constraint fx_rates_currencies_are_known check (app.currency_exponent(from_currency) is not null and app.currency_exponent(to_currency) is not null),
    constraint fx_rates_currencies_differ check (from_currency <> to_currency),
    constraint fx_rates_day_key unique (organization_id, from_currency, to_currency, day)
);
comment on table app.fx_rates is $$Exchange rates by day: one unit of from_currency in to_currency.$$;

create table app.webhook_connections (
    organization_id               uuid not null,
    id                            uuid not null default uuidv7(),
    name                          text not null,
    connection_type               text not null,
    api_key                       bytea,
    api_key_last4                 text,
    webhook_secret                bytea,
    webhook_secret_last4          text,
    webhook_secret_previous       bytea,
    webhook_secret_previous_until timestamptz,
    provider_account              text not null default '',
    is_active                     boolean not null default true,
    rate_limit_per_minute         integer not null default 60,
    last_webhook_at               timestamptz,
    webhook_count                 bigint not null default 0,
    duplicate_count               bigint not null default 0,
    rejected_count                bigint not null default 0,
    failed_count                  bigint not null default 0,
    deleted_at                    timestamptz,
    created_at                    timestamptz not null default now(),
    updated_at                    timestamptz not null default now(),
    constraint webhook_connections_pkey primary key (organization_id, id),
    constraint webhook_connections_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint webhook_connections_name_is_not_blank check (btrim(name) <> ''),
    constraint webhook_connections_type_is_known check (connection_type in ('stripe', 'whop', 'calendly', 'acuity', 'manychat')),
    constraint webhook_connections_rate_limit_is_sane check (rate_limit_per_minute between 1 and 100000),
    constraint webhook_connections_previous_secret_ends check (webhook_secret_previous is null or webhook_secret_previous_until is not null)
);
create index webhook_connections_id_idx on app.webhook_connections (id);
comment on table app.webhook_connections is $$Configured webhook endpoints; the id is in the URL, secrets are ciphertext and shown to nobody.$$;
comment on column app.webhook_connections.api_key is $$Ciphertext (AES-256-GCM) of the key for API calls.$$;
comment on column app.webhook_connections.webhook_secret is $$Ciphertext (AES-256-GCM) of the signing secret.$$;
comment on column app.webhook_connections.webhook_secret_previous is $$Ciphertext of the secret before the last rotation.$$;
comment on column app.webhook_connections.webhook_secret_previous_until is $$Until when the previous secret is honoured.$$;
comment on column app.webhook_connections.provider_account is $$Whose account at the provider; payments are keyed by it.$$;
comment on column app.webhook_connections.last_webhook_at is $$Last verified delivery, duplicates included.$$;
comment on column app.webhook_connections.webhook_count is $$Distinct verified events accepted.$$;
