-- What there is of every day: dials of setters, captured calendars of closers (a week ahead and the night before).
insert into app.setter_activities (organization_id, setter_id, activity_date, provider, dials, connects, talk_seconds)
select t.organization_id, bench.id(5, t.n, k), d::date, 'hubspot', 20 + x.luck, (20 + x.luck) / 4, x.luck * 60
  from bench.tenants as t
 cross join lateral generate_series(1, t.setters) as k
 cross join lateral generate_series(t.first_day, t.first_day + t.days * interval '1 day', '1 day') as d
 cross join lateral (select bench.dice(t.n, k * 100000 + extract(epoch from d)::bigint / 86400, 80, 100) as luck) as x
 where not t.is_loaded and x.luck > 25;
insert into app.capacity_snapshots (organization_id, closer_id, day, captured_at, free_slots, booked_slots)
select t.organization_id, bench.id(4, t.n, k), d::date, (d - ahead * interval '1 day' - interval '2 hours') at time zone t.timezone,
       case ahead when 0 then x.luck % 5 else 4 + x.luck % 5 end, case ahead when 0 then 3 + x.luck % 5 else 1 end
  from bench.tenants as t
 cross join lateral generate_series(1, t.closers) as k
 cross join lateral generate_series(t.first_day, t.first_day + t.days * interval '1 day', '1 day') as d
 cross join (values (0), (7)) as a (ahead)
 cross join lateral (select bench.dice(t.n, k * 100000 + extract(epoch from d)::bigint / 86400, 81, 100) as luck) as x
 where not t.is_loaded and x.luck > 20;
