-- What was new a moment ago is looked up by when it came, a stranger's phone by its digits; what became of a delivery is one value;
-- a rollup says how it was laid out when it was built.
-- depends: 0032_rollups

create index payments_new_strangers_idx on app.payments (created_at)
    where attribution_method = 'none' and lead_id is null and deleted_at is null;

drop index app.payments_unknown_phone_idx;
create index payments_unknown_phone_idx on app.payments (organization_id, regexp_replace(customer_phone, '[^0-9]', '', 'g'))
    where lead_id is null and customer_phone is not null;

create type app.delivery_outcome as (
    status text, steps jsonb, lead_id uuid, event_id uuid, payment_id uuid, error text, failed_with text
);
comment on type app.delivery_outcome is $$What became of a delivery. failed_with: the SQLSTATE of what error says.$$;

alter table app.metric_rollups add column layout integer not null default 0;
comment on column app.metric_rollups.layout is $$The app.rollup_layout it was built in; one of an earlier layout is right, and is built anew when there is time.$$;
