-- Admins see every payment; closers the payments credited to them.
alter table app.payments enable row level security;
drop policy if exists "members stay inside their organizations" on app.payments;
create policy "members stay inside their organizations" on app.payments
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payments;
create policy "admins read every row of their organizations" on app.payments
    for select to org_admin
    using (true);
drop policy if exists "closers read the payments credited to them" on app.payments;
create policy "closers read the payments credited to them" on app.payments
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, id) in (
            select c.organization_id, c.payment_id from app.payment_credits as c where c.closer_id = any ((select auth.own_closer_ids())::uuid[])));
drop policy if exists "super admins read every row" on app.payments;
create policy "super admins read every row" on app.payments
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.payments;
create policy "API keys read their organization" on app.payments
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.payments;
create policy "analysts read their organization" on app.payments
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.payments to authenticated, org_admin, super_admin, reader, analyst;
