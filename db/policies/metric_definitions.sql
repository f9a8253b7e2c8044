-- Members see the organization's own metrics.
alter table app.metric_definitions enable row level security;
drop policy if exists "members stay inside their organizations" on app.metric_definitions;
create policy "members stay inside their organizations" on app.metric_definitions
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.metric_definitions;
create policy "admins read every row of their organizations" on app.metric_definitions
    for select to org_admin
    using (true);
drop policy if exists "members read every row of their organizations" on app.metric_definitions;
create policy "members read every row of their organizations" on app.metric_definitions
    for select to authenticated
    using (true);
drop policy if exists "super admins read every row" on app.metric_definitions;
create policy "super admins read every row" on app.metric_definitions
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.metric_definitions;
create policy "API keys read their organization" on app.metric_definitions
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.metric_definitions;
create policy "analysts read their organization" on app.metric_definitions
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.metric_definitions to authenticated, org_admin, super_admin, reader, analyst;
