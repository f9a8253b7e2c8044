-- Admins see every setter's activity; a setter their own.
alter table app.setter_activities enable row level security;
drop policy if exists "members stay inside their organizations" on app.setter_activities;
create policy "members stay inside their organizations" on app.setter_activities
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.setter_activities;
create policy "admins read every row of their organizations" on app.setter_activities
    for select to org_admin
    using (true);
drop policy if exists "setters read their own activity" on app.setter_activities;
create policy "setters read their own activity" on app.setter_activities
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or setter_id = any ((select auth.own_setter_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.setter_activities;
create policy "super admins read every row" on app.setter_activities
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.setter_activities;
create policy "API keys read their organization" on app.setter_activities
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.setter_activities;
create policy "analysts read their organization" on app.setter_activities
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.setter_activities to authenticated, org_admin, super_admin, reader, analyst;
