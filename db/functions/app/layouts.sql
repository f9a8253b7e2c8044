-- Dashboard layouts: which widgets stand where. A layout says by which version of its schema it is written; what is written by one
-- that is not known here is refused rather than misread.

-- app.layout_lists: the lists that a widget can show, and in whose dashboard each of them is.
create or replace function app.layout_lists() returns text[]
language sql immutable parallel safe
return array['calls', 'today_calls', 'upcoming', 'pending_forms', 'overdue_forms', 'duplicates', 'unattributed', 'connections',
             'exceptions', 'sets'];
comment on function app.layout_lists() is 'The lists that a widget of a dashboard can show.';

-- app.layout_errors: what is wrong with a layout of an organization, as one sentence per place; empty when it is right.
-- Version 1: {"widgets": [{"type", "position": {"x", "y", "width", "height"}, "title"?, and by type "metric", "list" or "role"}]} on a
-- grid of twelve columns; at most 50 widgets, which do not overlap. Types: number, trend and breakdown of a metric, list,
-- leaderboard of a role (closer or setter). A metric is one of the catalog or one of the organization's own.
create or replace function app.layout_errors(organization_id uuid, layout jsonb, schema_version integer) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_errors jsonb;
begin
    if schema_version is distinct from 1 then
        return jsonb_build_object('schema_version', 'Only version 1 is known.');
    elsif jsonb_typeof(layout) is distinct from 'object' or jsonb_typeof(layout -> 'widgets') is distinct from 'array' then
        return jsonb_build_object('widgets', 'A layout is an object with a list of widgets.');
    elsif jsonb_array_length(layout -> 'widgets') > 50 then
        return jsonb_build_object('widgets', 'At most 50 widgets.');
    end if;

    with widgets as (
        select format('widgets[%s]', w.ordinal - 1) as place, w.ordinal, w.widget,
               case when jsonb_typeof(w.widget) = 'object' then w.widget else '{}' end as o
          from jsonb_array_elements(layout -> 'widgets') with ordinality as w (widget, ordinal)
    ), typed as (
        select w.place, w.ordinal, w.widget, w.o, t.needs, w.o -> 'position' as position
          from widgets as w
          left join (values ('number', 'metric'), ('trend', 'metric'), ('breakdown', 'metric'), ('list', 'list'),
                            ('leaderboard', 'role')) as t (type, needs)
            on to_jsonb(t.type) = w.o -> 'type'
    ), boxes as (
        select t.place, t.ordinal, p.x, p.y, p.width, p.height
          from typed as t
         cross join lateral (
            select app.whole_number(t.position -> 'x', 0, 11) as x, app.whole_number(t.position -> 'y', 0, 999) as y,
                   app.whole_number(t.position -> 'width', 1, 12) as width,
                   app.whole_number(t.position -> 'height', 1, 24) as height) as p
    ), errors (place, sentence) as (
        select k.key, 'There is no such key.' from jsonb_object_keys(layout) as k (key) where k.key <> 'widgets'
        union all
        select t.place, 'A widget is an object.' from typed as t where jsonb_typeof(t.widget) <> 'object'
        union all
        select t.place || '.type', 'One of number, trend, breakdown, list and leaderboard.'
          from typed as t where jsonb_typeof(t.widget) = 'object' and t.needs is null
        union all
        select t.place || '.' || k.key, 'This widget has no such key.'
          from typed as t
         cross join lateral jsonb_object_keys(t.o) as k (key)
         where t.needs is not null and k.key <> all (array['type', 'position', 'title', t.needs])
        union all
        select t.place || '.metric', 'The name of a metric of metric_catalog, or of one of your own.'
          from typed as t
         where t.needs = 'metric'
           and not exists (select from app.any_metric(layout_errors.organization_id) as m where to_jsonb(m.metric) = t.o -> 'metric')
        union all
        select t.place || '.list', format('One of %s.', array_to_string(app.layout_lists(), ', '))
          from typed as t
         where t.needs = 'list' and not coalesce(t.o -> 'list' <@ to_jsonb(app.layout_lists()) and jsonb_typeof(t.o -> 'list') = 'string', false)
        union all
        select t.place || '.role', 'closer or setter.'
          from typed as t where t.needs = 'role' and not coalesce(t.o -> 'role' in ('"closer"', '"setter"'), false)
        union all
        select t.place || '.title', 'Text of at most 100 characters.'
          from typed as t
         where t.o ? 'title' and (jsonb_typeof(t.o -> 'title') <> 'string' or length(t.o ->> 'title') > 100)
        union all
        select b.place || '.position', 'Whole numbers x (0 to 11), y (0 to 999), width (1 to 12) and height (1 to 24), within twelve columns.'
          from boxes as b
          join typed as t on t.ordinal = b.ordinal
         where jsonb_typeof(t.widget) = 'object'
           and (b.x is null or b.y is null or b.width is null or b.height is null or b.x + b.width > 12
                or t.position - array['x', 'y', 'width', 'height'] <> '{}')
        union all
        select b.place || '.position', format('It overlaps with %s.', min(a.place))
          from boxes as b
          join boxes as a on a.ordinal < b.ordinal
           and a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
         group by b.place
    )
    select coalesce(jsonb_object_agg(e.place, e.sentence), '{}') into v_errors from errors as e;
    return v_errors;
end;
$$;
comment on function app.layout_errors(uuid, jsonb, integer) is 'What is wrong with a layout, one sentence per place.';

-- app.whole_number: a JSON number that is whole and within bounds; NULL for anything else.
create or replace function app.whole_number(value jsonb, lowest integer, highest integer) returns integer
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then
    case when value::numeric between lowest and highest and trunc(value::numeric) = value::numeric then value::numeric::integer end end;
comment on function app.whole_number(jsonb, integer, integer) is 'A whole JSON number within bounds, else NULL.';

-- app.built_in_layout: what a dashboard looks like before anybody has arranged it. home: admin, rep or setter.
create or replace function app.built_in_layout(home text) returns jsonb
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_numbers jsonb;
    v_rest    jsonb;
begin
    select jsonb_agg(jsonb_build_object(
                'type', 'number', 'metric', m.metric,
                'position', jsonb_build_object('x', (m.n - 1) % 4 * 3, 'y', (m.n - 1) / 4 * 2, 'width', 3, 'height', 2)) order by m.n)
      into v_numbers
      from unnest(case home
                when 'admin' then array['booked_calls', 'show_rate', 'close_rate', 'cash_collected',
                                        'offer_rate', 'net_cash', 'utilization', 'reporting_coverage']
                when 'rep' then array['scheduled_calls', 'show_rate', 'close_rate', 'cash_collected']
                when 'setter' then array['booked_calls', 'show_rate_booked_cohort', 'closes', 'cash_collected']
                else '{}'::text[] end) with ordinality as m (metric, n);
    select jsonb_agg(jsonb_build_object('type', r.type, r.key, r.what,
                                        'position', jsonb_build_object('x', r.x, 'y', r.y, 'width', r.width, 'height', 6))
                     order by r.y, r.x)
      into v_rest
      from (values
                ('admin',  'list',        'list', 'calls',         0, 4,  8),
                ('admin',  'list',        'list', 'overdue_forms', 8, 4,  4),
                ('admin',  'leaderboard', 'role', 'closer',        0, 10, 6),
                ('admin',  'leaderboard', 'role', 'setter',        6, 10, 6),
                ('admin',  'list',        'list', 'exceptions',    0, 16, 4),
                ('admin',  'list',        'list', 'duplicates',    4, 16, 4),
                ('admin',  'list',        'list', 'connections',   8, 16, 4),
                ('rep',    'list',        'list', 'today_calls',   0, 2,  6),
                ('rep',    'list',        'list', 'pending_forms', 6, 2,  6),
                ('rep',    'list',        'list', 'upcoming',      0, 8,  6),
                ('rep',    'leaderboard', 'role', 'closer',        6, 8,  6),
                ('setter', 'list',        'list', 'sets',          0, 2,  8),
                ('setter', 'leaderboard', 'role', 'setter',        8, 2,  4)) as r (home, type, key, what, x, y, width)
     where r.home = built_in_layout.home;
    return jsonb_build_object('widgets', coalesce(v_numbers, '[]') || coalesce(v_rest, '[]'));
end;
$$;
comment on function app.built_in_layout(text) is 'What a dashboard looks like before anybody has arranged it.';
