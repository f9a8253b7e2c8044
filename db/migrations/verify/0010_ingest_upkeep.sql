select 1 / (to_regclass('app.payment_refunds_provider_payment_id_idx') is not null)::integer;
select 1 / (to_regclass('app.connection_stats_connection_id_idx') is not null)::integer;
select 1 / (count(*) = 1)::integer from app.platform_schedules where kind = 'inbox-upkeep';
