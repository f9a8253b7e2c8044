-- The rows behind a number by name, whether the catalog has the metric or the organization made it.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person, and for what is hidden.

-- app.metric_terms: what one part of a metric is the sum of: measures of facts, under which filters, and times which number.
-- weight: {above, below}; NULL for the metrics of the catalog, of which rows are counted or their amounts added, as adds says. What an
-- expression adds of one of its numbers is what it comes to when that one is 1 and all others are 0. No rows for a part that
-- there is none of, or that is no sum of rows.
create or replace function app.metric_terms(organization_id uuid, metric text, part text)
returns table (facts text, measure text, adds text, filters jsonb, weight numeric[])
language sql stable
begin atomic
    select p.facts, p.measure, p.adds, '{}'::jsonb, null::numeric[]
      from app.metric_parts() as p
     where p.metric = metric_terms.metric and p.part = metric_terms.part
    union all
    select p.facts, p.measure, p.adds, app.leaf_filters(l.node), w.weight
      from app.own_metrics(metric_terms.organization_id) as m
     cross join lateral (select app.side_of(m.expression, metric_terms.part) as expression) as s
     cross join lateral app.metric_nodes(s.expression) as l
      join app.metric_parts() as p on p.metric = l.node ->> 'metric' and p.part = coalesce(l.node ->> 'part', 'numerator')
     cross join lateral (
        select app.reckoned(
                   array_agg(n.node ->> 'op' order by n.path desc), array_agg(jsonb_array_length(n.node -> 'args') order by n.path desc),
                   array_agg(case when n.node ? 'value' then (n.node ->> 'value')::numeric
                                  when n.path = l.path then 1 else 0 end order by n.path desc),
                   array_agg(1::numeric order by n.path desc)) as weight
          from app.metric_nodes(s.expression) as n
     ) as w
     where m.name = metric_terms.metric and app.has_rows(m.expression, metric_terms.part) and w.weight is not null;
end;
comment on function app.metric_terms(uuid, text, text) is 'What one part of a metric is the sum of.';

-- app.refuse_part: PT422 for rows of a part of a metric that has none; of an own metric, naming the metrics that it is made of.
create or replace function app.refuse_part(organization_id uuid, metric text, part text) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_leaves jsonb;
begin
    select jsonb_agg(distinct n.node) into v_leaves
      from app.own_metrics(refuse_part.organization_id) as m
     cross join lateral app.metric_nodes(m.expression) as n
     where m.name = refuse_part.metric and n.node ? 'metric';
    if v_leaves is not null then
        raise exception using errcode = 'PT422', message = 'This part of an own metric is no sum of rows.',
            detail = v_leaves::text, hint = 'Ask for the rows of the metrics that it is made of, with their part and filters.';
    end if;
    raise exception using errcode = 'PT422', message = 'There is no such part of a metric.',
        detail = format('metric is %s, part is %s.', left(refuse_part.metric, 100), left(refuse_part.part, 100)),
        hint = 'Metrics are in rpc/metrics; part is numerator, and denominator for those that are ratios.';
end;
$$;
comment on function app.refuse_part(uuid, text, text) is 'PT422 for rows of a part of a metric that has none.';

-- app.rows_behind: the rows that a part of a metric is the sum of, with what each adds to it; NULL where rows of the catalog's metrics
-- are counted. Of an expression a row is there for each of its numbers in which it counts.
create or replace function app.rows_behind(
    organization_id uuid, metric text, part text, since timestamptz, until timestamptz, timezone text, as_of timestamptz,
    pcf_grace interval, cash_role text, closers uuid[], setters uuid[], source uuid, traffic_type uuid, call_type uuid
) returns table (entity text, id uuid, at timestamptz, amount numeric)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_variable
declare
    v_term record;
begin
    for v_term in select t.facts, t.measure, t.adds, t.filters, t.weight from app.metric_terms(organization_id, metric, part) as t loop
        return query
        select r.entity, r.id, r.at,
               case when v_term.weight is null then case when v_term.adds <> 'rows' then r.amount end
                    when v_term.weight[2] = 1 then w.amount * v_term.weight[1]
                    else w.amount * v_term.weight[1] / v_term.weight[2] end
          from app.measured_rows(
                organization_id, v_term.facts, v_term.measure, since, until, timezone, as_of, pcf_grace,
                coalesce(cash_role, case when v_term.filters ? 'closer_id' then 'closer' when v_term.filters ? 'setter_id' then 'setter' end),
                app.narrowed(closers, (v_term.filters ->> 'closer_id')::uuid), app.narrowed(setters, (v_term.filters ->> 'setter_id')::uuid),
                app.narrowed(source, (v_term.filters ->> 'source_id')::uuid),
                app.narrowed(traffic_type, (v_term.filters ->> 'traffic_type_id')::uuid),
                app.narrowed(call_type, (v_term.filters ->> 'call_type_id')::uuid)) as r
         cross join lateral (select case v_term.adds when 'rows' then 1 else r.amount end as amount) as w;
    end loop;
end;
$$;
comment on function app.rows_behind(
    uuid, text, text, timestamptz, timestamptz, text, timestamptz, interval, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The rows that a part of a metric is the sum of.';
