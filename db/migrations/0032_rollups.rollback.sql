drop index app.events_open_long_idx;
drop type app.metric_totals cascade;
drop type app.metric_units cascade;
drop table app.metric_sums;
drop table app.metric_facts cascade;
drop table app.metric_changes cascade;
drop table app.metric_rollups;
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
