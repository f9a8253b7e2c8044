-- Proof that the numbers are what the base rows add up to.

-- api.verify_rollups: where an organization's sums, with what changed since, are not what its base rows add up to.
-- start_date, end_date: of these local days, and of the months that lie within them; without them, of all days.
-- Callers:    owners, admins, and super admins, through GET or POST /rpc/verify_rollups.
-- Guarantees: reads only, in one snapshot: changes that are not folded yet are no difference. Every row of those days is counted
--             again. Raises PT422 where that is more than a request has time for, and PT409 while there are no sums to prove.
-- Definer:    sums are read by functions only, and it counts past row policies.
create or replace function api.verify_rollups(
    start_date date default null, end_date date default null, organization_id uuid default null,
    out dimension text, out member_id uuid, out span text, out starts_on date, out measure text, out stored numeric,
    out recounted numeric
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_admin(verify_rollups.organization_id);
    v_is_whole        constant boolean := start_date is null and end_date is null;
begin
    if not v_is_whole then
        perform app.require_period(verify_rollups.start_date, verify_rollups.end_date, now());
    end if;
    if not app.has_rollup(v_organization_id) then
        raise exception using errcode = 'PT409', message = 'The sums of this organization are being built.',
            detail = 'Until then all numbers are counted from the base rows.', hint = 'Ask again in some minutes.';
    elsif exists (select from app.metric_facts as f
                   where f.organization_id = v_organization_id and (v_is_whole or f.day between verify_rollups.start_date and verify_rollups.end_date)
                  offset 50000 limit 1) then
        raise exception using errcode = 'PT422', message = 'That is more than one request can count again.',
            detail = case when v_is_whole then 'Over all days it has more than 50000 contributions to the numbers.'
                          else format('From %s to %s it has more than 50000 contributions to the numbers.', verify_rollups.start_date, verify_rollups.end_date) end,
            hint = 'Ask for some days at a time by start_date and end_date, or have an operator run: salesdash rollups verify.';
    end if;
    return query
    select d.dimension, d.member_id, d.span, d.starts_on, d.measure, d.stored, d.recounted
      from app.rollup_differences(v_organization_id, verify_rollups.start_date, verify_rollups.end_date) as d
     order by d.dimension, d.member_id, d.span, d.starts_on, d.measure;
end;
$$;
grant execute on function api.verify_rollups(date, date, uuid) to authenticated, org_admin, super_admin;
comment on function api.verify_rollups(date, date, uuid) is $$Proof that the numbers are what the base rows add up to
Counts every row of the days from start_date to end_date again, of all days without them, and names each sum that is not what it should
be: of which dimension and member, of which day or (whole) month, which measure, what is stored and what the recount gives. No
rows: all numbers are exact. Where there are many rows it asks for fewer days at a time.$$;
