-- The platform's own: no API role reads or writes it.
alter table app.platform_runs enable row level security;
