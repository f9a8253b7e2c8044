-- Touches are seen by whoever sees the lead.
alter table app.lead_touches enable row level security;
drop policy if exists "members stay inside their organizations" on app.lead_touches;
create policy "members stay inside their organizations" on app.lead_touches
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.lead_touches;
create policy "admins read every row of their organizations" on app.lead_touches
    for select to org_admin
    using (true);
drop policy if exists "people read what belongs to leads they may see" on app.lead_touches;
create policy "people read what belongs to leads they may see" on app.lead_touches
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, lead_id) in (select l.organization_id, l.id from app.leads as l));
drop policy if exists "super admins read every row" on app.lead_touches;
create policy "super admins read every row" on app.lead_touches
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.lead_touches;
create policy "API keys read their organization" on app.lead_touches
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.lead_touches;
create policy "analysts read their organization" on app.lead_touches
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.lead_touches to authenticated, org_admin, super_admin, reader, analyst;
