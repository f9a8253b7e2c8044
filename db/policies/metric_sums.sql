-- Read through functions, and by the daily views of analysts for who sees every row of an organization.
alter table app.metric_sums enable row level security;
drop policy if exists "members stay inside their organizations" on app.metric_sums;
create policy "members stay inside their organizations" on app.metric_sums
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.metric_sums;
create policy "admins read every row of their organizations" on app.metric_sums
    for select to org_admin
    using (true);
drop policy if exists "those who are admins somewhere read the sums of there" on app.metric_sums;
create policy "those who are admins somewhere read the sums of there" on app.metric_sums
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.metric_sums;
create policy "super admins read every row" on app.metric_sums
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.metric_sums;
create policy "API keys read their organization" on app.metric_sums
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.metric_sums;
create policy "analysts read their organization" on app.metric_sums
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.metric_sums to authenticated, org_admin, super_admin, reader, analyst;
