-- Who am I, and the four helper questions of old clients.

-- api.me: one row per organization of the caller.
-- Definer: rosters and settings are joined by hand for the caller alone.
create or replace function api.me()
returns table (
    organization_id uuid, name text, role text, closer_id uuid, setter_id uuid, payee_id uuid,
    timezone text, currency text, is_super_admin boolean)
language sql stable security definer set search_path = ''
begin atomic
    select o.id, o.name, m.role, c.id, s.id, p.id, o.timezone, o.currency, auth.is_super_admin()
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
      left join lateral (select c.id from app.closers as c
                          where c.organization_id = o.id and c.profile_id = m.user_id
                          order by c.is_active desc, c.id limit 1) as c on true
      left join lateral (select s.id from app.setters as s
                          where s.organization_id = o.id and s.profile_id = m.user_id
                          order by s.is_active desc, s.id limit 1) as s on true
      left join lateral (select p.id from app.payees as p
                          where p.organization_id = o.id and p.id = any (auth.own_payee_ids())
                          order by p.is_active desc, p.id limit 1) as p on true
     where m.user_id = auth.require_user() and o.deleted_at is null and o.suspended_at is null
    union all
    select null, null, null, null, null, null, null, null, true
     where auth.is_super_admin()
       and not exists (select from app.organization_members as m where m.user_id = auth.uid())
     order by 2, 1;
end;
comment on function api.me() is $$Who the caller is
One row per organization they belong to, with their role and roster entries there. A super admin who belongs to none gets
one row with is_super_admin alone.$$;
grant execute on function api.me() to authenticated, org_admin, super_admin;

-- auth.may_ask_about: may the caller ask what this user may do there? About oneself always, else as admin.
create or replace function auth.may_ask_about(user_id uuid, organization_id uuid) returns boolean
language sql stable security definer set search_path = ''
begin atomic
    select may_ask_about.user_id = auth.require_user() or auth.is_admin_of(may_ask_about.organization_id);
end;

-- api.user_is_org_member: does the user belong to the organization? NULL when the caller may not ask.
create or replace function api.user_is_org_member(user_id uuid, org_id uuid) returns boolean
language sql stable security definer set search_path = ''
begin atomic
    select case when auth.may_ask_about(user_is_org_member.user_id, org_id) then exists (
        select from app.organization_members as m
          join app.organizations as o on o.id = m.organization_id and o.deleted_at is null and o.suspended_at is null
         where m.organization_id = org_id and m.user_id = user_is_org_member.user_id) end;
end;
comment on function api.user_is_org_member(uuid, uuid) is $$Does this user belong to this organization?
About oneself, or asked by an admin of the organization; NULL otherwise.$$;

-- api.user_is_org_admin: is the user owner or admin of the organization? NULL when the caller may not ask.
create or replace function api.user_is_org_admin(user_id uuid, org_id uuid) returns boolean
language sql stable security definer set search_path = ''
begin atomic
    select case when auth.may_ask_about(user_is_org_admin.user_id, org_id) then exists (
        select from app.organization_members as m
          join app.organizations as o on o.id = m.organization_id and o.deleted_at is null and o.suspended_at is null
         where m.organization_id = org_id and m.user_id = user_is_org_admin.user_id and m.role in ('owner', 'admin')) end;
end;
comment on function api.user_is_org_admin(uuid, uuid) is $$Is this user owner or admin of this organization?
About oneself, or asked by an admin of the organization; NULL otherwise.$$;

-- api.get_user_organization_ids: organizations of the user, as far as the caller may know: all of one's own, those one
-- administers of somebody else's.
create or replace function api.get_user_organization_ids(user_id uuid) returns setof uuid
language sql stable security definer set search_path = ''
begin atomic
    select m.organization_id
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
     where m.user_id = get_user_organization_ids.user_id and o.deleted_at is null and o.suspended_at is null
       and auth.may_ask_about(m.user_id, m.organization_id)
     order by 1;
end;
comment on function api.get_user_organization_ids(uuid) is $$Organizations of this user
All of one's own; of somebody else those the caller administers.$$;

-- api.is_super_admin: is the user a super admin? About oneself, or asked by a super admin; NULL otherwise.
create or replace function api.is_super_admin(user_id uuid) returns boolean
language sql stable security definer set search_path = ''
begin atomic
    select case when is_super_admin.user_id = auth.require_user() or auth.is_super_admin()
                then auth.has_platform_power(is_super_admin.user_id) end;
end;
comment on function api.is_super_admin(uuid) is $$Is this user a super admin?
About oneself, or asked by a super admin; NULL otherwise.$$;

grant usage on schema api to anon, authenticated, org_admin, super_admin;
grant usage on schema analytics to authenticated, org_admin, super_admin, reader, analyst;
grant execute on function
    api.user_is_org_member(uuid, uuid), api.user_is_org_admin(uuid, uuid), api.get_user_organization_ids(uuid),
    api.is_super_admin(uuid)
    to authenticated, org_admin, super_admin;
