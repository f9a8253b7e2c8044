-- Inviting people, for admins. These make and end invitations; their e-mails go out, with a token that only the invited
-- person ever holds, through POST /functions/v1/send-invite-email, which calls these as the caller.

-- app.require_power_to_invite: the organization, if the caller may invite there with this role: owners and admins are the
-- owners' business.
create or replace function app.require_power_to_invite(organization_id uuid, role text) returns uuid
language sql stable
return case when require_power_to_invite.role in ('owner', 'admin') then auth.require_owner(require_power_to_invite.organization_id)
            else auth.require_admin(require_power_to_invite.organization_id) end;
comment on function app.require_power_to_invite(uuid, text) is 'The organization, if the caller may invite there with this role.';

-- app.require_open_invitation: an invitation that is neither accepted nor revoked, locked, if the caller may deal with it.
create or replace function app.require_open_invitation(organization_id uuid, invitation_id uuid) returns app.invitations
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(require_open_invitation.organization_id);
    v_invitation      app.invitations;
begin
    select i.* into v_invitation from app.invitations as i
     where i.organization_id = v_organization_id and i.id = require_open_invitation.invitation_id
       for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such invitation in this organization.';
    end if;
    perform app.require_power_to_invite(v_organization_id, v_invitation.role);
    if v_invitation.accepted_at is not null or v_invitation.revoked_at is not null then
        raise exception using errcode = 'PT409', message = 'This invitation is closed.',
            detail = case when v_invitation.accepted_at is not null then format('It was accepted at %s.', v_invitation.accepted_at)
                          else format('It was revoked at %s.', v_invitation.revoked_at) end,
            hint = 'Invite the person anew.';
    end if;
    return v_invitation;
end;
$$;
comment on function app.require_open_invitation(uuid, uuid) is 'An open invitation that the caller may deal with, locked.';

-- api.create_invitation: invite an address.
-- closer_id, setter_id: the roster entry the person becomes; becomes_closer, becomes_setter: a new one, where none is named.
-- Callers:    admins, through the gateway; owners and admins are invited by owners.
-- Guarantees: no token opens it before the gateway has sent one. Raises PT409 for who is invited or a member already, and
--             PT422 naming the wrong fields.
-- Definer:    members may not write invitations, so the tenant is filtered by hand.
create or replace function api.create_invitation(
    email text, role text default 'member', closer_id uuid default null, setter_id uuid default null,
    becomes_closer boolean default false, becomes_setter boolean default false, expires_in_days integer default 7,
    organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := app.require_power_to_invite(create_invitation.organization_id, create_invitation.role);
    v_id              uuid;
begin
    v_id := app.create_invitation(
        v_organization_id, create_invitation.email, create_invitation.role, auth.uid(), create_invitation.closer_id,
        create_invitation.setter_id, create_invitation.becomes_closer, create_invitation.becomes_setter,
        create_invitation.expires_in_days);
    return app.invitation_document(v_organization_id, v_id);
end;
$$;
comment on function api.create_invitation(text, text, uuid, uuid, boolean, boolean, integer, uuid) is $$Invite somebody
Use POST /functions/v1/send-invite-email, which also sends the e-mail; an invitation that was not sent cannot be accepted.
closer_id and setter_id name the roster entries that the person becomes, becomes_closer and becomes_setter ask for new ones.$$;

-- api.renew_invitation: a new term for an open invitation, and no token, until the gateway has sent another one.
-- Callers:    admins, through the gateway; owners and admins are invited by owners.
-- Guarantees: whoever holds the present link cannot use it any more. Raises PT404, PT409 and PT422.
-- Definer:    members may not write invitations, so the tenant is filtered by hand.
create or replace function api.renew_invitation(
    invitation_id uuid, expires_in_days integer default 7, organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_invitation constant app.invitations := app.require_open_invitation(
        renew_invitation.organization_id, renew_invitation.invitation_id);
begin
    update app.invitations as i
       set token_hash = app.unknown_token_hash(), sent_at = null,
           expires_at = app.invitation_expiry(renew_invitation.expires_in_days)
     where i.organization_id = v_invitation.organization_id and i.id = v_invitation.id;
    return app.invitation_document(v_invitation.organization_id, v_invitation.id);
end;
$$;
comment on function api.renew_invitation(uuid, integer, uuid) is $$Void the link of an invitation and give it a new term
Use POST /functions/v1/send-invite-email with invitation_id, which also sends the new link.$$;

-- api.revoke_invitation: take back an invitation that was not accepted yet.
-- Callers:    admins, through POST /rpc/revoke_invitation; invitations of owners and admins: owners.
-- Guarantees: its link is refused from now on, like one that never was. Raises PT404 and PT409.
-- Definer:    members may not write invitations, so the tenant is filtered by hand.
create or replace function api.revoke_invitation(invitation_id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_invitation constant app.invitations := app.require_open_invitation(
        revoke_invitation.organization_id, revoke_invitation.invitation_id);
begin
    update app.invitations as i set revoked_at = now()
     where i.organization_id = v_invitation.organization_id and i.id = v_invitation.id;
end;
$$;
comment on function api.revoke_invitation(uuid, uuid) is $$Take back an invitation
Its link is refused from now on. Who has accepted is a member: remove them with remove_member.$$;

grant execute on function
    api.create_invitation(text, text, uuid, uuid, boolean, boolean, integer, uuid), api.renew_invitation(uuid, integer, uuid),
    api.revoke_invitation(uuid, uuid)
    to authenticated, org_admin, super_admin;
