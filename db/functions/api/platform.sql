-- What super admins do with organizations and with each other. Everything is audited, with the reason where one is asked for.
-- An organization is always named: left out, it is 422, and never the caller's only one.
-- All are definers: nobody may write these tables; each checks the caller's power first.

-- api.create_organization: a new tenant with its default rows, lists and schedules.
-- slug: its short name; made from the name when not given.
-- Callers:    super admins, through POST /rpc/create_organization.
-- Guarantees: all or nothing. Raises PT422 with every wrong field at once.
-- Definer:    nobody may write organizations.
create or replace function api.create_organization(
    name text, slug text default null, timezone text default 'UTC', currency text default 'USD'
) returns api.organizations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_by_hand  constant boolean := nullif(btrim(create_organization.slug), '') is not null;
    v_currency constant text := upper(btrim(create_organization.currency));
    v_slug text := lower(btrim(create_organization.slug));
    v_id   uuid;
    v_row  api.organizations;
begin
    perform auth.require_super_admin();
    perform app.require_no_wrong_fields(
        app.wrong_organization_fields(
            coalesce(create_organization.name, ''), coalesce(create_organization.timezone, ''), coalesce(v_currency, ''),
            null, null, null, null, null, null, null, null)
        || jsonb_build_object('slug', case
            when v_by_hand and (v_slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$' or length(v_slug) > 63)
            then 'At most 63 lower case letters and digits, with single hyphens between them.'
            when v_by_hand and exists (select from app.organizations as o where o.slug = v_slug)
            then 'Another organization has it.' end));
    for v_try in 1..5 loop
        begin
            if not v_by_hand then
                v_slug := app.free_slug(create_organization.name);
            end if;
            v_id := app.create_organization(btrim(create_organization.name), v_slug, create_organization.timezone, v_currency);
            exit;
        exception when unique_violation then
            -- Somebody took it in the same moment.
            if v_by_hand or v_try = 5 then
                raise;
            end if;
        end;
    end loop;
    perform app.add_default_lists(v_id);
    select o.* into v_row from api.organizations as o where o.id = v_id;
    return v_row;
end;
$$;
comment on function api.create_organization(text, text, text, text) is $$Make an organization
With its default settings, lists and schedules; slug is made from the name when left out. For super admins. It has no owner
yet: POST /functions/v1/send-invite-email with role owner invites one.$$;

-- api.suspend_organization: stop an organization without losing anything of it.
-- Callers:    super admins, through POST /rpc/suspend_organization.
-- Guarantees: from the next request on its members, keys, analysts and links are refused, its deliveries are 404, and no job or
--             message of it is begun. Raises PT404, PT409 and PT422.
-- Definer:    nobody may write organizations.
create or replace function api.suspend_organization(reason text, organization_id uuid default null) returns api.organizations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_row api.organizations;
begin
    perform auth.require_super_admin();
    perform app.suspend_organization(suspend_organization.organization_id, suspend_organization.reason);
    select o.* into v_row from api.organizations as o where o.id = suspend_organization.organization_id;
    return v_row;
end;
$$;
comment on function api.suspend_organization(text, uuid) is $$Suspend an organization
Its members are refused from their next request on, deliveries are 404, and nothing of it runs or is sent. Nothing is lost;
resume_organization takes it back. For super admins.$$;

-- api.resume_organization: take a suspension back.
-- Callers:    super admins, through POST /rpc/resume_organization.
-- Guarantees: everything goes on where it stopped; what providers deliver again is taken in. Raises PT404 and PT409.
-- Definer:    nobody may write organizations.
create or replace function api.resume_organization(reason text default null, organization_id uuid default null) returns api.organizations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_row api.organizations;
begin
    perform auth.require_super_admin();
    perform app.resume_organization(resume_organization.organization_id, resume_organization.reason);
    select o.* into v_row from api.organizations as o where o.id = resume_organization.organization_id;
    return v_row;
end;
$$;
comment on function api.resume_organization(text, uuid) is $$Take the suspension of an organization back
Everything goes on where it stopped. For super admins.$$;

-- api.delete_organization: close an organization. Its rows stay, out of everybody's sight but the super admins'.
-- Callers:    owners, of their own; super admins.
-- Guarantees: as a suspension, and it is missing from lists. It is named, never meant by default. Raises PT404, PT409 and PT422.
-- Definer:    nobody may write organizations, so the tenant is filtered by hand.
create or replace function api.delete_organization(reason text, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization app.organizations;
    v_reason       text;
begin
    if delete_organization.organization_id is not null then
        perform auth.require_owner(delete_organization.organization_id);
    end if;
    v_organization := app.lock_organization(delete_organization.organization_id);
    v_reason := app.require_reason(delete_organization.reason);
    if v_organization.deleted_at is not null then
        perform app.refuse_state(v_organization);
    end if;
    update app.organizations as o set deleted_at = now(), deleted_reason = v_reason where o.id = v_organization.id;
end;
$$;
comment on function api.delete_organization(text, uuid) is $$Delete an organization
For its owners and for super admins. Everybody in it is refused from the next request on. Its rows are kept: a super admin can
restore it.$$;

-- api.restore_organization: take a deletion back. An organization that was suspended when it was deleted still is.
-- Callers:    super admins, through POST /rpc/restore_organization.
-- Guarantees: it is as it was. Raises PT404 and PT409.
-- Definer:    nobody may write organizations.
create or replace function api.restore_organization(reason text default null, organization_id uuid default null) returns api.organizations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization app.organizations;
    v_row          api.organizations;
begin
    perform auth.require_super_admin();
    v_organization := app.lock_organization(restore_organization.organization_id);
    perform app.optional_reason(restore_organization.reason);
    if v_organization.deleted_at is null then
        perform app.refuse_state(v_organization);
    end if;
    update app.organizations as o set deleted_at = null, deleted_reason = null where o.id = v_organization.id;
    select o.* into v_row from api.organizations as o where o.id = v_organization.id;
    return v_row;
end;
$$;
comment on function api.restore_organization(text, uuid) is $$Take the deletion of an organization back
Everything of it is as it was. For super admins.$$;

-- api.invite_owner: invite somebody to own an organization.
-- Callers:    super admins, through POST /rpc/invite_owner.
-- Guarantees: no token opens it before the gateway has sent one. Raises PT404, PT409 and PT422 as create_invitation does.
-- Definer:    nobody may write invitations.
create or replace function api.invite_owner(email text, expires_in_days integer default 7, organization_id uuid default null) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization app.organizations;
    v_id           uuid;
begin
    perform auth.require_super_admin();
    v_organization := app.lock_organization(invite_owner.organization_id);
    if v_organization.deleted_at is not null or v_organization.suspended_at is not null then
        perform app.refuse_state(v_organization);
    end if;
    v_id := app.create_invitation(
        v_organization.id, invite_owner.email, 'owner', auth.uid(), expires_in_days => invite_owner.expires_in_days);
    return app.invitation_document(v_organization.id, v_id);
end;
$$;
comment on function api.invite_owner(text, integer, uuid) is $$Invite somebody to own an organization
Send it with POST /functions/v1/send-invite-email and its invitation_id; or do both at once there, with role owner. For super
admins.$$;

-- api.grant_super_admin: power over the whole platform.
-- Callers:    super admins, through POST /rpc/grant_super_admin.
-- Guarantees: the person's present tokens are refused; a refreshed one has the power. Granting it again changes nothing.
--             Raises PT404 for nobody who can sign in, PT422 without a reason.
-- Definer:    nobody may write platform roles.
create or replace function api.grant_super_admin(user_id uuid, reason text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_granted_by constant uuid := auth.require_super_admin();
begin
    perform app.require_reason(grant_super_admin.reason);
    if not exists (select from auth.users as u
                    where u.id = grant_super_admin.user_id and u.deleted_at is null and u.disabled_at is null) then
        raise exception using errcode = 'PT404', message = 'No such person.';
    end if;
    insert into app.user_roles (user_id, role, granted_by)
    values (grant_super_admin.user_id, 'super_admin', v_granted_by)
    on conflict on constraint user_roles_user_id_role_key do nothing;
end;
$$;
comment on function api.grant_super_admin(uuid, text) is $$Make somebody a super admin
Their present tokens end; a refreshed one has the power. For super admins.$$;

-- api.revoke_super_admin: take power over the platform away.
-- Callers:    super admins, also about themselves.
-- Guarantees: it ends with the person's next request. Of those who can sign in one is always left, also when two
--             revoke each other in the same moment. Raises PT404 and PT409, PT422 without a reason.
-- Definer:    nobody may write platform roles.
create or replace function api.revoke_super_admin(user_id uuid, reason text) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin();
    perform app.require_reason(revoke_super_admin.reason);
    perform from app.user_roles as r where r.role = 'super_admin' order by r.id for update;
    -- Whom another one revoked while this waited has no power any more.
    perform auth.require_super_admin();
    if not exists (select from app.user_roles as r where r.user_id = revoke_super_admin.user_id and r.role = 'super_admin') then
        raise exception using errcode = 'PT404', message = 'This person is no super admin.';
    elsif not exists (select from app.user_roles as r
                       where r.role = 'super_admin' and r.user_id <> revoke_super_admin.user_id
                         and auth.has_platform_power(r.user_id)) then
        raise exception using errcode = 'PT409', message = 'The platform needs a super admin.',
            hint = 'Grant it to somebody else first.';
    end if;
    delete from app.user_roles as r where r.user_id = revoke_super_admin.user_id and r.role = 'super_admin';
end;
$$;
comment on function api.revoke_super_admin(uuid, text) is $$Take the power of a super admin away
It ends with their next request. The last one cannot be revoked. For super admins.$$;

-- api.platform_home: every organization and how it does, those that need somebody first.
-- Callers:    super admins, through GET or POST /rpc/platform_home.
-- Guarantees: reads what is open and recent, a few index look-ups for each organization.
-- Definer:    members and sessions of every organization are counted; the caller's power is checked first.
create or replace function api.platform_home(as_of timestamptz default now())
returns table (
    organization_id uuid, name text, slug text, state text, timezone text, currency text, created_at timestamptz,
    suspended_at timestamptz, deleted_at timestamptz, owners bigint, members bigint, last_sign_in_at timestamptz,
    last_change_at timestamptz, last_delivery_at timestamptz, calls_this_week bigint, open_critical bigint, open_warning bigint,
    open_info bigint, failed_deliveries bigint, silent_connections bigint, failed_runs bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
    perform auth.require_super_admin();
    return query
    select g.* from app.organizations_at_a_glance(platform_home.as_of) as g
     order by g.state = 'deleted', g.state = 'suspended', g.open_critical desc, g.open_warning desc, g.name, g.organization_id;
end;
$$;
comment on function api.platform_home(timestamptz) is $$Every organization and how it does
One row per organization, deleted ones last: its state (in_use, suspended, deleted), people, when somebody signed in, when
anything changed, when a provider delivered, calls of the present local week, open exceptions by severity, and of those
deliveries that were given up, silent connections and kinds of jobs that failed. For super admins.$$;

grant execute on function
    api.create_organization(text, text, text, text), api.suspend_organization(text, uuid), api.resume_organization(text, uuid),
    api.delete_organization(text, uuid), api.restore_organization(text, uuid), api.invite_owner(text, integer, uuid),
    api.grant_super_admin(uuid, text), api.revoke_super_admin(uuid, text), api.platform_home(timestamptz)
    to authenticated, org_admin, super_admin;
