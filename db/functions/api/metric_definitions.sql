-- An organization's own metrics: admins say what a number means; it is then where every number is.

-- api.define_metric: say what a name means, from now on.
-- Callers:    owners and admins, super admins, through POST /rpc/define_metric.
-- Guarantees: one version is in use; earlier ones stay. Saying the same again makes none. PT422 for what cannot be a metric: DETAIL
--             begins with the JSON path of what is wrong, HINT says what may stand there. PT409 where there are too many.
-- Definer:    nobody may write definitions themselves; auth.require_admin finds the tenant and the right.
create or replace function api.define_metric(
    name text, label text, unit text, expression jsonb, sentence text default null, reason text default null,
    organization_id uuid default null
) returns api.metric_definitions
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(define_metric.organization_id);
    v_id              uuid;
    v_defined         api.metric_definitions;
begin
    perform app.optional_reason(define_metric.reason);
    v_id := app.define_metric(v_organization_id, define_metric.name, define_metric.label, define_metric.unit, define_metric.expression,
                              define_metric.sentence);
    select m.* into v_defined from api.metric_definitions as m where m.organization_id = v_organization_id and m.id = v_id;
    return v_defined;
end;
$$;
comment on function api.define_metric(text, text, text, jsonb, text, text, uuid) is $$Define a metric of one's own
For owners and admins. `expression` is a tree of {"op": "add", "subtract", "multiply" or "divide", "args": […]}, {"metric": one of
metric_catalog, "part": "numerator" or "denominator", "filters": {"closer_id", "setter_id", "source_id", "traffic_type_id",
"call_type_id"}} and {"value": "0.5"}. It is reckoned exactly, over the whole of a period; over zero it is NULL. What is divided at the top
has a numerator and a denominator. `unit` is count, money, seconds, days, rate or ratio. A name that is in use gets its next version.
Answers the row of metric_definitions. PT422: DETAIL begins with the JSON path of what is wrong. PT409: too many.$$;
grant execute on function api.define_metric(text, text, text, jsonb, text, text, uuid) to authenticated, org_admin, super_admin;

-- api.retire_metric: put a metric of one's own out of use.
-- Callers:    owners and admins, super admins, through POST /rpc/retire_metric.
-- Guarantees: its versions stay; defining the name again makes the next one. PT404 for a name that is not in use.
-- Definer:    nobody may write definitions themselves; auth.require_admin finds the tenant and the right.
create or replace function api.retire_metric(name text, reason text default null, organization_id uuid default null)
returns api.metric_definitions
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(retire_metric.organization_id);
    v_id              uuid;
    v_retired         api.metric_definitions;
begin
    perform app.optional_reason(retire_metric.reason);
    v_id := app.retire_metric(v_organization_id, retire_metric.name);
    select m.* into v_retired from api.metric_definitions as m where m.organization_id = v_organization_id and m.id = v_id;
    return v_retired;
end;
$$;
comment on function api.retire_metric(text, text, uuid) is $$Put a metric of one's own out of use
For owners and admins. Answers the row of metric_definitions, which stays.$$;
grant execute on function api.retire_metric(text, text, uuid) to authenticated, org_admin, super_admin;
