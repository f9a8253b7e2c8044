-- Sign-in mails: no API role, not even a super admin, reads them; the worker has its functions.
alter table app.platform_outbox enable row level security;
