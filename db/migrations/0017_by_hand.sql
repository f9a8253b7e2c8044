-- What admins decide by hand: credits, claims, and leads that are one person.
-- depends: 0011_metric_indexes

alter table app.payments add column credited_by_hand boolean not null default false;
alter table app.payments add column claim_decided_at timestamptz;
comment on column app.payments.credited_by_hand is $$A person set the credits: only a person changes them.$$;
comment on column app.payments.claim_decided_at is $$When an admin confirmed or rejected the claim.$$;
create index payments_unattributed_idx on app.payments (organization_id) where attribution_method = 'none' and deleted_at is null;

create table app.lead_merges (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    into_lead_id    uuid not null,
    from_lead_id    uuid not null,
    reason          text not null,
    merged_by       uuid,
    merged_at       timestamptz not null default now(),
    moved           jsonb not null default '{}',
    filled          jsonb not null default '{}',
    unmerged_at     timestamptz,
    unmerged_by     uuid,
    unmerge_reason  text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint lead_merges_pkey primary key (organization_id, id),
    constraint lead_merges_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint lead_merges_into_lead_id_fkey
        foreign key (organization_id, into_lead_id) references app.leads (organization_id, id),
    constraint lead_merges_from_lead_id_fkey
        foreign key (organization_id, from_lead_id) references app.leads (organization_id, id),
    constraint lead_merges_merged_by_fkey foreign key (merged_by) references auth.users (id) on delete set null,
    constraint lead_merges_unmerged_by_fkey foreign key (unmerged_by) references auth.users (id) on delete set null,
    constraint lead_merges_are_of_two_leads check (into_lead_id <> from_lead_id),
    constraint lead_merges_reason_is_not_blank check (btrim(reason) <> ''),
    constraint lead_merges_undone_says_why check ((unmerged_at is null) = (unmerge_reason is null))
);
create unique index lead_merges_living_key on app.lead_merges (organization_id, from_lead_id) where unmerged_at is null;
create index lead_merges_from_lead_id_idx on app.lead_merges (organization_id, from_lead_id);
create index lead_merges_into_lead_id_idx on app.lead_merges (organization_id, into_lead_id);
create index lead_merges_merged_at_idx on app.lead_merges (merged_at);
create index lead_merges_merged_by_idx on app.lead_merges (merged_by);
create index lead_merges_unmerged_by_idx on app.lead_merges (unmerged_by);
comment on table app.lead_merges is $$Leads that turned out to be one person: who merged them, why, and what moved, so that it can be undone.$$;
comment on column app.lead_merges.moved is $$Ids of the rows that moved to the survivor, by table.$$;
comment on column app.lead_merges.filled is $$Columns of the survivor that the merge wrote: [before, after].$$;
