drop index app.audit_logs_actor_idx;
create index audit_logs_actor_idx on app.audit_logs (organization_id, actor_id, id);
