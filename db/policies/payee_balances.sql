-- Admins see every balance; a payee their own, once locked.
alter table app.payee_balances enable row level security;
drop policy if exists "members stay inside their organizations" on app.payee_balances;
create policy "members stay inside their organizations" on app.payee_balances
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payee_balances;
create policy "admins read every row of their organizations" on app.payee_balances
    for select to org_admin
    using (true);
drop policy if exists "payees read their own balances" on app.payee_balances;
create policy "payees read their own balances" on app.payee_balances
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[]) and snapshot_id = any ((select auth.locked_snapshot_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.payee_balances;
create policy "super admins read every row" on app.payee_balances
    for select to super_admin
    using (true);
grant select on app.payee_balances to authenticated, org_admin, super_admin;
