-- Only admins see the schedules of their organization; only functions write them.
alter table app.job_schedules enable row level security;
drop policy if exists "members stay inside their organizations" on app.job_schedules;
create policy "members stay inside their organizations" on app.job_schedules
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.job_schedules;
create policy "admins read every row of their organizations" on app.job_schedules
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.job_schedules;
create policy "admins of some organizations read their rows" on app.job_schedules
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.job_schedules;
create policy "super admins read every row" on app.job_schedules
    for select to super_admin
    using (true);
grant select on app.job_schedules to authenticated, org_admin, super_admin;
