-- What analysts and BI tools read of days: counts and money that add up to the metrics. Of organizations of which somebody sees every
-- row, days come from sums and what changed since (app/sums_by_day.sql); of others they are counted from the rows that are seen.

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
           coalesce(sum(p.booked_calls), 0) as booked_calls, coalesce(sum(p.scheduled_calls), 0) as scheduled_calls,
           coalesce(sum(p.shows), 0) as shows, coalesce(sum(p.no_shows), 0) as no_shows,
           coalesce(sum(p.canceled), 0) as canceled, coalesce(sum(p.pending), 0) as pending,
           coalesce(sum(p.offers), 0) as offers, coalesce(sum(p.closes), 0) as closes,
           coalesce(sum(p.cash_collected), 0) as cash_collected, coalesce(sum(p.refunds), 0) as refunds
      from (
        select s.organization_id, s.starts_on as day, s.member_id as closer_id, s.booked as booked_calls,
               s.every_call - s.rescheduled as scheduled_calls, s.shows, s.no_shows, s.canceled, s.open as pending, s.offers,
               s.closes, s.collected as cash_collected, -s.refunds as refunds
          from app.metric_sums as s
         where s.organization_id = any ((select app.summed_organization_ids())::uuid[])
           and s.dimension = 'closer' and s.span = 'day'
        union all
        select c.organization_id, c.day, c.member_id, c.booked_calls, c.scheduled_calls, c.shows, c.no_shows, c.canceled, c.pending,
               c.offers, c.closes, c.cash_collected, c.refunds
          from app.days_since_summed('closer') as c
        union all
        select b.organization_id, b.booked_day, b.closer_id, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
          from analytics.bookings as b
         where (select cardinality(app.counted_organization_ids()) > 0)
           and b.organization_id = any ((select app.counted_organization_ids())::uuid[])
        union all
        select e.organization_id, e.scheduled_day, e.credited_closer_id, 0, (e.call_status <> 'rescheduled')::integer,
               (e.counts_in_rates and e.call_status = 'completed')::integer,
               (e.counts_in_rates and e.call_status = 'no_show')::integer,
               (e.counts_in_rates and e.call_status = 'canceled')::integer,
               (e.counts_in_rates and e.is_pending)::integer,
               (e.counts_in_rates and coalesce(e.event_outcome in ('showed_offer', 'closed'), false))::integer,
               (e.counts_in_rates and e.event_outcome is not distinct from 'closed')::integer, 0, 0
          from analytics.events as e
         where (select cardinality(app.counted_organization_ids()) > 0) and e.is_counted
           and e.organization_id = any ((select app.counted_organization_ids())::uuid[])
        union all
        select m.organization_id, m.moved_day, m.closer_id, 0, 0, 0, 0, 0, 0, 0, 0,
               case when m.kind = 'payment' then m.amount else 0 end,
               case when m.kind = 'payment' then 0 else -m.amount end
          from analytics.cash_credits as m
         where (select cardinality(app.counted_organization_ids()) > 0) and m.role = 'closer'
           and m.organization_id = any ((select app.counted_organization_ids())::uuid[])
      ) as p
     group by p.organization_id, p.day, p.closer_id
  ) as t
  left join app.closers as r on r.organization_id = t.organization_id and r.id = t.closer_id
 where (t.booked_calls, t.scheduled_calls, t.shows, t.no_shows, t.canceled, t.pending, t.offers, t.closes, t.cash_collected,
        t.refunds) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
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
comment on column analytics.daily_closer_activity.net_cash is 'cash_collected less refunds, in the organization''s currency.';

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
           coalesce(sum(p.booked_calls), 0) as booked_calls, coalesce(sum(p.scheduled_calls), 0) as scheduled_calls,
           coalesce(sum(p.shows), 0) as shows, coalesce(sum(p.no_shows), 0) as no_shows,
           coalesce(sum(p.canceled), 0) as canceled, coalesce(sum(p.pending), 0) as pending,
           coalesce(sum(p.offers), 0) as offers, coalesce(sum(p.closes), 0) as closes,
           coalesce(sum(p.cash_collected), 0) as cash_collected, coalesce(sum(p.refunds), 0) as refunds,
           sum(p.dials) as dials, sum(p.connects) as connects, sum(p.talk_seconds) as talk_seconds
      from (
        select s.organization_id, s.starts_on as day, s.member_id as setter_id, s.booked as booked_calls,
               s.every_call - s.rescheduled as scheduled_calls, s.shows, s.no_shows, s.canceled, s.open as pending, s.offers,
               s.closes, s.collected as cash_collected, -s.refunds as refunds, 0 as dials, 0 as connects, 0 as talk_seconds
          from app.metric_sums as s
         where s.organization_id = any ((select app.summed_organization_ids())::uuid[])
           and s.dimension = 'setter' and s.span = 'day'
        union all
        select c.organization_id, c.day, c.member_id, c.booked_calls, c.scheduled_calls, c.shows, c.no_shows, c.canceled, c.pending,
               c.offers, c.closes, c.cash_collected, c.refunds, 0, 0, 0
          from app.days_since_summed('setter') as c
        union all
        select b.organization_id, b.booked_day, b.setter_id, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          from analytics.bookings as b
         where (select cardinality(app.counted_organization_ids()) > 0)
           and b.organization_id = any ((select app.counted_organization_ids())::uuid[])
        union all
        select e.organization_id, e.scheduled_day, e.credited_setter_id, 0, (e.call_status <> 'rescheduled')::integer,
               (e.counts_in_rates and e.call_status = 'completed')::integer,
               (e.counts_in_rates and e.call_status = 'no_show')::integer,
               (e.counts_in_rates and e.call_status = 'canceled')::integer,
               (e.counts_in_rates and e.is_pending)::integer,
               (e.counts_in_rates and coalesce(e.event_outcome in ('showed_offer', 'closed'), false))::integer,
               (e.counts_in_rates and e.event_outcome is not distinct from 'closed')::integer, 0, 0, 0, 0, 0
          from analytics.events as e
         where (select cardinality(app.counted_organization_ids()) > 0) and e.is_counted
           and e.organization_id = any ((select app.counted_organization_ids())::uuid[])
        union all
        select m.organization_id, m.moved_day, m.setter_id, 0, 0, 0, 0, 0, 0, 0, 0,
               case when m.kind = 'payment' then m.amount else 0 end,
               case when m.kind = 'payment' then 0 else -m.amount end, 0, 0, 0
          from analytics.cash_credits as m
         where (select cardinality(app.counted_organization_ids()) > 0) and m.role = 'setter'
           and m.organization_id = any ((select app.counted_organization_ids())::uuid[])
        union all
        select a.organization_id, a.activity_date, a.setter_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a.dials, a.connects, a.talk_seconds
          from app.setter_activities as a
      ) as p
     group by p.organization_id, p.day, p.setter_id
  ) as t
  left join app.setters as r on r.organization_id = t.organization_id and r.id = t.setter_id
 where (t.booked_calls, t.scheduled_calls, t.shows, t.no_shows, t.canceled, t.pending, t.offers, t.closes, t.cash_collected,
        t.refunds, t.dials, t.connects, t.talk_seconds) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
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
comment on column analytics.daily_setter_activity.net_cash is 'cash_collected less refunds, in the organization''s currency.';
comment on column analytics.daily_setter_activity.dials is 'Outbound calls that they started; a count.';
comment on column analytics.daily_setter_activity.connects is 'Of them, those that were answered; a count.';
comment on column analytics.daily_setter_activity.talk_seconds is 'Seconds that they talked.';
