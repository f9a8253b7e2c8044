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

-- app.delete_user: remove a person. Rows of organizations stay and lose the link to them.
-- keep_row: leave an emptied row behind that can never sign in, for what must go on naming it.
create or replace function app.delete_user(user_id uuid, keep_row boolean default false) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
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

-- app.enroll_closer: put a person on the roster of closers, or tie the entry with their address to them.
create or replace function app.enroll_closer(organization_id uuid, user_id uuid) returns uuid
language sql volatile set search_path = '' as $$
    insert into app.closers as c (organization_id, profile_id, name, email)
    select enroll_closer.organization_id, u.id, app.roster_name(u.email, u.user_metadata), u.email
      from auth.users as u
     where u.id = enroll_closer.user_id
    on conflict on constraint closers_email_key do update set profile_id = excluded.profile_id
    returning c.id;
$$;
comment on function app.enroll_closer(uuid, uuid) is 'Put a person on the roster of closers.';

-- app.enroll_setter: put a person on the roster of setters, or tie the entry with their address to them.
create or replace function app.enroll_setter(organization_id uuid, user_id uuid) returns uuid
language sql volatile set search_path = '' as $$
    insert into app.setters as s (organization_id, profile_id, name, email)
    select enroll_setter.organization_id, u.id, app.roster_name(u.email, u.user_metadata), u.email
      from auth.users as u
     where u.id = enroll_setter.user_id
    on conflict on constraint setters_email_key do update set profile_id = excluded.profile_id
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

-- app.open_invitation: the invitation a token stands for, while it can be accepted; no row otherwise.
create or replace function app.open_invitation(token_hash bytea) returns setof app.invitations
language sql stable set search_path = '' as $$
    select i.* from app.invitations as i
      join app.organizations as o on o.id = i.organization_id
     where i.token_hash = open_invitation.token_hash and i.accepted_at is null and i.revoked_at is null
       and i.expires_at > now() and o.deleted_at is null and o.suspended_at is null
     limit 1;
$$;
comment on function app.open_invitation(bytea) is 'The invitation a token stands for, while it can be accepted.';

-- app.accept_invitation: the invited person joins, as what the invitation says, and becomes its closer and setter.
-- Guarantees: false, and nothing changes, unless the invitation is open and was sent to this person's address. Who is a
-- member already keeps the role they have.
create or replace function app.accept_invitation(token_hash bytea, user_id uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
    v_invitation app.invitations;
    v_user       auth.users;
begin
    perform 1 from app.invitations as i where i.token_hash = accept_invitation.token_hash for update;
    select i.* into v_invitation from app.open_invitation(accept_invitation.token_hash) as i;
    if not found then
        return false;
    end if;
    select u.* into v_user from auth.users as u
     where u.id = accept_invitation.user_id and u.email_norm = v_invitation.email_norm and u.deleted_at is null;
    if not found then
        return false;
    end if;
    insert into app.organization_members (organization_id, user_id, role)
    values (v_invitation.organization_id, v_user.id, v_invitation.role)
    on conflict on constraint organization_members_user_id_key do nothing;
    if v_invitation.closer_id is not null then
        update app.closers as c set profile_id = v_user.id
         where c.organization_id = v_invitation.organization_id and c.id = v_invitation.closer_id;
    elsif v_invitation.becomes_closer then
        perform app.enroll_closer(v_invitation.organization_id, v_user.id);
    end if;
    if v_invitation.setter_id is not null then
        update app.setters as s set profile_id = v_user.id
         where s.organization_id = v_invitation.organization_id and s.id = v_invitation.setter_id;
    elsif v_invitation.becomes_setter then
        perform app.enroll_setter(v_invitation.organization_id, v_user.id);
    end if;
    update app.invitations as i
       set accepted_at = now(), accepted_by = v_user.id, updated_at = now()
     where i.organization_id = v_invitation.organization_id and i.id = v_invitation.id;
    return true;
end;
$$;
comment on function app.accept_invitation(bytea, uuid) is 'The invited person joins the organization.';
