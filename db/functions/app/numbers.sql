-- Numbers by name, whichever family they are of: what series and breakdowns are made of.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person.

-- app.standing_values: how things stand as of an instant, whatever the period, by member of a dimension; arguments as
-- app.metric_values, differences too; open_calls with the organization's grace. Always with a row for no member: Unassigned, or without a dimension
-- the whole.
create or replace function app.standing_values(
    organization_id uuid, as_of timestamptz, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null,
    open_calls app.open_count[] default null, differences app.metric_difference[] default null
) returns table (member_id uuid, metric text, numerator numeric)
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_timezone text;
    v_scale    integer;
    v_grace    interval;
    v_today    date;
    v_open     app.open_count[];
begin
    select o.timezone, app.currency_exponent(o.currency), o.pcf_grace, (standing_values.as_of at time zone o.timezone)::date
      into strict v_timezone, v_scale, v_grace, v_today
      from app.organizations as o
     where o.id = standing_values.organization_id;
    v_open := coalesce(standing_values.open_calls, array(
        select c from app.open_counts(standing_values.organization_id, null, standing_values.as_of, v_grace, closers, setters,
                                      standing_values.source, traffic_type, call_type, dimension) as c));
    return query
    with parts as (
        select t.member_id, sum(t.open_any) as pending, sum(t.open_any) as late, sum(t.owed) as outstanding,
               sum(t.owed) filter (where t.period = 1) as overdue
          from app.totals_of_periods(
                standing_values.organization_id, array[date '1900-01-01', v_today, date '9999-01-01'],
                app.decided_before(standing_values.as_of, v_timezone),
                app.grain_asked(null, closers is not null or dimension = 'closer', setters is not null or dimension = 'setter'),
                closers, setters, standing_values.source, traffic_type, call_type, dimension,
                array['open_any', 'owed'], standing_values.differences) as t
         group by t.member_id
        union all
        select c.member_id, c.pending, c.overdue, 0, 0 from unnest(v_open) as c
        union all
        select null, 0, 0, 0, 0
    ), whole as (
        select p.member_id, coalesce(sum(p.pending), 0) as pending, coalesce(sum(p.late), 0) as late,
               round(coalesce(sum(p.outstanding), 0), v_scale) as outstanding, round(coalesce(sum(p.overdue), 0), v_scale) as overdue
          from parts as p
         group by p.member_id
    )
    select w.member_id, m.metric, m.numerator
      from whole as w
     cross join lateral (values
        ('pending_pcfs', w.pending),
        ('overdue_pcfs', w.late),
        ('outstanding',  w.outstanding),
        ('overdue',      w.overdue)
     ) as m (metric, numerator)
     -- Members of whom nothing stands: their sums are kept for every period they ever had.
     where w.member_id is null or w.pending <> 0 or w.late <> 0 or w.outstanding <> 0 or w.overdue <> 0;
end;
$$;
comment on function app.standing_values(
    uuid, timestamptz, uuid[], uuid[], uuid, uuid, uuid, text, app.open_count[], app.metric_difference[]) is
    'Metrics that are as of an instant, by member of a dimension.';

-- app.is_standing: is a metric as of an instant, whatever the period?
create or replace function app.is_standing(metric text) returns boolean
language sql immutable parallel safe
return metric in ('pending_pcfs', 'overdue_pcfs', 'outstanding', 'overdue');
comment on function app.is_standing(text) is 'True for a metric that is as of an instant, whatever the period.';

-- app.require_number: PT422 naming the metrics that an organization has, its own included, unless this is one of them; 42501 for one that
-- the caller, seen like this, may not see.
create or replace function app.require_number(organization_id uuid, metric text, seen_as text) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_shows_cash constant boolean := coalesce(
        (select p.show_cash from app.portal_settings as p where p.organization_id = require_number.organization_id), true);
begin
    perform app.require_choice('metric', require_number.metric,
                               array(select m.metric from app.any_metric(require_number.organization_id) as m order by m.place));
    if app.hides_any_metric(require_number.organization_id, require_number.metric, seen_as, v_shows_cash) then
        raise exception using errcode = '42501', message = 'This number is not yours to see.',
            hint = 'Ask an admin of your organization.';
    end if;
end;
$$;
comment on function app.require_number(uuid, text, text) is 'PT422 unless there is this metric; 42501 if it is not for the caller.';

-- app.shared_cash: what is counted of people in one role (cash_role), divided among those of the other role who share the payment: the
-- members of a dimension, as largest-remainder parts by what each is credited with; of nobody's payments, NULL. Parts of each
-- movement add up to what is counted of it.
create or replace function app.shared_cash(
    organization_id uuid, dimension text, cash_role text, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (
    member_id uuid, kind text, moved_at timestamptz, paid_at timestamptz, amount numeric, deal_type text, is_from_processor boolean,
    has_closer boolean
)
language sql stable parallel safe
begin atomic
    select w.member_id, f.kind, f.moved_at, f.paid_at, w.amount, f.deal_type, f.is_from_processor, f.has_closer
      from app.organizations as o
     cross join app.credited_cash_facts(shared_cash.organization_id, cash_role, closers, setters,
                                        shared_cash.source, traffic_type, call_type) as f
     cross join lateral (
        select array_agg(coalesce(c.closer_id, c.setter_id) order by c.id) as members, array_agg(c.amount_base order by c.id) as weights
          from app.payment_credits as c
         where c.organization_id = o.id and c.payment_id = f.payment_id and c.role = dimension
           and coalesce(coalesce(c.closer_id, c.setter_id) = any (case dimension when 'closer' then closers else setters end), true)
     ) as k
     cross join lateral (
        select null::uuid as member_id, f.amount where k.members is null
        union all
        select m.member_id, m.amount
          from unnest(k.members, app.split_amount(f.amount, k.weights, o.currency)) as m (member_id, amount)
         where k.members is not null
     ) as w
     where o.id = shared_cash.organization_id;
end;
comment on function app.shared_cash(uuid, text, text, uuid[], uuid[], uuid, uuid, uuid) is
    'What is counted of people in one role, divided among those of the other who share it.';

-- app.shared_values: the metrics that are money of app.shared_cash in consecutive periods, each part by itself.
create or replace function app.shared_values(
    organization_id uuid, dimension text, bounds timestamptz[], cash_role text, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (period integer, member_id uuid, metric text, part text, amount numeric)
language sql stable parallel safe
begin atomic
    select width_bucket(d.at, bounds), f.member_id, p.metric, p.part,
           sum(case when p.measure in ('refunds', 'chargebacks') then -f.amount else f.amount end)
      from app.shared_cash(shared_values.organization_id, dimension, cash_role, closers, setters,
                           shared_values.source, traffic_type, call_type) as f
      join app.metric_parts() as p
        on p.facts in ('cash', 'revenue') and app.is_cash_of(p.measure, f.kind, f.deal_type, f.has_closer, f.is_from_processor)
     cross join lateral (select case p.facts when 'revenue' then f.paid_at else f.moved_at end as at) as d
     where d.at >= bounds[1] and d.at < bounds[cardinality(bounds)]
     group by 1, 2, 3, 4;
end;
comment on function app.shared_values(uuid, text, timestamptz[], text, uuid[], uuid[], uuid, uuid, uuid) is
    'The metrics that are money shared by people in two roles.';

-- app.catalog_values: some metrics of the catalog, of whichever family, in consecutive periods by member of a dimension; arguments and
-- shape as app.metric_values. What stands as of an instant stands in the last period.
-- Money of people in one role by members of the other is divided among them, so that parts add up here, too.
-- Planned anew for each call, so that absent filters cost nothing and present ones use their index.
create or replace function app.catalog_values(
    organization_id uuid, metrics text[], bounds timestamptz[], as_of timestamptz, cash_role text default null,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (period integer, member_id uuid, metric text, numerator numeric, denominator numeric, coverage numeric)
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_variable
declare
    v_standing constant text[] := array(select m.metric from unnest(metrics) as m (metric) where app.is_standing(m.metric));
    v_setters  constant text[] := array(select c.metric from app.metric_catalog as c where c.metric = any (metrics) and c.family = 'setters');
    v_core     constant text[] := array(select m.metric from unnest(metrics) as m (metric) where m.metric <> all (v_standing || v_setters));
begin
    if v_core <> '{}' and dimension in ('closer', 'setter') and dimension <> cash_role then
        return query
        with shared as materialized (
            select s.period, s.member_id, s.metric, s.part, s.amount
              from app.shared_values(organization_id, dimension, bounds, cash_role, closers, setters, source, traffic_type, call_type) as s
        )
        select v.period, v.member_id, v.metric,
               case when n.facts in ('cash', 'revenue') then round(coalesce(a.amount, 0), scale(v.numerator)) else v.numerator end,
               case when d.facts in ('cash', 'revenue') then round(coalesce(b.amount, 0), scale(v.denominator)) else v.denominator end,
               v.coverage
          from app.metric_values(organization_id, bounds, as_of, cash_role, closers, setters, source, traffic_type, call_type,
                                 dimension, v_core) as v
          left join app.metric_parts() as n on n.metric = v.metric and n.part = 'numerator'
          left join app.metric_parts() as d on d.metric = v.metric and d.part = 'denominator'
          left join shared as a
            on a.metric = v.metric and a.part = 'numerator' and a.period = v.period and a.member_id is not distinct from v.member_id
          left join shared as b
            on b.metric = v.metric and b.part = 'denominator' and b.period = v.period and b.member_id is not distinct from v.member_id;
    elsif v_core <> '{}' then
        return query
        select v.period, v.member_id, v.metric, v.numerator, v.denominator, v.coverage
          from app.metric_values(organization_id, bounds, as_of, cash_role, closers, setters, source, traffic_type, call_type,
                                 dimension, v_core) as v;
    end if;
    if v_setters <> '{}' then
        return query
        select v.period, v.member_id, v.metric, v.numerator, v.denominator, v.coverage
          from app.setter_values(organization_id, bounds, as_of, closers, setters, source, traffic_type, call_type, dimension) as v
         where v.metric = any (v_setters);
    end if;
    if v_standing <> '{}' then
        return query
        select cardinality(bounds) - 1, v.member_id, v.metric, v.numerator, null::numeric, null::numeric
          from app.standing_values(organization_id, as_of, closers, setters, source, traffic_type, call_type, dimension) as v
         where v.metric = any (v_standing);
    end if;
end;
$$;
comment on function app.catalog_values(
    uuid, text[], timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text) is
    'Some metrics of the catalog in consecutive periods, by member of a dimension.';

-- app.is_ratio: does a metric have a denominator?
create or replace function app.is_ratio(metric text) returns boolean
language sql stable parallel safe
begin atomic
    select exists (select from app.metric_catalog as c where c.metric = is_ratio.metric and c.denominator is not null);
end;
comment on function app.is_ratio(text) is 'True for a metric with a denominator.';

-- app.side_of: what stands above or below the line of an expression, as app.expression_values parts it; NULL where nothing does.
-- part: numerator or denominator. What is divided at the top has both, and so has a ratio of the catalog that stands alone.
create or replace function app.side_of(expression jsonb, part text) returns jsonb
language sql stable parallel safe
begin atomic
    select case
        when expression ->> 'op' = 'divide' then expression -> 'args' -> case part when 'numerator' then 0 when 'denominator' then 1 end
        when expression ? 'metric' and not expression ? 'part' and app.is_ratio(expression ->> 'metric')
            then expression || jsonb_build_object('part', part)
        when part = 'numerator' then expression
    end;
end;
comment on function app.side_of(jsonb, text) is 'What stands above or below the line of an expression.';

-- app.has_rows: is this part of an expression a sum of rows? Numbers of the catalog are, and sums of them, each times a number.
create or replace function app.has_rows(expression jsonb, part text) returns boolean
language plpgsql stable parallel safe set search_path = '' as $$
begin
    return coalesce(app.adds_up(app.side_of(expression, part)), false);
end;
$$;
comment on function app.has_rows(jsonb, text) is 'True when this part of an expression is a sum of rows.';

-- app.nothing: what a metric comes to where there is nothing: 0 at the scale of its unit; of a median nothing is known.
create or replace function app.nothing(organization_id uuid, metric text) returns numeric
language sql stable parallel safe
begin atomic
    select case when exists (select from app.metric_parts() as p where p.metric = c.metric and p.adds = 'median') then null
                when c.unit = 'money' then round(0::numeric, app.currency_exponent(o.currency))
                else 0 end
      from app.metric_catalog as c
      join app.organizations as o on o.id = nothing.organization_id
     where c.metric = nothing.metric;
end;
comment on function app.nothing(uuid, text) is 'What a metric comes to where there is nothing.';

-- app.dimensions: by what numbers are broken down.
create or replace function app.dimensions() returns text[]
language sql immutable parallel safe
return array['closer', 'setter', 'source', 'traffic_type', 'call_type', 'package'];
comment on function app.dimensions() is 'By what numbers are broken down.';

-- app.dimension_members: who or what a dimension has had, archived ones included, with their names.
create or replace function app.dimension_members(organization_id uuid, dimension text) returns table (member_id uuid, label text)
language sql stable parallel safe
begin atomic
    select r.id, r.name from app.closers as r
     where dimension = 'closer' and r.organization_id = dimension_members.organization_id
    union all
    select r.id, r.name from app.setters as r
     where dimension = 'setter' and r.organization_id = dimension_members.organization_id
    union all
    select r.id, r.name from app.sources as r
     where dimension = 'source' and r.organization_id = dimension_members.organization_id
    union all
    select r.id, r.name from app.traffic_types as r
     where dimension = 'traffic_type' and r.organization_id = dimension_members.organization_id
    union all
    select r.id, r.name from app.call_types as r
     where dimension = 'call_type' and r.organization_id = dimension_members.organization_id
    union all
    select r.id, r.name from app.packages as r
     where dimension = 'package' and r.organization_id = dimension_members.organization_id;
end;
comment on function app.dimension_members(uuid, text) is 'The members of a dimension with their names.';
