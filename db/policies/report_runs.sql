-- Only admins see which reports were sent.
alter table app.report_runs enable row level security;
drop policy if exists "members stay inside their organizations" on app.report_runs;
create policy "members stay inside their organizations" on app.report_runs
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.report_runs;
create policy "admins read every row of their organizations" on app.report_runs
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.report_runs;
create policy "admins of some organizations read their rows" on app.report_runs
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.report_runs;
create policy "super admins read every row" on app.report_runs
    for select to super_admin
    using (true);
grant select on app.report_runs to authenticated, org_admin, super_admin;
