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

-- api.preview_metric: what an expression comes to in a period of inclusive local dates, and before it, before it is defined.
-- Callers:    owners and admins, super admins, through POST /rpc/preview_metric.
-- Guarantees: reads only. The same number as core_metrics has once it is defined. PT422 as define_metric and core_metrics.
-- Definer:    as core_metrics: the numbers are counted past the policies of rows; admins see every row of theirs.
create or replace function api.preview_metric(
    expression jsonb, start_date date, end_date date, unit text default null, as_of timestamptz default now(),
    organization_id uuid default null,
    out value numeric, out numerator numeric, out denominator numeric, out previous_value numeric, out coverage numeric
) returns record
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(preview_metric.organization_id);
    v_as_of           constant timestamptz := coalesce(preview_metric.as_of, now());
    v_bounds          timestamptz[];
begin
    perform app.require_period(preview_metric.start_date, preview_metric.end_date, v_as_of);
    if preview_metric.unit is not null then
        perform app.require_metric_unit(preview_metric.unit);
    end if;
    perform app.require_metric(v_organization_id, preview_metric.expression, preview_metric.unit);
    select array[app.day_start(b.start_date, o.timezone), app.day_start(preview_metric.start_date, o.timezone),
                 app.day_start(preview_metric.end_date + 1, o.timezone)] into strict v_bounds
      from app.organizations as o
     cross join app.previous_period(preview_metric.start_date, preview_metric.end_date) as b
     where o.id = v_organization_id;
    select max(m.value) filter (where m.period = 2), max(m.numerator) filter (where m.period = 2),
           max(m.denominator) filter (where m.period = 2), max(m.value) filter (where m.period = 1),
           max(m.coverage) filter (where m.period = 2)
      into strict value, numerator, denominator, previous_value, coverage
      from app.expression_values(
            v_organization_id, jsonb_build_object('preview', preview_metric.expression), v_bounds, v_as_of) as m;
end;
$$;
comment on function api.preview_metric(jsonb, date, date, text, timestamptz, uuid) is $$Try a metric before it is defined
For owners and admins. What the expression comes to from start_date to end_date, both inclusive, for the whole organization: value, numerator
and denominator, the value of the period before, and coverage, as core_metrics answers them. `unit` is checked where it is given.
PT422: DETAIL begins with the JSON path of what is wrong. Nothing is kept.$$;
grant execute on function api.preview_metric(jsonb, date, date, text, timestamptz, uuid) to authenticated, org_admin, super_admin;

-- api.metrics: every metric that has numbers in an organization, the catalog's and its own.
-- Callers:    members, and super admins, through GET or POST /rpc/metrics.
-- Guarantees: reads only; what can be asked for by name, in the order of display. PT404 for an organization that is none of the caller's.
-- Definer:    the two tables are read by a function that members may not call; auth.require_member finds the tenant.
create or replace function api.metrics(organization_id uuid default null)
returns table (metric text, label text, sentence text, unit text, version integer, expression jsonb, is_own boolean, adds_up boolean)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(metrics.organization_id);
begin
    return query
    select m.metric, m.label, m.sentence, m.unit, m.version, m.expression, m.expression is not null,
           app.adds_up(coalesce(m.expression, jsonb_build_object('metric', m.metric)))
      from app.any_metric(v_organization_id) as m
     order by m.place;
end;
$$;
comment on function api.metrics(uuid) is $$Every metric there is in an organization
Those of /metric_catalog and the organization's own, by the names by which all numbers are asked for: label, sentence, unit, version;
for own ones the expression. adds_up: the parts of a breakdown add up to the whole.$$;
grant execute on function api.metrics(uuid) to authenticated, org_admin, super_admin;
