drop view if exists api.connection_health;
drop table app.retention_periods;
drop table app.connection_hours;
drop index app.webhook_events_unlinked_idx;
drop index app.webhook_events_connection_id_idx;
create index webhook_events_connection_id_idx on app.webhook_events (organization_id, connection_id, received_at desc);
