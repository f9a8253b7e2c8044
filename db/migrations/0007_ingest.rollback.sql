drop table app.connection_stats;
drop table app.rate_limits;
drop table app.webhook_events;
drop table app.webhook_event_keys;
