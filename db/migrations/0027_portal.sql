-- Personal links: where they were sent, how long they may live, how often they may be used, and that the audit trail names them.
-- depends: 0021_lean_audit

alter table app.closer_access_tokens
    add column sent_to text,
    add constraint closer_access_tokens_life_is_bounded check (expires_at <= created_at + interval '366 days');
comment on column app.closer_access_tokens.sent_to is $$The address the link was e-mailed to; NULL for one that was shown.$$;

alter table app.audit_logs
    drop constraint audit_logs_actor_is_known,
    add constraint audit_logs_actor_is_known
        check (actor_kind in ('user', 'api_key', 'access_link', 'gateway', 'worker', 'operator', 'system'));
alter table app.platform_audit_logs
    drop constraint platform_audit_logs_actor_is_known,
    add constraint platform_audit_logs_actor_is_known
        check (actor_kind in ('user', 'api_key', 'access_link', 'gateway', 'worker', 'operator', 'system'));

alter table auth.attempts
    drop constraint attempts_kind_is_known,
    add constraint attempts_kind_is_known
        check (kind in ('sign_in_account', 'sign_in_address', 'mail_account', 'mail_address', 'access_link'));
