-- Refunds are seen by whoever sees the payment.
alter table app.payment_refunds enable row level security;
drop policy if exists "members stay inside their organizations" on app.payment_refunds;
create policy "members stay inside their organizations" on app.payment_refunds
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payment_refunds;
create policy "admins read every row of their organizations" on app.payment_refunds
    for select to org_admin
    using (true);
drop policy if exists "people read the refunds of payments they may see" on app.payment_refunds;
create policy "people read the refunds of payments they may see" on app.payment_refunds
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, payment_id) in (select p.organization_id, p.id from app.payments as p));
drop policy if exists "super admins read every row" on app.payment_refunds;
create policy "super admins read every row" on app.payment_refunds
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.payment_refunds;
create policy "API keys read their organization" on app.payment_refunds
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.payment_refunds;
create policy "analysts read their organization" on app.payment_refunds
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.payment_refunds to authenticated, org_admin, super_admin, reader, analyst;
