-- Admins see everybody's capacity; a closer their own.
alter table app.capacity_snapshots enable row level security;
drop policy if exists "members stay inside their organizations" on app.capacity_snapshots;
create policy "members stay inside their organizations" on app.capacity_snapshots
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.capacity_snapshots;
create policy "admins read every row of their organizations" on app.capacity_snapshots
    for select to org_admin
    using (true);
drop policy if exists "closers read their own capacity" on app.capacity_snapshots;
create policy "closers read their own capacity" on app.capacity_snapshots
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or closer_id = any ((select auth.own_closer_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.capacity_snapshots;
create policy "super admins read every row" on app.capacity_snapshots
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.capacity_snapshots;
create policy "API keys read their organization" on app.capacity_snapshots
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.capacity_snapshots;
create policy "analysts read their organization" on app.capacity_snapshots
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.capacity_snapshots to authenticated, org_admin, super_admin, reader, analyst;
