delete from app.platform_schedules where kind = 'inbox-upkeep';
drop index app.connection_stats_connection_id_idx;
drop index app.payment_refunds_provider_payment_id_idx;
