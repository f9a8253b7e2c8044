-- Changes that belong to no organization are for super admins.
alter table app.platform_audit_logs enable row level security;
drop policy if exists "super admins read every row" on app.platform_audit_logs;
create policy "super admins read every row" on app.platform_audit_logs
    for select to super_admin
    using (true);
grant select on app.platform_audit_logs to super_admin;
