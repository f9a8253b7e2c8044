-- Leads, calls, forms and what is known beside them.
-- depends: 0004_configuration

create table app.leads (
    organization_id      uuid not null,
    id                   uuid not null default uuidv7(),
    full_name            text,
    email                text,
    email_norm           text generated always as (lower(btrim(email))) stored,
    phone                text,
    phone_norm           text generated always as (nullif(regexp_replace(phone, '[^0-9]', '', 'g'), '')) stored,
    source_id            uuid,
    traffic_type_id      uuid,
    original_setter_id   uuid,
    original_setter_name text,
    current_setter_id    uuid,
    current_setter_name  text,
    is_test              boolean not null default false,
    ghl_contact_id       text,
    hubspot_contact_id   text,
    close_lead_id        text,
    merged_into_id       uuid,
    deleted_at           timestamptz,
    deleted_reason       text,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    constraint leads_pkey primary key (organization_id, id),
    constraint leads_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint leads_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint leads_traffic_type_id_fkey
        foreign key (organization_id, traffic_type_id) references app.traffic_types (organization_id, id),
    constraint leads_original_setter_id_fkey
        foreign key (organization_id, original_setter_id) references app.setters (organization_id, id),
    constraint leads_current_setter_id_fkey
        foreign key (organization_id, current_setter_id) references app.setters (organization_id, id),
    constraint leads_merged_into_id_fkey
        foreign key (organization_id, merged_into_id) references app.leads (organization_id, id),
    constraint leads_is_not_merged_into_itself check (merged_into_id <> id)
);
create index leads_current_setter_id_idx on app.leads (organization_id, current_setter_id);
create index leads_merged_into_id_idx on app.leads (organization_id, merged_into_id);
create index leads_original_setter_id_idx on app.leads (organization_id, original_setter_id);
create index leads_source_id_idx on app.leads (organization_id, source_id);
create index leads_traffic_type_id_idx on app.leads (organization_id, traffic_type_id);
create index leads_email_idx on app.leads (organization_id, email_norm);
create index leads_phone_idx on app.leads (organization_id, phone_norm);
create index leads_created_at_idx on app.leads (organization_id, created_at desc);
comment on table app.leads is $$Prospects, known by their identities.$$;
comment on column app.leads.original_setter_id is $$Write-once.$$;
comment on column app.leads.is_test is $$Internal test leads count nowhere.$$;

create table app.lead_identities (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    lead_id         uuid not null,
    kind            text not null,
    value           text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint lead_identities_pkey primary key (organization_id, id),
    constraint lead_identities_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint lead_identities_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint lead_identities_kind_is_known check (kind in ('email', 'phone', 'stripe_customer', 'stripe_subscription', 'whop_user', 'whop_membership', 'manychat_subscriber', 'acuity_client', 'ghl_contact', 'hubspot_contact', 'close_lead')),
    constraint lead_identities_value_is_normalised check (value = btrim(value) and value <> '' and (kind <> 'email' or value = lower(value))),
    constraint lead_identities_value_key unique (organization_id, kind, value)
);
create index lead_identities_lead_id_idx on app.lead_identities (organization_id, lead_id);
comment on table app.lead_identities is $$What a lead is known by; a value belongs to one lead.$$;

create table app.lead_touches (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    lead_id         uuid not null,
    channel         text not null,
    occurred_at     timestamptz not null,
    utm_source      text,
    utm_medium      text,
    utm_campaign    text,
    utm_term        text,
    utm_content     text,
    external_id     text,
    details         jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint lead_touches_pkey primary key (organization_id, id),
    constraint lead_touches_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint lead_touches_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint lead_touches_external_id_key unique (organization_id, channel, external_id)
);
create index lead_touches_lead_id_occurred_at_idx on app.lead_touches (organization_id, lead_id, occurred_at);
comment on table app.lead_touches is $$Marketing touches of a lead: UTM visits, ManyChat, routing forms.$$;

create table app.lead_setter_changes (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    lead_id         uuid not null,
    setter_id       uuid,
    setter_name     text,
    changed_at      timestamptz not null default now(),
    changed_by      uuid,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint lead_setter_changes_pkey primary key (organization_id, id),
    constraint lead_setter_changes_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint lead_setter_changes_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint lead_setter_changes_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint lead_setter_changes_changed_by_fkey
        foreign key (changed_by) references auth.users (id) on delete set null
);
create index lead_setter_changes_changed_by_idx on app.lead_setter_changes (changed_by);
create index lead_setter_changes_lead_id_idx on app.lead_setter_changes (organization_id, lead_id);
create index lead_setter_changes_setter_id_idx on app.lead_setter_changes (organization_id, setter_id);
comment on table app.lead_setter_changes is $$History of a lead's current setter.$$;

create table app.events (
    organization_id        uuid not null,
    id                     uuid not null default uuidv7(),
    lead_id                uuid,
    lead_name              text,
    lead_email             text,
    lead_email_norm        text generated always as (lower(btrim(lead_email))) stored,
    lead_phone             text,
    closer_id              uuid,
    closer_name            text,
    setter_id              uuid,
    setter_name            text,
    credited_closer_id     uuid,
    credited_setter_id     uuid,
    source_id              uuid,
    traffic_type_id        uuid,
    call_type_id           uuid,
    scheduled_at           timestamptz not null,
    scheduled_end_at       timestamptz not null,
    booked_at              timestamptz not null,
    is_booked_at_estimated boolean not null default false,
    call_status            text not null default 'scheduled',
    event_outcome          text,
    pcf_submitted          boolean not null default false,
    canceled_at            timestamptz,
    canceled_by            text,
    cancel_reason          text,
    root_event_id          uuid not null,
    rescheduled_from_id    uuid,
    duplicate_of_id        uuid,
    provider               text not null default 'manual',
    provider_booking_id    text,
    calendly_event_uuid    text,
    calendly_invitee_uuid  text,
    utm_source             text,
    utm_medium             text,
    utm_campaign           text,
    utm_term               text,
    utm_content            text,
    answers                jsonb not null default '[]',
    ghl_contact_id         text,
    hubspot_contact_id     text,
    close_lead_id          text,
    notes                  text,
    deleted_at             timestamptz,
    deleted_reason         text,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint events_pkey primary key (organization_id, id),
    constraint events_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint events_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint events_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint events_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint events_credited_closer_id_fkey
        foreign key (organization_id, credited_closer_id) references app.closers (organization_id, id),
    constraint events_credited_setter_id_fkey
        foreign key (organization_id, credited_setter_id) references app.setters (organization_id, id),
    constraint events_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint events_traffic_type_id_fkey
        foreign key (organization_id, traffic_type_id) references app.traffic_types (organization_id, id),
    constraint events_call_type_id_fkey
        foreign key (organization_id, call_type_id) references app.call_types (organization_id, id),
    constraint events_root_event_id_fkey
        foreign key (organization_id, root_event_id) references app.events (organization_id, id),
    constraint events_rescheduled_from_id_fkey
        foreign key (organization_id, rescheduled_from_id) references app.events (organization_id, id),
    constraint events_duplicate_of_id_fkey
        foreign key (organization_id, duplicate_of_id) references app.events (organization_id, id),
    constraint events_status_is_known check (call_status in ('scheduled', 'completed', 'no_show', 'canceled', 'rescheduled')),
    constraint events_completed_has_its_outcome check ((call_status = 'completed') = coalesce(event_outcome in ('showed_no_offer', 'showed_offer', 'closed'), false)),
    constraint events_no_show_has_its_outcome check ((call_status = 'no_show') = coalesce(event_outcome = 'no_show', false)),
    constraint events_outcome_is_known check (event_outcome is null or event_outcome in ('showed_no_offer', 'showed_offer', 'closed', 'no_show')),
    constraint events_held_has_a_form check (call_status not in ('completed', 'no_show') or pcf_submitted),
    constraint events_scheduled_has_no_form check (call_status <> 'scheduled' or not pcf_submitted),
    constraint events_canceled_says_by_whom check (call_status <> 'canceled' or (canceled_by is not null and canceled_at is not null)),
    constraint events_canceled_by_is_known check (canceled_by in ('invitee', 'host')),
    constraint events_ends_after_it_starts check (scheduled_end_at > scheduled_at),
    constraint events_is_not_its_own_successor check (rescheduled_from_id <> id),
    constraint events_is_not_its_own_duplicate check (duplicate_of_id <> id),
    constraint events_root_is_itself_or_chained check ((root_event_id = id) = (rescheduled_from_id is null)),
    constraint events_calendly_invitee_uuid_key unique (organization_id, calendly_invitee_uuid),
    constraint events_provider_booking_id_key unique (organization_id, provider, provider_booking_id),
    constraint events_rescheduled_from_id_key unique (organization_id, rescheduled_from_id)
);
create index events_call_type_id_idx on app.events (organization_id, call_type_id);
create index events_duplicate_of_id_idx on app.events (organization_id, duplicate_of_id);
create index events_lead_id_idx on app.events (organization_id, lead_id);
create index events_root_event_id_idx on app.events (organization_id, root_event_id);
create index events_setter_id_idx on app.events (organization_id, setter_id);
create index events_source_id_idx on app.events (organization_id, source_id);
create index events_traffic_type_id_idx on app.events (organization_id, traffic_type_id);
create index events_scheduled_at_idx on app.events (organization_id, scheduled_at desc, id desc);
create index events_credited_closer_id_scheduled_at_idx on app.events (organization_id, credited_closer_id, scheduled_at desc);
create index events_closer_id_scheduled_at_idx on app.events (organization_id, closer_id, scheduled_at desc);
create index events_credited_setter_id_scheduled_at_idx on app.events (organization_id, credited_setter_id, scheduled_at desc);
create index events_booked_at_idx on app.events (organization_id, booked_at);
create index events_lead_email_idx on app.events (organization_id, lead_email_norm, scheduled_at desc);
create index events_open_idx on app.events (organization_id, scheduled_end_at) where call_status = 'scheduled' and deleted_at is null;
comment on table app.events is $$Booked calls: one invitee of one calendar slot.$$;
comment on column app.events.credited_closer_id is $$Who took the call: the form's closer if a person submitted one, else closer_id.$$;
comment on column app.events.credited_setter_id is $$The setter of the first booking of the reschedule chain.$$;
comment on column app.events.is_booked_at_estimated is $$Imported history without a booking time.$$;
comment on column app.events.root_event_id is $$First event of the reschedule chain; its own id when it is the first.$$;

create table app.event_transitions (
    from_status text not null,
    action      text not null,
    to_status   text not null,
    guard       text not null,
    constraint event_transitions_pkey primary key (from_status, action, to_status),
    constraint event_transitions_statuses_are_known check (from_status in ('scheduled', 'completed', 'no_show', 'canceled', 'rescheduled') and to_status in ('scheduled', 'completed', 'no_show', 'canceled', 'rescheduled')),
    constraint event_transitions_action_is_known check (action in ('invitee_cancels', 'host_cancels', 'reschedule', 'form', 'vendor_no_show', 'vendor_no_show_withdrawn'))
);
comment on table app.event_transitions is $$The only ways a call changes state; guards of time and authorship are in app.move_event.$$;
comment on column app.event_transitions.guard is $$When this way is open, in words.$$;

create table app.post_call_forms (
    organization_id       uuid not null,
    id                    uuid not null default uuidv7(),
    event_id              uuid not null,
    closer_id             uuid,
    version               integer not null,
    is_active             boolean not null default true,
    submitted_via         text not null default 'app',
    is_human              boolean generated always as (submitted_via not in ('calendly', 'system')) stored,
    submitted_at          timestamptz not null default now(),
    submitted_by          uuid,
    voided_at             timestamptz,
    voided_reason         text,
    call_occurred         boolean not null,
    lead_showed           boolean not null,
    offer_made            boolean not null default false,
    deal_closed           boolean not null default false,
    non_occurrence_reason text,
    disqualified          boolean not null default false,
    cash_collected        numeric,
    currency              text,
    payment_type          text,
    package_id            uuid,
    contract_value        numeric,
    call_outcome_id       uuid,
    opportunity_status_id uuid,
    form_config_id        uuid,
    answers               jsonb not null default '{}',
    notes                 text,
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now(),
    constraint post_call_forms_pkey primary key (organization_id, id),
    constraint post_call_forms_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint post_call_forms_event_id_fkey
        foreign key (organization_id, event_id) references app.events (organization_id, id),
    constraint post_call_forms_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint post_call_forms_submitted_by_fkey
        foreign key (submitted_by) references auth.users (id) on delete set null,
    constraint post_call_forms_package_id_fkey
        foreign key (organization_id, package_id) references app.packages (organization_id, id),
    constraint post_call_forms_call_outcome_id_fkey
        foreign key (organization_id, call_outcome_id) references app.call_outcomes (organization_id, id),
    constraint post_call_forms_opportunity_status_id_fkey
        foreign key (organization_id, opportunity_status_id) references app.opportunity_statuses (organization_id, id),
    constraint post_call_forms_form_config_id_fkey
        foreign key (organization_id, form_config_id) references app.form_configs (organization_id, id),
    constraint post_call_forms_version_is_positive check (version >= 1),
    constraint post_call_forms_submitted_via_is_known check (submitted_via in ('app', 'portal', 'admin', 'import', 'calendly', 'system')),
    constraint post_call_forms_says_what_happened check (case when call_occurred then lead_showed and (offer_made or not deal_closed) and non_occurrence_reason is null when non_occurrence_reason in ('closer_absent', 'technical') then not offer_made and not deal_closed when non_occurrence_reason in ('lead_no_show', 'lead_canceled', 'reschedule_requested') then not lead_showed and not offer_made and not deal_closed else false end),
    constraint post_call_forms_payment_type_is_known check (payment_type in ('pif', 'payment_plan', 'deposit', 'financed')),
    constraint post_call_forms_cash_is_not_negative check (cash_collected >= 0),
    constraint post_call_forms_contract_value_is_not_negative check (contract_value >= 0),
    constraint post_call_forms_money_has_a_currency check ((cash_collected is null and contract_value is null) or currency is not null),
    constraint post_call_forms_cash_is_money check (app.is_money(cash_collected, currency)),
    constraint post_call_forms_contract_value_is_money check (app.is_money(contract_value, currency)),
    constraint post_call_forms_voided_is_not_active check (voided_at is null or not is_active),
    constraint post_call_forms_version_key unique (organization_id, event_id, version)
);
create unique index post_call_forms_active_key on app.post_call_forms (organization_id, event_id) where is_active;
create index post_call_forms_call_outcome_id_idx on app.post_call_forms (organization_id, call_outcome_id);
create index post_call_forms_closer_id_idx on app.post_call_forms (organization_id, closer_id);
create index post_call_forms_form_config_id_idx on app.post_call_forms (organization_id, form_config_id);
create index post_call_forms_opportunity_status_id_idx on app.post_call_forms (organization_id, opportunity_status_id);
create index post_call_forms_package_id_idx on app.post_call_forms (organization_id, package_id);
create index post_call_forms_submitted_by_idx on app.post_call_forms (submitted_by);
comment on table app.post_call_forms is $$What a person says happened on a call; versions, of which one is active.$$;

create table app.custom_field_values (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    definition_id   uuid not null,
    lead_id         uuid,
    event_id        uuid,
    payment_id      uuid,
    closer_id       uuid,
    setter_id       uuid,
    record_id       uuid generated always as (coalesce(lead_id, event_id, payment_id, closer_id, setter_id)) stored,
    text_value      text,
    number_value    numeric,
    date_value      date,
    boolean_value   boolean,
    option_values   text[],
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint custom_field_values_pkey primary key (organization_id, id),
    constraint custom_field_values_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint custom_field_values_definition_id_fkey
        foreign key (organization_id, definition_id) references app.custom_field_definitions (organization_id, id),
    constraint custom_field_values_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint custom_field_values_event_id_fkey
        foreign key (organization_id, event_id) references app.events (organization_id, id),
    constraint custom_field_values_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint custom_field_values_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint custom_field_values_belongs_to_one_record check (num_nonnulls(lead_id, event_id, payment_id, closer_id, setter_id) = 1),
    constraint custom_field_values_holds_one_value check (num_nonnulls(text_value, number_value, date_value, boolean_value, option_values) <= 1),
    constraint custom_field_values_record_id_key unique (organization_id, definition_id, record_id)
);
create index custom_field_values_closer_id_idx on app.custom_field_values (organization_id, closer_id);
create index custom_field_values_event_id_idx on app.custom_field_values (organization_id, event_id);
create index custom_field_values_lead_id_idx on app.custom_field_values (organization_id, lead_id);
create index custom_field_values_setter_id_idx on app.custom_field_values (organization_id, setter_id);
comment on table app.custom_field_values is $$One value of one custom field of one record.$$;

create table app.setter_activities (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    setter_id       uuid not null,
    activity_date   date not null,
    provider        text not null,
    dials           integer not null default 0,
    connects        integer not null default 0,
    talk_seconds    integer not null default 0,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint setter_activities_pkey primary key (organization_id, id),
    constraint setter_activities_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint setter_activities_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint setter_activities_counts_are_sane check (dials >= 0 and connects between 0 and dials and talk_seconds >= 0),
    constraint setter_activities_day_key unique (organization_id, setter_id, activity_date, provider)
);
comment on table app.setter_activities is $$Dials and talk time of a setter per local day, from the CRM.$$;
comment on column app.setter_activities.activity_date is $$Local day of the organization on which the calls started.$$;

create table app.setter_calls (
    organization_id  uuid not null,
    id               uuid not null default uuidv7(),
    setter_id        uuid not null,
    provider         text not null,
    provider_call_id text not null,
    activity_date    date not null,
    lead_id          uuid,
    started_at       timestamptz not null,
    direction        text not null default 'outbound',
    disposition      text,
    talk_seconds     integer not null default 0,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint setter_calls_pkey primary key (organization_id, id),
    constraint setter_calls_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint setter_calls_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint setter_calls_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint setter_calls_direction_is_known check (direction in ('outbound', 'inbound')),
    constraint setter_calls_talk_is_not_negative check (talk_seconds >= 0),
    constraint setter_calls_provider_call_id_key unique (organization_id, provider, provider_call_id)
);
create index setter_calls_lead_id_idx on app.setter_calls (organization_id, lead_id);
create index setter_calls_setter_day_idx on app.setter_calls (organization_id, setter_id, activity_date);
comment on table app.setter_calls is $$Single calls behind setter_activities, kept so that none counts twice.$$;

create table app.capacity_snapshots (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    closer_id       uuid not null,
    day             date not null,
    captured_at     timestamptz not null,
    free_slots      integer not null,
    booked_slots    integer not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint capacity_snapshots_pkey primary key (organization_id, id),
    constraint capacity_snapshots_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint capacity_snapshots_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint capacity_snapshots_slots_are_not_negative check (free_slots >= 0 and booked_slots >= 0),
    constraint capacity_snapshots_capture_key unique (organization_id, closer_id, day, captured_at)
);
comment on table app.capacity_snapshots is $$Slots a closer could have taken on a local day, as captured.$$;

insert into app.event_transitions (from_status, action, to_status, guard) values
    ('scheduled', 'invitee_cancels', 'canceled', 'before the start'),
    ('scheduled', 'invitee_cancels', 'no_show', 'at or after the start, through a system form'),
    ('scheduled', 'host_cancels', 'canceled', 'before the start'),
    ('scheduled', 'host_cancels', 'scheduled', 'after the start: only canceled_at is kept'),
    ('scheduled', 'reschedule', 'rescheduled', 'a successor takes its place'),
    ('scheduled', 'form', 'completed', 'from 15 minutes before the start'),
    ('scheduled', 'form', 'no_show', 'from 15 minutes before the start'),
    ('scheduled', 'form', 'canceled', 'lead_canceled and reschedule_requested at any time, else from 15 minutes before the start'),
    ('scheduled', 'vendor_no_show', 'no_show', 'through a system form'),
    ('canceled', 'reschedule', 'rescheduled', 'a late link to the successor'),
    ('canceled', 'form', 'completed', 'the call occurred and the lead showed; cancel facts are kept'),
    ('completed', 'form', 'completed', 'a new version restates'),
    ('completed', 'form', 'no_show', 'a new version restates'),
    ('completed', 'form', 'canceled', 'a new version restates'),
    ('no_show', 'form', 'completed', 'a new version restates'),
    ('no_show', 'form', 'no_show', 'a new version restates'),
    ('no_show', 'form', 'canceled', 'a new version restates'),
    ('completed', 'vendor_no_show', 'no_show', 'no person submitted a form'),
    ('no_show', 'vendor_no_show_withdrawn', 'scheduled', 'the no-show rests on a system form, which is voided');
