-- People keep their own layouts and see their organization's default, which admins keep.
alter table app.dashboard_layouts enable row level security;
drop policy if exists "members stay inside their organizations" on app.dashboard_layouts;
create policy "members stay inside their organizations" on app.dashboard_layouts
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "people read their own layouts and the default" on app.dashboard_layouts;
create policy "people read their own layouts and the default" on app.dashboard_layouts
    for select to authenticated, org_admin, super_admin
    using (user_id = (select auth.uid()) or user_id is null);
drop policy if exists "people keep their own layouts" on app.dashboard_layouts;
drop policy if exists "admins keep the default layout" on app.dashboard_layouts;
drop policy if exists "super admins keep every default layout" on app.dashboard_layouts;
drop policy if exists "people add their own layouts and admins the default" on app.dashboard_layouts;
create policy "people add their own layouts and admins the default" on app.dashboard_layouts
    for insert to authenticated, org_admin
    with check (user_id = (select auth.uid())
        or user_id is null and organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "people change their own layouts and admins the default" on app.dashboard_layouts;
create policy "people change their own layouts and admins the default" on app.dashboard_layouts
    for update to authenticated, org_admin
    using (user_id = (select auth.uid())
        or user_id is null and organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (user_id = (select auth.uid())
        or user_id is null and organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "people remove their own layouts and admins the default" on app.dashboard_layouts;
create policy "people remove their own layouts and admins the default" on app.dashboard_layouts
    for delete to authenticated, org_admin
    using (user_id = (select auth.uid())
        or user_id is null and organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add their own layouts and any default" on app.dashboard_layouts;
create policy "super admins add their own layouts and any default" on app.dashboard_layouts
    for insert to super_admin
    with check (user_id = (select auth.uid()) or user_id is null);
drop policy if exists "super admins change their own layouts and any default" on app.dashboard_layouts;
create policy "super admins change their own layouts and any default" on app.dashboard_layouts
    for update to super_admin
    using (user_id = (select auth.uid()) or user_id is null)
    with check (user_id = (select auth.uid()) or user_id is null);
drop policy if exists "super admins remove their own layouts and any default" on app.dashboard_layouts;
create policy "super admins remove their own layouts and any default" on app.dashboard_layouts
    for delete to super_admin
    using (user_id = (select auth.uid()) or user_id is null);
grant select, insert, update, delete on app.dashboard_layouts to authenticated, org_admin, super_admin;
