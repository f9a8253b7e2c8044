-- Only admins see payout reports as a whole.
alter table app.payout_snapshots enable row level security;
drop policy if exists "members stay inside their organizations" on app.payout_snapshots;
create policy "members stay inside their organizations" on app.payout_snapshots
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.payout_snapshots;
create policy "admins read every row of their organizations" on app.payout_snapshots
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.payout_snapshots;
create policy "admins of some organizations read their rows" on app.payout_snapshots
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.payout_snapshots;
create policy "super admins read every row" on app.payout_snapshots
    for select to super_admin
    using (true);
grant select on app.payout_snapshots to authenticated, org_admin, super_admin;
