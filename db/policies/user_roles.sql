-- People see their own platform roles; super admins all.
alter table app.user_roles enable row level security;
drop policy if exists "people read their own roles" on app.user_roles;
create policy "people read their own roles" on app.user_roles
    for select to authenticated, org_admin
    using (user_id = (select auth.uid()));
drop policy if exists "super admins read every row" on app.user_roles;
create policy "super admins read every row" on app.user_roles
    for select to super_admin
    using (true);
grant select on app.user_roles to authenticated, org_admin, super_admin;
