drop view if exists api.webhook_connections cascade;
alter table app.webhook_connections drop column refused_count, drop column refused_since, drop column last_refused_at;
alter table app.connection_stats drop column refused;
