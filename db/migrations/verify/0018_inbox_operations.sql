select organization_id, connection_id, hour, accepted, duplicates, rejected, refused, failed from app.connection_hours where false;
select table_name, keep_for from app.retention_periods where false;
select 1 / (to_regclass('app.webhook_events_unlinked_idx') is not null)::integer;
