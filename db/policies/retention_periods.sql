-- The platform's own: no API role reads or writes it.
alter table app.retention_periods enable row level security;
