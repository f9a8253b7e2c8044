-- Admins see every plan; a payee the plans assigned to them.
alter table app.commission_plans enable row level security;
drop policy if exists "members stay inside their organizations" on app.commission_plans;
create policy "members stay inside their organizations" on app.commission_plans
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.commission_plans;
create policy "admins read every row of their organizations" on app.commission_plans
    for select to org_admin
    using (true);
drop policy if exists "payees read the plans assigned to them" on app.commission_plans;
create policy "payees read the plans assigned to them" on app.commission_plans
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, id) in (select a.organization_id, a.plan_id from app.commission_plan_assignments as a));
drop policy if exists "super admins read every row" on app.commission_plans;
create policy "super admins read every row" on app.commission_plans
    for select to super_admin
    using (true);
grant select on app.commission_plans to authenticated, org_admin, super_admin;
