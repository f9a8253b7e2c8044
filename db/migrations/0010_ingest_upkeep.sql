-- The inbox's upkeep by the worker, and refunds found by the payment they name.
-- depends: 0009_jobs 0008_audit

create index payment_refunds_provider_payment_id_idx
    on app.payment_refunds (organization_id, provider, provider_payment_id);
create index connection_stats_connection_id_idx on app.connection_stats (organization_id, connection_id);

insert into app.platform_schedules (kind, interval_seconds) values
    ('inbox-upkeep', 60);
