-- Admins see every dispute; a payee their own.
alter table app.statement_disputes enable row level security;
drop policy if exists "members stay inside their organizations" on app.statement_disputes;
create policy "members stay inside their organizations" on app.statement_disputes
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.statement_disputes;
create policy "admins read every row of their organizations" on app.statement_disputes
    for select to org_admin
    using (true);
drop policy if exists "payees read their own disputes" on app.statement_disputes;
create policy "payees read their own disputes" on app.statement_disputes
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or payee_id = any ((select auth.own_payee_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.statement_disputes;
create policy "super admins read every row" on app.statement_disputes
    for select to super_admin
    using (true);
grant select on app.statement_disputes to authenticated, org_admin, super_admin;
