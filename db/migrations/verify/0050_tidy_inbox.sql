select 1 / (to_regclass('app.payments_new_strangers_idx') is not null)::integer;
select 1 / (pg_get_indexdef('app.payments_unknown_phone_idx'::regclass) like '%regexp_replace%')::integer;
select null::app.delivery_outcome;
select layout from app.metric_rollups where false;
