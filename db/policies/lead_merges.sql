-- Only admins see which leads were merged; functions alone write it.
alter table app.lead_merges enable row level security;
drop policy if exists "members stay inside their organizations" on app.lead_merges;
create policy "members stay inside their organizations" on app.lead_merges
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.lead_merges;
create policy "admins read every row of their organizations" on app.lead_merges
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.lead_merges;
create policy "admins of some organizations read their rows" on app.lead_merges
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.lead_merges;
create policy "super admins read every row" on app.lead_merges
    for select to super_admin
    using (true);
grant select on app.lead_merges to authenticated, org_admin, super_admin;
