-- What closers achieved in a period, side by side. Internal: nobody but the owner may call these; whoever does, answers for
-- what others may see of it.

-- app.closer_standings: closers who were active at some moment of a period, or have something to show for it, one row each.
-- from_instant, until_instant: where local days begin. closers: NULL for all. scale: decimal places of the currency.
-- Calls count for who took them, on the day they took place; bookings on the day of the first booking; cash on its own day.
create or replace function app.closer_standings(
    organization_id uuid, from_instant timestamptz, until_instant timestamptz, as_of timestamptz, timezone text, scale integer,
    closers uuid[] default null
) returns table (
    closer_id uuid, closer_name text, booked_calls bigint, shows bigint, no_shows bigint, show_rate numeric,
    offers bigint, offer_rate numeric, closes bigint, close_rate numeric, cash_collected numeric, net_cash numeric,
    coverage numeric
)
language sql stable parallel safe
begin atomic
    select r.id, r.name, coalesce(b.booked, 0), coalesce(c.shows, 0), coalesce(c.no_shows, 0),
           c.shows / nullif(c.shows + c.no_shows, 0)::numeric,
           coalesce(c.offers, 0), c.offers / nullif(c.shows, 0)::numeric,
           coalesce(c.closes, 0), c.closes / nullif(c.shows, 0)::numeric,
           round(coalesce(k.collected, 0), scale), round(coalesce(k.net, 0), scale),
           (c.shows + c.no_shows) / nullif(c.shows + c.no_shows + c.pending, 0)::numeric
      from app.closers as r
      left join (
        select f.closer_id,
               count(*) filter (where f.call_status = 'completed') as shows,
               count(*) filter (where f.call_status = 'no_show') as no_shows,
               count(*) filter (where f.call_status = 'scheduled' and f.scheduled_end_at <= closer_standings.as_of) as pending,
               count(*) filter (where f.event_outcome in ('showed_offer', 'closed')) as offers,
               count(*) filter (where f.event_outcome = 'closed') as closes
          from app.call_facts(closer_standings.organization_id, closer_standings.closers) as f
         where f.in_rates and f.scheduled_at >= from_instant and f.scheduled_at < until_instant
         group by f.closer_id
      ) as c on c.closer_id = r.id
      left join (
        select f.closer_id, count(*) as booked
          from app.chain_facts(closer_standings.organization_id, closer_standings.closers) as f
         where f.booked_at >= from_instant and f.booked_at < until_instant
         group by f.closer_id
      ) as b on b.closer_id = r.id
      left join (
        select f.closer_id, sum(f.amount) filter (where f.kind = 'payment') as collected, sum(f.amount) as net
          from app.credited_cash_facts(closer_standings.organization_id, 'closer', closer_standings.closers) as f
         where f.moved_at >= from_instant and f.moved_at < until_instant
         group by f.closer_id
      ) as k on k.closer_id = r.id
     where r.organization_id = closer_standings.organization_id
       and (closer_standings.closers is null or r.id = any (closer_standings.closers))
       and (c.closer_id is not null or b.closer_id is not null or k.closer_id is not null
            or r.is_active
               and coalesce(r.active_from < (until_instant at time zone timezone)::date, true)
               and coalesce(r.active_until >= (from_instant at time zone timezone)::date, true));
end;
comment on function app.closer_standings(uuid, timestamptz, timestamptz, timestamptz, text, integer, uuid[]) is
    'What closers achieved in a period, one row each.';
