-- Rows that need a person, as exceptions: recorded by checks (quality_checks.sql) and by failed processing, closed when they heal.

-- app.record_exception: list one thing that a person must look at, or say again that it is still so.
-- A dismissed exception stays dismissed; a resolved one opens again.
create or replace function app.record_exception(
    organization_id uuid, check_name text, dedupe_key text, severity text, entity text, row_ids uuid[],
    sentence text, remedy text, details jsonb default '{}', as_of timestamptz default now()
) returns void
language sql volatile
begin atomic
    insert into app.exceptions as e (
        organization_id, check_name, dedupe_key, severity, entity, row_ids, sentence, remedy, details,
        first_seen_at, last_seen_at)
    values (
        record_exception.organization_id, record_exception.check_name, record_exception.dedupe_key,
        record_exception.severity, record_exception.entity, record_exception.row_ids, record_exception.sentence,
        record_exception.remedy, record_exception.details, record_exception.as_of, record_exception.as_of)
    on conflict on constraint exceptions_dedupe_key_key do update
       set severity = excluded.severity, row_ids = excluded.row_ids, sentence = excluded.sentence,
           remedy = excluded.remedy, details = excluded.details, last_seen_at = excluded.last_seen_at,
           state = case e.state when 'dismissed' then e.state else 'open' end, resolved_at = null,
           updated_at = excluded.last_seen_at;
end;
comment on function app.record_exception(uuid, text, text, text, text, uuid[], text, text, jsonb, timestamptz) is
    'List one thing that a person must look at; once per check and key.';

-- app.resolve_exception: what was wrong is right again.
create or replace function app.resolve_exception(
    organization_id uuid, check_name text, dedupe_key text, as_of timestamptz default now()
) returns void
language sql volatile
begin atomic
    update app.exceptions as e
       set state = 'resolved', resolved_at = resolve_exception.as_of, updated_at = resolve_exception.as_of
     where e.organization_id = resolve_exception.organization_id and e.check_name = resolve_exception.check_name
       and e.dedupe_key = resolve_exception.dedupe_key and e.state = 'open';
end;
comment on function app.resolve_exception(uuid, text, text, timestamptz) is 'What was wrong is right again.';

-- app.report_failed_run: a run that will not be tried again is an exception, one per kind of job.
create or replace function app.report_failed_run(organization_id uuid, run_id uuid) returns void
language sql volatile
begin atomic
    select app.record_exception(
            r.organization_id, 'failed_sync', r.kind, 'critical', 'sync_runs', array[r.id],
            format('The job %s failed after %s attempts.', r.kind, r.attempts),
            'Read the error of the run, mend its cause, and retry the run.',
            jsonb_build_object('run_id', r.id, 'state', r.state), coalesce(r.finished_at, now()))
      from app.sync_runs as r
     where r.organization_id = report_failed_run.organization_id and r.id = report_failed_run.run_id;
end;
comment on function app.report_failed_run(uuid, uuid) is 'A run that will not be tried again is an exception.';

-- app.resolve_failed_runs: a job that succeeded closes what its failure opened.
create or replace function app.resolve_failed_runs(organization_id uuid, run_id uuid) returns void
language sql volatile
begin atomic
    select app.resolve_exception(r.organization_id, 'failed_sync', r.kind, coalesce(r.finished_at, now()))
      from app.sync_runs as r
     where r.organization_id = resolve_failed_runs.organization_id and r.id = resolve_failed_runs.run_id;
end;
comment on function app.resolve_failed_runs(uuid, uuid) is 'A job that succeeded closes what its failure opened.';
