-- The platform's own: no API role reads or writes it.
alter table app.platform_schedules enable row level security;
