-- Schedules are seen by whoever sees the deal.
alter table app.deal_installments enable row level security;
drop policy if exists "members stay inside their organizations" on app.deal_installments;
create policy "members stay inside their organizations" on app.deal_installments
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.deal_installments;
create policy "admins read every row of their organizations" on app.deal_installments
    for select to org_admin
    using (true);
drop policy if exists "people read the schedules of deals they may see" on app.deal_installments;
create policy "people read the schedules of deals they may see" on app.deal_installments
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or (organization_id, deal_id) in (select d.organization_id, d.id from app.deals as d));
drop policy if exists "super admins read every row" on app.deal_installments;
create policy "super admins read every row" on app.deal_installments
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.deal_installments;
create policy "API keys read their organization" on app.deal_installments
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.deal_installments;
create policy "analysts read their organization" on app.deal_installments
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.deal_installments to authenticated, org_admin, super_admin, reader, analyst;
