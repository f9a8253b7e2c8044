-- Members see the roster (private columns are masked by the view); admins change it.
alter table app.closers enable row level security;
drop policy if exists "members stay inside their organizations" on app.closers;
create policy "members stay inside their organizations" on app.closers
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.closers;
create policy "admins read every row of their organizations" on app.closers
    for select to org_admin
    using (true);
drop policy if exists "members read every row of their organizations" on app.closers;
create policy "members read every row of their organizations" on app.closers
    for select to authenticated
    using (true);
drop policy if exists "super admins read every row" on app.closers;
create policy "super admins read every row" on app.closers
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.closers;
create policy "API keys read their organization" on app.closers
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.closers;
create policy "analysts read their organization" on app.closers
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.closers to authenticated, org_admin, super_admin, reader, analyst;
drop policy if exists "admins add rows" on app.closers;
create policy "admins add rows" on app.closers
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.closers;
create policy "super admins add rows" on app.closers
    for insert to super_admin
    with check (true);
grant insert on app.closers to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.closers;
create policy "admins change rows" on app.closers
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.closers;
create policy "super admins change rows" on app.closers
    for update to super_admin
    using (true)
    with check (true);
grant update on app.closers to authenticated, org_admin, super_admin;
drop policy if exists "admins remove rows" on app.closers;
create policy "admins remove rows" on app.closers
    for delete to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins remove rows" on app.closers;
create policy "super admins remove rows" on app.closers
    for delete to super_admin
    using (true);
grant delete on app.closers to authenticated, org_admin, super_admin;
