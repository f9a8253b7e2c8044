-- Numbers by name, whether the catalog has the metric or the organization made it (metric_definitions.sql).
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person, and for what is hidden.

-- app.narrowed: one filter and another: what both leave of people; of places, the one, or one that there is none of.
create or replace function app.narrowed(people uuid[], person uuid) returns uuid[]
language sql immutable parallel safe
return case when person is null then people when people is null or person = any (people) then array[person] else '{}' end;
comment on function app.narrowed(uuid[], uuid) is 'What a filter leaves of people.';
create or replace function app.narrowed(place uuid, other uuid) returns uuid
language sql immutable parallel safe
return case when other is null then place when place is null or place = other then other
            else '00000000-0000-0000-0000-000000000000'::uuid end;
comment on function app.narrowed(uuid, uuid) is 'What a filter leaves of a place.';

-- app.leaf_values: some metrics of the catalog, as app.catalog_values has them, for a request that also has these filters.
-- Whose part of a payment counts is said by the request; by the filters, where it says nothing.
create or replace function app.leaf_values(
    organization_id uuid, metrics text[], filters jsonb, bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (period integer, member_id uuid, metric text, numerator numeric, denominator numeric, coverage numeric)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := leaf_values.organization_id;
    v_metrics         constant text[] := leaf_values.metrics;
    v_bounds          constant timestamptz[] := leaf_values.bounds;
    v_as_of           constant timestamptz := leaf_values.as_of;
    v_closers         constant uuid[] := app.narrowed(leaf_values.closers, (filters ->> 'closer_id')::uuid);
    v_setters         constant uuid[] := app.narrowed(leaf_values.setters, (filters ->> 'setter_id')::uuid);
    v_source          constant uuid := app.narrowed(leaf_values.source, (filters ->> 'source_id')::uuid);
    v_traffic_type    constant uuid := app.narrowed(leaf_values.traffic_type, (filters ->> 'traffic_type_id')::uuid);
    v_call_type       constant uuid := app.narrowed(leaf_values.call_type, (filters ->> 'call_type_id')::uuid);
    v_dimension       constant text := leaf_values.dimension;
    v_cash_role       constant text := coalesce(leaf_values.cash_role, case when filters ? 'closer_id' then 'closer'
                                                                            when filters ? 'setter_id' then 'setter' end);
begin
    return query
    select m.period, m.member_id, m.metric, m.numerator, m.denominator, m.coverage
      from app.catalog_values(v_organization_id, v_metrics, v_bounds, v_as_of, v_cash_role, v_closers, v_setters, v_source, v_traffic_type,
                              v_call_type, v_dimension) as m;
end;
$$;
comment on function app.leaf_values(
    uuid, text[], jsonb, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text) is
    'Some metrics of the catalog, for a request that also has these filters.';

-- app.reckoned: what the parts of an expression come to, as an exact fraction: {above, below}. NULL over zero, and where a number
-- is unknown. The parts stand in the order in which app.metric_nodes says to take them: arguments first, the last one first.
-- operation: NULL for a number, which is aboves over belows. arguments: how many an operation takes.
create or replace function app.reckoned(operations text[], arguments integer[], aboves numeric[], belows numeric[]) returns numeric[]
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_above numeric[] := '{}';
    v_below numeric[] := '{}';
    v_top   integer := 0;
    v_next  integer;
begin
    for n in 1 .. cardinality(operations) loop
        if operations[n] is null then
            v_top := v_top + 1;
            v_above[v_top] := aboves[n];
            v_below[v_top] := nullif(belows[n], 0);
        else
            for argument in 2 .. arguments[n] loop
                v_next := v_top - argument + 1;
                case operations[n]
                    when 'add' then
                        v_above[v_top] := v_above[v_top] * v_below[v_next] + v_above[v_next] * v_below[v_top];
                        v_below[v_top] := v_below[v_top] * v_below[v_next];
                    when 'subtract' then
                        v_above[v_top] := v_above[v_top] * v_below[v_next] - v_above[v_next] * v_below[v_top];
                        v_below[v_top] := v_below[v_top] * v_below[v_next];
                    when 'multiply' then
                        v_above[v_top] := v_above[v_top] * v_above[v_next];
                        v_below[v_top] := v_below[v_top] * v_below[v_next];
                    when 'divide' then
                        v_above[v_top] := v_above[v_top] * v_below[v_next];
                        v_below[v_top] := nullif(v_below[v_top] * v_above[v_next], 0);
                end case;
            end loop;
            v_next := v_top - arguments[n] + 1;
            v_above[v_next] := v_above[v_top];
            v_below[v_next] := v_below[v_top];
            v_top := v_next;
        end if;
    end loop;
    return case when v_above[1] is not null and v_below[1] is not null then array[v_above[1], v_below[1]] end;
end;
$$;
comment on function app.reckoned(text[], integer[], numeric[], numeric[]) is 'What the parts of an expression come to, as an exact fraction.';

-- app.expression_values: expressions, {"name": expression}, in consecutive periods, grouped as app.metric_values groups. Each number
-- in them is of the whole of a period and member. What is divided at the top has a numerator and a denominator, and so has a
-- ratio of the catalog that stands alone; a value is rounded once, in its only division. coverage: the least of what it rests on.
-- A member of whom one number knows nothing has none of it (app.nothing), unless the number is unknown of Unassigned, too.
-- Each period has its row of Unassigned, or of the whole.
create or replace function app.expression_values(
    organization_id uuid, expressions jsonb, bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (
    period integer, member_id uuid, metric text, value numeric, numerator numeric, denominator numeric, coverage numeric)
language sql stable
begin atomic
    with nodes as materialized (
        select e.key as metric, n.path, n.node, app.leaf_filters(n.node) as filters,
               coalesce(n.node ? 'metric' and not n.node ? 'part'
                        and exists (select from app.metric_parts() as p where p.metric = n.node ->> 'metric' and p.part = 'denominator'),
                        false) as is_ratio
          from jsonb_each(expression_values.expressions) as e
         cross join lateral app.metric_nodes(e.value) as n
    ), steps as materialized (
        -- side 1 is the numerator, or the whole; side 2 the denominator
        select n.metric, s.side, n.path, n.filters, n.node ->> 'metric' as leaf, (n.node ->> 'value')::numeric as constant,
               n.node ->> 'op' as operation, jsonb_array_length(n.node -> 'args') as arguments,
               coalesce(n.node ->> 'part', case when s.is_split and n.path = '{}' then s.part when n.is_ratio then 'value' else 'numerator' end)
                   as part
          from nodes as n
          join nodes as r on r.metric = n.metric and r.path = '{}'
         cross join lateral (
            select case when r.node ->> 'op' = 'divide' then n.path[1] else 1 end as side, false as is_split, null as part
             where not r.is_ratio and (r.node ->> 'op' is distinct from 'divide' or n.path <> '{}')
            union all
            select p.side, true, p.part from (values (1, 'numerator'), (2, 'denominator')) as p (side, part) where r.is_ratio
         ) as s
    ), leaves as materialized (
        -- Unassigned goes by an id that nobody has, so that members are joined by hash.
        select s.filters, v.period, coalesce(v.member_id, '00000000-0000-0000-0000-000000000000') as member, v.metric,
               v.numerator, v.denominator, v.coverage
          from (select t.filters, array_agg(distinct t.leaf) as metrics from steps as t where t.leaf is not null group by t.filters) as s
         cross join lateral app.leaf_values(
                expression_values.organization_id, s.metrics, s.filters, bounds, expression_values.as_of, expression_values.cash_role,
                closers, setters, source, traffic_type, call_type, dimension) as v
    ), sides as (
        select g.period, g.member, t.metric, t.side, min(l.coverage) as coverage,
               app.reckoned(
                   array_agg(t.operation order by t.path desc), array_agg(t.arguments order by t.path desc),
                   array_agg(case when t.constant is not null then t.constant
                                  when l.metric is null then case when u.metric is null or u.numerator is not null
                                                               then app.nothing(expression_values.organization_id, t.leaf) end
                                  when t.part = 'denominator' then l.denominator else l.numerator end order by t.path desc),
                   array_agg(case when t.part <> 'value' then 1
                                  when l.metric is null then 0 else l.denominator end order by t.path desc)) as fraction
          from (select l.period, l.member from leaves as l
                union
                select p.period, '00000000-0000-0000-0000-000000000000' from generate_series(1, cardinality(bounds) - 1) as p (period)) as g
         cross join steps as t
          left join leaves as l on l.filters = t.filters and l.metric = t.leaf and l.period = g.period
           and l.member = g.member
          left join leaves as u on u.filters = t.filters and u.metric = t.leaf and u.period = g.period
           and u.member = '00000000-0000-0000-0000-000000000000'
         group by g.period, g.member, t.metric, t.side
    )
    select a.period, nullif(a.member, '00000000-0000-0000-0000-000000000000'), a.metric,
           case when b.side is not null then a.fraction[1] * b.fraction[2] / nullif(a.fraction[2] * b.fraction[1], 0)
                when a.fraction[2] = 1 then a.fraction[1]
                else a.fraction[1] / a.fraction[2] end,
           case when b.side is not null and b.fraction is null then null
                when a.fraction[2] = 1 then a.fraction[1]
                else a.fraction[1] / a.fraction[2] end,
           case when b.fraction[2] = 1 then b.fraction[1]
                else b.fraction[1] / b.fraction[2] end,
           least(a.coverage, b.coverage)
      from sides as a
      left join sides as b on b.metric = a.metric and b.period = a.period and b.member = a.member and b.side = 2
     where a.side = 1;
end;
comment on function app.expression_values(
    uuid, jsonb, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text) is
    'What expressions come to in consecutive periods, grouped by the members of a dimension.';

-- app.any_metric_values: the numbers of metrics by name, the catalog's and the organization's own, as app.metric_values groups them.
-- metrics: NULL for all. value: NULL over zero. A name that is none has no rows.
create or replace function app.any_metric_values(
    organization_id uuid, metrics text[], bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (
    period integer, member_id uuid, metric text, value numeric, numerator numeric, denominator numeric, coverage numeric)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
    v_catalog constant text[] := array(
        select c.metric from app.metric_catalog as c where any_metric_values.metrics is null or c.metric = any (any_metric_values.metrics));
    v_own     constant jsonb := (
        select jsonb_object_agg(m.name, m.expression) from app.own_metrics(any_metric_values.organization_id) as m
         where any_metric_values.metrics is null or m.name = any (any_metric_values.metrics));
begin
    if v_catalog <> '{}' then
        return query
        select m.period, m.member_id, m.metric,
               case when m.denominator is null then m.numerator else m.numerator / nullif(m.denominator, 0) end,
               m.numerator, m.denominator, m.coverage
          from app.leaf_values(
                any_metric_values.organization_id, v_catalog, '{}', any_metric_values.bounds, any_metric_values.as_of,
                any_metric_values.cash_role, any_metric_values.closers, any_metric_values.setters, any_metric_values.source,
                any_metric_values.traffic_type, any_metric_values.call_type, any_metric_values.dimension) as m;
    end if;
    if v_own is not null then
        return query
        select m.period, m.member_id, m.metric, m.value, m.numerator, m.denominator, m.coverage
          from app.expression_values(
                any_metric_values.organization_id, v_own, any_metric_values.bounds, any_metric_values.as_of,
                any_metric_values.cash_role, any_metric_values.closers, any_metric_values.setters, any_metric_values.source,
                any_metric_values.traffic_type, any_metric_values.call_type, any_metric_values.dimension) as m;
    end if;
end;
$$;
comment on function app.any_metric_values(
    uuid, text[], timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text) is
    'The numbers of metrics by name, the catalog''s and the organization''s own.';

-- app.adds_up: do the parts of every breakdown of an expression add up to the whole? Sums and differences of what adds up do, and such
-- times or over numbers that are written out. Ratios and medians do not, nor does a number that is added to them.
create or replace function app.adds_up(expression jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
declare
    v_stack text[] := '{}';  -- parts: they add up; number: written out; NULL: neither
    v_args  text[];
    v_top   integer := 0;
    v_node  jsonb;
begin
    for v_node in select n.node from app.metric_nodes(expression) as n order by n.path desc loop
        v_args := null;
        if v_node ? 'op' then
            v_top := v_top - jsonb_array_length(v_node -> 'args');
            v_args := v_stack[v_top + 1 : v_top + jsonb_array_length(v_node -> 'args')];
        end if;
        v_top := v_top + 1;
        v_stack[v_top] := case
            when v_node ? 'value' then 'number'
            when v_node ? 'metric' then (
                select 'parts' from app.metric_parts() as p
                 where p.metric = v_node ->> 'metric' and p.part = coalesce(v_node ->> 'part', 'numerator')
                   and p.adds <> 'median'
                   and (v_node ? 'part' or not exists (
                            select from app.metric_parts() as d where d.metric = p.metric and d.part = 'denominator')))
            when 'number' = all (v_args) then 'number'
            when v_node ->> 'op' in ('add', 'subtract') and 'parts' = all (v_args) then 'parts'
            when v_node ->> 'op' = 'multiply' and array_position(v_args, null) is null
                 and cardinality(array_positions(v_args, 'parts')) = 1 then 'parts'
            when v_node ->> 'op' = 'divide' and v_args[2] = 'parts' and v_args[1] = 'number' then 'parts' end;
    end loop;
    return coalesce(v_stack[1] = 'parts', false);
end;
$$;
comment on function app.adds_up(jsonb) is 'True when the parts of every breakdown of an expression add up to the whole.';

-- app.hides_expression: is what an expression comes to not for this caller? It is hidden with any metric that it rests on.
create or replace function app.hides_expression(expression jsonb, unit text, seen_as text, shows_cash boolean) returns boolean
language sql stable
begin atomic
    select app.hides_metric(hides_expression.seen_as, hides_expression.shows_cash, 'calls', hides_expression.unit)
        or exists (
            select from app.metric_nodes(hides_expression.expression) as n
              join app.metric_catalog as c on c.metric = n.node ->> 'metric'
             where app.hides_metric(hides_expression.seen_as, hides_expression.shows_cash, app.metric_rests_on(c.metric), c.unit));
end;
comment on function app.hides_expression(jsonb, text, text, boolean) is 'True when what an expression comes to is not for this caller.';

-- app.hides_any_metric: is the number of this name not for this caller?
create or replace function app.hides_any_metric(organization_id uuid, metric text, seen_as text, shows_cash boolean) returns boolean
language sql stable
begin atomic
    select coalesce(bool_or(case when m.expression is null
                                 then app.hides_metric(hides_any_metric.seen_as, hides_any_metric.shows_cash, app.metric_rests_on(m.metric), m.unit)
                                 else app.hides_expression(m.expression, m.unit, hides_any_metric.seen_as, hides_any_metric.shows_cash) end), false)
      from app.any_metric(hides_any_metric.organization_id, hides_any_metric.metric) as m;
end;
comment on function app.hides_any_metric(uuid, text, text, boolean) is 'True when the number of this name is not for this caller.';

-- app.own_core_metrics: the organization's own metrics in two periods, the second beside the first, as app.core_metrics shows them.
create or replace function app.own_core_metrics(
    organization_id uuid, bounds timestamptz[], as_of timestamptz, seen_as text, shows_cash boolean, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    metric text, unit text, value numeric, numerator numeric, denominator numeric, previous_value numeric, coverage numeric)
language sql stable
begin atomic
    with own as materialized (
        select m.name, m.label, m.unit, m.expression,
               app.hides_expression(m.expression, m.unit, own_core_metrics.seen_as, own_core_metrics.shows_cash) as is_hidden
          from app.own_metrics(own_core_metrics.organization_id) as m
    ), measured as materialized (
        select v.period, v.metric, v.value, v.numerator, v.denominator, v.coverage
          from app.expression_values(
                own_core_metrics.organization_id, (select jsonb_object_agg(o.name, o.expression) from own as o where not o.is_hidden),
                bounds, own_core_metrics.as_of, own_core_metrics.cash_role, closers, setters, source, traffic_type, call_type) as v
    )
    select o.name, o.unit, n.value, n.numerator, n.denominator, b.value, n.coverage
      from own as o
      left join measured as n on n.metric = o.name and n.period = 2
      left join measured as b on b.metric = o.name and b.period = 1
     order by o.label, o.name;
end;
comment on function app.own_core_metrics(
    uuid, timestamptz[], timestamptz, text, boolean, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The organization''s own metrics of a period beside the one before.';
