-- With the functions that were made on them; the release that is gone back to makes its own.
alter table app.metric_rollups drop column layout cascade;
drop type app.delivery_outcome cascade;
drop index app.payments_unknown_phone_idx;
create index payments_unknown_phone_idx on app.payments (organization_id, customer_phone)
    where lead_id is null and customer_phone is not null;
drop index app.payments_new_strangers_idx;
