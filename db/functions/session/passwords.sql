-- Signing in with a password, in two calls: the gateway fetches what to compare with, spends one Argon2id on it, and
-- comes back only if the password was right. All are definers: the gateway has no rights on tables.
grant usage on schema session to gateway;

-- session.begin_password_sign_in: count an attempt, and give the hash to compare the password with.
-- Guarantees: exactly one row, and the same counters, whoever is named (an address over its limit no longer counts
-- against accounts, so it cannot keep them locked); NULL stands for everything that must fail
-- (unknown, without password, unconfirmed, disabled, over the limit), and the gateway then hashes against nothing.
create or replace function session.begin_password_sign_in(email text, address inet) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_address_ok constant boolean :=
        auth.count_attempt('sign_in_address', auth.attempt_subject(begin_password_sign_in.address));
    v_account_ok constant boolean := case when v_address_ok then
        auth.count_attempt('sign_in_account', auth.attempt_subject(begin_password_sign_in.email)) end;
begin
    return (
        select u.password_hash from auth.users as u
         where u.email_norm = lower(btrim(begin_password_sign_in.email))
           and u.email_confirmed_at is not null and u.disabled_at is null and u.deleted_at is null
           and v_address_ok and v_account_ok);
end;
$$;
comment on function session.begin_password_sign_in(text, inet) is
    'Count an attempt; the hash to compare the password with, NULL when the attempt must fail.';
grant execute on function session.begin_password_sign_in(text, inet) to gateway;

-- session.finish_password_sign_in: the password matched password_hash: open a session.
-- Guarantees: no row when the password, or the person's right to sign in, changed since begin_password_sign_in.
-- new_password_hash replaces the hash when its cost parameters have become outdated.
create or replace function session.finish_password_sign_in(
    email text, password_hash text, new_password_hash text, refresh_hash bytea, user_agent text, address inet
) returns table (session_id uuid, user_document jsonb)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_user_id uuid;
begin
    select u.id into v_user_id from auth.users as u
     where u.email_norm = lower(btrim(finish_password_sign_in.email))
       and u.password_hash = finish_password_sign_in.password_hash and u.email_confirmed_at is not null
       for no key update;
    if v_user_id is null or not auth.can_sign_in(v_user_id) then
        return;
    end if;
    if finish_password_sign_in.new_password_hash is not null then
        update auth.users as u set password_hash = finish_password_sign_in.new_password_hash where u.id = v_user_id;
    end if;
    perform auth.attempt_succeeded(finish_password_sign_in.email, finish_password_sign_in.address);
    session_id := auth.open_session(
        v_user_id, finish_password_sign_in.refresh_hash, finish_password_sign_in.user_agent, finish_password_sign_in.address);
    user_document := auth.user_document(v_user_id);
    return next;
end;
$$;
comment on function session.finish_password_sign_in(text, text, text, bytea, text, inet) is
    'Open a session after the password matched; no row when it must not be opened.';
grant execute on function session.finish_password_sign_in(text, text, text, bytea, text, inet) to gateway;
