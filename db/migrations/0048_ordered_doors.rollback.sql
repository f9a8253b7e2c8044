create index events_scheduled_at_idx on app.events (organization_id, scheduled_at desc, id desc);
drop index app.events_newest_idx;
