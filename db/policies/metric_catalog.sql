-- The definitions of metrics are the same for everybody who is signed in.
alter table app.metric_catalog enable row level security;
drop policy if exists "everybody signed in reads the catalog" on app.metric_catalog;
create policy "everybody signed in reads the catalog" on app.metric_catalog
    for select to authenticated, org_admin, super_admin, reader, analyst
    using (true);
grant select on app.metric_catalog to authenticated, org_admin, super_admin, reader, analyst;
