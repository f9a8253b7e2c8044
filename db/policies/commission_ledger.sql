-- Admins see every line; a payee their own, once locked.
alter table app.commission_ledger enable row level security;
drop policy if exists "members stay inside their organizations" on app.commission_ledger;
create policy "members stay inside their organizations" on app.commission_ledger
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.commission_ledger;
create policy "admins read every row of their organizations" on app.commission_ledger
    for select to org_admin
    using (true);
drop policy if exists "payees read their own locked lines" on app.commission_ledger;
create policy "payees read their own locked lines" on app.commission_ledger
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[])
           and (organization_id, id) in (
               select d.organization_id, d.line_id from app.payout_snapshot_details as d where d.is_live));
drop policy if exists "super admins read every row" on app.commission_ledger;
create policy "super admins read every row" on app.commission_ledger
    for select to super_admin
    using (true);
grant select on app.commission_ledger to authenticated, org_admin, super_admin;
