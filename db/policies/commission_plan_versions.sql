-- Admins see every version; a payee the versions of plans assigned to them.
alter table app.commission_plan_versions enable row level security;
drop policy if exists "members stay inside their organizations" on app.commission_plan_versions;
create policy "members stay inside their organizations" on app.commission_plan_versions
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.commission_plan_versions;
create policy "admins read every row of their organizations" on app.commission_plan_versions
    for select to org_admin
    using (true);
drop policy if exists "payees read the versions of their plans" on app.commission_plan_versions;
create policy "payees read the versions of their plans" on app.commission_plan_versions
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, plan_id) in (select a.organization_id, a.plan_id from app.commission_plan_assignments as a));
drop policy if exists "super admins read every row" on app.commission_plan_versions;
create policy "super admins read every row" on app.commission_plan_versions
    for select to super_admin
    using (true);
grant select on app.commission_plan_versions to authenticated, org_admin, super_admin;
