-- Members see source rules; admins change them.
alter table app.source_rules enable row level security;
drop policy if exists "members stay inside their organizations" on app.source_rules;
create policy "members stay inside their organizations" on app.source_rules
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.source_rules;
create policy "admins read every row of their organizations" on app.source_rules
    for select to org_admin
    using (true);
drop policy if exists "members read every row of their organizations" on app.source_rules;
create policy "members read every row of their organizations" on app.source_rules
    for select to authenticated
    using (true);
drop policy if exists "super admins read every row" on app.source_rules;
create policy "super admins read every row" on app.source_rules
    for select to super_admin
    using (true);
grant select on app.source_rules to authenticated, org_admin, super_admin;
drop policy if exists "admins add rows" on app.source_rules;
create policy "admins add rows" on app.source_rules
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.source_rules;
create policy "super admins add rows" on app.source_rules
    for insert to super_admin
    with check (true);
grant insert on app.source_rules to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.source_rules;
create policy "admins change rows" on app.source_rules
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.source_rules;
create policy "super admins change rows" on app.source_rules
    for update to super_admin
    using (true)
    with check (true);
grant update on app.source_rules to authenticated, org_admin, super_admin;
drop policy if exists "admins remove rows" on app.source_rules;
create policy "admins remove rows" on app.source_rules
    for delete to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins remove rows" on app.source_rules;
create policy "super admins remove rows" on app.source_rules
    for delete to super_admin
    using (true);
grant delete on app.source_rules to authenticated, org_admin, super_admin;
