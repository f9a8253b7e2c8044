-- Admins see every deal; closers the deals they have credit in.
alter table app.deals enable row level security;
drop policy if exists "members stay inside their organizations" on app.deals;
create policy "members stay inside their organizations" on app.deals
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.deals;
create policy "admins read every row of their organizations" on app.deals
    for select to org_admin
    using (true);
drop policy if exists "closers read the deals they have credit in" on app.deals;
create policy "closers read the deals they have credit in" on app.deals
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or closer_id = any ((select auth.own_closer_ids())::uuid[])
        or (organization_id, id) in (select p.organization_id, p.deal_id from app.payments as p));
drop policy if exists "super admins read every row" on app.deals;
create policy "super admins read every row" on app.deals
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.deals;
create policy "API keys read their organization" on app.deals
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.deals;
create policy "analysts read their organization" on app.deals
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.deals to authenticated, org_admin, super_admin, reader, analyst;
