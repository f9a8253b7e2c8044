-- Admins see every export of their organizations; everybody their own.
alter table app.exports enable row level security;
drop policy if exists "members stay inside their organizations" on app.exports;
create policy "members stay inside their organizations" on app.exports
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.exports;
create policy "admins read every row of their organizations" on app.exports
    for select to org_admin
    using (true);
drop policy if exists "people read their own exports" on app.exports;
create policy "people read their own exports" on app.exports
    for select to authenticated
    using (requested_by = (select auth.uid())
        or organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.exports;
create policy "super admins read every row" on app.exports
    for select to super_admin
    using (true);
grant select on app.exports to authenticated, org_admin, super_admin;
