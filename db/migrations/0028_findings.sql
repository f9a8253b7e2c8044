-- What a data-quality check finds, and when the fact behind an exception happened.
-- depends: 0021_lean_audit

alter table app.exceptions add column happened_at timestamptz;
comment on column app.exceptions.happened_at is $$When the fact behind it happened; NULL for what has no day, or has not been looked at by a check.$$;

create type app.finding as (
    dedupe_key  text,
    severity    text,
    entity      text,
    row_ids     uuid[],
    sentence    text,
    remedy      text,
    details     jsonb,
    closer_id   uuid,
    setter_id   uuid,
    happened_at timestamptz
);
comment on type app.finding is $$One thing that a data-quality check finds wrong.$$;

create index payments_without_rate_idx on app.payments (organization_id) where amount_base is null;
create index webhook_events_dead_idx on app.webhook_events (organization_id) where status = 'dead';
create index outbox_dead_idx on app.outbox (organization_id) where state = 'dead';
