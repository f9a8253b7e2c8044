-- E-mailed links and codes. All are definers: the gateway has no rights on tables.

-- session.request_link: put a link of a kind into the outbox, if there is somebody to send it to.
-- secret: ciphertext of what the message carries; payload: what it says otherwise.
-- Guarantees: false, and nothing else, when the account or the address asked too often; true otherwise, whether or not
-- the address belongs to anybody. A new code takes the place of earlier ones; earlier links stay good until they expire.
create or replace function session.request_link(
    kind text, email text, token_hash bytea, code_hash bytea, redirect_to text, code_challenge text,
    code_challenge_method text, lifetime interval, payload jsonb, secret bytea, address inet
) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_user auth.users;
begin
    if not auth.count_attempt('mail_address', auth.attempt_subject(request_link.address)) then
        return false;
    elsif not auth.count_attempt('mail_account', auth.attempt_subject(request_link.email)) then
        return false;
    end if;
    select u.* into v_user from auth.users as u
     where u.email_norm = lower(btrim(request_link.email))
       and (request_link.kind <> 'signup' or u.email_confirmed_at is null);
    if not found or not auth.can_sign_in(v_user.id) then
        return true;
    end if;
    update auth.one_time_tokens as t
       set code_hash = null
     where t.user_id = v_user.id and t.kind = request_link.kind and t.used_at is null;
    insert into auth.one_time_tokens
        (user_id, kind, token_hash, code_hash, redirect_to, code_challenge, code_challenge_method, expires_at)
    values
        (v_user.id, request_link.kind, request_link.token_hash, request_link.code_hash, request_link.redirect_to,
         request_link.code_challenge, request_link.code_challenge_method, now() + request_link.lifetime);
    perform app.enqueue_outbox(
        organization_id => null, kind => 'email',
        payload => request_link.payload || jsonb_build_object('to', v_user.email),
        dedupe_key => request_link.kind || ':' || encode(request_link.token_hash, 'hex'),
        secret => request_link.secret);
    return true;
end;
$$;
comment on function session.request_link(text, text, bytea, bytea, text, text, text, interval, jsonb, bytea, inet) is
    'Queue an e-mail with a link; false when asked too often.';
grant execute on function session.request_link(text, text, bytea, bytea, text, text, text, interval, jsonb, bytea, inet)
    to gateway;

-- auth.use_one_time_token: internal: a link or code proved that the person reads this address. Spends it, confirms the
-- address, and opens a session, or (for a redirect of a PKCE client) leaves a code for the browser instead.
create or replace function auth.use_one_time_token(
    token auth.one_time_tokens, refresh_hash bytea, browser_code_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb, redirect_to text, gave_browser_code boolean)
language plpgsql volatile set search_path = '' as $$
begin
    if not auth.can_sign_in((token).user_id) then
        return;
    end if;
    update auth.one_time_tokens as t set used_at = now() where t.id = (token).id;
    update auth.users as u
       set email_confirmed_at = now(), updated_at = now()
     where u.id = (token).user_id and u.email_confirmed_at is null;
    gave_browser_code := browser_code_hash is not null and (token).code_challenge is not null;
    if gave_browser_code then
        insert into auth.pkce_codes (user_id, code_hash, code_challenge, code_challenge_method, expires_at)
        values ((token).user_id, browser_code_hash, (token).code_challenge, (token).code_challenge_method,
                now() + interval '5 minutes');
    else
        session_id := auth.open_session((token).user_id, refresh_hash, user_agent, address);
        user_document := auth.user_document((token).user_id);
    end if;
    redirect_to := (token).redirect_to;
    return next;
end;
$$;
comment on function auth.use_one_time_token(auth.one_time_tokens, bytea, bytea, text, inet) is
    'Internal: spend a proven link or code.';

-- session.verify_link: somebody followed a link. kinds: those the caller accepts.
-- browser_code_hash: given when the answer is a redirect, so that a PKCE client gets a code instead of a session.
-- Guarantees: a link works once; no row for unknown, used and expired ones, or when the address tried too often.
create or replace function session.verify_link(
    kinds text[], token_hash bytea, refresh_hash bytea, browser_code_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb, redirect_to text, gave_browser_code boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_token auth.one_time_tokens;
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(verify_link.address)) then
        return;
    end if;
    select t.* into v_token from auth.one_time_tokens as t
     where t.token_hash = verify_link.token_hash and t.kind = any (verify_link.kinds)
       and t.used_at is null and t.expires_at > now()
       for update;
    if not found then
        return;
    end if;
    return query
    select u.* from auth.use_one_time_token(
        v_token, verify_link.refresh_hash, verify_link.browser_code_hash, verify_link.user_agent, verify_link.address) as u;
    if found then
        perform auth.attempt_succeeded(null, verify_link.address);
    end if;
end;
$$;
comment on function session.verify_link(text[], bytea, bytea, bytea, text, inet) is
    'Spend a link; no row for unknown, used and expired ones.';
grant execute on function session.verify_link(text[], bytea, bytea, bytea, text, inet) to gateway;

-- session.verify_code: somebody typed the six digits that were e-mailed to them.
-- Guarantees: as verify_link; five wrong guesses end a code, and guesses count as attempts to sign in.
create or replace function session.verify_code(
    kinds text[], email text, code_hash bytea, refresh_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb, redirect_to text, gave_browser_code boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_address_ok constant boolean := auth.count_attempt('sign_in_address', auth.attempt_subject(verify_code.address));
    v_account_ok constant boolean := case when v_address_ok then
        auth.count_attempt('sign_in_account', auth.attempt_subject(verify_code.email)) end;
    v_token auth.one_time_tokens;
begin
    if v_account_ok is not true then
        return;
    end if;
    perform 1 from auth.one_time_tokens as t
       join auth.users as u on u.id = t.user_id
     where u.email_norm = lower(btrim(verify_code.email)) and t.kind = any (verify_code.kinds)
       and t.code_hash is not null and t.used_at is null and t.expires_at > now()
       for update of t;
    select t.* into v_token from auth.one_time_tokens as t
      join auth.users as u on u.id = t.user_id
     where u.email_norm = lower(btrim(verify_code.email)) and t.kind = any (verify_code.kinds)
       and t.code_hash = verify_code.code_hash and t.code_failures < 5 and t.used_at is null and t.expires_at > now()
     limit 1;
    if not found then
        update auth.one_time_tokens as t
           set code_failures = t.code_failures + 1
          from auth.users as u
         where u.id = t.user_id and u.email_norm = lower(btrim(verify_code.email)) and t.kind = any (verify_code.kinds)
           and t.code_hash is not null and t.used_at is null and t.expires_at > now();
        return;
    end if;
    return query
    select u.* from auth.use_one_time_token(
        v_token, verify_code.refresh_hash, null, verify_code.user_agent, verify_code.address) as u;
    if found then
        perform auth.attempt_succeeded(verify_code.email, verify_code.address);
    end if;
end;
$$;
comment on function session.verify_code(text[], text, bytea, bytea, text, inet) is
    'Spend an e-mailed six-digit code; no row for wrong, used and expired ones.';
grant execute on function session.verify_code(text[], text, bytea, bytea, text, inet) to gateway;

-- session.exchange_code: the client that asked for the link trades the browser's code for a session (RFC 7636).
-- Guarantees: a code works once, and is spent by a wrong verifier too.
create or replace function session.exchange_code(
    code_hash bytea, code_verifier text, refresh_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_code auth.pkce_codes;
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(exchange_code.address)) then
        return;
    end if;
    update auth.pkce_codes as c
       set used_at = now()
     where c.code_hash = exchange_code.code_hash and c.used_at is null and c.expires_at > now()
    returning c.* into v_code;
    if not found or not auth.can_sign_in(v_code.user_id)
       or v_code.code_challenge is distinct from (case v_code.code_challenge_method
            when 's256' then rtrim(translate(encode(sha256(convert_to(exchange_code.code_verifier, 'UTF8')), 'base64'),
                                             '+/', '-_'), '=')
            else exchange_code.code_verifier end) then
        return;
    end if;
    perform auth.attempt_succeeded(null, exchange_code.address);
    session_id := auth.open_session(
        v_code.user_id, exchange_code.refresh_hash, exchange_code.user_agent, exchange_code.address);
    user_document := auth.user_document(v_code.user_id);
    return next;
end;
$$;
comment on function session.exchange_code(bytea, text, bytea, text, inet) is
    'Trade the code of a followed link and its verifier for a session.';
grant execute on function session.exchange_code(bytea, text, bytea, text, inet) to gateway;
