-- Admins see who is on which plan; a payee their own assignments.
alter table app.commission_plan_assignments enable row level security;
drop policy if exists "members stay inside their organizations" on app.commission_plan_assignments;
create policy "members stay inside their organizations" on app.commission_plan_assignments
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.commission_plan_assignments;
create policy "admins read every row of their organizations" on app.commission_plan_assignments
    for select to org_admin
    using (true);
drop policy if exists "payees read their own assignments" on app.commission_plan_assignments;
create policy "payees read their own assignments" on app.commission_plan_assignments
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.commission_plan_assignments;
create policy "super admins read every row" on app.commission_plan_assignments
    for select to super_admin
    using (true);
grant select on app.commission_plan_assignments to authenticated, org_admin, super_admin;
