-- Members see the forms; publishing goes through a function.
alter table app.form_configs enable row level security;
drop policy if exists "members stay inside their organizations" on app.form_configs;
create policy "members stay inside their organizations" on app.form_configs
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.form_configs;
create policy "admins read every row of their organizations" on app.form_configs
    for select to org_admin
    using (true);
drop policy if exists "members read every row of their organizations" on app.form_configs;
create policy "members read every row of their organizations" on app.form_configs
    for select to authenticated
    using (true);
drop policy if exists "super admins read every row" on app.form_configs;
create policy "super admins read every row" on app.form_configs
    for select to super_admin
    using (true);
grant select on app.form_configs to authenticated, org_admin, super_admin;
