select happened_at from app.exceptions where false;
select null::app.finding where false;
select 1 / (count(*) = 3)::integer
  from pg_catalog.pg_class as c
 where c.oid in ('app.payments_without_rate_idx'::regclass, 'app.webhook_events_dead_idx'::regclass, 'app.outbox_dead_idx'::regclass);
