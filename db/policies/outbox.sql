-- Only admins see what their organization sends, and nobody the sealed columns.
alter table app.outbox enable row level security;
drop policy if exists "members stay inside their organizations" on app.outbox;
create policy "members stay inside their organizations" on app.outbox
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.outbox;
create policy "admins read every row of their organizations" on app.outbox
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.outbox;
create policy "admins of some organizations read their rows" on app.outbox
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.outbox;
create policy "super admins read every row" on app.outbox
    for select to super_admin
    using (true);
grant select (
    organization_id, id, kind, payload, dedupe_key, state, attempts, next_attempt_at, sent_at, transport, error,
    created_at, updated_at
) on app.outbox to authenticated, org_admin, super_admin;
