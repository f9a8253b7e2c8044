-- Admins see every lead; others the leads of calls they may see and of money credited to them.
alter table app.leads enable row level security;
drop policy if exists "members stay inside their organizations" on app.leads;
create policy "members stay inside their organizations" on app.leads
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.leads;
create policy "admins read every row of their organizations" on app.leads
    for select to org_admin
    using (true);
drop policy if exists "people read the leads of their calls and credits" on app.leads;
create policy "people read the leads of their calls and credits" on app.leads
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, id) in (select e.organization_id, e.lead_id from app.events as e)
        or (organization_id, id) in (select c.organization_id, c.lead_id from auth.credited_leads() as c));
drop policy if exists "super admins read every row" on app.leads;
create policy "super admins read every row" on app.leads
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.leads;
create policy "API keys read their organization" on app.leads
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.leads;
create policy "analysts read their organization" on app.leads
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.leads to authenticated, org_admin, super_admin, reader, analyst;
drop policy if exists "admins add rows" on app.leads;
create policy "admins add rows" on app.leads
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.leads;
create policy "super admins add rows" on app.leads
    for insert to super_admin
    with check (true);
grant insert (full_name, email, phone, source_id, traffic_type_id, current_setter_id, current_setter_name, is_test, ghl_contact_id, hubspot_contact_id, close_lead_id, organization_id, id) on app.leads to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.leads;
create policy "admins change rows" on app.leads
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.leads;
create policy "super admins change rows" on app.leads
    for update to super_admin
    using (true)
    with check (true);
grant update (full_name, email, phone, source_id, traffic_type_id, current_setter_id, current_setter_name, is_test, ghl_contact_id, hubspot_contact_id, close_lead_id, organization_id, id) on app.leads to authenticated, org_admin, super_admin;
