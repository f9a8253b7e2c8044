-- What the gateway does for invitations: their tokens, and who holds one. All are definers: the gateway has no rights on tables.

-- session.send_invitation: an invitation that somebody has just made or renewed gets its token and goes out by e-mail.
-- secret: ciphertext of the link that the message carries. address: from where it was asked.
-- Guarantees: all or nothing, once for each time it was made or renewed: PT409 otherwise. False, and nothing else, when too
--             many e-mails were asked for: the invitation then waits to be sent again.
create or replace function session.send_invitation(
    organization_id uuid, invitation_id uuid, token_hash bytea, secret bytea, site_url text, address inet
) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_invitation app.invitations;
begin
    select i.* into v_invitation from app.invitations as i
     where i.organization_id = send_invitation.organization_id and i.id = send_invitation.invitation_id
       and i.sent_at is null and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
       for update;
    if not found then
        raise exception using errcode = 'PT409', message = 'This invitation is not waiting to be sent.',
            hint = 'Renew it, then send it.';
    elsif not auth.count_attempt('mail_address', auth.attempt_subject(send_invitation.address)) then
        return false;
    elsif not auth.count_attempt('mail_account', auth.attempt_subject(v_invitation.email)) then
        return false;
    end if;
    update app.invitations as i
       set token_hash = send_invitation.token_hash, sent_at = now()
     where i.organization_id = v_invitation.organization_id and i.id = v_invitation.id;
    perform app.enqueue_outbox(
        organization_id => v_invitation.organization_id, kind => 'email',
        payload => jsonb_build_object(
            'template', 'invite', 'to', v_invitation.email, 'site_url', send_invitation.site_url, 'role', v_invitation.role,
            'organization_name', o.name, 'invited_by', coalesce(nullif(btrim(p.full_name), ''), p.email),
            'expires_on', to_char(v_invitation.expires_at at time zone o.timezone, 'YYYY-MM-DD')),
        dedupe_key => 'invite:' || encode(send_invitation.token_hash, 'hex'),
        secret => send_invitation.secret)
       from app.organizations as o
       left join app.profiles as p on p.user_id = v_invitation.invited_by
      where o.id = v_invitation.organization_id;
    return true;
end;
$$;
comment on function session.send_invitation(uuid, uuid, bytea, bytea, text, inet) is
    'Give an invitation its token and queue its e-mail; false when too many were asked for.';
grant execute on function session.send_invitation(uuid, uuid, bytea, bytea, text, inet) to gateway;

-- session.check_invitation: what may be told to whoever holds the token of an invitation.
-- Guarantees: no row for unknown, expired, revoked and used ones, or when the address tried too often.
create or replace function session.check_invitation(token_hash bytea, address inet)
returns table (organization_name text, role text, expires_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(check_invitation.address)) then
        return;
    end if;
    return query
    select o.name, i.role, i.expires_at
      from app.open_invitation(check_invitation.token_hash) as i
      join app.organizations as o on o.id = i.organization_id;
    if found then
        perform auth.attempt_succeeded(null, check_invitation.address);
    end if;
end;
$$;
comment on function session.check_invitation(bytea, inet) is 'What whoever holds the token of an invitation may know of it.';
grant execute on function session.check_invitation(bytea, inet) to gateway;

-- session.join_by_invitation: somebody who is signed in accepts an invitation that was sent to their address.
-- Guarantees: NULL, and nothing changes, for a session that is over, for an invitation that cannot be accepted or is another
--             person's, or when the address tried too often; else who the person is now.
create or replace function session.join_by_invitation(
    session_id uuid, user_id uuid, token_hash bytea, address inet
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(join_by_invitation.address))
       or not auth.is_live_session(join_by_invitation.session_id, join_by_invitation.user_id)
       or not app.accept_invitation(join_by_invitation.token_hash, join_by_invitation.user_id) then
        return null;
    end if;
    perform auth.attempt_succeeded(null, join_by_invitation.address);
    return auth.user_document(join_by_invitation.user_id);
end;
$$;
comment on function session.join_by_invitation(uuid, uuid, bytea, inet) is 'Who is signed in accepts an invitation of theirs.';
grant execute on function session.join_by_invitation(uuid, uuid, bytea, inet) to gateway;
