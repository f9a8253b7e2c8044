-- People read and change their own profile; admins read the profiles of people they share an organization with.
alter table app.profiles enable row level security;
drop policy if exists "people read their own profile and admins their colleagues" on app.profiles;
create policy "people read their own profile and admins their colleagues" on app.profiles
    for select to authenticated, org_admin
    using (user_id = (select auth.uid()) or user_id = any ((select auth.colleague_user_ids())::uuid[]));
drop policy if exists "super admins read every row" on app.profiles;
create policy "super admins read every row" on app.profiles
    for select to super_admin
    using (true);
drop policy if exists "people change their own profile" on app.profiles;
create policy "people change their own profile" on app.profiles
    for update to authenticated, org_admin, super_admin
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));
grant select on app.profiles to authenticated, org_admin, super_admin;
grant update (full_name, avatar_url, timezone) on app.profiles to authenticated, org_admin, super_admin;
-- Checks of the table run as whoever writes.
grant execute on function app.is_timezone(text) to authenticated, org_admin, super_admin;
