-- Admins see every call; closers the calls they are booked for or took; setters the calls they set.
alter table app.events enable row level security;
drop policy if exists "members stay inside their organizations" on app.events;
create policy "members stay inside their organizations" on app.events
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.events;
create policy "admins read every row of their organizations" on app.events
    for select to org_admin
    using (true);
drop policy if exists "closers and setters read their own calls" on app.events;
create policy "closers and setters read their own calls" on app.events
    for select to authenticated
    using ((select auth.own_roster_ids() || auth.admin_organization_ids())::uuid[]
        && array[organization_id, closer_id, credited_closer_id, setter_id, credited_setter_id]);
drop policy if exists "who has one organization reads there" on app.events;
create policy "who has one organization reads there" on app.events
    as restrictive for select to admin_of_one, member_of_one
    using (organization_id = (select auth.only_organization_id()));
drop policy if exists "who is one closer reads between the closers of a row" on app.events;
create policy "who is one closer reads between the closers of a row" on app.events
    as restrictive for select to closer_of_one
    using (least(closer_id, credited_closer_id) <= (select auth.only_closer_id())
        and greatest(closer_id, credited_closer_id) >= (select auth.only_closer_id()));
-- The same door, told the planner as one through which half of the rows come, not one in a hundred: so it walks them in their order.
drop policy if exists "who is one closer reads their own calls" on app.events;
create policy "who is one closer reads their own calls" on app.events
    for select to closer_of_one
    using (coalesce((select auth.own_closer_ids())::uuid[] && array[closer_id, credited_closer_id], false));
drop policy if exists "super admins read every row" on app.events;
create policy "super admins read every row" on app.events
    for select to super_admin
    using (true);
drop policy if exists "API keys read their organization" on app.events;
create policy "API keys read their organization" on app.events
    for select to reader
    using (organization_id = (select auth.reader_organization_id()));
drop policy if exists "analysts read their organization" on app.events;
create policy "analysts read their organization" on app.events
    for select to analyst
    using (organization_id = (select auth.analyst_organization_id()));
grant select on app.events to authenticated, org_admin, super_admin, reader, analyst;
drop policy if exists "admins change rows" on app.events;
create policy "admins change rows" on app.events
    for update to authenticated, org_admin
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[]))
    with check (organization_id = any ((select auth.admin_organization_ids())::uuid[]));
drop policy if exists "super admins change rows" on app.events;
create policy "super admins change rows" on app.events
    for update to super_admin
    using (true)
    with check (true);
grant update (notes, closer_id, setter_id, source_id, traffic_type_id, call_type_id) on app.events to authenticated, org_admin, super_admin;
