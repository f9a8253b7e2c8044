-- What the dashboards show, and where the rows behind each number are.

-- app.is_test_lead: does a call belong to an internal test? The policies of leads cost several times what the answer does.
-- Definer: whoever sees a call may know that it counts nowhere; of the lead nothing else is told.
create or replace function app.is_test_lead(organization_id uuid, lead_id uuid) returns boolean
language sql stable security definer parallel safe set search_path = ''
begin atomic
    select exists (select from app.leads as l
                    where l.organization_id = is_test_lead.organization_id and l.id = is_test_lead.lead_id and l.is_test);
end;
comment on function app.is_test_lead(uuid, uuid) is 'True for a lead that is an internal test.';
grant execute on function app.is_test_lead(uuid, uuid) to authenticated, org_admin, super_admin;

-- app.instant: an instant as it stands in a path: UTC, to the microsecond, nothing to escape.
create or replace function app.instant(at timestamptz) returns text
language sql stable strict parallel safe
return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
comment on function app.instant(timestamptz) is 'An instant as it stands in a path.';

-- app.metric_path: where the rows behind one part of a metric are. Whoever asks knows that the metric has this part.
-- A plain expression: dashboards ask for a hundred paths, and a query inside would be planned for each.
create or replace function app.metric_path(
    metric text, part text, organization_id uuid, start_date date, end_date date, as_of timestamptz,
    closer_id uuid default null, setter_id uuid default null
) returns text
language sql stable parallel safe
return concat('rpc/metric_rows?metric=', metric, '&part=', part, '&start_date=', start_date, '&end_date=', end_date,
              '&organization_id=', organization_id, '&closer_id=' || closer_id, '&setter_id=' || setter_id,
              '&as_of=', to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
comment on function app.metric_path(text, text, uuid, date, date, timestamptz, uuid, uuid) is
    'Where the rows behind one part of a metric are.';

-- app.standing_path: where the calls without a form are that ended by an instant; without whose: everybody's.
-- closer: whose calls, 'is.null' for nobody's.
create or replace function app.standing_path(organization_id uuid, ended_by timestamptz, closer text default null) returns text
language sql stable parallel safe
return concat('events?organization_id=eq.', organization_id, '&call_status=eq.scheduled&scheduled_end_at=lte.',
              app.instant(ended_by), '&duplicate_of_id=is.null&is_test=is.false', '&credited_closer_id=' || closer,
              '&order=scheduled_end_at');
comment on function app.standing_path(uuid, timestamptz, text) is 'Where the calls without a form are that ended by an instant.';

-- app.call_cards: calls as dashboards list them. Names are those of the rosters now. Plain SQL, planned with whoever asks for some.
create or replace function app.call_cards(organization_id uuid, as_of timestamptz, pcf_grace interval)
returns table (event_id uuid, card jsonb)
language sql stable parallel safe
begin atomic
    select e.id, jsonb_build_object(
            'id', e.id, 'lead_id', e.lead_id, 'lead_name', coalesce(e.lead_name, e.lead_email),
            'scheduled_at', e.scheduled_at, 'scheduled_end_at', e.scheduled_end_at, 'booked_at', e.booked_at,
            'closer_id', e.credited_closer_id, 'closer_name', coalesce(c.name, e.closer_name),
            'setter_id', e.credited_setter_id, 'setter_name', coalesce(s.name, e.setter_name),
            'call_type', t.name, 'source', u.name, 'call_status', e.call_status, 'event_outcome', e.event_outcome,
            'is_pending', e.call_status = 'scheduled' and e.scheduled_end_at <= call_cards.as_of,
            'is_overdue', e.call_status = 'scheduled' and e.scheduled_end_at <= call_cards.as_of - call_cards.pcf_grace)
      from app.events as e
      left join app.closers as c on c.organization_id = e.organization_id and c.id = e.credited_closer_id
      left join app.setters as s on s.organization_id = e.organization_id and s.id = e.credited_setter_id
      left join app.call_types as t on t.organization_id = e.organization_id and t.id = e.call_type_id
      left join app.sources as u on u.organization_id = e.organization_id and u.id = e.source_id
     where e.organization_id = call_cards.organization_id;
end;
comment on function app.call_cards(uuid, timestamptz, interval) is 'Calls as dashboards list them.';

-- app.home_frame: what every dashboard starts with: whose, when, and in which words.
create or replace function app.home_frame(organization_id uuid, start_date date, end_date date, as_of timestamptz) returns jsonb
language sql stable parallel safe
begin atomic
    select jsonb_build_object(
            'organization_id', o.id, 'organization_name', o.name, 'timezone', o.timezone, 'currency', o.currency,
            'as_of', home_frame.as_of, 'today', (home_frame.as_of at time zone o.timezone)::date,
            'start_date', home_frame.start_date, 'end_date', home_frame.end_date,
            'previous_start_date', b.start_date, 'previous_end_date', b.end_date)
      from app.organizations as o
     cross join app.previous_period(home_frame.start_date, home_frame.end_date) as b
     where o.id = home_frame.organization_id;
end;
comment on function app.home_frame(uuid, date, date, timestamptz) is 'What every dashboard starts with.';

-- app.home_numbers: chosen metrics, each with what it was before and where the rows of its parts are; and the organization's own, which
-- have rows where they are sums of rows.
-- A number that the caller may not see is NULL and has no rows.
create or replace function app.home_numbers(
    organization_id uuid, start_date date, end_date date, as_of timestamptz, metrics text[],
    seen_as text, cash_role text default null, closer_id uuid default null, setter_id uuid default null,
    differences app.metric_difference[] default null
) returns jsonb
language sql stable
begin atomic
    select jsonb_object_agg(c.metric, jsonb_build_object(
                'label', c.label, 'unit', c.unit, 'value', m.value, 'numerator', m.numerator, 'denominator', m.denominator,
                'previous_value', m.previous_value, 'coverage', m.coverage,
                'rows', case when m.numerator is not null and r.above then
                    app.metric_path(c.metric, 'numerator', home_numbers.organization_id, home_numbers.start_date,
                                    home_numbers.end_date, home_numbers.as_of, home_numbers.closer_id, home_numbers.setter_id) end,
                'denominator_rows', case when m.denominator is not null and r.below then
                    app.metric_path(c.metric, 'denominator', home_numbers.organization_id, home_numbers.start_date,
                                    home_numbers.end_date, home_numbers.as_of, home_numbers.closer_id, home_numbers.setter_id) end,
                'previous_rows', case when m.previous_value is not null and r.above then
                    app.metric_path(c.metric, 'numerator', home_numbers.organization_id, b.start_date,
                                    b.end_date, home_numbers.as_of, home_numbers.closer_id, home_numbers.setter_id) end,
                'previous_denominator_rows', case when m.previous_value is not null and m.denominator is not null and r.below then
                    app.metric_path(c.metric, 'denominator', home_numbers.organization_id, b.start_date,
                                    b.end_date, home_numbers.as_of, home_numbers.closer_id, home_numbers.setter_id) end))
      from app.core_metrics(
            home_numbers.organization_id, home_numbers.start_date, home_numbers.end_date, home_numbers.as_of,
            home_numbers.seen_as, home_numbers.cash_role,
            case when home_numbers.closer_id is not null then array[home_numbers.closer_id] end,
            case when home_numbers.setter_id is not null then array[home_numbers.setter_id] end,
            differences => home_numbers.differences) as m
      join app.any_metric(home_numbers.organization_id) as c on c.metric = m.metric
     cross join lateral (
        select c.expression is null or app.has_rows(c.expression, 'numerator') as above,
               c.expression is null or app.has_rows(c.expression, 'denominator') as below
        offset 0  -- once for a metric, not for each path
     ) as r
     cross join app.previous_period(home_numbers.start_date, home_numbers.end_date) as b
     where m.metric = any (home_numbers.metrics) or c.expression is not null;
end;
comment on function app.home_numbers(uuid, date, date, timestamptz, text[], text, text, uuid, uuid, app.metric_difference[]) is
    'Chosen metrics of a period, each with the rows behind it.';

-- app.home_leaderboard: the first of the closers, or of the setters, of a period, in the order of app.leaderboard when nobody says
-- another one, as far as who asks may see. own: who asks, shown whole wherever they stand; NULL shows everybody whole. Only numbers that
-- are whole have rows: nobody may list others'.
create or replace function app.home_leaderboard(
    organization_id uuid, role text, start_date date, end_date date, as_of timestamptz, size integer,
    own uuid default null, visibility text default 'full', shows_cash boolean default true,
    differences app.metric_difference[] default null
) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'person_id', s.person_id, 'name', s.person_name, 'is_self', s.is_self,
                'rank', s.rank, 'of', case when s.rank is not null then s.people end))
            || jsonb_build_object('numbers', n.numbers) order by s.place), '[]')
      from app.leaderboard(
            home_leaderboard.organization_id, home_leaderboard.role, home_leaderboard.start_date, home_leaderboard.end_date,
            home_leaderboard.as_of, null, case when home_leaderboard.own is null then '{}' else array[home_leaderboard.own] end,
            home_leaderboard.visibility, home_leaderboard.shows_cash, differences => home_leaderboard.differences) as s
     cross join lateral (
        select coalesce(jsonb_object_agg(v.metric, jsonb_build_object(
                    'unit', v.unit, 'value', v.value, 'numerator', v.numerator, 'denominator', v.denominator,
                    'rows', p.numerator, 'denominator_rows', p.denominator)), '{}') as numbers
          from (values ('booked_calls',   'count', s.booked_calls,   s.booked_calls,   null::numeric),
                       ('shows',          'count', s.shows,          s.shows,          null),
                       ('no_shows',       'count', s.no_shows,       s.no_shows,       null),
                       ('closes',         'count', s.closes,         s.closes,         null),
                       ('show_rate',      'rate',  s.show_rate,      s.shows,          s.shows + s.no_shows),
                       ('offer_rate',     'rate',  s.offer_rate,     s.offers,         s.shows),
                       ('close_rate',     'rate',  s.close_rate,     s.closes,         s.shows),
                       ('cash_collected', 'money', s.cash_collected, s.cash_collected, null),
                       ('net_cash',       'money', s.net_cash,       s.net_cash,       null)) as v (metric, unit, value, numerator, denominator)
          left join lateral (
            select app.metric_path(v.metric, 'numerator', home_leaderboard.organization_id, home_leaderboard.start_date,
                                   home_leaderboard.end_date, home_leaderboard.as_of, q.closer_id, q.setter_id) as numerator,
                   case when v.unit = 'rate' then
                       app.metric_path(v.metric, 'denominator', home_leaderboard.organization_id, home_leaderboard.start_date,
                                       home_leaderboard.end_date, home_leaderboard.as_of, q.closer_id, q.setter_id) end as denominator
              from (select case home_leaderboard.role when 'closer' then s.person_id end as closer_id,
                           case home_leaderboard.role when 'setter' then s.person_id end as setter_id) as q
             where home_leaderboard.own is null or s.is_self) as p on true
         where (v.unit <> 'money' or home_leaderboard.shows_cash)
           and (s.is_whole or home_leaderboard.visibility = 'rates' and v.unit = 'rate')) as n
     where s.is_self or s.place <= home_leaderboard.size;
end;
comment on function app.home_leaderboard(uuid, text, date, date, timestamptz, integer, uuid, text, boolean, app.metric_difference[]) is
    'The first of the closers, or of the setters, of a period, as far as who asks may see.';

-- app.counted: a count as dashboards hold it: value, and where exactly as many rows are.
create or replace function app.counted(value bigint, rows text) returns jsonb
language sql immutable parallel safe
return jsonb_build_object('unit', 'count', 'value', value, 'rows', rows);
comment on function app.counted(bigint, text) is 'A count, and where its rows are.';

-- app.duplicate_pairs: counted calls from since to before until that may be bookings of another one, and that one, which was recorded
-- before it: the pairs of api.duplicate_candidates. Each lead's calls are gathered first and compared among themselves: joined to
-- one another, calls of which there are no statistics yet are all compared with all.
create or replace function app.duplicate_pairs(organization_id uuid, since timestamptz, until timestamptz)
returns table (event_id uuid, other_event_id uuid)
language sql stable
begin atomic
    select e.id, c.id
      from app.organizations as o
     cross join lateral (
        select array_agg(k.id) as ids, array_agg(k.root_event_id) as roots, array_agg(k.scheduled_at) as starts
          from app.events as k
          left join app.call_types as t on t.organization_id = k.organization_id and t.id = k.call_type_id
         where k.organization_id = duplicate_pairs.organization_id
           and k.scheduled_at >= duplicate_pairs.since - interval '26 hours'  -- the other one may be of the day at the edge
           and k.scheduled_at < duplicate_pairs.until + interval '26 hours'
           and k.lead_id is not null and k.deleted_at is null and k.duplicate_of_id is null
         group by k.lead_id, coalesce(t.category, 'sales')
        having count(*) > 1
     ) as l
     cross join lateral unnest(l.ids, l.roots, l.starts) as e (id, root_event_id, scheduled_at)
     cross join lateral unnest(l.ids, l.roots, l.starts) as c (id, root_event_id, scheduled_at)
     where o.id = duplicate_pairs.organization_id
       and e.scheduled_at >= duplicate_pairs.since and e.scheduled_at < duplicate_pairs.until
       and c.id < e.id and c.root_event_id <> e.root_event_id
       and app.may_be_one_booking(e.scheduled_at, c.scheduled_at, o.timezone);
end;
comment on function app.duplicate_pairs(uuid, timestamptz, timestamptz) is 'Calls of a time that may be one booking, each pair once.';

-- app.newest_since: from when on so many of the newest calls of a time are scheduled: since, where there are not so many.
create or replace function app.newest_since(organization_id uuid, since timestamptz, until timestamptz, calls integer) returns timestamptz
language sql stable parallel safe
begin atomic
    select greatest(newest_since.since, (
        select e.scheduled_at from app.events as e
         where e.organization_id = newest_since.organization_id
           and e.scheduled_at >= newest_since.since and e.scheduled_at < newest_since.until
         order by e.scheduled_at desc, e.id desc offset newest_since.calls - 1 limit 1));
end;
comment on function app.newest_since(uuid, timestamptz, timestamptz, integer) is 'From when on the newest calls of a time are scheduled.';

-- app.home_connections: how the deliveries of each connection go.
create or replace function app.home_connections(organization_id uuid, as_of timestamptz) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_agg(jsonb_build_object(
                'id', c.id, 'name', c.name, 'connection_type', c.connection_type, 'is_active', c.is_active,
                'last_event_at', h.last_event_at, 'is_silent', h.is_silent and c.is_active,
                'refused_since', case when c.last_refused_at > home_connections.as_of - app.end_of_refusals() then c.refused_since end,
                'processed_7d', app.counted(h.processed_7d, w.path || '&status=eq.processed'),
                'queued_7d', app.counted(h.queued_7d, w.path || '&status=eq.queued'),
                'dead_7d', app.counted(h.dead_7d, w.path || '&status=eq.dead'))
            order by c.name, c.id), '[]')
      from app.webhook_connections as c
     cross join lateral app.connection_health(c.organization_id, c.id, home_connections.as_of) as h
     cross join lateral (
        select concat('webhook_events?organization_id=eq.', c.organization_id, '&connection_id=eq.', c.id,
                      '&received_at=gt.', app.instant(home_connections.as_of - interval '7 days'),
                      '&received_at=lte.', app.instant(home_connections.as_of)) as path) as w
     where c.organization_id = home_connections.organization_id and c.deleted_at is null;
end;
comment on function app.home_connections(uuid, timestamptz) is 'How the deliveries of each connection go.';

-- app.home_exceptions: how much needs a person, by severity, and by check.
create or replace function app.home_exceptions(organization_id uuid) returns jsonb
language sql stable
begin atomic
    with open as (
        select e.check_name, e.severity, count(*) as count, grouping(e.check_name) as is_sum
          from app.exceptions as e
         where e.organization_id = home_exceptions.organization_id and e.state = 'open'
         group by grouping sets ((e.severity), (e.check_name, e.severity))
    ), path (path) as (
        select concat('exceptions?organization_id=eq.', home_exceptions.organization_id, '&state=eq.open&severity=eq.')
    )
    select (select jsonb_object_agg(v.severity, app.counted(coalesce(o.count, 0), p.path || v.severity))
              from (values ('critical'), ('warning'), ('info')) as v (severity)
             cross join path as p
              left join open as o on o.severity = v.severity and o.is_sum = 1)
           || jsonb_build_object('checks', (
                select coalesce(jsonb_agg(jsonb_build_object('check_name', o.check_name, 'severity', o.severity)
                            || app.counted(o.count, p.path || o.severity || '&check_name=eq.' || o.check_name)
                            order by array_position(array['critical', 'warning', 'info'], o.severity), o.count desc, o.check_name), '[]')
                  from open as o
                 cross join path as p
                 where o.is_sum = 0));
end;
comment on function app.home_exceptions(uuid) is 'How much needs a person, by severity and by check.';

-- app.home_metrics: which metrics a dashboard shows.
create or replace function app.home_metrics(home text) returns text[]
language sql immutable parallel safe
return case home
    when 'admin' then array[
        'booked_calls', 'scheduled_calls', 'shows', 'no_shows', 'canceled', 'offers', 'closes', 'show_rate', 'no_show_rate',
        'cancellation_rate', 'offer_rate', 'close_rate', 'reporting_coverage', 'pending_pcfs', 'overdue_pcfs', 'utilization',
        'deals_won', 'cash_collected', 'refunds', 'net_cash', 'net_revenue', 'contracted_revenue', 'outstanding', 'overdue',
        'aov', 'unattributed_cash']
    when 'rep' then array[
        'booked_calls', 'scheduled_calls', 'shows', 'no_shows', 'offers', 'closes', 'show_rate', 'offer_rate', 'close_rate',
        'reporting_coverage', 'pending_pcfs', 'overdue_pcfs', 'pcf_timeliness', 'utilization', 'deals_won', 'cash_collected',
        'refunds', 'net_cash', 'cash_per_show']
    when 'setter' then array[
        'booked_calls', 'shows', 'no_shows', 'canceled', 'closes', 'show_rate', 'show_rate_booked_cohort', 'close_rate',
        'cancellation_rate', 'cash_collected', 'refunds', 'net_cash']
end;
comment on function app.home_metrics(text) is 'Which metrics a dashboard shows.';

-- app.oldest_open: when the oldest of a closer's calls without a form ended, of those that ended by an instant; one row, if there is any.
-- closer_id: NULL for nobody's calls. A set, so that the planner looks inside.
create or replace function app.oldest_open(organization_id uuid, closer_id uuid, ended_by timestamptz) returns table (ended_at timestamptz)
language sql stable parallel safe
begin atomic
    (select f.scheduled_end_at from app.call_facts(oldest_open.organization_id) as f
      where f.closer_id = oldest_open.closer_id and f.call_status = 'scheduled' and f.scheduled_end_at <= ended_by
      order by f.scheduled_end_at limit 1)
    union all
    (select f.scheduled_end_at from app.call_facts(oldest_open.organization_id) as f
      where oldest_open.closer_id is null and f.closer_id is null and f.call_status = 'scheduled' and f.scheduled_end_at <= ended_by
      order by f.scheduled_end_at limit 1);
end;
comment on function app.oldest_open(uuid, uuid, timestamptz) is 'When the oldest of a closer''s calls without a form ended.';

-- app.nobodys_payments: how many payments of a time count and no closer is credited with; those behind unattributed_cash.
create or replace function app.nobodys_payments(organization_id uuid, since timestamptz, until timestamptz) returns bigint
language sql stable parallel safe
begin atomic
    select count(*)
      from app.payments as p  -- closer_id is the largest credit's: without any it is NULL, and found by index
      join app.payment_facts(nobodys_payments.organization_id) as f on f.payment_id = p.id
     where p.organization_id = nobodys_payments.organization_id and p.closer_id is null
       and p.payment_date >= nobodys_payments.since and p.payment_date < nobodys_payments.until
       and not exists (select from app.payment_credits as c
                        where c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'closer');
end;
comment on function app.nobodys_payments(uuid, timestamptz, timestamptz) is 'How many payments of a time no closer is credited with.';

-- app.admin_home: everything of an organization's dashboard, as api.admin_home answers it. It reads sums, and of rows the first by
-- index: what it costs does not grow with the organization's history.
create or replace function app.admin_home(organization_id uuid, start_date date, end_date date, as_of timestamptz) returns jsonb
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
declare
    o         app.organizations;
    v_since   timestamptz;
    v_until   timestamptz;
    v_lately  timestamptz;  -- from when on duplicates are sought: the last month, or less where it has very many calls
    v_numbers jsonb;
    v_home    jsonb;
    v_changed constant app.metric_difference[] := app.differences(organization_id);  -- once for all numbers
begin
    select t.* into strict o from app.organizations as t where t.id = admin_home.organization_id;
    v_since := app.day_start(start_date, o.timezone);
    v_until := app.day_start(end_date + 1, o.timezone);
    v_lately := app.newest_since(o.id, greatest(v_since, app.day_start(end_date - 30, o.timezone)), v_until, 2000);
    v_numbers := app.home_numbers(o.id, start_date, end_date, as_of, app.home_metrics('admin') || 'reschedule_rate'::text, 'organization',
                                  differences => v_changed);

    v_home := app.home_frame(o.id, start_date, end_date, as_of) || jsonb_build_object(
        'numbers', v_numbers - 'reschedule_rate',
        'closers', app.home_leaderboard(o.id, 'closer', start_date, end_date, as_of, 5, differences => v_changed),
        'setters', app.home_leaderboard(o.id, 'setter', start_date, end_date, as_of, 5, differences => v_changed),
        'connections', app.home_connections(o.id, as_of),
        'exceptions', app.home_exceptions(o.id),
        'pending_forms', app.counted((v_numbers #>> '{pending_pcfs,value}')::bigint, app.standing_path(o.id, as_of)));

    v_home := v_home || jsonb_build_object('calls', (
        select app.counted(
                (v_numbers #>> '{reschedule_rate,denominator}')::bigint,  -- every call
                concat('events?organization_id=eq.', o.id, '&scheduled_at=gte.', app.instant(v_since), '&scheduled_at=lt.',
                       app.instant(v_until), '&duplicate_of_id=is.null&is_test=is.false&order=scheduled_at.desc,id.desc'))
            || jsonb_build_object('newest', coalesce(jsonb_agg(k.card order by f.scheduled_at desc, f.event_id desc), '[]'))
          from (select c.event_id, c.scheduled_at from app.call_facts(o.id) as c
                 where c.scheduled_at >= v_since and c.scheduled_at < v_until
                 order by c.scheduled_at desc, c.event_id desc limit 20) as f
          join app.call_cards(o.id, as_of, o.pcf_grace) as k on k.event_id = f.event_id));

    v_home := v_home || jsonb_build_object('overdue_forms', (
        select app.counted((v_numbers #>> '{overdue_pcfs,value}')::bigint, app.standing_path(o.id, as_of - o.pcf_grace))
            || jsonb_build_object('closers', coalesce(jsonb_agg(
                    jsonb_build_object('closer_id', c.closer_id, 'closer_name', r.name, 'oldest_ended_at', c.oldest)
                    || app.counted(c.count, app.standing_path(o.id, as_of - o.pcf_grace, coalesce('eq.' || c.closer_id, 'is.null')))
                    order by c.oldest, r.name), '[]'))
          from (select s.member_id as closer_id, s.numerator::bigint as count, w.ended_at as oldest
                  from app.standing_values(o.id, as_of, dimension => 'closer', differences => v_changed) as s
                  left join lateral app.oldest_open(o.id, s.member_id, as_of - o.pcf_grace) as w on true
                 where s.metric = 'overdue_pcfs' and s.numerator > 0) as c
          left join app.closers as r on r.organization_id = o.id and r.id = c.closer_id));

    return v_home || jsonb_build_object(
        'duplicates', (
            select app.counted(count(*), concat('duplicate_candidates?organization_id=eq.', o.id, '&scheduled_at=gte.',
                                                app.instant(v_lately), '&scheduled_at=lt.', app.instant(v_until)))
              from app.duplicate_pairs(o.id, v_lately, v_until)),
        'unattributed', (
            select jsonb_build_object(
                    'payments', app.counted(app.nobodys_payments(o.id, v_since, v_until), p.path),
                    'cash', jsonb_build_object('unit', 'money', 'value', v_numbers #> '{unattributed_cash,value}', 'rows', p.path))
              from (select app.metric_path('unattributed_cash', 'numerator', o.id, start_date, end_date, as_of) as path) as p));
end;
$$;
comment on function app.admin_home(uuid, date, date, timestamptz) is 'Everything of an organization''s dashboard.';

-- app.rep_home: everything of a closer's dashboard, as api.rep_home answers it. seen_as: organization for an admin who looks.
create or replace function app.rep_home(
    organization_id uuid, closer_id uuid, start_date date, end_date date, as_of timestamptz, seen_as text
) returns jsonb
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
declare
    o             app.organizations;
    p             app.portal_settings;
    v_today       timestamptz;
    v_tomorrow    timestamptz;
    v_ahead       timestamptz;
    v_calls       text;
    v_shows_cash  boolean;
    v_visibility  text;
    v_home        jsonb;
    v_changed     constant app.metric_difference[] := app.differences(organization_id);  -- once for all numbers
begin
    select t.* into strict o from app.organizations as t where t.id = rep_home.organization_id;
    select t.* into p from app.portal_settings as t where t.organization_id = o.id;
    v_today := app.day_start((as_of at time zone o.timezone)::date, o.timezone);
    v_tomorrow := app.day_start((as_of at time zone o.timezone)::date + 1, o.timezone);
    v_ahead := app.day_start((as_of at time zone o.timezone)::date + 1 + coalesce(p.days_ahead, 14), o.timezone);
    v_calls := concat('events?organization_id=eq.', o.id, '&credited_closer_id=eq.', rep_home.closer_id,
                      '&duplicate_of_id=is.null&is_test=is.false');
    select s.visibility, s.shows_cash into strict v_visibility, v_shows_cash
      from app.leaderboard_sight(o.id, seen_as = 'organization') as s;

    v_home := app.home_frame(o.id, start_date, end_date, as_of)
        || (select jsonb_build_object('closer_id', c.id, 'closer_name', c.name)
              from app.closers as c where c.organization_id = o.id and c.id = rep_home.closer_id)
        || jsonb_build_object(
            'settings', jsonb_build_object(
                'show_cash', v_shows_cash, 'leaderboard_visibility', v_visibility, 'days_ahead', coalesce(p.days_ahead, 14),
                'require_notes', coalesce(p.require_notes, false), 'allow_late_edit_days', coalesce(p.allow_late_edit_days, 7)),
            'numbers', app.home_numbers(o.id, start_date, end_date, as_of, app.home_metrics('rep'), seen_as, 'closer',
                                        closer_id => rep_home.closer_id, differences => v_changed),
            'leaderboard', app.home_leaderboard(o.id, 'closer', start_date, end_date, as_of, 5,
                                                rep_home.closer_id, v_visibility, v_shows_cash, v_changed));

    return v_home || (
        select jsonb_build_object(
                'today_calls', app.counted(
                        count(*) filter (where f.is_today),
                        concat(v_calls, '&scheduled_at=gte.', app.instant(v_today), '&scheduled_at=lt.', app.instant(v_tomorrow),
                               '&call_status=neq.rescheduled&order=scheduled_at'))
                    || jsonb_build_object('calls', coalesce(jsonb_agg(k.card order by f.scheduled_at, f.event_id)
                                                            filter (where f.is_today and f.today_no <= 50), '[]')),
                'upcoming', app.counted(
                        count(*) filter (where f.is_ahead),
                        concat(v_calls, '&scheduled_at=gte.', app.instant(v_tomorrow), '&scheduled_at=lt.', app.instant(v_ahead),
                               '&call_status=eq.scheduled&order=scheduled_at'))
                    || jsonb_build_object('calls', coalesce(jsonb_agg(k.card order by f.scheduled_at, f.event_id)
                                                            filter (where f.is_ahead and f.ahead_no <= 50), '[]')),
                'pending_forms', app.counted(
                        count(*) filter (where f.is_pending),
                        app.standing_path(o.id, as_of, 'eq.' || rep_home.closer_id))
                    || jsonb_build_object(
                        'overdue', app.counted(
                            count(*) filter (where f.is_overdue),
                            app.standing_path(o.id, as_of - o.pcf_grace, 'eq.' || rep_home.closer_id)),
                        'calls', coalesce(jsonb_agg(k.card order by f.scheduled_end_at, f.event_id)
                                          filter (where f.is_pending and f.pending_no <= 50), '[]')))
          from (select c.event_id, c.scheduled_at, c.scheduled_end_at, w.is_today, w.is_ahead, w.is_pending, w.is_overdue,
                       row_number() over (partition by w.is_today order by c.scheduled_at, c.event_id) as today_no,
                       row_number() over (partition by w.is_ahead order by c.scheduled_at, c.event_id) as ahead_no,
                       row_number() over (partition by w.is_pending order by c.scheduled_end_at, c.event_id) as pending_no
                  from (
                    select f.event_id, f.scheduled_at, f.scheduled_end_at, f.call_status
                      from app.call_facts(o.id, array[rep_home.closer_id]) as f
                     where f.scheduled_at >= v_today and f.scheduled_at < v_ahead
                    union  -- by another index
                    select f.event_id, f.scheduled_at, f.scheduled_end_at, f.call_status
                      from app.call_facts(o.id, array[rep_home.closer_id]) as f
                     where f.call_status = 'scheduled' and f.scheduled_end_at <= as_of) as c
                 cross join lateral (
                    select c.scheduled_at >= v_today and c.scheduled_at < v_tomorrow and c.call_status <> 'rescheduled' as is_today,
                           c.scheduled_at >= v_tomorrow and c.scheduled_at < v_ahead and c.call_status = 'scheduled' as is_ahead,
                           c.call_status = 'scheduled' and c.scheduled_end_at <= as_of as is_pending,
                           c.call_status = 'scheduled' and c.scheduled_end_at <= as_of - o.pcf_grace as is_overdue) as w
                 where w.is_today or w.is_ahead or w.is_pending) as f
          left join lateral (  -- of those that are listed, and of no others
            select c.card from app.call_cards(o.id, as_of, o.pcf_grace) as c
             where c.event_id = f.event_id
               and (f.is_today and f.today_no <= 50 or f.is_ahead and f.ahead_no <= 50 or f.is_pending and f.pending_no <= 50)
            offset 0) as k on true);
end;
$$;
comment on function app.rep_home(uuid, uuid, date, date, timestamptz, text) is 'Everything of a closer''s dashboard.';

-- app.setter_home: everything of a setter's dashboard, as api.setter_home answers it. A set is a reschedule chain; what became
-- of it is its last call, and the money that its payments credit to the setter.
create or replace function app.setter_home(
    organization_id uuid, setter_id uuid, start_date date, end_date date, as_of timestamptz, seen_as text
) returns jsonb
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
declare
    o            app.organizations;
    v_shows_cash boolean;
    v_visibility text;
    v_changed    constant app.metric_difference[] := app.differences(organization_id);  -- once for all numbers
begin
    select t.* into strict o from app.organizations as t where t.id = setter_home.organization_id;
    select s.visibility, s.shows_cash into strict v_visibility, v_shows_cash
      from app.leaderboard_sight(o.id, seen_as = 'organization') as s;

    return app.home_frame(o.id, start_date, end_date, as_of)
        || (select jsonb_build_object('setter_id', s.id, 'setter_name', s.name)
              from app.setters as s where s.organization_id = o.id and s.id = setter_home.setter_id)
        || jsonb_build_object(
            'settings', jsonb_build_object('show_cash', v_shows_cash, 'leaderboard_visibility', v_visibility),
            'numbers', app.home_numbers(o.id, start_date, end_date, as_of, app.home_metrics('setter'), seen_as, 'setter',
                                        setter_id => setter_home.setter_id, differences => v_changed),
            'leaderboard', app.home_leaderboard(o.id, 'setter', start_date, end_date, as_of, 5,
                                                setter_home.setter_id, v_visibility, v_shows_cash, v_changed),
            'sets', (
                with sets as (
                    select f.event_id, f.root_event_id, f.booked_at, f.call_status,
                           row_number() over (order by f.booked_at desc, f.event_id desc) as position
                      from app.chain_facts(o.id, setters => array[setter_home.setter_id]) as f
                     where f.booked_at >= app.day_start(start_date, o.timezone)
                       and f.booked_at < app.day_start(end_date + 1, o.timezone)
                ), cards as (
                    select s.position, jsonb_build_object(
                                'root_event_id', s.root_event_id, 'booked_at', s.booked_at, 'call', e.card,
                                'moved', (select count(*) - 1 from app.events as c
                                           where c.organization_id = o.id and c.root_event_id = s.root_event_id
                                             and c.deleted_at is null))
                            || case when v_shows_cash then jsonb_build_object('credited_cash', k.cash) else '{}' end as card
                      from sets as s
                      join app.call_cards(o.id, as_of, o.pcf_grace) as e on e.event_id = s.event_id
                     cross join lateral (
                        select jsonb_build_object(
                                'unit', 'money', 'value', app.money(coalesce(sum(c.amount_base), 0), o.currency),
                                'rows', 'payment_credits?organization_id=eq.' || o.id || '&id=in.(' || string_agg(c.id::text, ',')
                                        || ')&select=id,payment_id,amount:amount_base') as cash
                          from app.events as b
                          join app.payments as p on p.organization_id = b.organization_id and p.event_id = b.id
                          join app.payment_credits as c
                            on c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'setter'
                           and c.setter_id = setter_home.setter_id
                         where b.organization_id = o.id and b.root_event_id = s.root_event_id
                           and exists (select from app.payment_facts(o.id) as f where f.payment_id = p.id)) as k
                     where s.position <= 50
                )
                select app.counted(count(*), app.metric_path('booked_calls', 'numerator', o.id, start_date, end_date, as_of,
                                                             setter_id => setter_home.setter_id))
                    || jsonb_build_object(
                        'became', (select coalesce(jsonb_object_agg(g.call_status, g.count), '{}')
                                     from (select t.call_status, count(*) as count from sets as t group by t.call_status) as g),
                        'newest', (select coalesce(jsonb_agg(c.card order by c.position), '[]') from cards as c))
                  from sets));
end;
$$;
comment on function app.setter_home(uuid, uuid, date, date, timestamptz, text) is 'Everything of a setter''s dashboard.';

-- app.require_own_entry: whose dashboard a caller means, as closer or as setter: the entry given, else their own.
-- Admins may name anybody; everybody else themselves. Raises 42501 for somebody else's, PT404 for an entry that there is none of and
-- for a caller who is on no roster, PT422 for one with several entries, naming them.
create or replace function app.require_own_entry(
    organization_id uuid, role text, wanted uuid, out entry uuid, out seen_as text
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_own uuid[];
begin
    seen_as := case when auth.is_admin_of(organization_id) then 'organization' else role end;
    select coalesce(array_agg(r.id), '{}') into v_own
      from (select c.id from app.closers as c
             where role = 'closer' and c.organization_id = require_own_entry.organization_id and c.id = any (auth.own_closer_ids())
            union all
            select s.id from app.setters as s
             where role = 'setter' and s.organization_id = require_own_entry.organization_id and s.id = any (auth.own_setter_ids())) as r;
    if wanted is null and cardinality(v_own) > 1 then
        raise exception using errcode = 'PT422', message = 'Say which of your entries you mean.',
            detail = format('You are on the roster as %s.', array_to_string(v_own, ', ')),
            hint = format('Pass %s_id.', role);
    elsif wanted is null and cardinality(v_own) = 0 then
        raise exception using errcode = 'PT404', message = 'You are on no roster of this organization in this role.',
            detail = format('The role is %s.', role), hint = 'Ask an admin to link you to your entry.';
    elsif wanted is not null and wanted <> all (v_own) then
        if seen_as <> 'organization' then
            raise exception using errcode = '42501', message = 'Only your own dashboard is yours to see.',
                hint = 'Ask an admin of your organization.';
        elsif not exists (select from app.closers as c
                           where role = 'closer' and c.organization_id = require_own_entry.organization_id and c.id = wanted)
          and not exists (select from app.setters as s
                           where role = 'setter' and s.organization_id = require_own_entry.organization_id and s.id = wanted) then
            raise exception using errcode = 'PT404', message = 'Nobody on the roster has this id.',
                detail = format('The role is %s, the id %s.', role, wanted);
        end if;
    end if;
    entry := coalesce(wanted, v_own[1]);
end;
$$;
comment on function app.require_own_entry(uuid, text, uuid) is 'Whose dashboard a caller means.';
