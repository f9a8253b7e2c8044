-- jobs.run_data_quality: do the next check of a data-quality run, and move the run's cursor, in one transaction.
-- Callers:    the worker that has the run, again and again until is_last.
-- Guarantees: killed anywhere, the next worker goes on with the check after the last one that was committed.
-- Answers no row when this worker no longer has the run.
-- Definer: the worker has no rights on tables; the organization is the run's own.
create or replace function jobs.run_data_quality(
    organization_id uuid, id uuid, worker_id text, attempt integer, as_of timestamptz default now()
) returns table (check_name text, opened bigint, healed bigint, open_now bigint, is_last boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_check record;
    v_cursor text;
    v_total constant integer := (select count(*) from app.data_quality_checks());
begin
    select r.cursor into v_cursor from app.sync_runs as r
     where r.organization_id = run_data_quality.organization_id and r.id = run_data_quality.id
       and r.kind = 'data-quality' and r.state = 'running'
       and r.claimed_by = run_data_quality.worker_id and r.attempts = run_data_quality.attempt
       for update;
    if not found then
        return;
    end if;
    select c.ordinal, c.check_name into v_check from app.data_quality_checks() as c
     where c.ordinal > coalesce(
        (select d.ordinal from app.data_quality_checks() as d where d.check_name = v_cursor), 0)
     order by c.ordinal limit 1;
    if not found then
        return query select v_cursor, 0::bigint, 0::bigint, 0::bigint, true;
        return;
    end if;
    return query
    select v_check.check_name, q.opened, q.healed, q.open_now, v_check.ordinal = v_total
      from app.run_data_quality_check(
            run_data_quality.organization_id, v_check.check_name, run_data_quality.as_of) as q;
    update app.sync_runs as r
       set cursor = v_check.check_name, progress_done = v_check.ordinal, progress_total = v_total,
           counts = r.counts || jsonb_build_object(v_check.check_name, (
                select count(*) from app.exceptions as e
                 where e.organization_id = r.organization_id and e.check_name = v_check.check_name
                   and e.state = 'open')),
           heartbeat_at = run_data_quality.as_of, updated_at = run_data_quality.as_of
     where r.organization_id = run_data_quality.organization_id and r.id = run_data_quality.id;
end;
$$;
comment on function jobs.run_data_quality(uuid, uuid, text, integer, timestamptz) is
    'Do the next check of a data-quality run; no row when this worker no longer has the run.';
grant execute on function jobs.run_data_quality(uuid, uuid, text, integer, timestamptz) to worker;
