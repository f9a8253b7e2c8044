-- Rows that need a person: deterministic checks, each with a name, written as exceptions and closed when they heal.

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

-- app.data_quality_checks: the checks of the nightly run, in their order.
create or replace function app.data_quality_checks()
returns table (ordinal integer, check_name text, summary text)
language sql immutable parallel safe
begin atomic
    select c.ordinal, c.check_name, c.summary
      from (values
        (1, 'event_without_closer', 'Calls that nobody is going to take, or took.'),
        (2, 'open_outcome',         'Calls that are over, without a form, past the grace period.'),
        (3, 'unattributed_payment', 'Counted payments without a closer.')
      ) as c (ordinal, check_name, summary);
end;
comment on function app.data_quality_checks() is 'The checks of the nightly run, in their order.';

-- app.data_quality_findings: the rows that one check finds wrong as of an instant.
create or replace function app.data_quality_findings(organization_id uuid, check_name text, as_of timestamptz)
returns table (
    dedupe_key text, severity text, entity text, row_ids uuid[], sentence text, remedy text,
    closer_id uuid, setter_id uuid)
language sql stable
begin atomic
    select e.id::text, 'warning', 'events', array[e.id],
           'A call has no closer.',
           'Assign a closer to the call, or accept the host as a closer.',
           null::uuid, e.setter_id
      from app.events as e
      left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
     where data_quality_findings.check_name = 'event_without_closer'
       and e.organization_id = data_quality_findings.organization_id
       and e.closer_id is null and e.call_status in ('scheduled', 'completed', 'no_show')
       and e.deleted_at is null and e.duplicate_of_id is null and l.is_test is not true
    union all
    select e.id::text, 'warning', 'events', array[e.id],
           format('The call that ended at %s has no outcome.',
                  to_char(e.scheduled_end_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           'Submit the post-call form.',
           e.closer_id, e.setter_id
      from app.organizations as o
      join app.events as e on e.organization_id = o.id
      left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
     where data_quality_findings.check_name = 'open_outcome'
       and o.id = data_quality_findings.organization_id
       and e.call_status = 'scheduled' and e.scheduled_end_at + o.pcf_grace <= data_quality_findings.as_of
       and e.deleted_at is null and e.duplicate_of_id is null and l.is_test is not true
    union all
    select p.id::text, 'critical', 'payments', array[p.id],
           format('A payment of %s %s on %s has no closer.', p.amount, p.currency,
                  (p.payment_date at time zone o.timezone)::date),
           'Attribute the payment to a call or a deal, or set its credits.',
           null::uuid, null::uuid
      from app.organizations as o
      join app.payments as p on p.organization_id = o.id
      left join app.leads as l on l.organization_id = p.organization_id and l.id = p.lead_id
     where data_quality_findings.check_name = 'unattributed_payment'
       and o.id = data_quality_findings.organization_id
       and p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
       and p.claim_state is distinct from 'rejected' and l.is_test is not true
       and p.payment_date <= data_quality_findings.as_of
       and not exists (
            select from app.payment_credits as c
             where c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'closer');
end;
comment on function app.data_quality_findings(uuid, text, timestamptz) is
    'The rows that one check finds wrong as of an instant.';

-- app.run_data_quality_check: bring the exceptions of one check up to date, in sets.
create or replace function app.run_data_quality_check(organization_id uuid, check_name text, as_of timestamptz)
returns table (opened bigint, healed bigint, open_now bigint)
language sql volatile
begin atomic
    with found as materialized (
        select f.dedupe_key, f.severity, f.entity, f.row_ids, f.sentence, f.remedy, f.closer_id, f.setter_id
          from app.data_quality_findings(
                run_data_quality_check.organization_id, run_data_quality_check.check_name,
                run_data_quality_check.as_of) as f
    ), written as (
        insert into app.exceptions as e (
            organization_id, check_name, dedupe_key, severity, entity, row_ids, sentence, remedy, closer_id, setter_id,
            first_seen_at, last_seen_at)
        select run_data_quality_check.organization_id, run_data_quality_check.check_name, f.dedupe_key, f.severity,
               f.entity, f.row_ids, f.sentence, f.remedy, f.closer_id, f.setter_id,
               run_data_quality_check.as_of, run_data_quality_check.as_of
          from found as f
        on conflict on constraint exceptions_dedupe_key_key do update
           set severity = excluded.severity, row_ids = excluded.row_ids, sentence = excluded.sentence,
               remedy = excluded.remedy, closer_id = excluded.closer_id, setter_id = excluded.setter_id,
               last_seen_at = excluded.last_seen_at,
               state = case e.state when 'dismissed' then e.state else 'open' end, resolved_at = null,
               updated_at = excluded.last_seen_at
        returning old.state as state_before, new.state as state_now
    ), resolved as (
        update app.exceptions as e
           set state = 'resolved', resolved_at = run_data_quality_check.as_of, updated_at = run_data_quality_check.as_of
         where e.organization_id = run_data_quality_check.organization_id
           and e.check_name = run_data_quality_check.check_name and e.state = 'open'
           and not exists (select from found as f where f.dedupe_key = e.dedupe_key)
        returning e.id
    )
    select (select count(*) from written as w where w.state_now = 'open' and w.state_before is distinct from 'open'),
           (select count(*) from resolved as r),
           (select count(*) from written as w where w.state_now = 'open');
end;
comment on function app.run_data_quality_check(uuid, text, timestamptz) is
    'Bring the exceptions of one check up to date: new ones opened, healed ones resolved.';

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
