-- Who belongs to an organization, and as what. Owners appoint and remove owners and admins; admins everybody else. What is
-- decided here counts on the person's next request.

-- app.require_power_over: what a member of the organization is, locked, if the caller may decide about them; PT404 for nobody.
-- Whoever decides about themselves needs no power over others. The caller's membership is locked with it, then asked again: of two who
-- take each other's power away in the same moment only one succeeds.
create or replace function app.require_power_over(organization_id uuid, user_id uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
    v_role text;
begin
    perform from app.organization_members as m
      where m.organization_id = require_power_over.organization_id and m.user_id in (require_power_over.user_id, auth.uid())
      order by m.user_id
        for no key update;
    perform auth.require_admin(require_power_over.organization_id);
    select m.role into v_role from app.organization_members as m
     where m.organization_id = require_power_over.organization_id and m.user_id = require_power_over.user_id;
    if v_role is null then
        raise exception using errcode = 'PT404', message = 'No such member in this organization.';
    elsif v_role in ('owner', 'admin') and require_power_over.user_id <> auth.uid() then
        perform auth.require_owner(require_power_over.organization_id);
    end if;
    return v_role;
end;
$$;
comment on function app.require_power_over(uuid, uuid) is 'What a member is, if the caller may decide about them.';

-- api.set_member_role: make a member an owner, an admin or a plain member.
-- Callers:    admins, through POST /rpc/set_member_role; only owners decide about owners and admins, or make them, except that
--             everybody may give up power of their own.
-- Guarantees: the person's present tokens are refused if they carry another power than the person now has; an organization keeps
--             an owner (PT409). Raises PT404 for who is no member, PT422 for an unknown role.
-- Definer:    members may not write memberships, so the tenant is filtered by hand.
create or replace function api.set_member_role(user_id uuid, role text, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(set_member_role.organization_id);
    v_role            constant text := app.require_power_over(v_organization_id, set_member_role.user_id);
begin
    if set_member_role.role in ('owner', 'admin', 'member') is not true then
        raise exception using errcode = 'PT422', message = 'There is no such role in an organization.',
            detail = jsonb_build_object('role', 'One of owner, admin, member.')::text;
    elsif set_member_role.role = v_role then
        return;
    elsif set_member_role.role = 'owner' or (set_member_role.role = 'admin' and v_role = 'member') then
        perform auth.require_owner(v_organization_id);
    end if;
    update app.organization_members as m
       set role = set_member_role.role
     where m.organization_id = v_organization_id and m.user_id = set_member_role.user_id;
end;
$$;
comment on function api.set_member_role(uuid, text, uuid) is $$Change what a member is
One of owner, admin, member. Only owners decide about owners and admins; who changes their power refreshes their session.$$;

-- api.remove_member: end somebody's membership.
-- Callers:    admins, through POST /rpc/remove_member; only owners remove owners and admins.
-- Guarantees: the person's next request reaches nothing of the organization; who belongs nowhere else is signed out. Their calls,
--             payments and roster entries stay. An organization keeps an owner (PT409). Raises PT404 for who is no member.
-- Definer:    members may not write memberships, so the tenant is filtered by hand.
create or replace function api.remove_member(user_id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(remove_member.organization_id);
begin
    perform app.require_power_over(v_organization_id, remove_member.user_id);
    perform app.end_membership(v_organization_id, remove_member.user_id);
end;
$$;
comment on function api.remove_member(uuid, uuid) is $$Remove a member from an organization
They are out with their next request. Calls, payments, closers and setters stay; links to the portal and open invitations end.$$;

-- api.leave_organization: end one's own membership.
-- Callers:    members, through POST /rpc/leave_organization.
-- Guarantees: as remove_member. The last owner cannot leave (PT409).
-- Definer:    members may not write memberships, so the tenant and the person are filtered by hand.
create or replace function api.leave_organization(organization_id uuid default null) returns void
language sql volatile security definer set search_path = ''
begin atomic
    select app.end_membership(auth.require_member(leave_organization.organization_id), auth.uid());
end;
comment on function api.leave_organization(uuid) is $$Leave an organization
The last owner stays: transfer ownership first.$$;

-- api.transfer_ownership: make a member an owner in one's own place; oneself stays as an admin.
-- Callers:    owners, through POST /rpc/transfer_ownership. A super admin who is no member makes an owner and changes nobody else.
-- Guarantees: all or nothing. Raises PT404 for who is no member, PT422 for oneself.
-- Definer:    members may not write memberships, so the tenant is filtered by hand.
create or replace function api.transfer_ownership(user_id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_owner(transfer_ownership.organization_id);
begin
    if transfer_ownership.user_id = auth.uid() then
        raise exception using errcode = 'PT422', message = 'Ownership goes to somebody else.',
            detail = jsonb_build_object('user_id', 'Another member.')::text;
    end if;
    perform app.require_power_over(v_organization_id, transfer_ownership.user_id), auth.require_owner(v_organization_id);
    update app.organization_members as m
       set role = case m.user_id when transfer_ownership.user_id then 'owner' else 'admin' end
     where m.organization_id = v_organization_id
       and (m.user_id = transfer_ownership.user_id or m.user_id = auth.uid() and m.role = 'owner');
end;
$$;
comment on function api.transfer_ownership(uuid, uuid) is $$Hand ownership to another member
The caller stays as an admin.$$;

-- api.delete_user: remove a person from the platform.
-- Callers:    super admins, through POST /functions/v1/delete-auth-user.
-- Guarantees: their sessions and memberships end at once; rows of organizations stay and lose the link to them, the audit trail
--             stays. Raises PT404 for nobody, PT409 for the only owner of an organization and for the only super admin.
-- Definer:    no role may write users.
create or replace function api.delete_user(user_id uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin();
    if not app.delete_user(delete_user.user_id) then
        raise exception using errcode = 'PT404', message = 'There is no such person.';
    end if;
end;
$$;
comment on function api.delete_user(uuid) is $$Remove a person from the platform
Their sessions end at once. What they did stays; closers, setters and payees of theirs stay without the link to them.$$;

grant execute on function
    api.set_member_role(uuid, text, uuid), api.remove_member(uuid, uuid), api.leave_organization(uuid),
    api.transfer_ownership(uuid, uuid), api.delete_user(uuid)
    to authenticated, org_admin, super_admin;
