select 1 / (to_regclass('app.payment_carriers') is not null)::integer;
select 1 / (to_regclass('app.payments_provider_subscription_idx') is not null)::integer;
select 1 / (count(*) = 1)::integer from pg_attribute
 where attrelid = 'app.payments'::regclass and attname = 'carried' and not attisdropped;
