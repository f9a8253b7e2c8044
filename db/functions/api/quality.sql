-- Checks of the data, on demand.

-- api.qa_agent: look for what a person must mend, now.
-- Callers:    owners and admins, super admins, through POST /rpc/qa_agent and /functions/v1/qa-agent.
-- Guarantees: one transaction, one row per check in the order of a run; what is found is listed in exceptions as the nightly run
--             lists it, and what has healed is resolved. Asked again, nothing opens twice. Nothing but exceptions is written.
--             PT422 for a check that there is none of, and for one date without the other, or reversed.
-- Definer:    members may not write exceptions, so the tenant is filtered by hand.
create or replace function api.qa_agent(
    start_date date default null, end_date date default null, checks text[] default null, organization_id uuid default null,
    out check_name text, out severity text, out found bigint, out opened bigint, out healed bigint, out sentence text
) returns setof record
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_admin(qa_agent.organization_id);
    v_unknown         text[];
    v_since           timestamptz;
    v_until           timestamptz;
begin
    select array_agg(u.name order by u.name) into v_unknown
      from unnest(qa_agent.checks) as u (name)
     where not exists (select from app.data_quality_checks() as c where c.check_name = u.name);
    if v_unknown is not null then
        raise exception using errcode = 'PT422', message = 'There is no such check.',
            detail = left(array_to_string(v_unknown, ', ', 'null'), 500),
            hint = format('The checks are %s.', (select string_agg(c.check_name, ', ' order by c.ordinal) from app.data_quality_checks() as c));
    end if;
    if qa_agent.start_date is not null or qa_agent.end_date is not null then
        perform app.require_period(qa_agent.start_date, qa_agent.end_date, now());
        select app.day_start(qa_agent.start_date, o.timezone), app.day_start(qa_agent.end_date + 1, o.timezone)
          into strict v_since, v_until
          from app.organizations as o where o.id = v_organization_id;
    end if;
    return query
    select c.check_name, c.severity, q.found, q.opened, q.healed,
           case when q.found = 0 then format('%s: none.', c.summary) else format('%s: %s. %s', c.summary, q.found, c.remedy) end
      from app.data_quality_checks() as c
     cross join lateral app.run_data_quality_check(v_organization_id, c.check_name, now(), v_since, v_until) as q
     where qa_agent.checks is null or c.check_name = any (qa_agent.checks)
     order by c.ordinal;
end;
$$;
comment on function api.qa_agent(date, date, text[], uuid) is $$Look for what a person must mend
Runs the data-quality checks as of now (all of them, or those of `checks`) and lists what they find in exceptions; what has healed is
resolved. With start_date and end_date only what happened on these days is counted and listed. One row per check: how much was found,
how much of it is new, how much has healed since. For owners and admins.$$;
grant execute on function api.qa_agent(date, date, text[], uuid) to authenticated, org_admin, super_admin;
