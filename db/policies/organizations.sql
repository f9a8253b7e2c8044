-- Members read their organizations; changes go through functions.
alter table app.organizations enable row level security;
drop policy if exists "members read their organizations" on app.organizations;
create policy "members read their organizations" on app.organizations
    for select to authenticated, org_admin
    using (id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.organizations;
create policy "super admins read every row" on app.organizations
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.organizations;
create policy "API keys read their organization" on app.organizations
    for select to reader
    using (id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.organizations;
create policy "analysts read their organization" on app.organizations
    for select to analyst
    using (id = (select auth.analyst_organization_id()));
grant select on app.organizations to authenticated, org_admin, super_admin, reader, analyst;
