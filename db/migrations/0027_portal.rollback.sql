delete from auth.attempts as a where a.kind = 'access_link';
alter table auth.attempts
    drop constraint attempts_kind_is_known,
    add constraint attempts_kind_is_known
        check (kind in ('sign_in_account', 'sign_in_address', 'mail_account', 'mail_address'));

-- What a link did, the gateway did, as far as the older trail can tell.
update app.audit_logs as l set actor_kind = 'gateway', actor_id = null where l.actor_kind = 'access_link';
update app.platform_audit_logs as l set actor_kind = 'gateway', actor_id = null where l.actor_kind = 'access_link';
alter table app.platform_audit_logs
    drop constraint platform_audit_logs_actor_is_known,
    add constraint platform_audit_logs_actor_is_known
        check (actor_kind in ('user', 'api_key', 'gateway', 'worker', 'operator', 'system'));
alter table app.audit_logs
    drop constraint audit_logs_actor_is_known,
    add constraint audit_logs_actor_is_known
        check (actor_kind in ('user', 'api_key', 'gateway', 'worker', 'operator', 'system'));

alter table app.closer_access_tokens
    drop constraint closer_access_tokens_life_is_bounded,
    drop column sent_to;
