drop view if exists api.exceptions cascade;

drop index app.outbox_dead_idx, app.webhook_events_dead_idx, app.payments_without_rate_idx;
drop type app.finding cascade;
alter table app.exceptions drop column happened_at;
