-- Sessions that exist: refresh, read, change, end. All are definers: the gateway has no rights on tables.

-- session.refresh: trade a refresh token for its successor.
-- The gateway derives a successor as HMAC-SHA256(token, nonce) and hands in a nonce and the hash of what it gives.
-- Answers the nonces that lead from the presented token to the one to use now: the given one for a token used for the
-- first time; those on record for one used less than auth.refresh_overlap() ago.
-- Guarantees: a token that is used again later ends the whole session; no row means: sign in again. Tokens that were
-- used longer ago than a session lives are forgotten, and then count as unknown.
create or replace function session.refresh(
    token_hash bytea, nonce bytea, successor_hash bytea, user_agent text, address inet
) returns table (nonces bytea[], session_id uuid, user_document jsonb)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_token        auth.refresh_tokens;
    v_user_id      uuid;
    v_successor_id uuid;
begin
    select t.* into v_token from auth.refresh_tokens as t where t.token_hash = refresh.token_hash for update;
    if not found then
        return;
    end if;
    select s.user_id into v_user_id from auth.sessions as s
     where s.id = v_token.session_id and s.revoked_at is null and s.expires_at > now();
    if not found or not auth.can_sign_in(v_user_id) then
        return;
    end if;
    if v_token.used_at is null then
        insert into auth.refresh_tokens as t (session_id, token_hash)
        values (v_token.session_id, refresh.successor_hash)
        returning t.id into v_successor_id;
        update auth.refresh_tokens as t
           set used_at = now(), successor_id = v_successor_id, successor_nonce = refresh.nonce
         where t.id = v_token.id;
        update auth.sessions as s
           set refreshed_at = now(), expires_at = now() + auth.session_lifetime(),
               user_agent = left(refresh.user_agent, 512), address = refresh.address
         where s.id = v_token.session_id;
        delete from auth.refresh_tokens as t
         where t.session_id = v_token.session_id and t.used_at < now() - auth.session_lifetime();
        nonces := array[refresh.nonce];
    elsif v_token.used_at > now() - auth.refresh_overlap() then
        with recursive chain as (
            select 1 as step, v_token.successor_nonce as nonce, v_token.successor_id as id
            union all
            select c.step + 1, t.successor_nonce, t.successor_id
              from chain as c
              join auth.refresh_tokens as t on t.id = c.id
             where t.used_at is not null)
        select array_agg(c.nonce order by c.step) into nonces from chain as c;
    else
        update auth.sessions as s set revoked_at = now() where s.id = v_token.session_id;
        return;
    end if;
    session_id := v_token.session_id;
    user_document := auth.user_document(v_user_id);
    return next;
end;
$$;
comment on function session.refresh(bytea, bytea, bytea, text, inet) is
    'Trade a refresh token for its successor; no row means sign in again.';
grant execute on function session.refresh(bytea, bytea, bytea, text, inet) to gateway;

-- session.current_user_document: the person of a live session; NULL when the session is over.
create or replace function session.current_user_document(session_id uuid, user_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
    select auth.user_document(current_user_document.user_id)
     where auth.is_live_session(current_user_document.session_id, current_user_document.user_id);
$$;
comment on function session.current_user_document(uuid, uuid) is 'The person of a live session; NULL when it is over.';
grant execute on function session.current_user_document(uuid, uuid) to gateway;

-- session.update_user: change the password (NULL keeps it) and what the person says about themselves.
-- Guarantees: a new password ends every other session of the person. NULL when the session is over.
create or replace function session.update_user(
    session_id uuid, user_id uuid, password_hash text, user_metadata jsonb
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
    if not auth.is_live_session(update_user.session_id, update_user.user_id) then
        return null;
    end if;
    update auth.users as u
       set password_hash = coalesce(update_user.password_hash, u.password_hash),
           user_metadata = auth.merge_metadata(u.user_metadata, update_user.user_metadata),
           updated_at = now()
     where u.id = update_user.user_id;
    if update_user.password_hash is not null then
        perform auth.end_sessions(update_user.user_id, update_user.session_id);
        update auth.one_time_tokens as t
           set used_at = now()
         where t.user_id = update_user.user_id and t.used_at is null;
    end if;
    return auth.user_document(update_user.user_id);
end;
$$;
comment on function session.update_user(uuid, uuid, text, jsonb) is
    'Change the password or the metadata of the person of a live session.';
grant execute on function session.update_user(uuid, uuid, text, jsonb) to gateway;

-- session.sign_out: end this session (local), all but this one (others), or all (global).
-- Guarantees: false when the session was over already, and then nothing changes.
create or replace function session.sign_out(session_id uuid, user_id uuid, scope text) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
    if not auth.is_live_session(sign_out.session_id, sign_out.user_id) then
        return false;
    end if;
    case sign_out.scope
        when 'local' then
            update auth.sessions as s set revoked_at = now() where s.id = sign_out.session_id;
        when 'others' then
            perform auth.end_sessions(sign_out.user_id, sign_out.session_id);
        when 'global' then
            perform auth.end_sessions(sign_out.user_id);
        else
            raise exception using errcode = 'PT422', message = 'The scope must be local, others or global.';
    end case;
    return true;
end;
$$;
comment on function session.sign_out(uuid, uuid, text) is 'End this session, the others, or all.';
grant execute on function session.sign_out(uuid, uuid, text) to gateway;
