-- An organization's own metrics: expression trees over the catalog, never SQL. What may stand in one, and keeping them.
-- A part of an expression is {"op": "add" | "subtract" | "multiply" | "divide", "args": [parts]},
-- {"metric": of the catalog, "part": "numerator" | "denominator", "filters": {"closer_id": …}}, or {"value": "0.5"}.
-- Internal: nobody but the owner may call these.

-- app.metric_nodes: the parts of an expression, the whole included, with the way to each: positions of arguments from the root,
-- and the same as a path of JSON. In the order of path, descending, arguments come before what they are arguments of, last first.
create or replace function app.metric_nodes(expression jsonb) returns table (path integer[], place text, node jsonb)
language sql immutable parallel safe
begin atomic
    with recursive n as (
        select '{}'::integer[] as path, '$' as place, metric_nodes.expression as node
        union all
        select n.path || a.position::integer, format('%s.args[%s]', n.place, a.position - 1), a.node
          from n
         cross join lateral jsonb_array_elements(app.json_array(n.node -> 'args')) with ordinality as a (node, position)
         where n.node ? 'op' and cardinality(n.path) < 12
    )
    select n.path, n.place, n.node from n;
end;
comment on function app.metric_nodes(jsonb) is 'The parts of an expression, and the way to each.';

-- app.leaf_filters: the filters of a part that names a metric, in one spelling; an empty object for none.
create or replace function app.leaf_filters(node jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
    select coalesce(jsonb_object_agg(f.key, f.value::uuid), '{}')
      from jsonb_each_text(app.json_object(node -> 'filters')) as f
     where pg_input_is_valid(f.value, 'uuid');
end;
comment on function app.leaf_filters(jsonb) is 'The filters of a part that names a metric.';

-- app.metric_member: is this somebody or something of the organization that a filter may name? NULL for a filter that is none.
create or replace function app.metric_member(organization_id uuid, filter text, id uuid) returns boolean
language sql stable
begin atomic
    select case metric_member.filter
        when 'closer_id' then exists (
            select from app.closers as m where m.organization_id = metric_member.organization_id and m.id = metric_member.id)
        when 'setter_id' then exists (
            select from app.setters as m where m.organization_id = metric_member.organization_id and m.id = metric_member.id)
        when 'source_id' then exists (
            select from app.sources as m where m.organization_id = metric_member.organization_id and m.id = metric_member.id)
        when 'traffic_type_id' then exists (
            select from app.traffic_types as m where m.organization_id = metric_member.organization_id and m.id = metric_member.id)
        when 'call_type_id' then exists (
            select from app.call_types as m where m.organization_id = metric_member.organization_id and m.id = metric_member.id)
    end;
end;
comment on function app.metric_member(uuid, text, uuid) is 'Whether a filter names a member of the organization.';

-- app.node_problem: what is wrong with one part of an expression by itself: where in it, what, and what is allowed. NULL: nothing.
create or replace function app.node_problem(
    organization_id uuid, node jsonb, out place text, out problem text, out remedy text
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_keys   constant text[] := case when jsonb_typeof(node) = 'object' then array(select jsonb_object_keys(node)) end;
    v_known  text[];
    v_metric app.metric_catalog;
    v_filter record;
begin
    place := '';
    v_known := case when v_keys && array['op'] then array['op', 'args'] when v_keys && array['metric'] then array['metric', 'part', 'filters']
                    when v_keys && array['value'] then array['value'] end;
    if v_known is null or not v_keys <@ v_known then
        problem := 'is no part of an expression.';
        remedy := 'A part is an object of "op" and "args", of "metric" and perhaps "part" and "filters", or of "value" alone.';
        return;

    elsif node ? 'value' then
        if jsonb_typeof(node -> 'value') not in ('string', 'number')
           or node ->> 'value' !~ '^-?[0-9]{1,15}(\.[0-9]{1,12})?$' then
            place := '.value';
            problem := 'is no exact number.';
            remedy := 'Give a decimal number of at most 15 digits before and 12 after the point, as a number or a text: "0.5".';
        end if;
        return;

    elsif node ? 'op' then
        if jsonb_typeof(node -> 'op') <> 'string' or node ->> 'op' not in ('add', 'subtract', 'multiply', 'divide') then
            place := '.op';
            problem := 'is no operation.';
            remedy := 'Operations are add, subtract, multiply and divide.';
        elsif jsonb_typeof(node -> 'args') is distinct from 'array' or jsonb_array_length(node -> 'args') < 2
              or node ->> 'op' in ('subtract', 'divide') and jsonb_array_length(node -> 'args') > 2 then
            place := '.args';
            problem := 'are not the arguments that this operation has.';
            remedy := 'subtract and divide have two; add and multiply have two or more.';
        elsif node ->> 'op' = 'divide' and jsonb_typeof(node -> 'args' -> 1) = 'object'
              and node -> 'args' -> 1 ->> 'value' ~ '^-?0+(\.0+)?$' then
            place := '.args[1].value';
            problem := 'is zero: nothing is divided by it.';
            remedy := 'Divide by a metric, or by a number that is not zero.';
        end if;
        return;
    end if;

    select c.* into v_metric from app.metric_catalog as c
     where jsonb_typeof(node -> 'metric') = 'string' and c.metric = node ->> 'metric' and c.date_field <> 'as_of';
    if v_metric.metric is null then
        place := '.metric';
        problem := format('%s is no metric of a period.', left(coalesce(node ->> 'metric', 'null'), 100));
        remedy := 'Name one of metric_catalog whose date_field is not as_of. An own metric cannot stand in another.';
    elsif node ? 'part' and (jsonb_typeof(node -> 'part') <> 'string' or node ->> 'part' <> 'numerator'
                             and (node ->> 'part' <> 'denominator' or v_metric.denominator is null)) then
        place := '.part';
        problem := 'is no part of this metric.';
        remedy := 'A part is numerator, and denominator for metrics that are ratios. Leave it out for the value.';
    elsif node ? 'filters' and jsonb_typeof(node -> 'filters') <> 'object' then
        place := '.filters';
        problem := 'are no filters.';
        remedy := 'Filters are an object such as {"source_id": "…"}.';
    elsif node ? 'filters' then
        for v_filter in select f.key, f.value from jsonb_each(node -> 'filters') as f order by f.key loop
            if v_filter.key not in ('closer_id', 'setter_id', 'source_id', 'traffic_type_id', 'call_type_id') then
                place := '.filters';
                problem := format('has %s, by which nothing is filtered.', to_json(left(v_filter.key, 60)));
                remedy := 'Filters are closer_id, setter_id, source_id, traffic_type_id and call_type_id.';
                return;
            elsif jsonb_typeof(v_filter.value) <> 'string' or not pg_input_is_valid(v_filter.value #>> '{}', 'uuid')
                  or not app.metric_member(node_problem.organization_id, v_filter.key, (v_filter.value #>> '{}')::uuid) then
                place := '.filters.' || v_filter.key;
                problem := 'names nothing of this organization.';
                remedy := 'Give the id of a closer, setter, source, traffic type or call type of your organization.';
                return;
            end if;
        end loop;
    end if;
end;
$$;
comment on function app.node_problem(uuid, jsonb) is 'What is wrong with one part of an expression by itself.';

-- app.leaf_dimensions: what a number of the catalog is made of: the powers of money, seconds and counts: money per show is {1,0,-1},
-- a rate {0,0,0}. NULL where that is not known, which goes with everything.
create or replace function app.leaf_dimensions(metric text, part text) returns integer[]
language plpgsql stable set search_path = '' as $$
declare
    v_unit  constant text := (select c.unit from app.metric_catalog as c where c.metric = leaf_dimensions.metric);
    v_part  record;
    v_over  integer[];
    v_whole integer[];
    v_ratio boolean := false;
begin
    for v_part in
        select p.part, case
                   when p.adds = 'rows' or p.facts = 'capacity' then '{0,0,1}'::integer[]
                   when p.facts in ('cash', 'revenue', 'deals', 'deal_cash', 'owed', 'set_cash') then '{1,0,0}'
                   when p.facts = 'activities' and p.measure <> 'talk_seconds' then '{0,0,1}'
                   when c.denominator is null and c.unit = 'seconds' then '{0,1,0}'
               end as powers
          from app.metric_parts() as p
          join app.metric_catalog as c on c.metric = p.metric
         where p.metric = leaf_dimensions.metric
    loop
        if v_part.part = coalesce(leaf_dimensions.part, 'numerator') then
            v_whole := v_part.powers;
        elsif leaf_dimensions.part is null then
            v_ratio := true;
            v_over := v_part.powers;
        end if;
    end loop;
    return case when leaf_dimensions.part is null and v_unit = 'rate' then '{0,0,0}'
                when v_ratio then array[v_whole[1] - v_over[1], v_whole[2] - v_over[2], v_whole[3] - v_over[3]]
                else v_whole end;
end;
$$;
comment on function app.leaf_dimensions(text, text) is 'The powers of money, seconds and counts in a number of the catalog.';

-- app.dimensions_in_words: such powers, for people.
create or replace function app.dimensions_in_words(powers integer[]) returns text
language sql immutable parallel safe
return case powers
    when '{0,0,0}' then 'a rate'
    when '{1,0,0}' then 'money'
    when '{0,1,0}' then 'seconds'
    when '{0,0,1}' then 'a count'
    when '{1,0,-1}' then 'money per count'
    when '{0,1,-1}' then 'seconds per count'
    else format('money to the power %s, seconds %s, counts %s', powers[1], powers[2], powers[3])
end;
comment on function app.dimensions_in_words(integer[]) is 'Powers of money, seconds and counts, for people.';

-- app.dimension_problem: whether an expression adds what does not add up (money and calls), or is of another unit than is said.
-- A number that is written out goes with anything, and so does what it is multiplied with: nobody says whether 50 is dollars.
create or replace function app.dimension_problem(expression jsonb, unit text, out place text, out problem text, out remedy text) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_stack  text[] := '{}';
    v_size   integer := 0;
    v_count  integer;
    v_args   text[];
    v_known  text[];
    v_powers integer[];
    v_node   record;
begin
    for v_node in select n.place, n.node from app.metric_nodes(expression) as n order by n.path desc loop
        v_powers := null;
        if v_node.node ? 'metric' then
            v_powers := app.leaf_dimensions(v_node.node ->> 'metric', v_node.node ->> 'part');
        elsif v_node.node ? 'op' then
            v_count := jsonb_array_length(v_node.node -> 'args');
            v_args := v_stack[v_size - v_count + 1 : v_size];
            v_size := v_size - v_count;
            v_known := array(select distinct a from unnest(v_args) as a where a is not null order by a);
            if v_node.node ->> 'op' in ('add', 'subtract') then
                if cardinality(v_known) > 1 then
                    place := v_node.place;
                    problem := format('puts together what does not add up: %s.', (
                        select string_agg(app.dimensions_in_words(k::integer[]), ' and ') from unnest(v_known) as k));
                    remedy := 'Add and subtract numbers of one kind: money, counts, seconds, rates, or money per call.';
                    return;
                end if;
                v_powers := v_known[1];
            elsif array_position(v_args, null) is null then
                select array[sum(p.sign * p.powers[1]), sum(p.sign * p.powers[2]), sum(p.sign * p.powers[3])] into v_powers
                  from (select a.powers::integer[],
                               case when v_node.node ->> 'op' = 'divide' and a.position = 1 then -1 else 1 end as sign
                          from unnest(v_args) with ordinality as a (powers, position)) as p;
            end if;
        end if;
        v_size := v_size + 1;
        v_stack[v_size] := v_powers::text;
    end loop;
    if not (case dimension_problem.unit
            when 'count' then v_powers[1:2] = '{0,0}'
            when 'money' then v_powers[1:2] = '{1,0}'
            when 'seconds' then v_powers[1:2] = '{0,1}'
            when 'rate' then v_powers = '{0,0,0}'
            when 'days' then v_powers is null
            else true end) then
        place := '$';
        problem := format('is not of the unit %s: it is %s.', dimension_problem.unit, app.dimensions_in_words(v_powers));
        remedy := 'Units are count, money (also per count), seconds (also per count), days (seconds divided by 86400), rate and ratio.';
    end if;
end;
$$;
comment on function app.dimension_problem(jsonb, text) is 'Whether an expression adds what does not add up.';

-- app.metric_problem: the first thing wrong with an expression: where, what, and what is allowed; NULL: nothing. unit: NULL for any.
create or replace function app.metric_problem(
    organization_id uuid, expression jsonb, unit text, out place text, out problem text, out remedy text
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_node record;
begin
    place := '$';
    if expression is null or octet_length(expression::text) > 16384 then
        problem := case when expression is null then 'is missing.' else 'is too long.' end;
        remedy := 'An expression is JSON of at most 16 KiB.';
        return;
    end if;
    for v_node in
        select n.path, n.place, n.node, row_number() over (order by n.path) as number
          from app.metric_nodes(expression) as n order by n.path
    loop
        if v_node.number > 100 or cardinality(v_node.path) >= 10 then
            place := v_node.place;
            problem := case when v_node.number > 100 then 'is one part too many.' else 'lies too deep.' end;
            remedy := 'An expression has at most 100 parts, in at most 10 levels.';
            return;
        end if;
        select p.place, p.problem, p.remedy into place, problem, remedy
          from app.node_problem(metric_problem.organization_id, v_node.node) as p;
        place := v_node.place || place;
        if problem is not null then
            return;
        end if;
    end loop;

    place := '$';
    if not exists (select from app.metric_nodes(expression) as n where n.node ? 'metric') then
        problem := 'names no metric.';
        remedy := 'Name at least one of metric_catalog.';
    elsif (select count(distinct app.leaf_filters(n.node)) from app.metric_nodes(expression) as n
            where n.node ? 'metric' and app.leaf_filters(n.node) <> '{}') > 8 then
        problem := 'filters in too many ways.';
        remedy := 'An expression has at most 8 different sets of filters.';
    else
        select p.place, p.problem, p.remedy into place, problem, remedy
          from app.dimension_problem(expression, metric_problem.unit) as p;
    end if;
end;
$$;
comment on function app.metric_problem(uuid, jsonb, text) is 'The first thing wrong with an expression.';

-- app.require_metric: PT422 unless this is an expression of this organization. The detail begins with the JSON path of what is wrong.
create or replace function app.require_metric(organization_id uuid, expression jsonb, unit text) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_wrong constant record := app.metric_problem(require_metric.organization_id, require_metric.expression, require_metric.unit);
begin
    if v_wrong.problem is not null then
        raise exception using errcode = 'PT422', message = 'This expression is no metric.',
            detail = format('%s %s', v_wrong.place, v_wrong.problem), hint = v_wrong.remedy;
    end if;
end;
$$;
comment on function app.require_metric(uuid, jsonb, text) is 'PT422 unless this is an expression of this organization.';

-- app.require_metric_unit: PT422 unless this is a unit.
create or replace function app.require_metric_unit(unit text) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if unit is null or unit not in ('count', 'rate', 'money', 'seconds', 'ratio', 'days') then
        raise exception using errcode = 'PT422', message = 'There is no such unit.', detail = format('unit is %s.', left(unit, 60)),
            hint = 'Units are count, rate, money, seconds, ratio and days.';
    end if;
end;
$$;
comment on function app.require_metric_unit(text) is 'PT422 unless this is a unit.';

-- app.own_metrics: the metrics of its own that an organization uses. Should the catalog come to have a name of theirs, it rules.
create or replace function app.own_metrics(organization_id uuid) returns setof app.metric_definitions
language sql stable
begin atomic
    select m.* from app.metric_definitions as m
     where m.organization_id = own_metrics.organization_id and m.is_active
       and not exists (select from app.metric_catalog as c where c.metric = m.name);
end;
comment on function app.own_metrics(uuid) is 'The metrics of its own that an organization uses.';

-- app.any_metric: what a name means to an organization: a metric of the catalog or one of its own; no row for neither.
-- expression: NULL for the catalog's. place: in the order of display: the catalog's, then the organization's by label.
create or replace function app.any_metric(organization_id uuid, metric text default null)
returns table (
    metric text, label text, sentence text, unit text, version integer, expression jsonb, place integer)
language sql stable
begin atomic
    select c.metric, c.label, c.sentence, c.unit, c.version, null::jsonb, c.position
      from app.metric_catalog as c
     where any_metric.metric is null or c.metric = any_metric.metric
    union all
    select m.name, m.label, m.sentence, m.unit, m.version, m.expression,
           (100000 + row_number() over (order by m.label, m.name))::integer
      from app.own_metrics(any_metric.organization_id) as m
     where any_metric.metric is null or m.name = any_metric.metric;
end;
comment on function app.any_metric(uuid, text) is 'What a name means to an organization.';

-- app.define_metric: make this what a name means, from now on: the next version, or nothing where it means this already.
-- id: of the version. Raises PT422 for what cannot be a metric, PT409 where the organization has too many.
-- Guarantees: one version is in use, the newest; earlier ones stay. Two at the same moment make two versions.
create or replace function app.define_metric(
    organization_id uuid, name text, label text, unit text, expression jsonb, sentence text default null, id uuid default uuidv7()
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_old      app.metric_definitions;
    v_label    constant text := btrim(define_metric.label);
    v_sentence constant text := nullif(btrim(define_metric.sentence), '');
    v_filters  bigint;
begin
    if coalesce(define_metric.name, '') !~ '^[a-z][a-z0-9_]{0,59}$' then
        raise exception using errcode = 'PT422', message = 'A metric needs another name.',
            detail = format('name is %s.', left(define_metric.name, 100)),
            hint = 'A name has up to 60 small letters, digits and underscores, and begins with a letter.';
    elsif exists (select from app.metric_catalog as c where c.metric = define_metric.name) then
        raise exception using errcode = 'PT422', message = 'A metric needs another name.',
            detail = format('%s is in metric_catalog.', define_metric.name), hint = 'Choose a name that the catalog does not have.';
    elsif coalesce(v_label, '') = '' or length(v_label) > 100 or length(v_sentence) > 500 then
        raise exception using errcode = 'PT422', message = 'A metric needs another label.',
            detail = format('label has %s characters, sentence %s.', coalesce(length(v_label), 0), coalesce(length(v_sentence), 0)),
            hint = 'A label has 1 to 100 characters, a sentence at most 500.';
    end if;
    perform app.require_metric_unit(define_metric.unit);
    perform app.require_metric(define_metric.organization_id, define_metric.expression, define_metric.unit);

    perform from app.organizations as o where o.id = define_metric.organization_id for no key update;
    select m.* into v_old from app.metric_definitions as m
     where m.organization_id = define_metric.organization_id and m.name = define_metric.name and m.is_active;
    if (v_old.label, v_old.unit, v_old.expression, v_old.sentence)
       is not distinct from (v_label, define_metric.unit, define_metric.expression, v_sentence) then
        return v_old.id;
    end if;
    select count(distinct app.leaf_filters(n.node)) into v_filters
      from (select m.expression from app.own_metrics(define_metric.organization_id) as m where m.name <> define_metric.name
            union all
            select define_metric.expression) as d
     cross join lateral app.metric_nodes(d.expression) as n
     where n.node ? 'metric' and app.leaf_filters(n.node) <> '{}';
    if v_filters > 24 or (select count(*) from app.own_metrics(define_metric.organization_id) as m where m.name <> define_metric.name) >= 100 then
        raise exception using errcode = 'PT409', message = 'This organization has as many metrics as it may have.',
            detail = format('With this one they filter in %s ways.', v_filters),
            hint = 'An organization has at most 100 metrics of its own, with at most 24 different sets of filters. Retire some.';
    end if;

    update app.metric_definitions as m set is_active = false
     where m.organization_id = define_metric.organization_id and m.id = v_old.id;
    insert into app.metric_definitions as m (organization_id, id, name, label, expression, unit, sentence, version)
    select define_metric.organization_id, define_metric.id, define_metric.name, v_label, define_metric.expression, define_metric.unit, v_sentence,
           coalesce(max(p.version), 0) + 1
      from app.metric_definitions as p
     where p.organization_id = define_metric.organization_id and p.name = define_metric.name;
    return define_metric.id;
end;
$$;
comment on function app.define_metric(uuid, text, text, text, jsonb, text, uuid) is 'Make this what a name means, from now on.';

-- app.retire_metric: put an organization's own metric out of use; answers its version. Raises PT404.
create or replace function app.retire_metric(organization_id uuid, name text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_id uuid;
begin
    update app.metric_definitions as m set is_active = false
     where m.organization_id = retire_metric.organization_id and m.name = retire_metric.name and m.is_active
    returning m.id into v_id;
    if v_id is null then
        raise exception using errcode = 'PT404', message = 'No such metric in use.', detail = format('name is %s.', left(retire_metric.name, 100)),
            hint = 'Metrics of the organization are in metric_definitions; those of the catalog stay.';
    end if;
    return v_id;
end;
$$;
comment on function app.retire_metric(uuid, text) is 'Put an own metric of an organization out of use.';
