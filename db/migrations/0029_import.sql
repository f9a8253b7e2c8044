-- What imports have brought: which row here each row elsewhere has become.
-- depends: 0021_lean_audit

create table app.import_keys (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    entity          text not null,
    external_id     text not null,
    row_id          uuid not null,
    content         bytea not null,
    follows         text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint import_keys_pkey primary key (organization_id, id),
    constraint import_keys_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint import_keys_external_id_is_not_blank check (btrim(external_id) <> '' and length(external_id) <= 320),
    constraint import_keys_content_is_sha256 check (octet_length(content) = 32),
    constraint import_keys_external_id_key unique (organization_id, entity, external_id)
);
create index import_keys_row_id_idx on app.import_keys (organization_id, row_id);
create index import_keys_follows_idx on app.import_keys (organization_id, follows) where follows is not null;
comment on table app.import_keys is $$Which row here a row of an imported file has become.$$;
comment on column app.import_keys.entity is $$What it is, as rpc/import_rows names it: leads, events, payments ...$$;
comment on column app.import_keys.external_id is $$Its id where it comes from; of a row without one, what it is known by.$$;
comment on column app.import_keys.content is $$SHA-256 of what the file said last: the same again changes nothing.$$;
comment on column app.import_keys.follows is $$External id of the call that this one was rescheduled from, while that one has not been imported.$$;
