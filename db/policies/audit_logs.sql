-- Only admins read the audit trail; nobody writes it but triggers.
alter table app.audit_logs enable row level security;
drop policy if exists "members stay inside their organizations" on app.audit_logs;
create policy "members stay inside their organizations" on app.audit_logs
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.audit_logs;
create policy "admins read every row of their organizations" on app.audit_logs
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.audit_logs;
create policy "admins of some organizations read their rows" on app.audit_logs
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.audit_logs;
create policy "super admins read every row" on app.audit_logs
    for select to super_admin
    using (true);
grant select on app.audit_logs to authenticated, org_admin, super_admin;
