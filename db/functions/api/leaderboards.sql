-- Leaderboards.


-- api.closer_leaderboard: the closers of a period, ranked.
-- Callers:    members, and super admins, through GET or POST /rpc/closer_leaderboard, with filters by source, traffic type and call type.
-- Guarantees: reads only. One row per closer who was on the roster at any moment of the period or has anything to count in it. The numbers
--             are those of metric_breakdown by closer. Owners and admins see everything; everybody else their own row whole, and of others
--             what portal_settings permit. PT422 naming the choices for order_by, and as core_metrics; PT404; 42501 for the order of money
--             that is hidden.
-- Definer:    ranks rest on everybody's rows; which numbers of whom are shown is decided by hand.
create or replace function api.closer_leaderboard(
    start_date date, end_date date, order_by text default null, organization_id uuid default null, source_id uuid default null,
    traffic_type_id uuid default null, call_type_id uuid default null, as_of timestamptz default now(),
    out rank bigint, out closer_id uuid, out closer_name text, out booked_calls numeric, out shows numeric, out no_shows numeric,
    out show_rate numeric, out offers numeric, out offer_rate numeric, out closes numeric, out close_rate numeric,
    out cash_collected numeric, out net_cash numeric, out coverage numeric, out is_self boolean
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(closer_leaderboard.organization_id);
    v_as_of           constant timestamptz := coalesce(closer_leaderboard.as_of, now());
    v_sight           record;
begin
    select s.own, s.visibility, s.shows_cash into strict v_sight
      from app.require_leaderboard(v_organization_id, 'closer', closer_leaderboard.start_date, closer_leaderboard.end_date, v_as_of,
                                   closer_leaderboard.order_by) as s;
    return query
    select l.rank, l.person_id, l.person_name, l.booked_calls, l.shows, l.no_shows, l.show_rate, l.offers, l.offer_rate, l.closes,
           l.close_rate, l.cash_collected, l.net_cash, l.coverage, l.is_self
      from app.leaderboard(
            v_organization_id, 'closer', closer_leaderboard.start_date, closer_leaderboard.end_date, v_as_of, closer_leaderboard.order_by,
            v_sight.own, v_sight.visibility, v_sight.shows_cash,
            closer_leaderboard.source_id, closer_leaderboard.traffic_type_id, closer_leaderboard.call_type_id) as l
     order by l.place;
end;
$$;
grant execute on function api.closer_leaderboard(date, date, text, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.closer_leaderboard(date, date, text, uuid, uuid, uuid, uuid, timestamptz) is $$The closers of a period, ranked
By cash collected, or by order_by: net_cash, closes, close_rate, offers, offer_rate, shows, show_rate, no_shows or booked_calls. Equals
share a rank and stand by net cash, closes and name; a rate over fewer calls than the organization's min_sample has no rank and stands
below. Money is what the closer is credited with; with metric_breakdown's Unassigned the rows add up to the organization's total.
People see their own row whole, and of others what portal_settings.leaderboard_visibility permits; the rest is NULL.$$;

-- api.setter_leaderboard: the setters of a period, ranked.
-- Callers:    members, and super admins, through GET or POST /rpc/setter_leaderboard, with filters as closer_leaderboard.
-- Guarantees: reads only. As closer_leaderboard, by setter. Dials belong to setters alone: under a filter they are NULL.
-- Definer:    as closer_leaderboard.
create or replace function api.setter_leaderboard(
    start_date date, end_date date, order_by text default null, organization_id uuid default null, source_id uuid default null,
    traffic_type_id uuid default null, call_type_id uuid default null, as_of timestamptz default now(),
    out rank bigint, out setter_id uuid, out setter_name text, out sets numeric, out shows numeric, out set_show_rate numeric,
    out closes numeric, out set_close_rate numeric, out cash_from_sets numeric, out dials numeric, out connects numeric,
    out talk_seconds numeric, out is_self boolean
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(setter_leaderboard.organization_id);
    v_as_of           constant timestamptz := coalesce(setter_leaderboard.as_of, now());
    v_sight           record;
begin
    select s.own, s.visibility, s.shows_cash into strict v_sight
      from app.require_leaderboard(v_organization_id, 'setter', setter_leaderboard.start_date, setter_leaderboard.end_date, v_as_of,
                                   setter_leaderboard.order_by) as s;
    return query
    select l.rank, l.person_id, l.person_name, l.booked_calls, l.shows, l.show_rate, l.closes, l.close_rate, l.cash_collected,
           l.dials, l.connects, l.talk_seconds, l.is_self
      from app.leaderboard(
            v_organization_id, 'setter', setter_leaderboard.start_date, setter_leaderboard.end_date, v_as_of, setter_leaderboard.order_by,
            v_sight.own, v_sight.visibility, v_sight.shows_cash,
            setter_leaderboard.source_id, setter_leaderboard.traffic_type_id, setter_leaderboard.call_type_id) as l
     order by l.place;
end;
$$;
grant execute on function api.setter_leaderboard(date, date, text, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.setter_leaderboard(date, date, text, uuid, uuid, uuid, uuid, timestamptz) is $$The setters of a period, ranked
By sets, or by order_by: shows, set_show_rate, closes, set_close_rate, cash_from_sets, dials, connects or talk_seconds. Ranks, and what
people see of others, as in closer_leaderboard. Sets are booked calls by their setter, cash_from_sets what the setter is credited with.$$;
