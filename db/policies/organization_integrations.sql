-- Only admins see how integrations are set up, and nobody sees the keys.
alter table app.organization_integrations enable row level security;
drop policy if exists "members stay inside their organizations" on app.organization_integrations;
create policy "members stay inside their organizations" on app.organization_integrations
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.organization_integrations;
create policy "admins read every row of their organizations" on app.organization_integrations
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.organization_integrations;
create policy "admins of some organizations read their rows" on app.organization_integrations
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.organization_integrations;
create policy "super admins read every row" on app.organization_integrations
    for select to super_admin
    using (true);
grant select on app.organization_integrations to authenticated, org_admin, super_admin;
