-- Admins see every payout; a payee their own.
alter table app.payouts enable row level security;
drop policy if exists "members stay inside their organizations" on app.payouts;
create policy "members stay inside their organizations" on app.payouts
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payouts;
create policy "admins read every row of their organizations" on app.payouts
    for select to org_admin
    using (true);
drop policy if exists "payees read their own payouts" on app.payouts;
create policy "payees read their own payouts" on app.payouts
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[]) and snapshot_id = any ((select auth.locked_snapshot_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.payouts;
create policy "super admins read every row" on app.payouts
    for select to super_admin
    using (true);
grant select on app.payouts to authenticated, org_admin, super_admin;
