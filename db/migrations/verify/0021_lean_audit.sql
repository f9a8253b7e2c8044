select 1 / (i.indpred is not null)::integer from pg_catalog.pg_index as i where i.indexrelid = 'app.audit_logs_actor_idx'::regclass;
