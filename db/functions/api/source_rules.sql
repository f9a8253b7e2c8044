-- What a change of source rules would do to the calls there are, and doing it.

-- api.preview_source_rules: how many calls booked in the period would get another source or traffic type by these rules.
-- rules: [{"field", "operator", "value", "source_id", "traffic_type_id"}] in their order; NULL for those in use.
-- Callers:    admins, through POST /rpc/preview_source_rules.
-- Guarantees: changes nothing. Raises PT422 for what is no rule of this organization.
-- Definer:    rules and calls are read by functions that members may not call, so the tenant is filtered by hand.
create or replace function api.preview_source_rules(
    rules jsonb, start_date date, end_date date, organization_id uuid default null
) returns table (
    old_source_id uuid, old_traffic_type_id uuid, new_source_id uuid, new_traffic_type_id uuid, calls bigint, sample_ids uuid[])
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(preview_source_rules.organization_id);
    v_rules           constant app.source_rules[] := app.read_source_rules(v_organization_id, rules);
    v_range           constant record := app.booked_range(v_organization_id, start_date, end_date);
begin
    return query
    select d.old_source_id, d.old_traffic_type_id, d.source_id, d.traffic_type_id, count(*),
           (array_agg(d.event_id order by d.event_id))[1:5]
      from app.derived_sources(v_organization_id, v_range.start_at, v_range.end_at, v_rules) as d
     where (d.old_source_id, d.old_traffic_type_id) is distinct from (d.source_id, d.traffic_type_id)
     group by 1, 2, 3, 4
     order by count(*) desc, 6;
end;
$$;
comment on function api.preview_source_rules(jsonb, date, date, uuid) is $$What source rules would do
One row for each change of source and traffic type: how many calls booked in the period, and five of them. Nothing is changed.
Send null for rules to see what apply_source_rules would do.$$;

-- api.apply_source_rules: give the calls booked in the period what the rules in use say.
-- Callers:    admins, through POST /rpc/apply_source_rules.
-- Guarantees: what was set by hand or by a CRM stays; leads and payments follow; a second call changes nothing.
-- Definer:    members may not write origins, so the tenant is filtered by hand.
create or replace function api.apply_source_rules(start_date date, end_date date, organization_id uuid default null) returns bigint
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(apply_source_rules.organization_id);
    v_range           constant record := app.booked_range(v_organization_id, start_date, end_date);
begin
    return app.apply_sources(v_organization_id, v_range.start_at, v_range.end_at);
end;
$$;
comment on function api.apply_source_rules(date, date, uuid) is $$Apply the source rules to calls there are
Calls booked in the period get the source and traffic type that the rules say, unless somebody set them. Answers how many changed.$$;

grant execute on function api.preview_source_rules(jsonb, date, date, uuid), api.apply_source_rules(date, date, uuid)
    to authenticated, org_admin, super_admin;
