-- Components are seen by whoever sees the version.
alter table app.commission_plan_components enable row level security;
drop policy if exists "members stay inside their organizations" on app.commission_plan_components;
create policy "members stay inside their organizations" on app.commission_plan_components
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.commission_plan_components;
create policy "admins read every row of their organizations" on app.commission_plan_components
    for select to org_admin
    using (true);
drop policy if exists "payees read the components of their plans" on app.commission_plan_components;
create policy "payees read the components of their plans" on app.commission_plan_components
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, plan_version_id) in (
            select v.organization_id, v.id from app.commission_plan_versions as v));
drop policy if exists "super admins read every row" on app.commission_plan_components;
create policy "super admins read every row" on app.commission_plan_components
    for select to super_admin
    using (true);
grant select on app.commission_plan_components to authenticated, org_admin, super_admin;
