select 1 / (to_regclass('app.webhook_events_provider_event_id_idx') is null)::integer;
select 1 / (to_regclass('app.payments_deal_id_idx') is not null)::integer;
select 1 / (count(*) = 0)::integer from pg_catalog.pg_constraint where conname = 'payment_credits_organization_id_fkey';
select 1 / (count(*) = 2)::integer from pg_catalog.pg_proc as p join pg_catalog.pg_language as l on l.oid = p.prolang
 where p.oid in (to_regproc('app.is_money'), to_regproc('app.currency_exponent')) and l.lanname = 'plpgsql';
