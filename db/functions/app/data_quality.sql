-- Rows that need a person, as exceptions: recorded by checks (quality_checks.sql) and by failed processing, closed when they heal.

-- app.listed_state: where a listed exception stands when it is found again: what a person dismissed stays so for as long as it says
-- the same (severity, rows and sentence); anything else is open.
create or replace function app.listed_state(
    was app.exceptions, severity text, row_ids uuid[], sentence text
) returns text
language sql immutable parallel safe
return case
    when was.state = 'dismissed' and was.severity = listed_state.severity and was.row_ids = listed_state.row_ids
         and was.sentence = listed_state.sentence then 'dismissed'
    else 'open'
end;
comment on function app.listed_state(app.exceptions, text, uuid[], text) is
    'Where a listed exception stands when it is found again.';

-- app.record_exception: list one thing that a person must look at, or say again that it is still so.
-- A dismissed exception stays dismissed until it says something else; a resolved one opens again.
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
           state = app.listed_state(e, excluded.severity, excluded.row_ids, excluded.sentence), resolved_at = null,
           updated_at = excluded.last_seen_at;
end;
comment on function app.record_exception(uuid, text, text, text, text, uuid[], text, text, jsonb, timestamptz) is
    'List one thing that a person must look at; once per check and key.';

-- app.resolve_exception: what was wrong is right again, dismissed or not: if it comes back, somebody has to look anew.
create or replace function app.resolve_exception(
    organization_id uuid, check_name text, dedupe_key text, as_of timestamptz default now()
) returns void
language sql volatile
begin atomic
    update app.exceptions as e
       set state = 'resolved', resolved_at = resolve_exception.as_of, updated_at = resolve_exception.as_of
     where e.organization_id = resolve_exception.organization_id and e.check_name = resolve_exception.check_name
       and e.dedupe_key = resolve_exception.dedupe_key and e.state in ('open', 'dismissed');
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

-- app.run_data_quality_check: bring the exceptions of one check up to date, in sets: what it finds is listed, what it no longer
-- finds is resolved, dismissed or not.
-- since, until: lists only what happened from since to before until, and what has no day; what has healed is resolved whenever
-- it happened. found: how much there is, within these bounds; open_now: how much of it nobody dismissed.
create or replace function app.run_data_quality_check(
    organization_id uuid, check_name text, as_of timestamptz, since timestamptz default null, until timestamptz default null
) returns table (found bigint, opened bigint, healed bigint, open_now bigint)
language plpgsql volatile set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
    v_organization_id constant uuid := run_data_quality_check.organization_id;
    v_check           constant text := (
        select c.check_name from app.data_quality_checks() as c where c.check_name = run_data_quality_check.check_name);
    v_found           app.finding[];
begin
    if v_check is null then
        raise exception using errcode = 'PT422', message = 'There is no such check.',
            detail = left(run_data_quality_check.check_name, 100);
    end if;
    execute format('select coalesce(array_agg(f), ''{}'') from app.%I($1, $2) as f', 'find_' || v_check)
       into v_found using v_organization_id, as_of;
    return query
    with found as materialized (
        select f.* from unnest(v_found) as f
    ), listed as (
        select f.* from found as f
         where f.happened_at is null or (since is null or f.happened_at >= since) and (until is null or f.happened_at < until)
    ), written as (
        insert into app.exceptions as e (
            organization_id, check_name, dedupe_key, severity, entity, row_ids, sentence, remedy, details, closer_id, setter_id,
            happened_at, first_seen_at, last_seen_at)
        select v_organization_id, v_check, f.dedupe_key, f.severity, f.entity, f.row_ids, f.sentence, f.remedy,
               coalesce(f.details, '{}'), f.closer_id, f.setter_id, f.happened_at, as_of, as_of
          from listed as f
         order by f.dedupe_key
        on conflict on constraint exceptions_dedupe_key_key do update
           set severity = excluded.severity, row_ids = excluded.row_ids, sentence = excluded.sentence,
               remedy = excluded.remedy, closer_id = excluded.closer_id, setter_id = excluded.setter_id,
               happened_at = excluded.happened_at, last_seen_at = excluded.last_seen_at,
               details = case excluded.details when '{}' then e.details else excluded.details end,
               state = app.listed_state(e, excluded.severity, excluded.row_ids, excluded.sentence), resolved_at = null,
               updated_at = excluded.last_seen_at
        returning old.state as state_before, new.state as state_now
    ), resolved as (
        update app.exceptions as e
           set state = 'resolved', resolved_at = as_of, updated_at = as_of
         where e.organization_id = v_organization_id and e.check_name = v_check and e.state in ('open', 'dismissed')
           and not exists (select from found as f where f.dedupe_key = e.dedupe_key)
        returning e.id
    )
    select (select count(*) from listed),
           (select count(*) from written as w where w.state_now = 'open' and w.state_before is distinct from 'open'),
           (select count(*) from resolved),
           (select count(*) from written as w where w.state_now = 'open');
end;
$$;
comment on function app.run_data_quality_check(uuid, text, timestamptz, timestamptz, timestamptz) is
    'Bring the exceptions of one check up to date: new ones opened, healed ones resolved.';
