-- What was taken out of the system as files: by whom, of which table and days, and how it ended.
-- depends: 0021_lean_audit

create table app.exports (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    requested_by    uuid,
    table_name      text not null,
    date_column     text not null,
    start_date      date,
    end_date        date,
    columns         text[] not null,
    format          text not null,
    state           text not null default 'running',
    row_count       bigint,
    finished_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint exports_pkey primary key (organization_id, id),
    constraint exports_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint exports_requested_by_fkey foreign key (requested_by) references auth.users (id) on delete set null,
    constraint exports_format_is_known check (format in ('csv', 'json', 'ndjson', 'xlsx')),
    constraint exports_state_is_known check (state in ('running', 'delivered', 'aborted', 'failed')),
    constraint exports_end_is_whole check ((state = 'running') = (finished_at is null)),
    constraint exports_row_count_is_not_negative check (row_count >= 0)
);
create index exports_requested_by_idx on app.exports (requested_by);
create index exports_running_idx on app.exports (created_at) where state = 'running';
comment on table app.exports is $$Files that people took out: one row each, from before the first row left to how it ended.$$;
comment on column app.exports.requested_by is $$Who asked; NULL when they were deleted since.$$;
comment on column app.exports.date_column is $$The column whose days start_date and end_date bound.$$;
comment on column app.exports.start_date is $$First local day; NULL: from the beginning.$$;
comment on column app.exports.end_date is $$Last local day; NULL: to the end.$$;
comment on column app.exports.columns is $$What was asked for, in order.$$;
comment on column app.exports.state is $$running; delivered whole; aborted by who asked; failed on our side.$$;
comment on column app.exports.row_count is $$Rows that left, also of a file that is not whole; NULL while it runs, or when nobody could tell.$$;
