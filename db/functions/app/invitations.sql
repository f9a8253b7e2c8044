-- Invitations: made and renewed here, sent by the gateway, accepted by whoever reads the address.
-- Internal: nobody but the owner may call these.

-- app.unknown_token_hash: the hash of a token that nobody knows, for an invitation whose token the gateway has yet to make.
create or replace function app.unknown_token_hash() returns bytea
language sql volatile
return sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
comment on function app.unknown_token_hash() is 'The hash of a token that nobody knows.';

-- app.invitation_expiry: when an invitation ends that is made now; PT422 beyond thirty days.
create or replace function app.invitation_expiry(expires_in_days integer) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
    if coalesce(expires_in_days, 0) not between 1 and 30 then
        raise exception using errcode = 'PT422', message = 'An invitation is good for one to thirty days.',
            detail = jsonb_build_object('expires_in_days', 'From 1 to 30 days.')::text;
    end if;
    return now() + make_interval(days => expires_in_days);
end;
$$;
comment on function app.invitation_expiry(integer) is 'When an invitation ends that is made now; PT422 beyond thirty days.';

-- app.require_invitable: PT422 unless somebody can be invited like this; DETAIL is a JSON object from each wrong field to what
-- it needs. A roster entry that is somebody else's cannot be promised.
create or replace function app.require_invitable(organization_id uuid, email text, role text, closer_id uuid, setter_id uuid)
returns void
language plpgsql stable set search_path = '' as $$
declare
    v_invitee constant uuid := (select u.id from auth.users as u where u.email_norm = lower(btrim(require_invitable.email)));
    v_wrong   jsonb;
begin
    select jsonb_strip_nulls(jsonb_build_object(
        'email', case when btrim(require_invitable.email) !~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'
                        or require_invitable.email is null or length(require_invitable.email) > 254
                      then 'An e-mail address.' end,
        'role', case when require_invitable.role in ('owner', 'admin', 'member') is not true
                     then 'One of owner, admin, member.' end,
        'closer_id', case when require_invitable.closer_id is not null and c.is_free is not true
                          then 'A closer of this organization whom nobody signs in as.' end,
        'setter_id', case when require_invitable.setter_id is not null and s.is_free is not true
                          then 'A setter of this organization whom nobody signs in as.' end))
      into v_wrong
      from (select) as one
      left join lateral (
            select r.profile_id is null or r.profile_id = v_invitee as is_free from app.closers as r
             where r.organization_id = require_invitable.organization_id and r.id = require_invitable.closer_id) as c on true
      left join lateral (
            select r.profile_id is null or r.profile_id = v_invitee as is_free from app.setters as r
             where r.organization_id = require_invitable.organization_id and r.id = require_invitable.setter_id) as s on true;
    if v_wrong <> '{}' then
        raise exception using errcode = 'PT422', message = 'Nobody can be invited like this.', detail = v_wrong::text,
            hint = 'Correct the fields that the detail names.';
    end if;
    if exists (select from app.organization_members as m
                where m.organization_id = require_invitable.organization_id and m.user_id = v_invitee) then
        raise exception using errcode = 'PT409', message = 'This person is a member already.',
            hint = 'Change their role, or link them to a closer or setter.';
    end if;
end;
$$;
comment on function app.require_invitable(uuid, text, text, uuid, uuid) is 'Raise unless somebody can be invited like this.';

-- app.create_invitation: invite an address into an organization. Whether the caller may is for whoever calls to check.
-- closer_id, setter_id: the roster entry the person becomes; becomes_closer, becomes_setter: a new one, where none is named.
-- Guarantees: no token opens it before session.send_invitation has made one. An expired invitation of the address gives way;
--             an open one is PT409. Raises PT422 naming the wrong fields.
create or replace function app.create_invitation(
    organization_id uuid, email text, role text default 'member', invited_by uuid default null,
    closer_id uuid default null, setter_id uuid default null, becomes_closer boolean default false,
    becomes_setter boolean default false, expires_in_days integer default 7
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_expires_at constant timestamptz := app.invitation_expiry(create_invitation.expires_in_days);
    v_open       app.invitations;
    v_id         uuid;
begin
    perform app.require_invitable(
        create_invitation.organization_id, create_invitation.email, create_invitation.role, create_invitation.closer_id,
        create_invitation.setter_id);
    select i.* into v_open from app.invitations as i
     where i.organization_id = create_invitation.organization_id
       and i.email_norm = lower(btrim(create_invitation.email)) and i.accepted_at is null and i.revoked_at is null
       for update;
    if v_open.expires_at > now() then
        raise exception using errcode = 'PT409', message = 'This address is invited already.',
            detail = format('Invitation %s is good until %s.', v_open.id, v_open.expires_at),
            hint = 'Send that invitation again, or revoke it first.';
    elsif v_open.id is not null then
        update app.invitations as i set revoked_at = now()
         where i.organization_id = v_open.organization_id and i.id = v_open.id;
    end if;
    insert into app.invitations as i (
        organization_id, email, role, token_hash, expires_at, invited_by, closer_id, setter_id, becomes_closer, becomes_setter)
    values (
        create_invitation.organization_id, btrim(create_invitation.email), create_invitation.role, app.unknown_token_hash(),
        v_expires_at, create_invitation.invited_by, create_invitation.closer_id, create_invitation.setter_id,
        coalesce(create_invitation.becomes_closer, false) and create_invitation.closer_id is null,
        coalesce(create_invitation.becomes_setter, false) and create_invitation.setter_id is null)
    returning i.id into v_id;
    return v_id;
end;
$$;
comment on function app.create_invitation(uuid, text, text, uuid, uuid, uuid, boolean, boolean, integer) is
    'Invite an address into an organization; session.send_invitation makes its token.';

-- app.invitation_document: an invitation as who sends it needs it. It never holds a token, nor a hash of one.
create or replace function app.invitation_document(organization_id uuid, invitation_id uuid) returns jsonb
language sql stable
begin atomic
    select jsonb_build_object(
               'organization_id', i.organization_id, 'id', i.id, 'email', i.email, 'role', i.role,
               'expires_at', i.expires_at, 'sent_at', i.sent_at, 'closer_id', i.closer_id, 'setter_id', i.setter_id,
               'becomes_closer', i.becomes_closer, 'becomes_setter', i.becomes_setter)
      from app.invitations as i
     where i.organization_id = invitation_document.organization_id and i.id = invitation_document.invitation_id;
end;
comment on function app.invitation_document(uuid, uuid) is 'An invitation without its token.';

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
-- member already keeps the role they have; a roster entry that became somebody else's meanwhile stays theirs.
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
         where c.organization_id = v_invitation.organization_id and c.id = v_invitation.closer_id and c.profile_id is null;
    elsif v_invitation.becomes_closer then
        perform app.enroll_closer(v_invitation.organization_id, v_user.id);
    end if;
    if v_invitation.setter_id is not null then
        update app.setters as s set profile_id = v_user.id
         where s.organization_id = v_invitation.organization_id and s.id = v_invitation.setter_id and s.profile_id is null;
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
