-- What booking platforms have told of calls, and where a source comes from.
-- depends: 0011_metric_indexes

create table app.platform_bookings (
    organization_id      uuid not null,
    id                   uuid not null default uuidv7(),
    event_id             uuid not null,
    provider             text not null,
    booking_id           text not null,
    told_at              timestamptz not null,
    hosts                text[] not null default '{}',
    follows_booking_id   text,
    rescheduled_at       timestamptz,
    canceled_at          timestamptz,
    canceled_by          text,
    cancel_reason        text,
    no_show_marked_at    timestamptz,
    no_show_withdrawn_at timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    constraint platform_bookings_pkey primary key (organization_id, id),
    constraint platform_bookings_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint platform_bookings_event_id_fkey
        foreign key (organization_id, event_id) references app.events (organization_id, id),
    constraint platform_bookings_canceled_by_is_known check (canceled_by in ('invitee', 'host')),
    constraint platform_bookings_canceled_says_by_whom check ((canceled_at is null) = (canceled_by is null)),
    constraint platform_bookings_event_id_key unique (organization_id, event_id),
    constraint platform_bookings_booking_id_key unique (organization_id, provider, booking_id)
);
create index platform_bookings_follows_booking_id_idx
    on app.platform_bookings (organization_id, provider, follows_booking_id) where follows_booking_id is not null;
comment on table app.platform_bookings is $$What a booking platform has told of a call, apart from what became of the call.$$;
comment on column app.platform_bookings.told_at is $$The moment that the newest message about it describes.$$;
comment on column app.platform_bookings.hosts is $$Addresses of the hosts in the newest message, lower case, sorted.$$;
comment on column app.platform_bookings.follows_booking_id is $$The booking that this one replaces, whether it has arrived or not.$$;

alter table app.events
    add column referrer text,
    add column source_origin text,
    add column inherits text[] not null default '{}',
    add constraint events_source_origin_is_known
        check (source_origin in ('manual', 'crm', 'rule', 'inherited', 'call_type')),
    add constraint events_inherits_what_chains_pass_on check (inherits <@ array['setter', 'utm']);
comment on column app.events.source_origin is $$Who gave it its source and traffic type: manual, crm, rule, inherited or call_type.$$;
comment on column app.events.inherits is $$What it has from the root of its chain because the booking itself did not bring it: setter, utm.$$;

alter table app.leads
    add column source_origin text,
    add constraint leads_source_origin_is_known check (source_origin in ('manual', 'crm', 'event'));
comment on column app.leads.source_origin is $$Who gave it its source and traffic type: manual, crm, or its first event.$$;
