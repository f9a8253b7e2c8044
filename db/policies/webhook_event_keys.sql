-- The dedupe memory is read by functions only.
alter table app.webhook_event_keys enable row level security;
