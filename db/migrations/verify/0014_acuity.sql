select 1 / (to_regclass('app.sync_runs_queued_subject_idx') is not null)::integer;
select 1 / (count(*) = 2)::integer from pg_attribute
 where (attrelid = 'app.events'::regclass and attname = 'provider_host_id' or attrelid = 'app.sync_runs'::regclass and attname = 'subject')
   and not attisdropped;
