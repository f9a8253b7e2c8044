-- Rollups: what every unit of the base rows added when it was last counted, its sums by day and month, and what changed since.
-- depends: 0021_lean_audit

drop table app.metric_deltas;
drop table app.metric_days;

create table app.metric_rollups (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    built_at        timestamptz,
    folded_at       timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint metric_rollups_pkey primary key (organization_id, id),
    constraint metric_rollups_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint metric_rollups_organization_id_key unique (organization_id)
);
comment on table app.metric_rollups is $$One row for each organization: whether its rollup can be trusted, and the lock of those who fold into it.$$;
comment on column app.metric_rollups.built_at is $$When it was last counted from nothing; NULL until it was: numbers come from the base rows.$$;

create table app.metric_changes (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    unit            text not null,
    unit_id         uuid,
    day             date,
    constraint metric_changes_pkey primary key (organization_id, id),
    constraint metric_changes_unit_is_known
        check (unit in ('chain', 'event', 'lead', 'payment', 'deal', 'slots', 'all'))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_scale_factor = 0.5);
create index metric_changes_all_idx on app.metric_changes (organization_id) where unit = 'all';
comment on table app.metric_changes is $$Which unit of the base rows changed: appended by the transaction that changed it, deleted by whoever counts it anew.$$;
comment on column app.metric_changes.unit is $$chain, event (the chain it is in), lead, payment, deal, slots (a closer's day), or all.$$;

create table app.metric_facts (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    unit            text not null,
    unit_id         uuid not null,
    day             date not null,
    grains          integer not null,
    closer_id       uuid,
    setter_id       uuid,
    source_id       uuid,
    traffic_type_id uuid,
    call_type_id    uuid,
    package_id      uuid,
    measures        bigint not null,
    amount          numeric,
    constraint metric_facts_pkey primary key (organization_id, id)
);
create index metric_facts_unit_id_idx on app.metric_facts (organization_id, unit_id, day);
create index metric_facts_day_idx on app.metric_facts (organization_id, day);
create index metric_facts_closer_id_idx on app.metric_facts (organization_id, closer_id, day) where closer_id is not null;
create index metric_facts_setter_id_idx on app.metric_facts (organization_id, setter_id, day) where setter_id is not null;
comment on table app.metric_facts is $$What every unit of the base rows added to the numbers when it was last counted.$$;
comment on column app.metric_facts.grains is $$Which questions about people it answers: app.grain_bit.$$;
comment on column app.metric_facts.measures is $$Which measures it counts in: app.measure_bit.$$;
comment on column app.metric_facts.amount is $$Slots, or an amount in the organization's currency; NULL where rows are counted.$$;

create table app.metric_sums (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    dimension       text not null,
    span            text not null,
    starts_on       date not null,
    member_id       uuid,
    every_call integer not null default 0, rescheduled integer not null default 0, shows integer not null default 0, disqualified integer not null default 0,
    no_shows integer not null default 0, canceled integer not null default 0, canceled_by_host integer not null default 0, offers integer not null default 0,
    closes integer not null default 0, refunded_closes integer not null default 0, open integer not null default 0, open_any integer not null default 0,
    reports integer not null default 0, timely integer not null default 0, booked integer not null default 0, cohort_calls integer not null default 0,
    cohort_shows integer not null default 0, cohort_resolved integer not null default 0, leads integer not null default 0, leads_closed integer not null default 0,
    won integer not null default 0, available_slots integer not null default 0, booked_slots integer not null default 0, held_slots integer not null default 0,
    collected numeric not null default 0, refunds numeric not null default 0, chargebacks numeric not null default 0, new_cash numeric not null default 0,
    upsell_cash numeric not null default 0, unattributed numeric not null default 0, verified numeric not null default 0, net_revenue numeric not null default 0,
    contracted numeric not null default 0, deals_collected numeric not null default 0, owed numeric not null default 0,
    constraint metric_sums_pkey primary key (organization_id, id),
    constraint metric_sums_dimension_is_known
        check (dimension in ('all', 'closer', 'setter', 'source', 'traffic_type', 'call_type', 'package')),
    constraint metric_sums_span_is_known check (span in ('day', 'month')),
    constraint metric_sums_member_id_key unique nulls not distinct (organization_id, dimension, span, starts_on, member_id)
) with (fillfactor = 70);
comment on table app.metric_sums is $$Sums of app.metric_facts by day and by month: of all, and of each member of each dimension.$$;
comment on column app.metric_sums.member_id is $$NULL: the whole, or Unassigned.$$;

create type app.metric_units as (
    chains uuid[], leads uuid[], payments uuid[], deals uuid[],
    closers uuid[], days date[]
);
comment on type app.metric_units is $$Units of the base rows; a closer's day is told by the closer and the day at the same place.$$;

create type app.metric_totals as (
    period integer, member_id uuid,
    every_call bigint, rescheduled bigint, shows bigint, disqualified bigint, no_shows bigint, canceled bigint,
    canceled_by_host bigint, offers bigint, closes bigint, refunded_closes bigint, open bigint, open_any bigint,
    reports bigint, timely bigint, booked bigint, cohort_calls bigint, cohort_shows bigint, cohort_resolved bigint,
    leads bigint, leads_closed bigint, won bigint, available_slots bigint, booked_slots bigint, held_slots bigint,
    collected numeric, refunds numeric, chargebacks numeric, new_cash numeric, upsell_cash numeric, unattributed numeric,
    verified numeric, net_revenue numeric, contracted numeric, deals_collected numeric, owed numeric
);
comment on type app.metric_totals is $$What every measure comes to in a period, for a member.$$;

-- Calls for which it is not the day that tells whether they are over: few, and found by this.
create index events_open_long_idx on app.events (organization_id, scheduled_end_at)
 where call_status = 'scheduled' and deleted_at is null and scheduled_end_at - scheduled_at > interval '6 hours';

-- What exists is counted by the worker; what is made from now on has nothing to count.
insert into app.metric_rollups (organization_id) select o.id from app.organizations as o;
