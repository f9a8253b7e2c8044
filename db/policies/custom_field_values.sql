-- Values are seen by whoever sees the record they belong to; those of a closer or setter by that person and admins,
-- as the private columns of the roster. The doors look one record up by its key: a list of fifty records asks them fifty times.
alter table app.custom_field_values enable row level security;
drop policy if exists "members stay inside their organizations" on app.custom_field_values;
create policy "members stay inside their organizations" on app.custom_field_values
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.custom_field_values;
create policy "admins read every row of their organizations" on app.custom_field_values
    for select to org_admin
    using (true);
drop policy if exists "people read the values of records they may see" on app.custom_field_values;
create policy "people read the values of records they may see" on app.custom_field_values
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or closer_id = any ((select auth.own_closer_ids())::uuid[])
        or setter_id = any ((select auth.own_setter_ids())::uuid[])
        or exists (select from app.events as e
                    where e.organization_id = custom_field_values.organization_id and e.id = custom_field_values.event_id)
        or exists (select from app.events as e
                    where e.organization_id = custom_field_values.organization_id and e.lead_id = custom_field_values.lead_id)
        or exists (select from app.payment_credits as c
                    where c.organization_id = custom_field_values.organization_id and c.payment_id = custom_field_values.payment_id
                      and c.closer_id = any ((select auth.own_closer_ids())::uuid[]))
        or (organization_id, lead_id) in (select c.organization_id, c.lead_id from auth.credited_leads() as c));
drop policy if exists "super admins read every row" on app.custom_field_values;
create policy "super admins read every row" on app.custom_field_values
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.custom_field_values;
create policy "API keys read their organization" on app.custom_field_values
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.custom_field_values;
create policy "analysts read their organization" on app.custom_field_values
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.custom_field_values to authenticated, org_admin, super_admin, reader, analyst;
drop policy if exists "admins add rows" on app.custom_field_values;
create policy "admins add rows" on app.custom_field_values
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.custom_field_values;
create policy "super admins add rows" on app.custom_field_values
    for insert to super_admin
    with check (true);
grant insert on app.custom_field_values to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.custom_field_values;
create policy "admins change rows" on app.custom_field_values
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.custom_field_values;
create policy "super admins change rows" on app.custom_field_values
    for update to super_admin
    using (true)
    with check (true);
grant update on app.custom_field_values to authenticated, org_admin, super_admin;
drop policy if exists "admins remove rows" on app.custom_field_values;
create policy "admins remove rows" on app.custom_field_values
    for delete to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins remove rows" on app.custom_field_values;
create policy "super admins remove rows" on app.custom_field_values
    for delete to super_admin
    using (true);
grant delete on app.custom_field_values to authenticated, org_admin, super_admin;
