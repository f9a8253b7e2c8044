-- Looked up by the policies of analysts only.
alter table app.analyst_logins enable row level security;
