-- Admins see who is proposed for the roster; they decide through functions.
alter table app.roster_proposals enable row level security;
drop policy if exists "members stay inside their organizations" on app.roster_proposals;
create policy "members stay inside their organizations" on app.roster_proposals
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.roster_proposals;
create policy "admins read every row of their organizations" on app.roster_proposals
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.roster_proposals;
create policy "admins of some organizations read their rows" on app.roster_proposals
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.roster_proposals;
create policy "super admins read every row" on app.roster_proposals
    for select to super_admin
    using (true);
grant select on app.roster_proposals to authenticated, org_admin, super_admin;
