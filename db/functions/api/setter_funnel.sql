-- What setters' work comes to.

-- api.setter_funnel: from dials to cash, for each setter and for all.
-- Callers:    owners, admins and super admins for everybody; setters for themselves, through GET or POST /rpc/setter_funnel.
-- Guarantees: reads only. The numbers of the catalog's setter metrics. For who may see everybody and names nobody, the first row,
--             without setter_id, is all of them together. PT404 for who is no setter, 42501 for another setter, PT422 as core_metrics.
-- Definer:    as core_metrics: tenant and person are filtered by hand.
create or replace function api.setter_funnel(
    start_date date, end_date date, organization_id uuid default null, source_id uuid default null, traffic_type_id uuid default null,
    call_type_id uuid default null, as_of timestamptz default now(), inout setter_id uuid default null,
    out setter_name text, out dials numeric, out connects numeric, out connect_rate numeric, out talk_seconds numeric,
    out sets numeric, out self_sets numeric, out dials_per_set numeric, out sets_per_connect numeric,
    out shows numeric, out set_show_rate numeric, out offers numeric, out set_offer_rate numeric,
    out closes numeric, out set_close_rate numeric, out cash_from_sets numeric, out coverage numeric,
    out new_leads numeric, out speed_to_lead numeric, out contacted_within_5_min numeric, out never_contacted numeric
) returns setof record
language plpgsql stable security definer
set search_path = '' set plan_cache_mode = force_custom_plan set work_mem = '32MB' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(setter_funnel.organization_id);
    v_as_of           constant timestamptz := coalesce(setter_funnel.as_of, now());
    v_start           constant date := setter_funnel.start_date;
    v_end             constant date := setter_funnel.end_date;
    v_all             constant boolean := setter_funnel.setter_id is null and auth.is_admin_of(v_organization_id);
    v_setters         uuid[];
    v_shows_cash      boolean;
    v_bounds          timestamptz[];
begin
    perform app.require_period(v_start, v_end, v_as_of);
    if not v_all then
        select array[w.entry] into strict v_setters
          from app.require_own_entry(v_organization_id, 'setter', setter_funnel.setter_id) as w;
    end if;
    select auth.is_admin_of(v_organization_id) or coalesce(p.show_cash, true),
           array[app.day_start(v_start, o.timezone), app.day_start(v_end + 1, o.timezone)]
      into strict v_shows_cash, v_bounds
      from app.organizations as o
      left join app.portal_settings as p on p.organization_id = o.id
     where o.id = v_organization_id;

    return query
    with measured as (
        select v.member_id, false as is_sum, v.metric, v.numerator, v.denominator, v.coverage
          from app.setter_values(v_organization_id, v_bounds, v_as_of, null, v_setters, setter_funnel.source_id,
                                 setter_funnel.traffic_type_id, setter_funnel.call_type_id, 'setter') as v
        union all
        select null, true, v.metric, v.numerator, v.denominator, v.coverage
          from app.setter_values(v_organization_id, v_bounds, v_as_of, null, v_setters, setter_funnel.source_id,
                                 setter_funnel.traffic_type_id, setter_funnel.call_type_id) as v
         where v_all
    ), pivoted as (
        select m.member_id, m.is_sum,
               max(m.numerator) filter (where m.metric = 'dials') as dials,
               max(m.numerator) filter (where m.metric = 'connects') as connects,
               max(m.numerator) filter (where m.metric = 'talk_seconds') as talk_seconds,
               max(m.numerator) filter (where m.metric = 'sets') as sets,
               max(m.numerator) filter (where m.metric = 'self_sets') as self_sets,
               max(m.numerator) filter (where m.metric = 'set_show_rate') as shows,
               max(m.denominator) filter (where m.metric = 'set_show_rate') as due,
               max(m.numerator) filter (where m.metric = 'set_offer_rate') as offers,
               max(m.numerator) filter (where m.metric = 'set_close_rate') as closes,
               max(m.numerator) filter (where m.metric = 'cash_from_sets') as cash_from_sets,
               max(m.coverage) filter (where m.metric = 'set_show_rate') as coverage,
               max(m.denominator) filter (where m.metric = 'never_contacted') as new_leads,
               max(m.numerator) filter (where m.metric = 'never_contacted') as never_contacted,
               max(m.numerator) filter (where m.metric = 'contacted_within_5_min') as prompt,
               max(m.numerator) filter (where m.metric = 'speed_to_lead') as speed_to_lead
          from measured as m
         where m.member_id is not null or m.is_sum
         group by m.member_id, m.is_sum
    ), people as (
        select s.id, s.name, false as is_sum
          from app.setters as s
          left join pivoted as p on p.member_id = s.id
         where s.organization_id = v_organization_id and (v_setters is null or s.id = any (v_setters))
           and (v_setters is not null or p.member_id is not null
                or app.was_there(s.is_active, s.active_from, s.active_until, v_start, v_end))
        union all
        select null, 'All setters', true where v_all
    )
    select s.id, s.name,
           case when z.knows_dials then coalesce(p.dials, 0) end, case when z.knows_dials then coalesce(p.connects, 0) end,
           p.connects / nullif(p.dials, 0), case when z.knows_dials then coalesce(p.talk_seconds, 0) end,
           coalesce(p.sets, 0), coalesce(p.self_sets, 0), p.dials / nullif(p.sets, 0), case when z.knows_dials then p.sets / nullif(p.connects, 0) end,
           coalesce(p.shows, 0), p.shows / nullif(p.due, 0), coalesce(p.offers, 0), p.offers / nullif(p.shows, 0),
           coalesce(p.closes, 0), p.closes / nullif(p.shows, 0),
           case when v_shows_cash then coalesce(p.cash_from_sets, 0) end, p.coverage,
           case when z.knows_leads then coalesce(p.new_leads, 0) end, p.speed_to_lead,
           p.prompt / nullif(p.new_leads, 0), p.never_contacted / nullif(p.new_leads, 0)
      from people as s
     cross join (
        select coalesce(setter_funnel.source_id, setter_funnel.traffic_type_id, setter_funnel.call_type_id) is null as knows_dials,
               setter_funnel.call_type_id is null as knows_leads) as z
      left join pivoted as p on p.is_sum = s.is_sum and p.member_id is not distinct from s.id
     order by s.is_sum desc, p.sets desc nulls last, s.name, s.id;
end;
$$;
grant execute on function api.setter_funnel(date, date, uuid, uuid, uuid, uuid, timestamptz, uuid)
    to authenticated, org_admin, super_admin;
comment on function api.setter_funnel(date, date, uuid, uuid, uuid, uuid, timestamptz, uuid) is $$From dials to cash, by setter
One row per setter, and for owners and admins who name nobody a first one, without setter_id, of all together: dials, connects,
sets, shows, offers, closes and credited cash, with the rate of each step. Sets whose setter took the call are self_sets. speed_to_lead
is the median of seconds from a new lead to a setter's first call or text message, contacted_within_5_min and never_contacted are
shares of new_leads; a lead is whose setter contacted it first, else who has it now. Setters see themselves.$$;
