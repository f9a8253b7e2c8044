select 1 / (to_regclass('app.webhook_event_keys') is not null)::integer;
select 1 / (to_regclass('app.webhook_events') is not null)::integer;
select 1 / (to_regclass('app.rate_limits') is not null)::integer;
select 1 / (to_regclass('app.connection_stats') is not null)::integer;
