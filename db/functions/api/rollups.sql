-- Proof that the numbers are what the base rows add up to.

-- api.verify_rollups: where an organization's sums, with what changed since, are not what its base rows add up to.
-- Callers:    owners, admins, and super admins, through GET or POST /rpc/verify_rollups.
-- Guarantees: reads only, in one snapshot: changes that are not folded yet are no difference. Every row is counted again, which takes
--             a while where there are many.
-- Definer:    sums are read by functions only, and it counts past row policies.
create or replace function api.verify_rollups(
    organization_id uuid default null,
    out dimension text, out member_id uuid, out span text, out starts_on date, out measure text, out stored numeric,
    out recounted numeric
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_admin(verify_rollups.organization_id);
begin
    return query
    select d.dimension, d.member_id, d.span, d.starts_on, d.measure, d.stored, d.recounted
      from app.rollup_differences(v_organization_id) as d
     order by d.dimension, d.member_id, d.span, d.starts_on, d.measure;
end;
$$;
grant execute on function api.verify_rollups(uuid) to authenticated, org_admin, super_admin;
comment on function api.verify_rollups(uuid) is $$Proof that the numbers are what the base rows add up to
Counts every row again and names each sum that is not what it should be: of which dimension and member, of which day or
month, which measure, what is stored and what the recount gives. No rows: all numbers are exact.$$;
