-- Members see who else belongs to their organization; changes go through functions.
alter table app.organization_members enable row level security;
drop policy if exists "members stay inside their organizations" on app.organization_members;
create policy "members stay inside their organizations" on app.organization_members
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.organization_members;
create policy "admins read every row of their organizations" on app.organization_members
    for select to org_admin
    using (true);
drop policy if exists "members read every row of their organizations" on app.organization_members;
create policy "members read every row of their organizations" on app.organization_members
    for select to authenticated
    using (true);
drop policy if exists "super admins read every row" on app.organization_members;
create policy "super admins read every row" on app.organization_members
    for select to super_admin
    using (true);
grant select on app.organization_members to authenticated, org_admin, super_admin;
