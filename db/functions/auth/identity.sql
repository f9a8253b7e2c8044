-- What sign-in is made of: attempts, sessions, refresh tokens, and how a person is shown to clients. Internal: nobody
-- but the owner may call these; the gateway's doors are in schema session.

-- auth.session_lifetime: how long a sign-in stays alive without being used.
create or replace function auth.session_lifetime() returns interval
language sql immutable parallel safe
return interval '30 days';
comment on function auth.session_lifetime() is 'How long a sign-in stays alive without a refresh.';

-- auth.refresh_overlap: how long a used refresh token still answers with its successor (two tabs, a lost answer).
create or replace function auth.refresh_overlap() returns interval
language sql immutable parallel safe
return interval '10 seconds';
comment on function auth.refresh_overlap() is 'How long a used refresh token still answers with its successor.';

-- auth.attempt_limits: how many attempts of a kind fit into one sliding window.
create or replace function auth.attempt_limits(kind text, out allowed integer, out span interval)
language sql immutable strict parallel safe
begin atomic
    select l.allowed, l.span
      from (values
            ('sign_in_account', 10, interval '15 minutes'),
            ('sign_in_address', 100, interval '15 minutes'),
            ('mail_account', 10, interval '1 hour'),
            ('mail_address', 100, interval '1 hour'),
            ('access_link', 120, interval '5 minutes')) as l (kind, allowed, span)
     where l.kind = attempt_limits.kind;
end;
comment on function auth.attempt_limits(text) is 'How many attempts of a kind fit into one sliding window.';

-- auth.attempt_subject: the key under which attempts on an account or from an address are counted.
create or replace function auth.attempt_subject(account text) returns bytea
language sql immutable strict parallel safe
return sha256(convert_to(lower(btrim(account)), 'UTF8'));
comment on function auth.attempt_subject(text) is 'SHA-256 of the account in lower case.';

-- One household or one server has a whole IPv6 /64; a limit per single address would be none.
create or replace function auth.attempt_subject(address inet) returns bytea
language sql immutable parallel safe
return sha256(convert_to(coalesce(
    host(network(set_masklen(address, case family(address) when 6 then 64 else 32 end))), 'unknown'), 'UTF8'));
comment on function auth.attempt_subject(inet) is 'SHA-256 of an IPv4 address or of an IPv6 /64; no address counts as one address.';

-- auth.count_attempt: count one attempt before its outcome is known, and say whether it is still within the limit.
-- Guarantees: parallel attempts are all counted (one row is locked); a count never runs past the limit by more than
-- one, so that the window slides free again.
create or replace function auth.count_attempt(kind text, subject bytea) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
    v_limit record := auth.attempt_limits(count_attempt.kind);
    v_bin   timestamptz := date_bin(v_limit.span, now(), timestamptz '2000-01-01 00:00:00Z');
    v_count numeric;
begin
    insert into auth.attempts as a (kind, subject, window_started_at, current_count, previous_count)
    values (count_attempt.kind, count_attempt.subject, v_bin, 1, 0)
    on conflict on constraint attempts_pkey do update
       set window_started_at = greatest(a.window_started_at, excluded.window_started_at),
           previous_count = case
               when a.window_started_at >= excluded.window_started_at then a.previous_count
               when a.window_started_at = excluded.window_started_at - v_limit.span then a.current_count
               else 0 end,
           current_count = case
               when a.window_started_at >= excluded.window_started_at
               then least(a.current_count + 1, v_limit.allowed + 1)
               else 1 end
    returning a.current_count + a.previous_count * greatest(
        0, 1 - extract(epoch from now() - a.window_started_at) / extract(epoch from v_limit.span))
      into v_count;
    return v_count <= v_limit.allowed;
end;
$$;
comment on function auth.count_attempt(text, bytea) is 'Count one attempt; true while the sliding window has room.';

-- auth.attempt_succeeded: what was counted beforehand was no failure: the account starts afresh, the address gets its
-- one attempt back (an attacker's own account must not clear the address). email NULL: no account was counted.
-- The address comes first, as everywhere: two sign-ins that lock both rows in different order would stop each other.
create or replace function auth.attempt_succeeded(email text, address inet) returns void
language sql volatile set search_path = '' as $$
    update auth.attempts as a
       set current_count = greatest(a.current_count - 1, 0)
     where a.kind = 'sign_in_address' and a.subject = auth.attempt_subject(attempt_succeeded.address);
    delete from auth.attempts as a
     where a.kind = 'sign_in_account' and a.subject = auth.attempt_subject(attempt_succeeded.email);
$$;
comment on function auth.attempt_succeeded(text, inet) is 'Take back what count_attempt noted, since the attempt succeeded.';

-- auth.forget_expired: remove a little of what can no longer matter, whenever somebody signs in.
create or replace function auth.forget_expired() returns void
language sql volatile set search_path = '' as $$
    delete from auth.attempts as a
     where (a.kind, a.subject) in (
        select o.kind, o.subject from auth.attempts as o
         where o.window_started_at < now() - interval '1 day' limit 50 for update skip locked);
    delete from auth.one_time_tokens as t
     where t.id in (
        select o.id from auth.one_time_tokens as o
         where o.expires_at < now() - interval '1 day' limit 50 for update skip locked);
    delete from auth.pkce_codes as c
     where c.id in (
        select o.id from auth.pkce_codes as o
         where o.expires_at < now() - interval '1 day' limit 50 for update skip locked);
    delete from auth.sessions as s
     where s.id in (
        select o.id from auth.sessions as o
         where o.expires_at < now() - interval '1 day' limit 50 for update skip locked);
$$;
comment on function auth.forget_expired() is 'Remove up to fifty expired rows of each kind.';

-- auth.user_document: a person as clients of the sign-in API expect to read it; NULL for nobody.
create or replace function auth.user_document(user_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    return (
        select jsonb_build_object(
                   'id', u.id,
                   'aud', 'authenticated',
                   'role', auth.database_role(u.id),
                   'email', u.email,
                   'phone', '',
                   'email_confirmed_at', u.email_confirmed_at,
                   'confirmed_at', u.email_confirmed_at,
                   'last_sign_in_at', u.last_sign_in_at,
                   'banned_until', case when u.disabled_at is not null then '9999-12-31T00:00:00Z' end,
                   'app_metadata', jsonb_build_object('provider', 'email', 'providers', jsonb_build_array('email')),
                   'user_metadata', u.user_metadata,
                   'identities', jsonb_build_array(jsonb_build_object(
                       'id', u.id, 'identity_id', u.id, 'user_id', u.id, 'provider', 'email',
                       'identity_data', jsonb_build_object(
                           'sub', u.id, 'email', u.email, 'email_verified', u.email_confirmed_at is not null),
                       'created_at', u.created_at, 'updated_at', u.updated_at, 'last_sign_in_at', u.last_sign_in_at)),
                   'created_at', u.created_at,
                   'updated_at', u.updated_at,
                   'is_anonymous', false)
          from auth.users as u
         where u.id = user_document.user_id and u.deleted_at is null);
end;
$$;
comment on function auth.user_document(uuid) is 'A person as clients of the sign-in API read it.';

-- auth.is_live_session: does this session exist, belong to this person, and is it neither revoked nor expired?
create or replace function auth.is_live_session(session_id uuid, user_id uuid) returns boolean
language sql stable set search_path = '' as $$
    select exists (
        select from auth.sessions as s
          join auth.users as u on u.id = s.user_id
         where s.id = is_live_session.session_id and s.user_id = is_live_session.user_id
           and s.revoked_at is null and s.expires_at > now()
           and u.disabled_at is null and u.deleted_at is null);
$$;
comment on function auth.is_live_session(uuid, uuid) is 'True for a session of this person that is neither revoked nor expired.';

-- auth.open_session: begin a sign-in of a person and note its first refresh token; returns the session.
create or replace function auth.open_session(user_id uuid, refresh_hash bytea, user_agent text, address inet) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_session_id uuid;
begin
    perform auth.forget_expired();
    insert into auth.sessions as s (user_id, expires_at, user_agent, address)
    values (open_session.user_id, now() + auth.session_lifetime(), left(open_session.user_agent, 512), open_session.address)
    returning s.id into v_session_id;
    insert into auth.refresh_tokens (session_id, token_hash) values (v_session_id, open_session.refresh_hash);
    update auth.users as u
       set last_sign_in_at = now(), updated_at = now()
     where u.id = open_session.user_id;
    return v_session_id;
end;
$$;
comment on function auth.open_session(uuid, bytea, text, inet) is 'Begin a sign-in and note its first refresh token.';

-- auth.can_sign_in: is this a person whom a proven password or link lets in?
create or replace function auth.can_sign_in(user_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return auth.database_role(can_sign_in.user_id) is not null and exists (
        select from auth.users as u
         where u.id = can_sign_in.user_id and u.disabled_at is null and u.deleted_at is null);
end;
$$;
comment on function auth.can_sign_in(uuid) is 'True for a person who is neither disabled nor deleted.';

-- auth.end_sessions: revoke the sessions of a person, all or all but one; returns how many ended.
create or replace function auth.end_sessions(user_id uuid, except_session_id uuid default null) returns integer
language plpgsql volatile set search_path = '' as $$
declare
    v_ended integer;
begin
    update auth.sessions as s
       set revoked_at = now()
     where s.user_id = end_sessions.user_id and s.revoked_at is null
       and s.id is distinct from end_sessions.except_session_id;
    get diagnostics v_ended = row_count;
    return v_ended;
end;
$$;
comment on function auth.end_sessions(uuid, uuid) is 'Revoke the sessions of a person, all or all but one.';

-- auth.merge_metadata: old with the keys of patch laid over; a key whose new value is null goes away.
create or replace function auth.merge_metadata(old jsonb, patch jsonb) returns jsonb
language sql immutable parallel safe set search_path = '' as $$
    select coalesce(jsonb_object_agg(m.key, m.value) filter (where m.value <> 'null'::jsonb), '{}')
      from jsonb_each(merge_metadata.old || coalesce(merge_metadata.patch, '{}')) as m;
$$;
comment on function auth.merge_metadata(jsonb, jsonb) is 'old with the keys of patch laid over; null removes a key.';
