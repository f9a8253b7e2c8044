-- Only admins see which portal links exist; nobody sees a token.
alter table app.closer_access_tokens enable row level security;
drop policy if exists "members stay inside their organizations" on app.closer_access_tokens;
create policy "members stay inside their organizations" on app.closer_access_tokens
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.closer_access_tokens;
create policy "admins read every row of their organizations" on app.closer_access_tokens
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.closer_access_tokens;
create policy "admins of some organizations read their rows" on app.closer_access_tokens
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.closer_access_tokens;
create policy "super admins read every row" on app.closer_access_tokens
    for select to super_admin
    using (true);
grant select on app.closer_access_tokens to authenticated, org_admin, super_admin;
