-- What setters do: dials, calls they set, how fast they reach new leads. Internal: nobody but the owner may call these; who
-- does, answers for the filter of tenant and person.

-- app.are_one_person: is this closer also this setter? One profile, or one payee.
create or replace function app.are_one_person(organization_id uuid, closer_id uuid, setter_id uuid) returns boolean
language sql stable parallel safe
begin atomic
    select exists (
        select from app.closers as c
          join app.setters as s on s.organization_id = c.organization_id
         where c.organization_id = are_one_person.organization_id and c.id = are_one_person.closer_id
           and s.id = are_one_person.setter_id and (s.profile_id = c.profile_id or s.payee_id = c.payee_id));
end;
comment on function app.are_one_person(uuid, uuid, uuid) is 'True when a closer is also this setter.';

-- app.activity_facts: what a setter did on a local day, one row for each provider that told of it.
create or replace function app.activity_facts(organization_id uuid, setters uuid[] default null)
returns table (activity_id uuid, setter_id uuid, day date, dials integer, connects integer, talk_seconds integer)
language sql stable parallel safe
begin atomic
    select a.id, a.setter_id, a.activity_date, a.dials, a.connects, a.talk_seconds
      from app.setter_activities as a
     where a.organization_id = activity_facts.organization_id
       and (setters is null or a.setter_id = any (setters));
end;
comment on function app.activity_facts(uuid, uuid[]) is 'What setters did on local days.';

-- app.contact_facts: leads, one row each, with the first call or message that a setter sent them, and after how many seconds.
-- setter_id: who sent it; of leads that nobody contacted, who has them now. A lead that was contacted before it was known here
-- was reached at once. Left out: deleted, merged and test leads.
create or replace function app.contact_facts(
    organization_id uuid, setters uuid[] default null, source uuid default null, traffic_type uuid default null
) returns table (
    lead_id uuid, created_at timestamptz, setter_id uuid, source_id uuid, traffic_type_id uuid, delay_seconds numeric
)
language sql stable parallel safe
begin atomic
    select l.id, l.created_at, w.setter_id, l.source_id, l.traffic_type_id,
           case when c.started_at is not null then
               greatest(extract(epoch from c.started_at) - extract(epoch from l.created_at), 0) end
      from app.leads as l
      left join lateral (
        select k.setter_id, k.started_at
          from app.setter_calls as k
         where k.organization_id = l.organization_id and k.lead_id = l.id and k.direction = 'outbound'
         order by k.started_at, k.id
         limit 1) as c on true
     cross join lateral (select coalesce(c.setter_id, l.current_setter_id) as setter_id) as w
     where l.organization_id = contact_facts.organization_id
       and l.deleted_at is null and l.merged_into_id is null and not l.is_test
       and (setters is null or w.setter_id = any (setters))
       and (contact_facts.source is null or l.source_id = contact_facts.source)
       and (contact_facts.traffic_type is null or l.traffic_type_id = contact_facts.traffic_type);
end;
comment on function app.contact_facts(uuid, uuid[], uuid, uuid) is 'Leads, and how fast a setter contacted each.';

-- app.setter_values: the metrics of setters in consecutive periods, in the shape of app.metric_values and with its arguments.
-- Unassigned without a dimension is the whole. Parts of payments are those that setters are credited with. Numbers without the
-- dimension are Unassigned; numbers that a filter means nothing to are NULL: dials know setters only, leads no closer and no call.
create or replace function app.setter_values(
    organization_id uuid, bounds timestamptz[], as_of timestamptz,
    closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null, dimension text default null
) returns table (period integer, member_id uuid, metric text, numerator numeric, denominator numeric, coverage numeric)
language sql stable parallel safe
begin atomic
    select g.period, g.member_id, m.metric, m.numerator, m.denominator, m.coverage
      from app.organizations as o
     cross join (
        select u.period, u.member_id,
               coalesce(sum(u.number) filter (where u.measure = 'sets'), 0) as sets,
               coalesce(sum(u.number) filter (where u.measure = 'self_sets'), 0) as self_sets,
               coalesce(sum(u.number) filter (where u.measure = 'shows'), 0) as shows,
               coalesce(sum(u.number) filter (where u.measure = 'no_shows'), 0) as no_shows,
               coalesce(sum(u.number) filter (where u.measure = 'pending'), 0) as pending,
               coalesce(sum(u.number) filter (where u.measure = 'offers'), 0) as offers,
               coalesce(sum(u.number) filter (where u.measure = 'closes'), 0) as closes,
               coalesce(sum(u.number) filter (where u.measure = 'cash'), 0) as cash,
               coalesce(sum(u.number) filter (where u.measure = 'dials'), 0) as dials,
               coalesce(sum(u.number) filter (where u.measure = 'connects'), 0) as connects,
               coalesce(sum(u.number) filter (where u.measure = 'talk_seconds'), 0) as talk_seconds,
               coalesce(sum(u.number) filter (where u.measure = 'leads'), 0) as leads,
               coalesce(sum(u.number) filter (where u.measure = 'prompt'), 0) as prompt,
               coalesce(sum(u.number) filter (where u.measure = 'never'), 0) as never,
               max(u.number) filter (where u.measure = 'median_delay') as median_delay
          from (
            select p.period, null::uuid as member_id, null::text as measure, null::numeric as number
              from generate_series(1, cardinality(bounds) - 1) as p (period)
            union all
            select c.period, c.member_id, v.measure, v.number
              from (
                select width_bucket(f.booked_at, bounds) as period,
                       case dimension when 'closer' then f.closer_id when 'setter' then f.setter_id when 'source' then f.source_id
                                      when 'traffic_type' then f.traffic_type_id when 'call_type' then f.call_type_id end as member_id,
                       count(*) as sets,
                       count(*) filter (where app.are_one_person(setter_values.organization_id, f.closer_id, f.setter_id)) as self_sets
                  from app.chain_facts(setter_values.organization_id, closers, setters, setter_values.source, traffic_type, call_type) as f
                 where f.setter_id is not null and f.booked_at >= bounds[1] and f.booked_at < bounds[cardinality(bounds)]
                 group by 1, 2) as c
             cross join lateral (values ('sets', c.sets::numeric), ('self_sets', c.self_sets)) as v (measure, number)
            union all
            select c.period, c.member_id, v.measure, v.number
              from (
                select width_bucket(f.scheduled_at, bounds) as period,
                       case dimension when 'closer' then f.closer_id when 'setter' then f.setter_id when 'source' then f.source_id
                                      when 'traffic_type' then f.traffic_type_id when 'call_type' then f.call_type_id end as member_id,
                       count(*) filter (where app.is_call_of('shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as shows,
                       count(*) filter (where app.is_call_of('no_shows', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as no_shows,
                       count(*) filter (where app.is_call_of('pending', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as pending,
                       count(*) filter (where app.is_call_of('offers', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as offers,
                       count(*) filter (where app.is_call_of('closes', f.call_status, f.event_outcome, f.canceled_by, f.in_rates, o.is_over)) as closes
                  from app.call_facts(setter_values.organization_id, closers, setters, setter_values.source, traffic_type, call_type) as f
                 cross join lateral (select f.scheduled_end_at <= setter_values.as_of as is_over) as o
                 where f.setter_id is not null and f.scheduled_at >= bounds[1] and f.scheduled_at < bounds[cardinality(bounds)]
                 group by 1, 2) as c
             cross join lateral (values ('shows', c.shows::numeric), ('no_shows', c.no_shows), ('pending', c.pending),
                                        ('offers', c.offers), ('closes', c.closes)) as v (measure, number)
            union all
            select width_bucket(f.moved_at, bounds),
                   case dimension when 'setter' then f.setter_id when 'source' then f.source_id when 'traffic_type' then f.traffic_type_id
                                  when 'call_type' then f.call_type_id when 'package' then f.package_id end,
                   'cash', sum(f.amount)
              from app.credited_cash_facts(setter_values.organization_id, 'setter', closers, setters,
                                           setter_values.source, traffic_type, call_type) as f
             where app.is_cash_of('cash_collected', f.kind, f.deal_type, f.has_closer, f.is_from_processor)
               and f.moved_at >= bounds[1] and f.moved_at < bounds[cardinality(bounds)]
             group by 1, 2
            union all
            select c.period, c.member_id, v.measure, v.number
              from (
                select width_bucket(app.day_start(f.day, o.timezone), bounds) as period,
                       case dimension when 'setter' then f.setter_id end as member_id,
                       sum(f.dials) as dials, sum(f.connects) as connects, sum(f.talk_seconds) as talk_seconds
                  from app.organizations as o
                  join app.activity_facts(setter_values.organization_id, setters) as f
                    on f.day >= (bounds[1] at time zone o.timezone)::date
                   and f.day < (bounds[cardinality(bounds)] at time zone o.timezone)::date
                 where o.id = setter_values.organization_id
                   and closers is null and setter_values.source is null and traffic_type is null and call_type is null
                 group by 1, 2) as c
             cross join lateral (values ('dials', c.dials::numeric), ('connects', c.connects), ('talk_seconds', c.talk_seconds))
                as v (measure, number)
            union all
            select c.period, c.member_id, v.measure, v.number
              from (
                select width_bucket(f.created_at, bounds) as period,
                       case dimension when 'setter' then f.setter_id when 'source' then f.source_id
                                      when 'traffic_type' then f.traffic_type_id end as member_id,
                       count(*) as leads, count(*) filter (where f.delay_seconds <= 300) as prompt,
                       count(*) filter (where f.delay_seconds is null) as never,
                       (percentile_disc(0.5) within group (order by f.delay_seconds)
                        + percentile_disc(0.5) within group (order by f.delay_seconds desc)) / 2 as median_delay
                  from app.contact_facts(setter_values.organization_id, setters, setter_values.source, traffic_type) as f
                 where f.created_at >= bounds[1] and f.created_at < bounds[cardinality(bounds)]
                   and closers is null and call_type is null
                 group by 1, 2) as c
             cross join lateral (values ('leads', c.leads::numeric), ('prompt', c.prompt), ('never', c.never),
                                        ('median_delay', c.median_delay)) as v (measure, number)
          ) as u
         group by u.period, u.member_id
      ) as g
     cross join lateral (
        select (g.shows + g.no_shows) / nullif(g.shows + g.no_shows + g.pending, 0) as coverage,
               round(g.cash, app.currency_exponent(o.currency)) as cash,
               closers is null and setter_values.source is null and traffic_type is null and call_type is null as knows_dials,
               closers is null and call_type is null as knows_leads) as z
     cross join lateral (values
        ('sets',                  g.sets,                                       null,                                       null),
        ('self_sets',             g.self_sets,                                  null,                                       null),
        ('set_show_rate',         g.shows,                                      g.shows + g.no_shows,                       z.coverage),
        ('set_offer_rate',        g.offers,                                     g.shows,                                    z.coverage),
        ('set_close_rate',        g.closes,                                     g.shows,                                    z.coverage),
        ('cash_from_sets',        z.cash,                                       null,                                       null),
        ('dials',                 case when z.knows_dials then g.dials end,     null,                                       null),
        ('connects',              case when z.knows_dials then g.connects end,  null,                                       null),
        ('talk_seconds',          case when z.knows_dials then g.talk_seconds end, null,                                    null),
        ('connect_rate',          case when z.knows_dials then g.connects end,  case when z.knows_dials then g.dials end,   null),
        ('dials_per_set',         case when z.knows_dials then g.dials end,     case when z.knows_dials then g.sets end,    null),
        ('sets_per_connect',      case when z.knows_dials then g.sets end,      case when z.knows_dials then g.connects end, null),
        ('speed_to_lead',         g.median_delay,                               null,                                       null),
        ('contacted_within_5_min', case when z.knows_leads then g.prompt end,   case when z.knows_leads then g.leads end,   null),
        ('never_contacted',       case when z.knows_leads then g.never end,     case when z.knows_leads then g.leads end,   null)
     ) as m (metric, numerator, denominator, coverage)
     where o.id = setter_values.organization_id;
end;
comment on function app.setter_values(uuid, timestamptz[], timestamptz, uuid[], uuid[], uuid, uuid, uuid, text) is
    'The metrics of setters in consecutive periods, by member of a dimension.';
