-- Admins see every exception; closers and setters their own open outcomes.
alter table app.exceptions enable row level security;
drop policy if exists "members stay inside their organizations" on app.exceptions;
create policy "members stay inside their organizations" on app.exceptions
    as restrictive for all to authenticated, org_admin
    using (organization_id = any ((select auth.member_organization_ids())::uuid[]));
drop policy if exists "admins read every row of their organizations" on app.exceptions;
create policy "admins read every row of their organizations" on app.exceptions
    for select to org_admin
    using (true);
drop policy if exists "people read their own open outcomes" on app.exceptions;
create policy "people read their own open outcomes" on app.exceptions
    for select to authenticated
    using (organization_id = any ((select auth.admin_organization_ids())::uuid[])
        or check_name = 'open_outcome' and state = 'open'
           and (closer_id = any ((select auth.own_closer_ids())::uuid[]) or setter_id = any ((select auth.own_setter_ids())::uuid[])));
drop policy if exists "super admins read every row" on app.exceptions;
create policy "super admins read every row" on app.exceptions
    for select to super_admin
    using (true);
grant select on app.exceptions to authenticated, org_admin, super_admin;
