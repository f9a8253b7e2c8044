-- Only admins see and enter exchange rates.
alter table app.fx_rates enable row level security;
drop policy if exists "members stay inside their organizations" on app.fx_rates;
create policy "members stay inside their organizations" on app.fx_rates
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.fx_rates;
create policy "admins read every row of their organizations" on app.fx_rates
    for select to org_admin
    using (true);
drop policy if exists "admins of some organizations read their rows" on app.fx_rates;
create policy "admins of some organizations read their rows" on app.fx_rates
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.fx_rates;
create policy "super admins read every row" on app.fx_rates
    for select to super_admin
    using (true);
grant select on app.fx_rates to authenticated, org_admin, super_admin;
drop policy if exists "admins add rows" on app.fx_rates;
create policy "admins add rows" on app.fx_rates
    for insert to authenticated, org_admin
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins add rows" on app.fx_rates;
create policy "super admins add rows" on app.fx_rates
    for insert to super_admin
    with check (true);
grant insert on app.fx_rates to authenticated, org_admin, super_admin;
drop policy if exists "admins change rows" on app.fx_rates;
create policy "admins change rows" on app.fx_rates
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.fx_rates;
create policy "super admins change rows" on app.fx_rates
    for update to super_admin
    using (true)
    with check (true);
grant update on app.fx_rates to authenticated, org_admin, super_admin;
drop policy if exists "admins remove rows" on app.fx_rates;
create policy "admins remove rows" on app.fx_rates
    for delete to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins remove rows" on app.fx_rates;
create policy "super admins remove rows" on app.fx_rates
    for delete to super_admin
    using (true);
grant delete on app.fx_rates to authenticated, org_admin, super_admin;
-- Checks of the table run as whoever writes.
grant execute on function app.currency_exponent(text) to authenticated, org_admin, super_admin, reader, analyst;
