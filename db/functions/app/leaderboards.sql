-- Who did how much in a period, in which order, and how much of it others may see. Internal: nobody but the owner may call these; who
-- does, answers for the organization and for whose own row is whose.

-- app.person_standings: what each closer, or each setter, did in a period of inclusive local dates: everybody on the roster in that time,
-- and whoever has anything to count in it. The numbers are those of app.metric_values: calls on the day they were scheduled,
-- bookings on the day of the first, money on its own day, each credited in that role. Dials are those of setters, NULL under a filter.
-- coverage: of the calls that were due, of how many it is known how they ended.
create or replace function app.person_standings(
    organization_id uuid, role text, start_date date, end_date date, as_of timestamptz,
    source uuid default null, traffic_type uuid default null, call_type uuid default null,
    differences app.metric_difference[] default null
) returns table (
    person_id uuid, person_name text, booked_calls numeric, shows numeric, no_shows numeric, offers numeric, closes numeric,
    cash_collected numeric, net_cash numeric, coverage numeric, dials numeric, connects numeric, talk_seconds numeric)
language plpgsql stable
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := person_standings.organization_id;
    v_role            constant text := person_standings.role;
    v_start           constant date := person_standings.start_date;
    v_end             constant date := person_standings.end_date;
    v_filtered        constant boolean := coalesce(person_standings.source, person_standings.traffic_type, person_standings.call_type) is not null;
    v_bounds          timestamptz[];
    v_zero            numeric;
begin
    select array[app.day_start(v_start, o.timezone), app.day_start(v_end + 1, o.timezone)],
           round(0::numeric, app.currency_exponent(o.currency))
      into strict v_bounds, v_zero
      from app.organizations as o where o.id = v_organization_id;
    return query
    select m.id, m.name, coalesce(n.booked_calls, 0), coalesce(n.shows, 0), coalesce(n.no_shows, 0), coalesce(n.offers, 0),
           coalesce(n.closes, 0), coalesce(n.cash_collected, v_zero), coalesce(n.net_cash, v_zero), n.coverage,
           case when v_role = 'setter' and not v_filtered then coalesce(a.dials, 0) end,
           case when v_role = 'setter' and not v_filtered then coalesce(a.connects, 0) end,
           case when v_role = 'setter' and not v_filtered then coalesce(a.talk_seconds, 0) end
      from (
        select r.id, r.name, r.is_active, r.active_from, r.active_until from app.closers as r
         where r.organization_id = v_organization_id and v_role = 'closer'
        union all
        select r.id, r.name, r.is_active, r.active_from, r.active_until from app.setters as r
         where r.organization_id = v_organization_id and v_role = 'setter'
      ) as m
      left join (
        select t.member_id, t.booked as booked_calls, t.shows, t.no_shows, t.offers, t.closes, t.collected as cash_collected,
               t.net_cash, t.coverage
          from app.period_totals(
                v_organization_id, v_bounds, person_standings.as_of, source => person_standings.source,
                traffic_type => person_standings.traffic_type, call_type => person_standings.call_type, dimension => v_role,
                metrics => array['booked_calls', 'shows', 'no_shows', 'offers', 'closes', 'cash_collected', 'net_cash'],
                differences => person_standings.differences) as t
      ) as n on n.member_id = m.id
      left join (
        select f.setter_id, sum(f.dials)::numeric as dials, sum(f.connects)::numeric as connects, sum(f.talk_seconds)::numeric as talk_seconds
          from app.activity_facts(v_organization_id) as f
         where v_role = 'setter' and not v_filtered and f.day between v_start and v_end
         group by f.setter_id
      ) as a on a.setter_id = m.id
     where app.was_there(m.is_active, m.active_from, m.active_until, v_start, v_end)
        or n.member_id is not null or a.setter_id is not null;
end;
$$;
comment on function app.person_standings(uuid, text, date, date, timestamptz, uuid, uuid, uuid, app.metric_difference[]) is
    'What each closer, or each setter, did in a period.';

-- app.leaderboard_orders: by what closers, or setters, may be ranked; the first one is what they are ranked by if nobody says.
create or replace function app.leaderboard_orders(role text) returns text[]
language sql immutable parallel safe
return case role
    when 'closer' then array['cash_collected', 'net_cash', 'closes', 'close_rate', 'offers', 'offer_rate', 'shows', 'show_rate',
                             'no_shows', 'booked_calls']
    when 'setter' then array['sets', 'shows', 'set_show_rate', 'closes', 'set_close_rate', 'cash_from_sets', 'dials', 'connects',
                             'talk_seconds']
end;
comment on function app.leaderboard_orders(text) is 'By what closers, or setters, may be ranked.';

-- app.leaderboard_sight: how much of others' rows somebody sees: none, rank, rates or full; and whether money.
create or replace function app.leaderboard_sight(
    organization_id uuid, is_admin boolean, out visibility text, out shows_cash boolean
) returns record
language sql stable parallel safe
begin atomic
    select case when is_admin then 'full'
                when coalesce(p.show_leaderboard, true) then coalesce(p.leaderboard_visibility, 'rates')
                else 'none' end,
           is_admin or coalesce(p.show_cash, true)
      from (select) as one
      left join app.portal_settings as p on p.organization_id = leaderboard_sight.organization_id;
end;
comment on function app.leaderboard_sight(uuid, boolean) is 'How much of others'' rows of a leaderboard somebody sees.';

-- app.leaderboard: the closers, or the setters, of a period in their order, as far as somebody may see them.
-- order_by: of app.leaderboard_orders; NULL for the first of them, or closes where that is money and shows_cash is off. Equals share a
-- rank and stand by net cash, closes and name. A rate over fewer calls than organizations.min_sample has no rank and stands below.
-- own: whose rows are shown whole. Of others visibility lets through nothing (none: not even one's own rank), name and rank (rank), rates
-- without their parts (rates), every number (full). Without shows_cash nobody sees money.
create or replace function app.leaderboard(
    organization_id uuid, role text, start_date date, end_date date, as_of timestamptz, order_by text, own uuid[],
    visibility text, shows_cash boolean,
    source uuid default null, traffic_type uuid default null, call_type uuid default null,
    differences app.metric_difference[] default null
) returns table (
    place bigint, rank bigint, people bigint, is_self boolean, is_whole boolean, person_id uuid, person_name text,
    booked_calls numeric, shows numeric, no_shows numeric, show_rate numeric, offers numeric, offer_rate numeric, closes numeric,
    close_rate numeric, cash_collected numeric, net_cash numeric, coverage numeric, dials numeric, connects numeric, talk_seconds numeric)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
    v_shows_cash constant boolean := leaderboard.shows_cash;
    v_order      constant text := coalesce(leaderboard.order_by, case when leaderboard.role = 'closer' and not v_shows_cash then 'closes'
                                                                      else (app.leaderboard_orders(leaderboard.role))[1] end);
    v_min_sample integer;
begin
    select o.min_sample into strict v_min_sample from app.organizations as o where o.id = leaderboard.organization_id;
    return query
    with standing as (
        select s.*, coalesce(s.person_id = any (leaderboard.own), false) as is_self, k.by,
               k.by is not null and (k.sample is null or k.sample >= v_min_sample) as is_ranked
          from app.person_standings(
                leaderboard.organization_id, leaderboard.role, leaderboard.start_date, leaderboard.end_date, leaderboard.as_of,
                leaderboard.source, leaderboard.traffic_type, leaderboard.call_type, leaderboard.differences) as s
         cross join lateral (
            select case
                       when v_order in ('show_rate', 'set_show_rate') then s.shows + s.no_shows
                       when v_order in ('offer_rate', 'close_rate', 'set_close_rate') then s.shows
                   end as sample,
                   case
                       when v_order in ('booked_calls', 'sets') then s.booked_calls
                       when v_order = 'shows' then s.shows
                       when v_order = 'no_shows' then s.no_shows
                       when v_order = 'offers' then s.offers
                       when v_order = 'closes' then s.closes
                       when v_order in ('cash_collected', 'cash_from_sets') then s.cash_collected
                       when v_order = 'net_cash' then s.net_cash
                       when v_order = 'dials' then s.dials
                       when v_order = 'connects' then s.connects
                       when v_order = 'talk_seconds' then s.talk_seconds
                       when v_order in ('show_rate', 'set_show_rate') then s.shows / nullif(s.shows + s.no_shows, 0)
                       when v_order = 'offer_rate' then s.offers / nullif(s.shows, 0)
                       when v_order in ('close_rate', 'set_close_rate') then s.closes / nullif(s.shows, 0)
                   end as by) as k
    ), ordered as (
        select s.*, rank() over (partition by s.is_ranked order by s.by desc) as rank,
               row_number() over (order by s.is_ranked desc, s.by desc nulls last, case when v_shows_cash then s.net_cash end desc,
                                           s.closes desc, s.person_name, s.person_id) as place,
               count(*) over () as people
          from standing as s
    )
    select o.place, case when o.is_ranked and leaderboard.visibility <> 'none' then o.rank end, o.people,
           o.is_self, w.is_whole, o.person_id, o.person_name,
           case when w.is_whole then o.booked_calls end, case when w.is_whole then o.shows end,
           case when w.is_whole then o.no_shows end, case when w.has_rates then o.shows / nullif(o.shows + o.no_shows, 0) end,
           case when w.is_whole then o.offers end, case when w.has_rates then o.offers / nullif(o.shows, 0) end,
           case when w.is_whole then o.closes end, case when w.has_rates then o.closes / nullif(o.shows, 0) end,
           case when w.is_whole and v_shows_cash then o.cash_collected end, case when w.is_whole and v_shows_cash then o.net_cash end,
           case when w.is_whole then o.coverage end,
           case when w.is_whole then o.dials end, case when w.is_whole then o.connects end, case when w.is_whole then o.talk_seconds end
      from ordered as o
     cross join lateral (
        select o.is_self or leaderboard.visibility = 'full' as is_whole,
               o.is_self or leaderboard.visibility in ('rates', 'full') as has_rates) as w
     where o.is_self or leaderboard.visibility <> 'none'
     order by o.place;
end;
$$;
comment on function app.leaderboard(
    uuid, text, date, date, timestamptz, text, uuid[], text, boolean, uuid, uuid, uuid, app.metric_difference[]) is
    'The closers, or the setters, of a period in their order, as far as somebody may see them.';

-- app.require_leaderboard: how much of a leaderboard a caller sees, and whose rows are theirs.
-- Raises PT422 for a period that is none and for an order that there is none of; 42501 for the order of money that is hidden.
create or replace function app.require_leaderboard(
    organization_id uuid, role text, start_date date, end_date date, as_of timestamptz, order_by text,
    out own uuid[], out visibility text, out shows_cash boolean
) returns record
language plpgsql stable set search_path = '' as $$
begin
    perform app.require_period(start_date, end_date, as_of);
    if order_by is not null then
        perform app.require_choice('order_by', order_by, app.leaderboard_orders(role));
    end if;
    select s.visibility, s.shows_cash into strict visibility, shows_cash
      from app.leaderboard_sight(organization_id, auth.is_admin_of(organization_id)) as s;
    if order_by in ('cash_collected', 'net_cash', 'cash_from_sets') and not shows_cash then
        raise exception using errcode = '42501', message = 'This number is not yours to see.',
            hint = 'Ask an admin of your organization.';
    end if;
    own := case role when 'closer' then auth.own_closer_ids() else auth.own_setter_ids() end;
end;
$$;
comment on function app.require_leaderboard(uuid, text, date, date, timestamptz, text) is
    'How much of a leaderboard a caller sees, and whose rows are theirs.';
