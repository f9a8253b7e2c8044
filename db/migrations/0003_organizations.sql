-- Tenants, people and what they may reach.
-- depends: 0002_auth

create table app.organizations (
    id                      uuid not null default uuidv7(),
    name                    text not null,
    slug                    text not null,
    timezone                text not null default 'UTC',
    currency                text not null default 'USD',
    week_start              smallint not null default 1,
    pay_calendar            text not null default 'monthly',
    pay_anchor_on           date,
    pcf_grace               interval not null default '2 hours',
    slot_minutes            integer not null default 60,
    attribution_window_days integer not null default 90,
    setter_attribution      text not null default 'event',
    report_hour             smallint not null default 8,
    min_sample              integer not null default 5,
    suspended_at            timestamptz,
    deleted_at              timestamptz,
    deleted_reason          text,
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint organizations_pkey primary key (id),
    constraint organizations_name_is_not_blank check (btrim(name) <> ''),
    constraint organizations_slug_is_a_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 63),
    constraint organizations_timezone_is_known check (app.is_timezone(timezone)),
    constraint organizations_currency_is_known check (app.currency_exponent(currency) is not null),
    constraint organizations_week_start_is_iso check (week_start between 1 and 7),
    constraint organizations_pay_calendar_is_known check (pay_calendar in ('weekly', 'biweekly', 'semimonthly', 'monthly')),
    constraint organizations_pcf_grace_is_sane check (pcf_grace >= interval '0' and pcf_grace <= interval '30 days'),
    constraint organizations_slot_minutes_are_sane check (slot_minutes between 5 and 480),
    constraint organizations_attribution_window_is_sane check (attribution_window_days between 1 and 730),
    constraint organizations_setter_attribution_is_known check (setter_attribution in ('event', 'original', 'current')),
    constraint organizations_report_hour_is_an_hour check (report_hour between 0 and 23),
    constraint organizations_min_sample_is_positive check (min_sample >= 1),
    constraint organizations_slug_key unique (slug)
);
comment on table app.organizations is $$Tenants: the companies whose sales this platform runs.$$;
comment on column app.organizations.timezone is $$IANA name; every local day and period of this organization is in it.$$;
comment on column app.organizations.currency is $$ISO 4217; metrics, ledger and statements are in it.$$;
comment on column app.organizations.week_start is $$ISO weekday on which weeks start: 1 Monday to 7 Sunday.$$;
comment on column app.organizations.pay_anchor_on is $$A day on which a weekly or biweekly pay period starts.$$;
comment on column app.organizations.pcf_grace is $$How long after its end a call may wait for its form before it is overdue.$$;
comment on column app.organizations.min_sample is $$Rates over fewer calls are listed unranked.$$;

create table app.organization_members (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    user_id         uuid not null,
    role            text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint organization_members_pkey primary key (organization_id, id),
    constraint organization_members_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint organization_members_user_id_fkey
        foreign key (user_id) references auth.users (id) on delete cascade,
    constraint organization_members_role_is_known check (role in ('owner', 'admin', 'member')),
    constraint organization_members_user_id_key unique (organization_id, user_id)
);
create index organization_members_user_id_role_idx on app.organization_members (user_id, organization_id, role);
comment on table app.organization_members is $$Who belongs to an organization, and as what: the only source of power inside it.$$;

create table app.profiles (
    user_id    uuid not null,
    full_name  text,
    email      text not null,
    avatar_url text,
    timezone   text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint profiles_pkey primary key (user_id),
    constraint profiles_user_id_fkey
        foreign key (user_id) references auth.users (id) on delete cascade,
    constraint profiles_timezone_is_known check (timezone is null or app.is_timezone(timezone))
);
comment on table app.profiles is $$Extended user data, one row per user, made with the user; holds no tenant's data.$$;
comment on column app.profiles.timezone is $$Display only; never changes a number.$$;

create table app.user_roles (
    id         uuid not null default uuidv7(),
    user_id    uuid not null,
    role       text not null,
    granted_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint user_roles_pkey primary key (id),
    constraint user_roles_user_id_fkey
        foreign key (user_id) references auth.users (id) on delete cascade,
    constraint user_roles_granted_by_fkey
        foreign key (granted_by) references auth.users (id) on delete set null,
    constraint user_roles_role_is_known check (role in ('super_admin', 'admin', 'sales_rep')),
    constraint user_roles_user_id_role_key unique (user_id, role)
);
create index user_roles_granted_by_idx on app.user_roles (granted_by);
comment on table app.user_roles is $$Platform roles. Only super_admin has power; admin and sales_rep are accepted and powerless.$$;

create table app.organization_integrations (
    organization_id                uuid not null,
    id                             uuid not null default uuidv7(),
    primary_crm                    text not null default 'none',
    primary_booking_platform       text not null default 'none',
    primary_payment_processor      text not null default 'none',
    calendly_api_key_encrypted     bytea,
    calendly_api_key_last4         text,
    calendly_api_key_key_id        text,
    calendly_api_key_validated_at  timestamptz,
    close_api_key_encrypted        bytea,
    close_api_key_last4            text,
    close_api_key_key_id           text,
    close_api_key_validated_at     timestamptz,
    ghl_api_key_encrypted          bytea,
    ghl_api_key_last4              text,
    ghl_api_key_key_id             text,
    ghl_api_key_validated_at       timestamptz,
    hubspot_api_key_encrypted      bytea,
    hubspot_api_key_last4          text,
    hubspot_api_key_key_id         text,
    hubspot_api_key_validated_at   timestamptz,
    whop_api_key_encrypted         bytea,
    whop_api_key_last4             text,
    whop_api_key_key_id            text,
    whop_api_key_validated_at      timestamptz,
    stripe_api_key_encrypted       bytea,
    stripe_api_key_last4           text,
    stripe_api_key_key_id          text,
    stripe_api_key_validated_at    timestamptz,
    slack_webhook_url_encrypted    bytea,
    slack_webhook_url_last4        text,
    slack_webhook_url_key_id       text,
    slack_webhook_url_validated_at timestamptz,
    ghl_location_id                text,
    whop_company_id                text,
    stripe_publishable_key         text,
    created_at                     timestamptz not null default now(),
    updated_at                     timestamptz not null default now(),
    constraint organization_integrations_pkey primary key (organization_id, id),
    constraint organization_integrations_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint organization_integrations_crm_is_known check (primary_crm in ('ghl', 'close', 'hubspot', 'none')),
    constraint organization_integrations_booking_platform_is_known check (primary_booking_platform in ('calendly', 'acuity', 'none')),
    constraint organization_integrations_payment_processor_is_known check (primary_payment_processor in ('whop', 'stripe', 'none')),
    constraint organization_integrations_stripe_publishable_key_is_public check (stripe_publishable_key is null or stripe_publishable_key like 'pk\_%'),
    constraint organization_integrations_organization_id_key unique (organization_id)
);
comment on table app.organization_integrations is $$API keys and defaults of one organization; keys are ciphertext (AES-256-GCM) and shown to nobody.$$;
comment on column app.organization_integrations.calendly_api_key_key_id is $$Which master key sealed it.$$;
comment on column app.organization_integrations.close_api_key_key_id is $$Which master key sealed it.$$;
comment on column app.organization_integrations.ghl_api_key_key_id is $$Which master key sealed it.$$;
comment on column app.organization_integrations.hubspot_api_key_key_id is $$Which master key sealed it.$$;
comment on column app.organization_integrations.whop_api_key_key_id is $$Which master key sealed it.$$;
comment on column app.organization_integrations.stripe_api_key_key_id is $$Which master key sealed it.$$;

create table app.payees (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    profile_id      uuid,
    name            text not null,
    email           text,
    email_norm      text generated always as (lower(btrim(email))) stored,
    external_id     text,
    is_active       boolean not null default true,
    active_from     date,
    active_until    date,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint payees_pkey primary key (organization_id, id),
    constraint payees_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payees_profile_id_fkey
        foreign key (profile_id) references app.profiles (user_id) on delete set null,
    constraint payees_name_is_not_blank check (btrim(name) <> ''),
    constraint payees_active_range_is_ordered check (active_until >= active_from),
    constraint payees_external_id_key unique (organization_id, external_id)
);
create index payees_profile_id_idx on app.payees (profile_id);
create index payees_id_idx on app.payees (id);
comment on table app.payees is $$People who can be paid: one row per person, whatever their roles.$$;
comment on column app.payees.external_id is $$The payroll system's id.$$;

create table app.closers (
    organization_id   uuid not null,
    id                uuid not null default uuidv7(),
    profile_id        uuid,
    payee_id          uuid,
    name              text not null,
    email             text,
    email_norm        text generated always as (lower(btrim(email))) stored,
    aliases           text[] not null default '{}',
    is_active         boolean not null default true,
    active_from       date,
    active_until      date,
    calendly_user_uri text,
    close_user_id     text,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    constraint closers_pkey primary key (organization_id, id),
    constraint closers_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint closers_profile_id_fkey
        foreign key (profile_id) references app.profiles (user_id) on delete set null,
    constraint closers_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint closers_name_is_not_blank check (btrim(name) <> ''),
    constraint closers_active_range_is_ordered check (active_until >= active_from),
    constraint closers_email_key unique (organization_id, email_norm)
);
create index closers_payee_id_idx on app.closers (organization_id, payee_id);
create index closers_profile_id_idx on app.closers (profile_id);
create index closers_calendly_user_uri_idx on app.closers (organization_id, calendly_user_uri);
create index closers_id_idx on app.closers (id);
comment on table app.closers is $$Sales reps who take calls.$$;
comment on column app.closers.aliases is $$Other names and addresses under which hosts are known, lower case.$$;

create table app.setters (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    profile_id      uuid,
    payee_id        uuid,
    name            text not null,
    email           text,
    email_norm      text generated always as (lower(btrim(email))) stored,
    aliases         text[] not null default '{}',
    is_active       boolean not null default true,
    active_from     date,
    active_until    date,
    close_user_id   text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint setters_pkey primary key (organization_id, id),
    constraint setters_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint setters_profile_id_fkey
        foreign key (profile_id) references app.profiles (user_id) on delete set null,
    constraint setters_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint setters_name_is_not_blank check (btrim(name) <> ''),
    constraint setters_active_range_is_ordered check (active_until >= active_from),
    constraint setters_email_key unique (organization_id, email_norm)
);
create index setters_payee_id_idx on app.setters (organization_id, payee_id);
create index setters_profile_id_idx on app.setters (profile_id);
create index setters_close_user_id_idx on app.setters (organization_id, close_user_id);
create index setters_id_idx on app.setters (id);
comment on table app.setters is $$People who book calls.$$;
comment on column app.setters.aliases is $$Spellings under which UTM fields and answers name this person, lower case.$$;

create table app.closer_access_tokens (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    closer_id       uuid,
    payee_id        uuid,
    snapshot_id     uuid,
    scope           text not null,
    token_hash      bytea not null,
    expires_at      timestamptz not null,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    created_by      uuid,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint closer_access_tokens_pkey primary key (organization_id, id),
    constraint closer_access_tokens_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint closer_access_tokens_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint closer_access_tokens_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint closer_access_tokens_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null,
    constraint closer_access_tokens_scope_is_known check (scope in ('pcf', 'statement')),
    constraint closer_access_tokens_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint closer_access_tokens_scope_has_its_person check (case scope when 'pcf' then closer_id is not null else payee_id is not null end),
    constraint closer_access_tokens_token_hash_key unique (organization_id, token_hash)
);
create index closer_access_tokens_created_by_idx on app.closer_access_tokens (created_by);
create index closer_access_tokens_closer_id_idx on app.closer_access_tokens (organization_id, closer_id);
create index closer_access_tokens_payee_id_idx on app.closer_access_tokens (organization_id, payee_id);
create index closer_access_tokens_token_hash_idx on app.closer_access_tokens (token_hash);
comment on table app.closer_access_tokens is $$Magic links of the rep portal and of statements; the token itself is stored only as a hash.$$;

create table app.invitations (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    email           text not null,
    email_norm      text generated always as (lower(btrim(email))) stored,
    role            text not null default 'member',
    token_hash      bytea not null,
    expires_at      timestamptz not null,
    accepted_at     timestamptz,
    accepted_by     uuid,
    revoked_at      timestamptz,
    invited_by      uuid,
    closer_id       uuid,
    setter_id       uuid,
    becomes_closer  boolean not null default false,
    becomes_setter  boolean not null default false,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint invitations_pkey primary key (organization_id, id),
    constraint invitations_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint invitations_accepted_by_fkey
        foreign key (accepted_by) references auth.users (id) on delete set null,
    constraint invitations_invited_by_fkey
        foreign key (invited_by) references auth.users (id) on delete set null,
    constraint invitations_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint invitations_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint invitations_role_is_known check (role in ('owner', 'admin', 'member')),
    constraint invitations_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint invitations_ends_once check (accepted_at is null or revoked_at is null),
    constraint invitations_token_hash_key unique (organization_id, token_hash)
);
create unique index invitations_open_email_key on app.invitations (organization_id, email_norm) where accepted_at is null and revoked_at is null;
create index invitations_accepted_by_idx on app.invitations (accepted_by);
create index invitations_invited_by_idx on app.invitations (invited_by);
create index invitations_closer_id_idx on app.invitations (organization_id, closer_id);
create index invitations_setter_id_idx on app.invitations (organization_id, setter_id);
create index invitations_token_hash_idx on app.invitations (token_hash);
comment on table app.invitations is $$Pending user invites; the token itself is stored only as a hash.$$;
comment on column app.invitations.closer_id is $$The roster entry the person becomes on acceptance.$$;
comment on column app.invitations.setter_id is $$The roster entry the person becomes on acceptance.$$;
comment on column app.invitations.becomes_closer is $$Make a closer on acceptance when closer_id names none.$$;
comment on column app.invitations.becomes_setter is $$Make a setter on acceptance when setter_id names none.$$;

create table app.api_keys (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    last4           text not null,
    created_by      uuid,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint api_keys_pkey primary key (organization_id, id),
    constraint api_keys_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint api_keys_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null,
    constraint api_keys_name_is_not_blank check (btrim(name) <> '')
);
create unique index api_keys_name_key on app.api_keys (organization_id, name) where revoked_at is null;
create index api_keys_created_by_idx on app.api_keys (created_by);
create index api_keys_id_idx on app.api_keys (id);
comment on table app.api_keys is $$Read-only keys of an organization for BI tools; a key is a signed token naming this row, so revoking the row ends it.$$;

create table app.portal_settings (
    organization_id        uuid not null,
    id                     uuid not null default uuidv7(),
    show_cash              boolean not null default true,
    show_leaderboard       boolean not null default true,
    leaderboard_visibility text not null default 'rates',
    show_commission        boolean not null default true,
    allow_late_edit_days   integer not null default 7,
    days_ahead             integer not null default 14,
    require_notes          boolean not null default false,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint portal_settings_pkey primary key (organization_id, id),
    constraint portal_settings_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint portal_settings_visibility_is_known check (leaderboard_visibility in ('none', 'rank', 'rates', 'full')),
    constraint portal_settings_days_are_sane check (allow_late_edit_days between 0 and 365 and days_ahead between 0 and 365),
    constraint portal_settings_organization_id_key unique (organization_id)
);
comment on table app.portal_settings is $$What reps see and may do in their portal.$$;

create table app.dashboard_layouts (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    user_id         uuid,
    name            text not null default 'default',
    layout          jsonb not null,
    schema_version  integer not null default 1,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint dashboard_layouts_pkey primary key (organization_id, id),
    constraint dashboard_layouts_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint dashboard_layouts_user_id_fkey
        foreign key (user_id) references auth.users (id) on delete cascade,
    constraint dashboard_layouts_layout_is_an_object check (jsonb_typeof(layout) = 'object'),
    constraint dashboard_layouts_user_id_name_key unique nulls not distinct (organization_id, user_id, name)
);
create index dashboard_layouts_user_id_idx on app.dashboard_layouts (user_id);
comment on table app.dashboard_layouts is $$Saved dashboards: one per user and name; user_id NULL is the organization's default.$$;

create table app.analyst_logins (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    login_name      text not null,
    name            text not null,
    created_by      uuid,
    revoked_at      timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint analyst_logins_pkey primary key (organization_id, id),
    constraint analyst_logins_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint analyst_logins_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null
);
create index analyst_logins_created_by_idx on app.analyst_logins (created_by);
create index analyst_logins_login_name_idx on app.analyst_logins (login_name);
comment on table app.analyst_logins is $$Database logins of analysts, each bound to one organization; looked up by session_user, never by a claim.$$;
