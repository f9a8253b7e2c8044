-- The platform's own: no API role reads or writes it.
alter table app.worker_heartbeats enable row level security;
