select id, email, email_norm, password_hash, email_confirmed_at, last_sign_in_at, user_metadata, disabled_at, deleted_at,
       created_at, updated_at
  from auth.users where false;
select id, user_id, created_at, refreshed_at, expires_at, revoked_at, user_agent, address from auth.sessions where false;
select id, session_id, token_hash, created_at, used_at, successor_id, successor_nonce from auth.refresh_tokens where false;
select id, user_id, kind, token_hash, code_hash, code_failures, redirect_to, code_challenge, code_challenge_method,
       created_at, expires_at, used_at
  from auth.one_time_tokens where false;
select id, user_id, code_hash, code_challenge, code_challenge_method, created_at, expires_at, used_at
  from auth.pkce_codes where false;
select kind, subject, window_started_at, current_count, previous_count from auth.attempts where false;
select 1 / (count(*) = 6)::integer from pg_class
 where relnamespace = 'auth'::regnamespace and relrowsecurity
   and relname in ('users', 'sessions', 'refresh_tokens', 'one_time_tokens', 'pkce_codes', 'attempts');
