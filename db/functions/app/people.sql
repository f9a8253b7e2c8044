-- Organizations and the people in them, for operators and for the functions that the API and the gateway offer.
-- Internal: nobody but the owner may call these.

-- app.create_organization: a new tenant with its default rows.
create or replace function app.create_organization(
    name text, slug text, timezone text default 'UTC', currency text default 'USD', id uuid default uuidv7()
) returns uuid
language plpgsql volatile set search_path = '' as $$
begin
    insert into app.organizations (id, name, slug, timezone, currency)
    values (create_organization.id, create_organization.name, create_organization.slug,
            create_organization.timezone, create_organization.currency);
    insert into app.organization_integrations (organization_id)
    values (create_organization.id)
    on conflict on constraint organization_integrations_organization_id_key do nothing;
    insert into app.portal_settings (organization_id)
    values (create_organization.id)
    on conflict on constraint portal_settings_organization_id_key do nothing;
    return create_organization.id;
end;
$$;
comment on function app.create_organization(text, text, text, text, uuid) is 'A new tenant with its default rows.';

-- app.create_user: a person who can sign in; without password_hash by e-mailed link only.
-- The profile is made by the trigger on auth.users, its name from user_metadata.full_name.
create or replace function app.create_user(
    email text, password_hash text default null, full_name text default null, is_confirmed boolean default true,
    user_metadata jsonb default '{}', id uuid default uuidv7()
) returns uuid
language plpgsql volatile set search_path = '' as $$
begin
    insert into auth.users (id, email, password_hash, email_confirmed_at, user_metadata)
    values (create_user.id, btrim(create_user.email), create_user.password_hash,
            case when create_user.is_confirmed then now() end,
            jsonb_strip_nulls(jsonb_build_object('full_name', create_user.full_name))
                || coalesce(create_user.user_metadata, '{}'));
    return create_user.id;
end;
$$;
comment on function app.create_user(text, text, text, boolean, jsonb, uuid) is 'A person who can sign in.';

-- app.require_super_admin_besides: PT409 when the platform would be without a super admin if this person were none. Rows are
-- locked, so that two who take each other's power away at the same moment cannot both succeed.
create or replace function app.require_super_admin_besides(user_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if auth.has_platform_power(require_super_admin_besides.user_id) then
        perform from app.user_roles as r where r.role = 'super_admin' order by r.id for update;
        if not exists (select from app.user_roles as r
                        where r.role = 'super_admin' and r.user_id <> require_super_admin_besides.user_id
                          and auth.has_platform_power(r.user_id)) then
            raise exception using errcode = 'PT409', message = 'The platform needs a super admin.',
                hint = 'Give somebody else that power first.';
        end if;
    end if;
end;
$$;
comment on function app.require_super_admin_besides(uuid) is 'Raise when nobody but this person is a super admin.';

-- app.require_other_owners: PT409 while this person is the only owner of an organization; DETAIL lists those organizations.
create or replace function app.require_other_owners(user_id uuid) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_alone constant jsonb := (
        select jsonb_agg(jsonb_build_object('organization_id', o.id, 'name', o.name) order by o.name, o.id)
          from app.organization_members as m
          join app.organizations as o on o.id = m.organization_id and o.deleted_at is null
         where m.user_id = require_other_owners.user_id and m.role = 'owner'
           and not exists (select from app.organization_members as w
                            where w.organization_id = m.organization_id and w.role = 'owner' and w.user_id <> m.user_id));
begin
    if v_alone is not null then
        raise exception using errcode = 'PT409', message = 'This person is the only owner of an organization.',
            detail = v_alone::text, hint = 'Make somebody else an owner of each first.';
    end if;
end;
$$;
comment on function app.require_other_owners(uuid) is 'Raise while this person is the only owner of an organization.';

-- app.delete_user: remove a person; false for nobody. Rows of organizations stay and lose the link to them, what the audit
-- trail says of them stays as it is, their sessions and memberships end at once.
-- keep_row: leave an emptied row behind that can never sign in, for what must go on naming it.
-- Guarantees: PT409 for the only owner of an organization, and for the only super admin.
create or replace function app.delete_user(user_id uuid, keep_row boolean default false) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
    perform app.require_other_owners(delete_user.user_id);
    perform app.require_super_admin_besides(delete_user.user_id);
    -- While their id still stands in what they left open: it ends with their power.
    delete from app.organization_members as m where m.user_id = delete_user.user_id;
    delete from app.user_roles as r where r.user_id = delete_user.user_id;
    if not delete_user.keep_row then
        delete from auth.users as u where u.id = delete_user.user_id;
        return found;
    end if;
    delete from auth.sessions as s where s.user_id = delete_user.user_id;
    delete from auth.one_time_tokens as t where t.user_id = delete_user.user_id;
    delete from auth.pkce_codes as c where c.user_id = delete_user.user_id;
    update auth.users as u
       set email = 'deleted-' || u.id || '@invalid', password_hash = null, user_metadata = '{}',
           deleted_at = now(), updated_at = now()
     where u.id = delete_user.user_id and u.deleted_at is null;
    return found;
end;
$$;
comment on function app.delete_user(uuid, boolean) is 'Remove a person; rows of organizations stay.';

-- app.end_membership: a person leaves an organization, or is removed from it; PT404 for who is no member.
-- Roster entries and payees stay, and stay theirs: without a membership they give no power, and who comes back finds them.
-- Guarantees: open invitations to the person are void, as are their personal links, by a trigger; who belongs nowhere any more is
--             signed out everywhere. The last owner stays (PT409).
create or replace function app.end_membership(organization_id uuid, user_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    delete from app.organization_members as m
     where m.organization_id = end_membership.organization_id and m.user_id = end_membership.user_id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such member in this organization.';
    end if;
    update app.invitations as i
       set revoked_at = now()
      from auth.users as u
     where u.id = end_membership.user_id and i.organization_id = end_membership.organization_id
       and i.email_norm = u.email_norm and i.accepted_at is null and i.revoked_at is null;
    if not auth.has_platform_power(end_membership.user_id)
       and not exists (select from app.organization_members as m where m.user_id = end_membership.user_id) then
        perform auth.end_sessions(end_membership.user_id);
    end if;
end;
$$;
comment on function app.end_membership(uuid, uuid) is 'A person leaves an organization; their roster entries stay.';

-- app.add_member: make a person a member of an organization, or change what they are in it.
create or replace function app.add_member(organization_id uuid, user_id uuid, role text) returns void
language sql volatile set search_path = '' as $$
    insert into app.organization_members (organization_id, user_id, role)
    values (add_member.organization_id, add_member.user_id, add_member.role)
    on conflict on constraint organization_members_user_id_key
    do update set role = excluded.role, updated_at = now();
$$;
comment on function app.add_member(uuid, uuid, text) is 'Make a person a member of an organization with a role.';

-- app.roster_name: what a person is called on a roster: their name, else what is before the @.
create or replace function app.roster_name(email text, user_metadata jsonb) returns text
language sql immutable parallel safe
return coalesce(nullif(btrim(user_metadata ->> 'full_name'), ''), split_part(email, '@', 1));
comment on function app.roster_name(text, jsonb) is 'What a person is called on a roster.';

-- app.enroll_closer: put a person on the roster of closers, or tie the entry with their address to them, if it is nobody's.
create or replace function app.enroll_closer(organization_id uuid, user_id uuid) returns uuid
language sql volatile set search_path = '' as $$
    insert into app.closers as c (organization_id, profile_id, name, email)
    select enroll_closer.organization_id, u.id, app.roster_name(u.email, u.user_metadata), u.email
      from auth.users as u
     where u.id = enroll_closer.user_id
    on conflict on constraint closers_email_key do update set profile_id = coalesce(c.profile_id, excluded.profile_id)
    returning c.id;
$$;
comment on function app.enroll_closer(uuid, uuid) is 'Put a person on the roster of closers.';

-- app.enroll_setter: put a person on the roster of setters, or tie the entry with their address to them, if it is nobody's.
create or replace function app.enroll_setter(organization_id uuid, user_id uuid) returns uuid
language sql volatile set search_path = '' as $$
    insert into app.setters as s (organization_id, profile_id, name, email)
    select enroll_setter.organization_id, u.id, app.roster_name(u.email, u.user_metadata), u.email
      from auth.users as u
     where u.id = enroll_setter.user_id
    on conflict on constraint setters_email_key do update set profile_id = coalesce(s.profile_id, excluded.profile_id)
    returning s.id;
$$;
comment on function app.enroll_setter(uuid, uuid) is 'Put a person on the roster of setters.';

-- app.grant_super_admin: power over the whole platform.
create or replace function app.grant_super_admin(user_id uuid) returns void
language sql volatile set search_path = '' as $$
    insert into app.user_roles (user_id, role)
    values (grant_super_admin.user_id, 'super_admin')
    on conflict on constraint user_roles_user_id_role_key do nothing;
$$;
comment on function app.grant_super_admin(uuid) is 'Give a person power over the whole platform.';
