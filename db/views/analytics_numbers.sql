-- What analysts and BI tools read of days: counts and money that add up to the metrics.

drop view if exists analytics.daily_closer_activity;
create view analytics.daily_closer_activity with (security_invoker = true) as
select
    t.organization_id,
    t.day,
    t.closer_id,
    r.name as closer_name,
    t.booked_calls,
    t.scheduled_calls,
    t.shows,
    t.no_shows,
    t.canceled,
    t.pending,
    t.offers,
    t.closes,
    t.cash_collected,
    t.refunds,
    t.cash_collected - t.refunds as net_cash
  from (
    select p.organization_id, p.day, p.closer_id,
           sum(p.booked_calls)::bigint as booked_calls, sum(p.scheduled_calls)::bigint as scheduled_calls,
           sum(p.shows)::bigint as shows, sum(p.no_shows)::bigint as no_shows, sum(p.canceled)::bigint as canceled,
           sum(p.pending)::bigint as pending, sum(p.offers)::bigint as offers, sum(p.closes)::bigint as closes,
           sum(p.cash_collected) as cash_collected, sum(p.refunds) as refunds
      from (
        select b.organization_id, b.booked_day as day, b.closer_id, 1 as booked_calls, 0 as scheduled_calls, 0 as shows,
               0 as no_shows, 0 as canceled, 0 as pending, 0 as offers, 0 as closes, 0::numeric as cash_collected,
               0::numeric as refunds
          from analytics.bookings as b
        union all
        select e.organization_id, e.scheduled_day, e.credited_closer_id, 0, (e.call_status <> 'rescheduled')::integer,
               (e.counts_in_rates and e.call_status = 'completed')::integer,
               (e.counts_in_rates and e.call_status = 'no_show')::integer,
               (e.counts_in_rates and e.call_status = 'canceled')::integer,
               (e.counts_in_rates and e.is_pending)::integer,
               (e.counts_in_rates and coalesce(e.event_outcome in ('showed_offer', 'closed'), false))::integer,
               (e.counts_in_rates and e.event_outcome is not distinct from 'closed')::integer, 0, 0
          from analytics.events as e
         where e.is_counted
        union all
        select m.organization_id, m.moved_day, m.closer_id, 0, 0, 0, 0, 0, 0, 0, 0,
               case when m.kind = 'payment' then m.amount else 0 end,
               case when m.kind = 'payment' then 0 else -m.amount end
          from analytics.cash_credits as m
         where m.role = 'closer'
      ) as p
     group by p.organization_id, p.day, p.closer_id
  ) as t
  left join app.closers as r on r.organization_id = t.organization_id and r.id = t.closer_id;
grant select on analytics.daily_closer_activity to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.daily_closer_activity is $$One row per local day and closer with anything to count: calls they took and money they are credited with. Unassigned is a row with closer_id NULL, so
that the rows of a day add up to the organization. Divide sums, never average rates: show rate is sum(shows) / sum(shows + no_shows).$$;
comment on column analytics.daily_closer_activity.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.daily_closer_activity.day is 'Local day of the organization.';
comment on column analytics.daily_closer_activity.closer_id is 'Whose row it is; joins closers. NULL: unassigned.';
comment on column analytics.daily_closer_activity.closer_name is 'Their name on the roster today; NULL: unassigned.';
comment on column analytics.daily_closer_activity.booked_calls is 'Bookings made on this day, moved ones once; a count.';
comment on column analytics.daily_closer_activity.scheduled_calls is 'Calls planned for this day and not moved away from it, canceled ones included; a count.';
comment on column analytics.daily_closer_activity.shows is 'Calls of this day that were held, among those that count in rates; a count.';
comment on column analytics.daily_closer_activity.no_shows is 'Calls of this day that the lead missed, among those that count in rates; a count.';
comment on column analytics.daily_closer_activity.canceled is 'Calls of this day that were canceled, among those that count in rates; a count.';
comment on column analytics.daily_closer_activity.pending is 'Calls of this day that are over by now and that nobody has reported on, among those that count in rates; a count.';
comment on column analytics.daily_closer_activity.offers is 'Shows in which an offer was made; a count.';
comment on column analytics.daily_closer_activity.closes is 'Shows that ended closed; a count.';
comment on column analytics.daily_closer_activity.cash_collected is 'Their part of payments of this day, in the organization''s currency.';
comment on column analytics.daily_closer_activity.refunds is 'Their part of refunds and disputes of this day, less won disputes, in the organization''s currency.';
comment on column analytics.daily_closer_activity.net_cash is 'cash_collected less refunds.';

drop view if exists analytics.daily_setter_activity;
create view analytics.daily_setter_activity with (security_invoker = true) as
select
    t.organization_id,
    t.day,
    t.setter_id,
    r.name as setter_name,
    t.booked_calls,
    t.scheduled_calls,
    t.shows,
    t.no_shows,
    t.canceled,
    t.pending,
    t.offers,
    t.closes,
    t.cash_collected,
    t.refunds,
    t.cash_collected - t.refunds as net_cash,
    t.dials,
    t.connects,
    t.talk_seconds
  from (
    select p.organization_id, p.day, p.setter_id,
           sum(p.booked_calls)::bigint as booked_calls, sum(p.scheduled_calls)::bigint as scheduled_calls,
           sum(p.shows)::bigint as shows, sum(p.no_shows)::bigint as no_shows, sum(p.canceled)::bigint as canceled,
           sum(p.pending)::bigint as pending, sum(p.offers)::bigint as offers, sum(p.closes)::bigint as closes,
           sum(p.cash_collected) as cash_collected, sum(p.refunds) as refunds,
           sum(p.dials)::bigint as dials,
           sum(p.connects)::bigint as connects,
           sum(p.talk_seconds)::bigint as talk_seconds
      from (
        select b.organization_id, b.booked_day as day, b.setter_id, 1 as booked_calls, 0 as scheduled_calls, 0 as shows,
               0 as no_shows, 0 as canceled, 0 as pending, 0 as offers, 0 as closes, 0::numeric as cash_collected,
               0::numeric as refunds, 0 as dials, 0 as connects, 0 as talk_seconds
          from analytics.bookings as b
        union all
        select e.organization_id, e.scheduled_day, e.credited_setter_id, 0, (e.call_status <> 'rescheduled')::integer,
               (e.counts_in_rates and e.call_status = 'completed')::integer,
               (e.counts_in_rates and e.call_status = 'no_show')::integer,
               (e.counts_in_rates and e.call_status = 'canceled')::integer,
               (e.counts_in_rates and e.is_pending)::integer,
               (e.counts_in_rates and coalesce(e.event_outcome in ('showed_offer', 'closed'), false))::integer,
               (e.counts_in_rates and e.event_outcome is not distinct from 'closed')::integer, 0, 0, 0, 0, 0
          from analytics.events as e
         where e.is_counted
        union all
        select m.organization_id, m.moved_day, m.setter_id, 0, 0, 0, 0, 0, 0, 0, 0,
               case when m.kind = 'payment' then m.amount else 0 end,
               case when m.kind = 'payment' then 0 else -m.amount end, 0, 0, 0
          from analytics.cash_credits as m
         where m.role = 'setter'
        union all
        select a.organization_id, a.activity_date, a.setter_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a.dials, a.connects, a.talk_seconds
          from app.setter_activities as a
      ) as p
     group by p.organization_id, p.day, p.setter_id
  ) as t
  left join app.setters as r on r.organization_id = t.organization_id and r.id = t.setter_id;
grant select on analytics.daily_setter_activity to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.daily_setter_activity is $$One row per local day and setter with anything to count: calls they booked, money they are credited with, and their work on the telephone. Unassigned is a row with setter_id NULL, so
that the rows of a day add up to the organization. Divide sums, never average rates: show rate is sum(shows) / sum(shows + no_shows).$$;
comment on column analytics.daily_setter_activity.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.daily_setter_activity.day is 'Local day of the organization.';
comment on column analytics.daily_setter_activity.setter_id is 'Whose row it is; joins setters. NULL: unassigned.';
comment on column analytics.daily_setter_activity.setter_name is 'Their name on the roster today; NULL: unassigned.';
comment on column analytics.daily_setter_activity.booked_calls is 'Bookings made on this day, moved ones once; a count.';
comment on column analytics.daily_setter_activity.scheduled_calls is 'Calls planned for this day and not moved away from it, canceled ones included; a count.';
comment on column analytics.daily_setter_activity.shows is 'Calls of this day that were held, among those that count in rates; a count.';
comment on column analytics.daily_setter_activity.no_shows is 'Calls of this day that the lead missed, among those that count in rates; a count.';
comment on column analytics.daily_setter_activity.canceled is 'Calls of this day that were canceled, among those that count in rates; a count.';
comment on column analytics.daily_setter_activity.pending is 'Calls of this day that are over by now and that nobody has reported on, among those that count in rates; a count.';
comment on column analytics.daily_setter_activity.offers is 'Shows in which an offer was made; a count.';
comment on column analytics.daily_setter_activity.closes is 'Shows that ended closed; a count.';
comment on column analytics.daily_setter_activity.cash_collected is 'Their part of payments of this day, in the organization''s currency.';
comment on column analytics.daily_setter_activity.refunds is 'Their part of refunds and disputes of this day, less won disputes, in the organization''s currency.';
comment on column analytics.daily_setter_activity.net_cash is 'cash_collected less refunds.';
comment on column analytics.daily_setter_activity.dials is 'Outbound calls that they started; a count.';
comment on column analytics.daily_setter_activity.connects is 'Of them, those that were answered; a count.';
comment on column analytics.daily_setter_activity.talk_seconds is 'Seconds that they talked.';
