-- Admins see every form; closers the forms of their own calls.
alter table app.post_call_forms enable row level security;
drop policy if exists "members stay inside their organizations" on app.post_call_forms;
create policy "members stay inside their organizations" on app.post_call_forms
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.post_call_forms;
create policy "admins read every row of their organizations" on app.post_call_forms
    for select to org_admin
    using (true);
drop policy if exists "closers read the forms of their own calls" on app.post_call_forms;
create policy "closers read the forms of their own calls" on app.post_call_forms
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or closer_id = any ((select auth.own_closer_ids())::uuid[])
        or (organization_id, event_id) in (
            select e.organization_id, e.id from app.events as e
             where e.closer_id = any ((select auth.own_closer_ids())::uuid[]) or e.credited_closer_id = any ((select auth.own_closer_ids())::uuid[])));
drop policy if exists "super admins read every row" on app.post_call_forms;
create policy "super admins read every row" on app.post_call_forms
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.post_call_forms;
create policy "API keys read their organization" on app.post_call_forms
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.post_call_forms;
create policy "analysts read their organization" on app.post_call_forms
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.post_call_forms to authenticated, org_admin, super_admin, reader, analyst;
