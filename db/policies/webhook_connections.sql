-- Only admins see connections, and nobody their secrets.
alter table app.webhook_connections enable row level security;
drop policy if exists "members stay inside their organizations" on app.webhook_connections;
create policy "members stay inside their organizations" on app.webhook_connections
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.webhook_connections;
create policy "admins read every row of their organizations" on app.webhook_connections
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.webhook_connections;
create policy "admins of some organizations read their rows" on app.webhook_connections
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.webhook_connections;
create policy "super admins read every row" on app.webhook_connections
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.webhook_connections;
create policy "API keys read their organization" on app.webhook_connections
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.webhook_connections;
create policy "analysts read their organization" on app.webhook_connections
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.webhook_connections to authenticated, org_admin, super_admin;
-- Where data comes from, and since when it is known: the columns of analytics.data_freshness, and nothing sealed.
grant select (organization_id, id, name, connection_type, is_active, deleted_at, last_webhook_at, webhook_count)
    on app.webhook_connections to reader, analyst;
