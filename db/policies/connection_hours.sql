-- Admins see how the deliveries of their connections went, hour by hour, as part of their health.
alter table app.connection_hours enable row level security;
drop policy if exists "members stay inside their organizations" on app.connection_hours;
create policy "members stay inside their organizations" on app.connection_hours
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.connection_hours;
create policy "admins read every row of their organizations" on app.connection_hours
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.connection_hours;
create policy "admins of some organizations read their rows" on app.connection_hours
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.connection_hours;
create policy "super admins read every row" on app.connection_hours
    for select to super_admin
    using (true);
grant select on app.connection_hours to authenticated, org_admin, super_admin;
