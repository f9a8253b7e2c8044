-- A data set shaped like reality for benchmarks: few large organizations, many small ones, ten years of calls.
-- Psql-free and triggerless: run as superuser with session_replication_role = replica.
-- Parameters (replaced by the runner): :events rows, :organizations tenants.
insert into auth.users (id, email)
select md5('user' || n || ':' || k)::uuid, format('user%s-%s@bench.example', n, k)
  from generate_series(1, :organizations) as n, generate_series(0, 20) as k;
insert into app.organizations (id, name, slug, timezone)
select md5('organization' || n)::uuid, format('Organization %s', n), format('organization-%s', n),
       (array['America/New_York', 'Europe/Berlin', 'Asia/Tokyo', 'UTC'])[1 + n % 4]
  from generate_series(1, :organizations) as n;
insert into app.organization_members (organization_id, user_id, role)
select md5('organization' || n)::uuid, md5('user' || n || ':' || k)::uuid, case when k = 0 then 'owner' else 'member' end
  from generate_series(1, :organizations) as n, generate_series(0, 20) as k;
insert into app.closers (organization_id, id, profile_id, name, email)
select md5('organization' || n)::uuid, md5('closer' || n || ':' || k)::uuid, md5('user' || n || ':' || k)::uuid,
       format('Closer %s', k), format('user%s-%s@bench.example', n, k)
  from generate_series(1, :organizations) as n, generate_series(1, 15) as k;
insert into app.setters (organization_id, id, profile_id, name, email)
select md5('organization' || n)::uuid, md5('setter' || n || ':' || k)::uuid, md5('user' || n || ':' || (15 + k))::uuid,
       format('Setter %s', k), format('user%s-%s@bench.example', n, 15 + k)
  from generate_series(1, :organizations) as n, generate_series(1, 5) as k;
-- Organization n gets a share proportional to 1 / n; status and outcome by the remainder of the row number.
with shares as (
    select n, (1.0 / n) / sum(1.0 / n) over () as share from generate_series(1, :organizations) as n
), slices as (
    select n, round(coalesce(sum(share) over (order by n rows between unbounded preceding and 1 preceding), 0) * :events)::bigint as lo,
           round(sum(share) over (order by n) * :events)::bigint as hi
      from shares
), rows as (
    select s.n, g, md5('event' || g)::uuid as id,
           timestamptz '2016-01-01 08:00:00Z' + (g::numeric * 2654435761 % 315360000) * interval '1 second' as at,
           (g * 7919 % 100)::integer as luck, 1 + (g * 31 % 15)::integer as closer, 1 + (g * 17 % 5)::integer as setter
      from slices as s, lateral generate_series(s.lo, s.hi - 1) as g
)
insert into app.events (
    organization_id, id, root_event_id, lead_name, lead_email, closer_id, credited_closer_id, closer_name,
    setter_id, credited_setter_id, setter_name, scheduled_at, scheduled_end_at, booked_at,
    call_status, event_outcome, pcf_submitted, canceled_at, canceled_by, calendly_invitee_uuid)
select md5('organization' || n)::uuid, id, id, 'Lead ' || g, format('lead%s@bench.example', g),
       md5('closer' || n || ':' || closer)::uuid, md5('closer' || n || ':' || closer)::uuid, 'Closer ' || closer,
       md5('setter' || n || ':' || setter)::uuid, md5('setter' || n || ':' || setter)::uuid, 'Setter ' || setter,
       at, at + interval '1 hour', at - (g % 20) * interval '1 day',
       case when luck < 15 then 'canceled' when luck < 40 then 'no_show' when luck < 43 then 'scheduled' else 'completed' end,
       case when luck between 15 and 39 then 'no_show' when luck between 43 and 60 then 'showed_no_offer'
            when luck between 61 and 80 then 'showed_offer' when luck > 80 then 'closed' end,
       luck between 15 and 39 or luck >= 43,
       case when luck < 15 then at - interval '1 hour' end, case when luck < 15 then 'invitee' end,
       md5('invitee' || g)
  from rows;
analyze auth.users, app.organizations, app.organization_members, app.closers, app.setters, app.events;
