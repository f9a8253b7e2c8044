-- depends: 0001_foundation
-- Who can sign in, with what, and which sign-ins are alive. Nobody but the owner may touch these tables: the gateway
-- reaches them through functions in schema session, everybody else through the who-is-asking functions in schema auth.
-- Tokens and codes are kept as hashes only; what was e-mailed or answered cannot be read back from here.

create table auth.users (
    id                 uuid        not null default uuidv7(),
    email              text        not null,
    email_norm         text        not null generated always as (lower(btrim(email))) stored,
    password_hash      text,
    email_confirmed_at timestamptz,
    last_sign_in_at    timestamptz,
    user_metadata      jsonb       not null default '{}',
    disabled_at        timestamptz,
    deleted_at         timestamptz,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_email_norm_key unique (email_norm),
    constraint users_email_is_an_address check (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'),
    constraint users_email_is_short check (length(email) <= 254),
    constraint users_password_hash_is_argon2id check (password_hash ~ '^\$argon2id\$v=19\$'),
    constraint users_user_metadata_is_a_small_object
        check (jsonb_typeof(user_metadata) = 'object' and octet_length(user_metadata::text) <= 16384),
    constraint users_deleted_have_no_password check (deleted_at is null or password_hash is null)
);
create index users_created_at_id_idx on auth.users (created_at desc, id desc);
alter table auth.users enable row level security;
comment on table auth.users is $$People who can sign in
One row per person, whatever organizations they belong to; holds no tenant data.$$;
comment on column auth.users.email_norm is 'The address in lower case without surrounding blanks: what must be unique and is looked up.';
comment on column auth.users.password_hash is 'Argon2id in PHC string form; NULL when the person signs in by link only.';
comment on column auth.users.deleted_at is 'Set when the person was removed but rows elsewhere still name them; the address is then a placeholder.';

create table auth.sessions (
    id           uuid        not null default uuidv7(),
    user_id      uuid        not null,
    created_at   timestamptz not null default now(),
    refreshed_at timestamptz not null default now(),
    expires_at   timestamptz not null,
    revoked_at   timestamptz,
    user_agent   text,
    address      inet,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint sessions_expire_after_they_start check (expires_at > created_at),
    constraint sessions_user_agent_is_short check (length(user_agent) <= 512)
);
create index sessions_user_id_idx on auth.sessions (user_id);
create index sessions_expires_at_idx on auth.sessions (expires_at);
alter table auth.sessions enable row level security;
comment on table auth.sessions is $$Sign-ins
An access token is honoured only while the session it names is neither revoked nor expired.$$;

create table auth.refresh_tokens (
    id              uuid        not null default uuidv7(),
    session_id      uuid        not null,
    token_hash      bytea       not null,
    created_at      timestamptz not null default now(),
    used_at         timestamptz,
    successor_id    uuid,
    successor_nonce bytea,
    constraint refresh_tokens_pkey primary key (id),
    constraint refresh_tokens_session_id_fkey foreign key (session_id) references auth.sessions (id) on delete cascade,
    constraint refresh_tokens_successor_id_fkey foreign key (successor_id) references auth.refresh_tokens (id),
    constraint refresh_tokens_token_hash_key unique (token_hash),
    constraint refresh_tokens_successor_id_key unique (successor_id),
    constraint refresh_tokens_token_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint refresh_tokens_successor_nonce_is_32_bytes check (octet_length(successor_nonce) = 32),
    constraint refresh_tokens_used_have_a_successor
        check (num_nonnulls(used_at, successor_id, successor_nonce) in (0, 3))
);
create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id);
alter table auth.refresh_tokens enable row level security;
comment on table auth.refresh_tokens is $$Refresh tokens, by hash
All tokens of one session are one family. Each is used once; its successor is HMAC-SHA256(token, successor_nonce), so only
who holds the used token can compute the successor again, and the database never knows either.$$;

create table auth.one_time_tokens (
    id                    uuid        not null default uuidv7(),
    user_id               uuid        not null,
    kind                  text        not null,
    token_hash            bytea       not null,
    code_hash             bytea,
    code_failures         integer     not null default 0,
    redirect_to           text,
    code_challenge        text,
    code_challenge_method text,
    created_at            timestamptz not null default now(),
    expires_at            timestamptz not null,
    used_at               timestamptz,
    constraint one_time_tokens_pkey primary key (id),
    constraint one_time_tokens_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint one_time_tokens_token_hash_key unique (token_hash),
    constraint one_time_tokens_kind_is_known check (kind in ('magiclink', 'recovery', 'invite', 'signup')),
    constraint one_time_tokens_token_hash_is_sha256 check (octet_length(token_hash) = 32),
    constraint one_time_tokens_code_hash_is_sha256 check (octet_length(code_hash) = 32),
    constraint one_time_tokens_code_failures_is_a_count check (code_failures >= 0),
    constraint one_time_tokens_code_challenge_has_a_method
        check ((code_challenge is null) = (code_challenge_method is null)),
    constraint one_time_tokens_code_challenge_method_is_known check (code_challenge_method in ('s256', 'plain')),
    constraint one_time_tokens_code_challenge_is_short check (length(code_challenge) between 1 and 128),
    constraint one_time_tokens_expire_after_they_start check (expires_at > created_at)
);
create index one_time_tokens_user_id_kind_idx on auth.one_time_tokens (user_id, kind);
create index one_time_tokens_expires_at_idx on auth.one_time_tokens (expires_at);
alter table auth.one_time_tokens enable row level security;
comment on table auth.one_time_tokens is $$What was e-mailed: links and six-digit codes, by hash
The hash of a code is keyed by the gateway, so that a copy of this table does not give the million possible codes away.$$;

create table auth.pkce_codes (
    id                    uuid        not null default uuidv7(),
    user_id               uuid        not null,
    code_hash             bytea       not null,
    code_challenge        text        not null,
    code_challenge_method text        not null,
    created_at            timestamptz not null default now(),
    expires_at            timestamptz not null,
    used_at               timestamptz,
    constraint pkce_codes_pkey primary key (id),
    constraint pkce_codes_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint pkce_codes_code_hash_key unique (code_hash),
    constraint pkce_codes_code_hash_is_sha256 check (octet_length(code_hash) = 32),
    constraint pkce_codes_code_challenge_method_is_known check (code_challenge_method in ('s256', 'plain')),
    constraint pkce_codes_code_challenge_is_short check (length(code_challenge) between 1 and 128),
    constraint pkce_codes_expire_after_they_start check (expires_at > created_at)
);
create index pkce_codes_user_id_idx on auth.pkce_codes (user_id);
create index pkce_codes_expires_at_idx on auth.pkce_codes (expires_at);
alter table auth.pkce_codes enable row level security;
comment on table auth.pkce_codes is $$Codes that a followed link gave to the browser
Worth a session only together with the verifier that the asking client kept (RFC 7636).$$;

create table auth.attempts (
    kind              text        not null,
    subject           bytea       not null,
    window_started_at timestamptz not null,
    current_count     integer     not null,
    previous_count    integer     not null,
    constraint attempts_pkey primary key (kind, subject),
    constraint attempts_kind_is_known check (kind in ('sign_in_account', 'sign_in_address', 'mail_account', 'mail_address')),
    constraint attempts_subject_is_sha256 check (octet_length(subject) = 32),
    constraint attempts_current_count_is_a_count check (current_count >= 0),
    constraint attempts_previous_count_is_a_count check (previous_count >= 0)
);
create index attempts_window_started_at_idx on auth.attempts (window_started_at);
alter table auth.attempts enable row level security;
comment on table auth.attempts is $$Attempts to sign in and requests for e-mail
Per hashed account and per hashed address, in two adjoining windows, weighted into one sliding window. A known and an
unknown account leave the same trace.$$;
