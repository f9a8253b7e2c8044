-- Who is asking, and what they may reach. Every policy and every api function rests on these.
-- Definers: they read memberships and rosters, which the asking roles may not read freely. Each answers only about the caller.

-- auth.claims: the verified claims of the request's token; an empty object outside a request.
create or replace function auth.claims() returns jsonb
language sql stable parallel safe
return coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb);

-- auth.claim: one claim as text.
create or replace function auth.claim(name text) returns text
language sql stable parallel safe
return auth.claims() ->> name;

-- auth.uid: the user of the request, NULL for anonymous requests and keys.
create or replace function auth.uid() returns uuid
language sql stable parallel safe
return nullif(auth.claims() ->> 'sub', '')::uuid;

-- auth.member_organization_ids: living organizations the caller belongs to.
create or replace function auth.member_organization_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(m.organization_id), '{}')
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
     where m.user_id = auth.uid() and o.deleted_at is null and o.suspended_at is null;
end;

-- auth.admin_organization_ids: living organizations in which the caller is owner or admin.
create or replace function auth.admin_organization_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(m.organization_id), '{}')
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
     where m.user_id = auth.uid() and m.role in ('owner', 'admin')
       and o.deleted_at is null and o.suspended_at is null;
end;

-- auth.colleague_user_ids: users of organizations in which the caller is owner or admin.
create or replace function auth.colleague_user_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(distinct m.user_id), '{}')
      from app.organization_members as m
     where m.organization_id = any (auth.admin_organization_ids());
end;

-- auth.own_closer_ids: roster entries as closer, in the organizations the caller still belongs to.
create or replace function auth.own_closer_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(c.id), '{}')
      from app.closers as c
     where c.profile_id = auth.uid() and c.organization_id = any (auth.member_organization_ids());
end;

-- auth.own_setter_ids: roster entries as setter, in the organizations the caller still belongs to.
create or replace function auth.own_setter_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(s.id), '{}')
      from app.setters as s
     where s.profile_id = auth.uid() and s.organization_id = any (auth.member_organization_ids());
end;

-- auth.own_payee_ids: the payees the caller is, directly or through a roster entry.
create or replace function auth.own_payee_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(distinct p.id), '{}')
      from app.payees as p
     where p.organization_id = any (auth.member_organization_ids())
       and (p.profile_id = auth.uid()
            or exists (select from app.closers as c where c.organization_id = p.organization_id
                          and c.payee_id = p.id and c.profile_id = auth.uid())
            or exists (select from app.setters as s where s.organization_id = p.organization_id
                          and s.payee_id = p.id and s.profile_id = auth.uid()));
end;

-- auth.own_roster_ids: the caller's roster entries, as closer and as setter.
create or replace function auth.own_roster_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(r.id), '{}')
      from (select c.id from app.closers as c
             where c.profile_id = auth.uid() and c.organization_id = any (auth.member_organization_ids())
            union all
            select s.id from app.setters as s
             where s.profile_id = auth.uid() and s.organization_id = any (auth.member_organization_ids())) as r;
end;

-- auth.credited_leads: leads with a payment of which a credit is the caller's.
create or replace function auth.credited_leads() returns table (organization_id uuid, lead_id uuid)
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select distinct p.organization_id, p.lead_id
      from app.payment_credits as c
      join app.payments as p on p.organization_id = c.organization_id and p.id = c.payment_id
     where c.organization_id = any (auth.member_organization_ids()) and p.lead_id is not null
       and (c.closer_id = any (auth.own_closer_ids()) or c.setter_id = any (auth.own_setter_ids()));
end;

-- auth.locked_snapshot_ids: payout snapshots that payees may see lines of.
create or replace function auth.locked_snapshot_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(s.id), '{}')
      from app.payout_snapshots as s
     where s.organization_id = any (auth.member_organization_ids()) and s.state in ('locked', 'paid');
end;

-- auth.reader_organization_id: the organization of the API key of the request.
create or replace function auth.reader_organization_id() returns uuid
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select k.organization_id
      from app.api_keys as k
      join app.organizations as o on o.id = k.organization_id
     where k.id = nullif(auth.claim('key_id'), '')::uuid and k.revoked_at is null
       and k.organization_id = nullif(auth.claim('organization_id'), '')::uuid
       and o.deleted_at is null and o.suspended_at is null;
end;

-- auth.analyst_organization_id: the organization of the database login itself; no setting can change it.
create or replace function auth.analyst_organization_id() returns uuid
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select l.organization_id
      from app.analyst_logins as l
      join app.organizations as o on o.id = l.organization_id
     where l.login_name = session_user and l.revoked_at is null
       and o.deleted_at is null and o.suspended_at is null;
end;

-- auth.has_platform_power: is this user a living super admin?
create or replace function auth.has_platform_power(user_id uuid) returns boolean
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select exists (
        select from app.user_roles as r
          join auth.users as u on u.id = r.user_id
         where r.user_id = has_platform_power.user_id and r.role = 'super_admin'
           and u.deleted_at is null and u.disabled_at is null);
end;

-- auth.is_super_admin: is the caller a living super admin?
create or replace function auth.is_super_admin() returns boolean
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select auth.has_platform_power(auth.uid());
end;

-- auth.database_role: the role a token of this user must carry now; NULL for nobody.
-- super_admin by platform role; org_admin for who is owner or admin wherever they belong; authenticated for everybody else.
create or replace function auth.database_role(user_id uuid) returns text
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select case
        when auth.has_platform_power(u.id) then 'super_admin'
        when (select bool_and(m.role in ('owner', 'admin')) from app.organization_members as m where m.user_id = u.id)
            then 'org_admin'
        else 'authenticated'
    end
      from auth.users as u
     where u.id = database_role.user_id and u.deleted_at is null and u.disabled_at is null;
end;

-- auth.announce_access: tell the worker that a super admin or an API key is asking. A reading request may not write, so
-- the worker does; whoever may notify cannot forge it, for only a living session or key that is named is believed. The channel's
-- name is a secret: whoever has a login of the database, an analyst for one, may listen to every channel they know of.
create or replace function auth.announce_access(kind text, id text) returns void
language sql stable set search_path = '' as $$
    select pg_catalog.pg_notify(c.channel, pg_catalog.json_build_object(
               'id', gen_random_uuid(), announce_access.kind, announce_access.id, 'organization_id', auth.claim('organization_id'),
               'path', left(current_setting('request.path', true), 500),
               'method', current_setting('request.method', true))::text)
      from app.announcement_channels as c where c.purpose = 'platform_access';
$$;

-- auth.refuse_outcast: PT403 for somebody all of whose organizations are suspended or deleted. Whoever belongs to none at
-- all passes: they may yet be invited. Written as plans that a connection keeps, since every request asks.
create or replace function auth.refuse_outcast(user_id uuid) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organizations text;
begin
    if exists (select from app.organization_members as m
                 join app.organizations as o on o.id = m.organization_id
                where m.user_id = refuse_outcast.user_id and o.deleted_at is null and o.suspended_at is null) then
        return;
    end if;
    select string_agg(format('%s is %s.', o.name, case when o.deleted_at is not null then 'deleted' else 'suspended' end), ' '
                      order by o.name)
      into v_organizations
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
     where m.user_id = refuse_outcast.user_id;
    if v_organizations is not null then
        raise exception using errcode = 'PT403', message = 'Your organization is not in use.', detail = v_organizations,
            hint = 'Ask whoever runs the platform.';
    end if;
end;
$$;

-- auth.take_reader_place: one of the four requests that the keys of an organization may have under way at once, until the
-- transaction ends; PT429 when none is free. Keys ask what takes long, and all requests share PostgREST's ten connections.
-- A lock and no row, since a reading transaction writes nothing. Analysts may take none (salesdash/postgres/bootstrap.py); on a server
-- that lets them the worker ends their sessions, and nothing but keys of an organization waits for it.
create or replace function auth.take_reader_place(organization_id uuid) returns void
language plpgsql stable set search_path = '' as $$
begin
    for v_place in 1 .. 4 loop
        if pg_catalog.pg_try_advisory_xact_lock(
               pg_catalog.hashtextextended(take_reader_place.organization_id::text || ' reads ', v_place)) then
            return;
        end if;
    end loop;
    raise exception using errcode = 'PT429', message = 'The keys of this organization ask too much at once.',
        detail = 'Four requests may be under way at the same time.', hint = 'Try again when one of the others has ended.';
end;
$$;

-- auth.check_request: is the token of this request worth what it says?
-- Guarantees: every token but the anonymous one names a living session (or key) of its subject and carries exactly the
--             role the database would grant now, so sign-out and loss of power act on the next request, and so does the
--             suspension of the caller's only organization. It never writes.
create or replace function auth.check_request() returns void
language plpgsql stable security definer set search_path = '' as $$
declare
    v_claims constant jsonb := auth.claims();
    v_role   constant text := current_setting('role', true);
    v_user   uuid;
begin
    if v_role = 'anon' then
        return;
    elsif v_role = 'reader' then
        if auth.reader_organization_id() is null then
            raise exception using errcode = 'PT401', message = 'This key has been revoked.',
                hint = 'Ask an admin of the organization for a new key.';
        end if;
        perform auth.take_reader_place((v_claims ->> 'organization_id')::uuid);
        perform auth.announce_access('key_id', v_claims ->> 'key_id')
          from app.api_keys as k
         where k.organization_id = (v_claims ->> 'organization_id')::uuid and k.id = (v_claims ->> 'key_id')::uuid
           and k.last_used_at > now() - interval '1 minute'
        having count(*) = 0;
        return;
    end if;

    select s.user_id into v_user
      from auth.sessions as s
     where s.id = nullif(v_claims ->> 'session_id', '')::uuid
       and s.user_id = nullif(v_claims ->> 'sub', '')::uuid
       and s.revoked_at is null and s.expires_at > now();
    if v_user is null then
        raise exception using errcode = 'PT401', message = 'This session has ended.', hint = 'Sign in again.';
    elsif auth.database_role(v_user) is distinct from v_role then
        raise exception using errcode = 'PT401', message = 'Your rights have changed.',
            hint = 'Refresh the session to get a token with your present rights.';
    elsif v_role = 'super_admin' then
        perform auth.announce_access('session_id', v_claims ->> 'session_id');
    else
        perform auth.refuse_outcast(v_user);
    end if;
exception when invalid_text_representation then
    raise exception using errcode = 'PT401', message = 'This token is malformed.', hint = 'Sign in again.';
end;
$$;

-- auth.narrow_role: the role of its own for whoever has one organization, which is most people, and what it is: policies that compare
-- a row with one value find an ordered list by an index, where those that compare with an array read all and sort it
-- (docs/decisions/tenancy.md). role NULL: the token's role says all that is known.
-- Guarantees: the role reads what the token's role reads, and no more.
create or replace function auth.narrow_role(out role text, out organization_id uuid, out closer_id uuid) returns record
language plpgsql stable security definer set search_path = '' as $$
declare
    v_member record;
begin
    if current_setting('role', true) not in ('authenticated', 'org_admin') then
        return;
    end if;
    select (array_agg(m.organization_id))[1] as organization_id, bool_or(m.role in ('owner', 'admin')) as is_admin into v_member
      from app.organization_members as m
      join app.organizations as o on o.id = m.organization_id
     where m.user_id = auth.uid() and o.deleted_at is null and o.suspended_at is null
    having count(*) = 1;
    if not found then
        return;
    end if;
    organization_id := v_member.organization_id;
    role := case current_setting('role', true) when 'org_admin' then 'admin_of_one' else 'member_of_one' end;
    if not v_member.is_admin then
        select (array_agg(r.closer_id))[1] into closer_id
          from (select c.id as closer_id from app.closers as c
                 where c.profile_id = auth.uid() and c.organization_id = v_member.organization_id
                union all
                select null from app.setters as s
                 where s.profile_id = auth.uid() and s.organization_id = v_member.organization_id) as r
        having count(*) = 1;
        if closer_id is not null then
            role := 'closer_of_one';
        end if;
    end if;
end;
$$;

-- auth.admit_request: PostgREST runs this before every request: auth.check_request, and then the caller's narrower role, if any.
-- Invoker:    only the session's own login may change role, which a definer cannot.
-- Guarantees: the settings only take away: whoever forges one sees less.
create or replace function auth.admit_request() returns void
language plpgsql stable set search_path = '' as $$
declare
    v_narrow record;
begin
    perform auth.check_request();
    if current_setting('role', true) in ('authenticated', 'org_admin') then
        v_narrow := auth.narrow_role();
        if v_narrow.role is not null then
            perform set_config('app.only_organization_id', v_narrow.organization_id::text, true),
                    set_config('app.only_closer_id', coalesce(v_narrow.closer_id::text, ''), true),
                    set_config('role', v_narrow.role, true);
        end if;
    end if;
end;
$$;

-- auth.token_role: the role that the token of this request names; the session's own where none does.
create or replace function auth.token_role() returns text
language sql stable parallel safe
return case current_setting('role', true)
    when 'admin_of_one' then 'org_admin'
    when 'member_of_one' then 'authenticated'
    when 'closer_of_one' then 'authenticated'
    else current_setting('role', true)
end;

-- auth.only_organization_id: the organization of a caller who has no other; NULL outside a narrowed role.
create or replace function auth.only_organization_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.only_organization_id', true), '')::uuid;

-- auth.only_closer_id: the roster entry of a caller who is a closer of one organization, and nothing else there.
create or replace function auth.only_closer_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.only_closer_id', true), '')::uuid;

-- auth.require_user: the signed-in user, or PT401.
create or replace function auth.require_user() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    if auth.uid() is null then
        raise exception using errcode = 'PT401', message = 'Sign in first.', hint = 'Send the access token as Bearer.';
    end if;
    return auth.uid();
end;
$$;

-- auth.require_member: the organization a call means. NULL stands for the caller's only one.
-- Raises PT401 for nobody, PT422 naming the choices, PT404 for an organization that is none of the caller's.
create or replace function auth.require_member(organization_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
    v_user    constant uuid := auth.require_user();
    v_choices constant uuid[] := auth.member_organization_ids();
begin
    if require_member.organization_id = any (v_choices) then
        return require_member.organization_id;
    elsif require_member.organization_id is not null then
        if auth.has_platform_power(v_user)
           and exists (select from app.organizations as o where o.id = require_member.organization_id) then
            return require_member.organization_id;
        end if;
        raise exception using errcode = 'PT404', message = 'No such organization.',
            detail = format('Organization %s is not one of yours.', require_member.organization_id),
            hint = 'rpc/me lists those that are.';
    elsif cardinality(v_choices) = 1 then
        return v_choices[1];
    end if;
    raise exception using errcode = 'PT422', message = 'Say which organization you mean.',
        detail = (select coalesce(json_agg(json_build_object('organization_id', o.id, 'name', o.name) order by o.name), '[]')::text
                    from app.organizations as o where o.id = any (v_choices)),
        hint = 'Pass organization_id.';
end;
$$;

-- auth.is_admin_of: may the caller administer this organization?
create or replace function auth.is_admin_of(organization_id uuid) returns boolean
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select is_admin_of.organization_id = any (auth.admin_organization_ids()) or auth.has_platform_power(auth.uid());
end;

-- auth.require_admin: as require_member, and 42501 for members who are not owner or admin.
create or replace function auth.require_admin(organization_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(require_admin.organization_id);
begin
    if not auth.is_admin_of(v_organization_id) then
        raise exception using errcode = '42501', message = 'Only owners and admins may do this.',
            hint = 'Ask an admin of your organization.';
    end if;
    return v_organization_id;
end;
$$;

-- auth.require_owner: as require_admin, and 42501 for admins who are not owner.
create or replace function auth.require_owner(organization_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(require_owner.organization_id);
begin
    if not auth.has_platform_power(auth.uid())
       and not exists (select from app.organization_members as m
                        where m.organization_id = v_organization_id and m.user_id = auth.uid() and m.role = 'owner') then
        raise exception using errcode = '42501', message = 'Only an owner may do this.',
            hint = 'Ask an owner of your organization.';
    end if;
    return v_organization_id;
end;
$$;

-- auth.require_super_admin: the user, if a super admin; else PT401 or 42501.
create or replace function auth.require_super_admin() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    if not auth.has_platform_power(auth.require_user()) then
        raise exception using errcode = '42501', message = 'Only a super admin may do this.',
            hint = 'Ask whoever runs the platform.';
    end if;
    return auth.uid();
end;
$$;

grant usage on schema auth to anon, authenticated, org_admin, super_admin, reader;
grant execute on function auth.check_request(), auth.admit_request() to anon, authenticated, org_admin, super_admin, reader;
grant execute on function auth.narrow_role(), auth.only_organization_id(), auth.only_closer_id()
    to authenticated, org_admin, super_admin;
grant execute on function auth.claims(), auth.claim(text), auth.uid()
    to anon, authenticated, org_admin, super_admin, reader;
grant execute on function
    auth.member_organization_ids(), auth.admin_organization_ids(), auth.colleague_user_ids(), auth.own_closer_ids(),
    auth.own_setter_ids(), auth.own_payee_ids(), auth.own_roster_ids(), auth.credited_leads(), auth.locked_snapshot_ids(),
    auth.is_admin_of(uuid), auth.is_super_admin(), auth.require_user(), auth.require_member(uuid), auth.require_admin(uuid),
    auth.require_owner(uuid), auth.require_super_admin()
    to authenticated, org_admin, super_admin;
grant execute on function auth.reader_organization_id() to reader;
grant execute on function auth.analyst_organization_id() to analyst;

-- auth.member_role: what a user is in an organization, told to its admins; NULL for nobody.
create or replace function auth.member_role(user_id uuid, organization_id uuid) returns text
language sql stable security definer set search_path = ''
begin atomic
    select case when auth.has_platform_power(member_role.user_id) then 'super_admin' else m.role end
      from (select) as one
      left join app.organization_members as m
        on m.user_id = member_role.user_id and m.organization_id = member_role.organization_id
     where auth.is_admin_of(member_role.organization_id)
       and (m.user_id is not null or auth.is_super_admin());
end;
grant execute on function auth.member_role(uuid, uuid) to authenticated, org_admin, super_admin;

-- auth.role_of_colleague: the database role of a member, told to admins of the organization.
create or replace function auth.role_of_colleague(user_id uuid, organization_id uuid) returns text
language sql stable security definer set search_path = ''
begin atomic
    select auth.database_role(role_of_colleague.user_id)
     where auth.member_role(role_of_colleague.user_id, role_of_colleague.organization_id) is not null;
end;
grant execute on function auth.role_of_colleague(uuid, uuid) to authenticated, org_admin, super_admin;
