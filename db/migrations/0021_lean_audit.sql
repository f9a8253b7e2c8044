-- Few changes have an actor with an id: what deliveries and workers change has none.
-- depends: 0020_lean_ingest

drop index app.audit_logs_actor_idx;
create index audit_logs_actor_idx on app.audit_logs (organization_id, actor_id, id) where actor_id is not null;
