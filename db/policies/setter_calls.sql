-- Admins see every setter's calls; a setter their own.
alter table app.setter_calls enable row level security;
drop policy if exists "members stay inside their organizations" on app.setter_calls;
create policy "members stay inside their organizations" on app.setter_calls
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.setter_calls;
create policy "admins read every row of their organizations" on app.setter_calls
    for select to org_admin
    using (true);
drop policy if exists "setters read their own dials" on app.setter_calls;
create policy "setters read their own dials" on app.setter_calls
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or setter_id = any ((select auth.own_setter_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.setter_calls;
create policy "super admins read every row" on app.setter_calls
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.setter_calls;
create policy "API keys read their organization" on app.setter_calls
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.setter_calls;
create policy "analysts read their organization" on app.setter_calls
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.setter_calls to authenticated, org_admin, super_admin, reader, analyst;
