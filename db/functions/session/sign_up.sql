-- Becoming a user: by invitation, or freely where the operator allows it. In two calls, like signing in: the gateway
-- spends one Argon2id between them. All are definers: the gateway has no rights on tables.

-- session.begin_sign_up: may this be signed up, and is there a password to compare with?
-- invitation_hash NULL: without invitation, which the gateway only asks when the operator allows it.
-- Guarantees: no row for an invitation that cannot be accepted, or one of another address, or too many attempts.
create or replace function session.begin_sign_up(email text, invitation_hash bytea, address inet)
returns table (address_to_use text, exists_already boolean, password_hash text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_invited_norm text;
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(begin_sign_up.address)) then
        return;
    end if;
    address_to_use := btrim(begin_sign_up.email);
    if begin_sign_up.invitation_hash is not null then
        select i.email, i.email_norm into address_to_use, v_invited_norm
          from app.open_invitation(begin_sign_up.invitation_hash) as i;
        if not found or lower(btrim(begin_sign_up.email)) <> v_invited_norm then
            return;
        end if;
        if not auth.count_attempt('sign_in_account', auth.attempt_subject(address_to_use)) then
            return;
        end if;
    end if;
    select true, u.password_hash into exists_already, password_hash
      from auth.users as u
     where u.email_norm = lower(btrim(address_to_use));
    exists_already := coalesce(exists_already, false);
    return next;
end;
$$;
comment on function session.begin_sign_up(text, bytea, inet) is
    'What a sign-up needs: the address, and the hash of a password that exists already.';
grant execute on function session.begin_sign_up(text, bytea, inet) to gateway;

-- session.finish_sign_up: make the person, accept the invitation, open a session.
-- verified_hash: set when the person exists and proved their password: then nothing but the invitation is accepted.
-- Guarantees: all or nothing; no row when the invitation or the password changed meanwhile, or two sent one invitation in the
-- same moment; PT409 when the address was taken without an invitation.
create or replace function session.finish_sign_up(
    email text, password_hash text, verified_hash text, user_metadata jsonb, invitation_hash bytea,
    refresh_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_user_id uuid;
begin
    if finish_sign_up.verified_hash is not null then
        select u.id into v_user_id from auth.users as u
         where u.email_norm = lower(btrim(finish_sign_up.email)) and u.password_hash = finish_sign_up.verified_hash;
        if not found or finish_sign_up.invitation_hash is null then
            return;
        end if;
        update auth.users as u
           set email_confirmed_at = now(), updated_at = now()
         where u.id = v_user_id and u.email_confirmed_at is null;
    else
        begin
            v_user_id := app.create_user(
                email => finish_sign_up.email, password_hash => finish_sign_up.password_hash,
                user_metadata => finish_sign_up.user_metadata);
        exception when unique_violation then
            if finish_sign_up.invitation_hash is not null then
                return;
            end if;
            raise exception using errcode = 'PT409', message = 'This address is registered already.';
        end;
    end if;
    if finish_sign_up.invitation_hash is not null
       and not app.accept_invitation(finish_sign_up.invitation_hash, v_user_id) then
        raise exception using errcode = 'PT404', message = 'This invitation cannot be accepted any more.';
    end if;
    if not auth.can_sign_in(v_user_id) then
        raise exception using errcode = '42501', message = 'This person may not sign in.';
    end if;
    perform auth.attempt_succeeded(finish_sign_up.email, finish_sign_up.address);
    session_id := auth.open_session(
        v_user_id, finish_sign_up.refresh_hash, finish_sign_up.user_agent, finish_sign_up.address);
    user_document := auth.user_document(v_user_id);
    return next;
end;
$$;
comment on function session.finish_sign_up(text, text, text, jsonb, bytea, bytea, text, inet) is
    'Make the person, accept the invitation, open a session.';
grant execute on function session.finish_sign_up(text, text, text, jsonb, bytea, bytea, text, inet) to gateway;
