-- Only admins see how far the sources of their organization have been read; only functions write it.
alter table app.sync_cursors enable row level security;
drop policy if exists "members stay inside their organizations" on app.sync_cursors;
create policy "members stay inside their organizations" on app.sync_cursors
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.sync_cursors;
create policy "admins read every row of their organizations" on app.sync_cursors
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.sync_cursors;
create policy "admins of some organizations read their rows" on app.sync_cursors
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.sync_cursors;
create policy "super admins read every row" on app.sync_cursors
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.sync_cursors;
create policy "API keys read their organization" on app.sync_cursors
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.sync_cursors;
create policy "analysts read their organization" on app.sync_cursors
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.sync_cursors to authenticated, org_admin, super_admin;
-- The columns of analytics.data_freshness; where a platform goes on reading is nobody's business but the worker's.
grant select (organization_id, id, source, subject, synced_through) on app.sync_cursors to reader, analyst;
