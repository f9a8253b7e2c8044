-- Admins see who is paid; a payee sees their own row.
alter table app.payees enable row level security;
drop policy if exists "members stay inside their organizations" on app.payees;
create policy "members stay inside their organizations" on app.payees
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payees;
create policy "admins read every row of their organizations" on app.payees
    for select to org_admin
    using (true);
drop policy if exists "payees read their own row" on app.payees;
create policy "payees read their own row" on app.payees
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or id = any ((select auth.own_payee_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.payees;
create policy "super admins read every row" on app.payees
    for select to super_admin
    using (true);
grant select on app.payees to authenticated, org_admin, super_admin;
drop policy if exists "admins add rows" on app.payees;
create policy "admins add rows" on app.payees
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.payees;
create policy "super admins add rows" on app.payees
    for insert to super_admin
    with check (true);
grant insert on app.payees to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.payees;
create policy "admins change rows" on app.payees
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.payees;
create policy "super admins change rows" on app.payees
    for update to super_admin
    using (true)
    with check (true);
grant update on app.payees to authenticated, org_admin, super_admin;
drop policy if exists "admins remove rows" on app.payees;
create policy "admins remove rows" on app.payees
    for delete to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins remove rows" on app.payees;
create policy "super admins remove rows" on app.payees
    for delete to super_admin
    using (true);
grant delete on app.payees to authenticated, org_admin, super_admin;
