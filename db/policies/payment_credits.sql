-- Admins see every credit; people their own.
alter table app.payment_credits enable row level security;
drop policy if exists "members stay inside their organizations" on app.payment_credits;
create policy "members stay inside their organizations" on app.payment_credits
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payment_credits;
create policy "admins read every row of their organizations" on app.payment_credits
    for select to org_admin
    using (true);
drop policy if exists "people read their own credits" on app.payment_credits;
create policy "people read their own credits" on app.payment_credits
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or closer_id = any ((select auth.own_closer_ids())::uuid[])
        or setter_id = any ((select auth.own_setter_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.payment_credits;
create policy "super admins read every row" on app.payment_credits
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.payment_credits;
create policy "API keys read their organization" on app.payment_credits
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.payment_credits;
create policy "analysts read their organization" on app.payment_credits
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.payment_credits to authenticated, org_admin, super_admin, reader, analyst;
